"""The process that listens: uvicorn's life cycle, with an end that lets the calls in flight finish and settle."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

import uvicorn
import uvloop

from gateway.pipeline import Inflight
from gateway.telemetry.tasks import Tasks

log = logging.getLogger("fleetgate.serving")

STOPS = (signal.SIGINT, signal.SIGTERM)

PARTING_S = 2.0
"""How long a client may take to read its last bytes once its call has been ended; then its connection is cut."""

POLL_S = 0.1


class GatewayServer(uvicorn.Server):
    """Stops in order: no new connections, calls in flight get `drain_s`, then an error in their dialect, then it ends.

    A second signal ends them at once. `ready` is told the port once the sockets listen.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        inflight: Inflight,
        tasks: Tasks,
        drain_s: Callable[[], float],
        ready: Callable[[int], None],
    ) -> None:
        super().__init__(config)
        self._inflight = inflight
        self._tasks = tasks
        self._drain_s = drain_s
        self._ready = ready
        self._hurried = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if calls := len(self._inflight):
            log.warning("stopping: waiting for calls in flight; Ctrl-C again ends them now", extra={"fields": {"calls": calls}})
        self._tasks.spawn(self._drain(), "drain")
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        """Ends what has not ended by itself, first the calls, then the connections of clients that do not read."""
        until = self._loop.time() + self._drain_s()
        while self.server_state.connections and self._loop.time() < until and not self._hurried.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._hurried.wait()
        self._inflight.stop_all()
        await asyncio.sleep(PARTING_S)
        connections: list[Any] = list(self.server_state.connections)
        for connection in connections:
            connection.cut()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # whichever it was, and wherever
        if self.should_exit:
            self._loop.call_soon_threadsafe(self._hurried.set)
        self._inflight.stopping = True
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that has been obeyed is not raised once more at the end."""
        before = {number: signal.signal(number, self.handle_exit) for number in STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(work: Coroutine[Any, Any, int]) -> int:
    """Runs `work` on uvloop to its end. A signal that comes before it serves ends it as it would any program."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def config_for(app: Any, protocol: Any, host: str, port: int) -> uvicorn.Config:
    """uvicorn's settings: our protocol, no access log, no limit of its own on the end (the drain bound is ours)."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        interface="asgi3",
        ws="none",
        loop="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
    )
