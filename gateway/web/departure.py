"""Notices that a client leaves, while its call is under way.

The gateway's own server protocol tells at once, without a task (`fleetgate.departure` in the scope's extensions). Under
any other ASGI server a task waits for `http.disconnect` beside the call, once the body has been read.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope

from gateway.telemetry.tasks import Tasks

EXTENSION = "fleetgate.departure"


class Departure:
    """The watch over one client; `over` ends it."""

    __slots__ = ("_left", "_receive", "_task", "_tasks", "_watch")

    def __init__(self, scope: Scope, receive: Receive, left: Callable[[], None], tasks: Tasks) -> None:
        self._watch: Callable[[Callable[[], None] | None], None] | None = scope.get("extensions", {}).get(EXTENSION)
        self._receive = receive
        self._left: Callable[[], None] | None = left
        self._tasks = tasks
        self._task: asyncio.Task[Any] | None = None
        if self._watch is not None:
            self._watch(left)

    def body_read(self) -> None:
        """From now on nobody else calls `receive`."""
        if self._watch is None:
            self._task = self._tasks.spawn(self._wait(), "departure")

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.noticed()

    def noticed(self) -> None:
        """The client has left, as somebody saw who was receiving."""
        if self._left is not None:
            self._left()

    def over(self) -> None:
        """The call has ended: leaving is no news any more. Lets go of the call, so that no cycle keeps it alive."""
        self._left = None
        if self._watch is not None:
            self._watch(None)
        if self._task is not None:
            self._task.cancel()
