"""The composition root: opens what the snapshot names, builds the pipeline, mounts the routes, keeps the house running."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import MappingProxyType

from starlette.applications import Starlette

from gateway.config.inputs import Inputs
from gateway.config.live import Live, Reload
from gateway.config.load import Examined, Loaded
from gateway.core.clock import Clock, SystemClock
from gateway.core.snapshot import Snapshot
from gateway.pipeline import Inflight, Pipeline
from gateway.providers.open import open_upstream
from gateway.routing.health import Health
from gateway.stages import order, passage_order
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tasks import Tasks
from gateway.web.admin.targets import admin_routes
from gateway.web.conversation import House
from gateway.web.health import health_routes
from gateway.web.models import model_routes
from gateway.web.passage import passage_routes
from gateway.web.routes import Routes, routes
from gateway.web.schemas import schema_routes


class Application:
    """One process of the gateway. `asgi` answers requests once `start` has put the configuration in force."""

    def __init__(self, inputs: Inputs, *, follow_files: bool = True) -> None:
        self.tasks = Tasks()
        self.inflight = Inflight()
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self.live = Live(inputs, self._prepare, self._retire, self._reloaded)
        self._follow_files = follow_files
        self._clock: Clock = SystemClock()
        self._started = False
        self.metrics.gauge("fleetgate_in_flight", lambda: len(self.inflight))
        self.metrics.gauges("fleetgate_target_state", lambda: self.health.states(self._clock.now_s()))
        self.asgi = self._routes()

    async def start(self, examined: Examined | None = None) -> Loaded:
        """Puts the first configuration in force. Raises `ConfigRefused`."""
        return await self.live.start(examined)

    def _reloaded(self, reload: Reload) -> None:
        self.metrics.counter("fleetgate_config_reloads_total").at(reload.change.value).add()

    def _current(self) -> Snapshot:
        return self.live.current

    def _routes(self) -> Routes:
        pipeline = Pipeline(order(self.metrics, self.inflight, self._clock, self.health, self.tasks), self.tasks)
        house = House(pipeline, self.inflight, self._current, self._clock, self.tasks)
        admin = admin_routes(self._current, self.health, self._clock)
        health = health_routes(self.inflight, lambda: self._started, self.metrics)
        forwarding = Pipeline(passage_order(self.metrics, self.inflight, self._clock, self.health), self.tasks)
        passages = passage_routes(dataclasses.replace(house, pipeline=forwarding))
        cold = [*health, *model_routes(self._current), *schema_routes(), *admin, *passages]
        return routes(house, cold, self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.tasks.spawn(self._pulse(), "pulse")
        if self._follow_files:
            self.tasks.spawn(self.live.watch(), "watch the configuration")
        self._started = True
        try:
            yield
        finally:
            await self.inflight.drain(0)
            await self.tasks.aclose()
            for upstream in self._current().upstreams.values():
                await upstream.aclose()

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._current().bounds.heartbeat_s / 4))
            self.inflight.pulse(self._clock.now_s())

    @staticmethod
    async def _prepare(new: Snapshot, old: Snapshot | None) -> Snapshot:
        """Opens the providers of `new`; one that has not changed keeps its connections. In a thread: CA files are read."""

        def opened() -> Snapshot:
            upstreams = {
                name: old.upstreams[name] if old is not None and old.providers.get(name) == spec else open_upstream(spec)
                for name, spec in new.providers.items()
            }
            return dataclasses.replace(new, upstreams=MappingProxyType(upstreams))

        return await asyncio.to_thread(opened)

    def _retire(self, old: Snapshot, new: Snapshot) -> None:
        """Lets go of the providers that only `old` used; calls that have pinned it go on."""
        renewed = {name for name, spec in new.providers.items() if old.providers.get(name) != spec}
        self.health.keep({target.label for target in new.catalog.targets()}, renewed)
        kept = {id(upstream) for upstream in new.upstreams.values()}
        for upstream in old.upstreams.values():
            if id(upstream) not in kept:
                upstream.retire()
