"""The process that listens: uvicorn's life cycle, with an end that lets the calls in flight finish and settle."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import uvicorn
import uvloop

from gateway.pipeline import Inflight
from gateway.telemetry.tasks import Tasks

log = logging.getLogger("fleetgate.serving")


class GatewayServer(uvicorn.Server):
    """Stops in order: no new connections, calls in flight get `drain_s`, then an error in their dialect, then it ends.

    A second Ctrl-C ends them at once. `ready` is told the port once the sockets listen.
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if count := len(self._inflight):
            log.warning("stopping: waiting for calls in flight; Ctrl-C again ends them now", extra={"fields": {"calls": count}})
        self._tasks.spawn(self._inflight.drain(self._drain_s()), "drain")
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self._inflight.stop_all()  # uvicorn goes on waiting for them; they are quick now
            return
        super().handle_exit(sig, frame)


def run(work: Coroutine[Any, Any, int]) -> int:
    """Runs `work` on uvloop to its end.

    uvicorn raises the signal that stopped it once more when it is done; by then there is nothing left to stop.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        # The runner's own handler of Ctrl-C would cancel the work in the middle; uvicorn's ends it in order.
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
