"""What all connections of one server share."""

import asyncio
from typing import Any, Protocol

from gateway.providers.transport.outbox import Outbox
from gateway.web.server.limits import Headers, Refuse, ServerLimits
from gateway.web.server.response import render_lines
from gateway.web.server.sweeper import Sweeper
from gateway.web.server.turn import Application


class ServerState(Protocol):
    """What uvicorn keeps of a server, and looks at to drain it."""

    total_requests: int
    connections: set[Any]
    tasks: set[asyncio.Task[None]]
    default_headers: Headers


class ServerConfig(Protocol):
    """What is read of uvicorn's configuration."""

    loaded: bool
    loaded_app: Any
    root_path: str

    def load(self) -> None: ...


class Site:
    """The application, the limits and the shared state behind every connection of one server."""

    __slots__ = (
        "_lines",
        "_rendered",
        "app_state",
        "application",
        "limits",
        "outbox",
        "refuse",
        "root_path",
        "state",
        "sweeper",
    )

    def __init__(
        self,
        config: ServerConfig,
        state: ServerState,
        app_state: dict[str, Any],
        limits: ServerLimits,
        refuse: Refuse,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        if not config.loaded:
            config.load()
        self.application: Application = config.loaded_app
        self.root_path = config.root_path
        self.state = state
        self.app_state = app_state
        self.limits = limits
        self.refuse = refuse
        self.outbox = Outbox(loop)
        self.sweeper = Sweeper(limits.shortest_s())
        self._rendered: Headers | None = None
        self._lines = b""

    def default_lines(self) -> bytes:
        """The server's own header lines (`date`); uvicorn puts a new list there once a second."""
        headers = self.state.default_headers
        if headers is not self._rendered:
            self._rendered, self._lines = headers, render_lines(headers)
        return self._lines
