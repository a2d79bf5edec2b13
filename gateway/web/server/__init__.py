"""The server side of HTTP/1.1, under uvicorn: bounds what a client may send, and turns requests into ASGI calls."""

import asyncio
from typing import Any

from gateway.web.server.connection import Connection
from gateway.web.server.limits import Refuse, ServerLimits
from gateway.web.server.site import ServerConfig, ServerState, Site
from gateway.web.server.turn import DEPARTURE

__all__ = ["DEPARTURE", "ProtocolFactory", "Refuse", "ServerLimits", "protocol_factory"]


class ProtocolFactory:
    """Makes a connection's protocol; what the connections of a server share is made with the first."""

    def __init__(self, limits: ServerLimits, refuse: Refuse) -> None:
        self._limits = limits
        self._refuse = refuse
        self._site: Site | None = None

    def __call__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Protocol:
        loop = _loop or asyncio.get_running_loop()
        site = self._site
        if site is None or site.state is not server_state:
            site = self._site = Site(config, server_state, app_state, self._limits, self._refuse, loop)
        return Connection(site, loop)


def protocol_factory(limits: ServerLimits, refuse: Refuse) -> ProtocolFactory:
    """What `uvicorn.Config(http=...)` takes. `refuse` words the errors that are met before the application is called."""
    return ProtocolFactory(limits, refuse)
