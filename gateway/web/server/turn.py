"""One request and its response on a connection: the two callables that the ASGI application is given."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from gateway.web.server.limits import Headers
from gateway.web.server.response import Framing, open_response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Callback = Callable[[], None]

DEPARTURE = "fleetgate.departure"

log = logging.getLogger("fleetgate.server")


class Line(Protocol):
    """What a turn needs of its connection."""

    deaf: bool
    write_paused: bool
    write: Callable[[bytes], None]

    async def drain(self) -> None: ...

    def default_lines(self) -> bytes: ...

    def body_taken(self) -> None:
        """The application has taken what was buffered of the body."""
        ...

    def body_wanted(self) -> None:
        """The application waits for a body that the client holds back until it is asked to go on."""
        ...

    def turn_answered(self, turn: "Turn") -> None:
        """The response is complete."""
        ...

    def turn_failed(self, turn: "Turn") -> None:
        """The application is done, the response is not."""
        ...

    def task_ended(self, task: "asyncio.Task[None] | None") -> None: ...


class Turn:
    """One request and its response.

    The response:  (none) --start--> held --first body--> head written --last body--> answered
    A start is held until the first body, so that a plain reply is one write. `begun`: bytes of it have been written.
    """

    __slots__ = (
        "_event",
        "_framing",
        "_line",
        "_scope",
        "_start",
        "_taken_whole",
        "_watcher",
        "answered",
        "awaits_continue",
        "head_only",
        "held",
        "keep_alive",
        "left",
        "modern",
        "path",
        "task",
        "whole",
    )

    def __init__(
        self, line: Line, path: str, scope: dict[str, Any], *, modern: bool, keep_alive: bool, awaits_continue: bool
    ) -> None:
        self._line = line
        self._scope: dict[str, Any] | None = scope
        self.path = path
        self.modern = modern
        self.head_only = scope["method"] == "HEAD"
        self.keep_alive = keep_alive
        self.awaits_continue = awaits_continue
        self.held: bytes | bytearray = b""
        self.whole = False
        self.left = False
        self.answered = False
        self.task: asyncio.Task[None] | None = None
        self._taken_whole = False
        self._event: asyncio.Event | None = None
        self._watcher: Callback | None = None
        self._start: tuple[int, Headers] | None = None
        self._framing: Framing | None = None

    @property
    def begun(self) -> bool:
        """Part of the response is on its way."""
        return self._framing is not None

    @property
    def unframed(self) -> bool:
        """The end of the connection is the end of the response, as far as the client can tell."""
        framing = self._framing
        return framing is not None and not (framing.chunked or framing.bodiless) and framing.due is None

    # ---------------------------------------------------------------- what the connection tells

    def body_arrived(self, part: bytes) -> None:
        """Buffers a part of the request's body."""
        self.awaits_continue = False
        held = self.held
        if not held:
            self.held = part
        elif isinstance(held, bytearray):
            held += part
        else:
            self.held = bytearray(held)
            self.held += part
        if self._event is not None:
            self._event.set()

    def body_ended(self) -> None:
        """The request is complete."""
        self.whole = True
        if self._event is not None:
            self._event.set()

    def depart(self) -> None:
        """The client is gone, or is not to hear from the application: whoever watches is called at once."""
        if self.left or self.answered:
            return
        self.left = True
        self.held = b""
        if self._event is not None:
            self._event.set()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher()

    # ---------------------------------------------------------------- what the application does

    async def run(self, application: Application) -> None:
        """Calls the application, and ends the turn whichever way it ended."""
        try:
            await application(self._take_scope(), self.receive, self.send)
        # Whatever the application failed with, its caller is owed an answer: there is nobody above us to give it.
        except Exception:
            log.exception("the application failed on %r", self.path)
        else:
            if not self.answered and not self.left:
                self._tell_unfinished()
        finally:
            task, self.task = self.task, None
            self._line.task_ended(task)
            if not self.answered and not self.left:
                self.left, self._watcher = True, None
                self._line.turn_failed(self)

    def _tell_unfinished(self) -> None:
        """Half an answer without an end is how the application says that it is not whole; none at all is a defect."""
        if self.begun:
            log.info("response_cut", extra={"fields": {"path": self.path}})
        else:
            log.error("the application returned without completing its response on %r", self.path)

    def _take_scope(self) -> dict[str, Any]:
        scope, self._scope = self._scope, None
        assert scope is not None
        return scope

    def watch(self, callback: Callback | None) -> None:
        """Registers what to call, at once, when the client leaves before the response is complete; None: nothing."""
        if self.left and callback is not None:
            callback()
        elif not self.answered:
            self._watcher = callback

    async def receive(self) -> Message:
        """The next part of the body; after the last one it waits for `http.disconnect`."""
        while True:
            if self.left or self.answered:
                return {"type": "http.disconnect"}
            if self.held or (self.whole and not self._taken_whole):
                return self._take()
            if self.awaits_continue:
                self.awaits_continue = False
                self._line.body_wanted()
            if self._event is None:
                self._event = asyncio.Event()
            self._event.clear()
            await self._event.wait()

    def _take(self) -> Message:
        body = self.held if isinstance(self.held, bytes) else bytes(self.held)
        self.held = b""
        self._taken_whole = self.whole
        self._line.body_taken()  # also of a whole body: reading may be paused, and a client that leaves would go unseen
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    async def send(self, message: Message) -> None:
        """Takes the parts of the response; once the client has left it does nothing, as ASGI 2.3 has it.

        Raises RuntimeError for what ASGI does not allow.
        """
        if self._line.write_paused:
            await self._line.drain()
        if self.left:
            return
        kind = message["type"]
        if kind == "http.response.body":
            self._body(message.get("body", b""), more=message.get("more_body", False))
        elif kind != "http.response.start":
            raise RuntimeError(f"Expected 'http.response.start' or 'http.response.body', not {kind!r}.")
        elif self._start is not None or self._framing is not None:
            raise RuntimeError("'http.response.start' was sent twice.")
        else:
            self._start = message["status"], list(message.get("headers", ()))

    def _body(self, body: bytes, *, more: bool) -> None:
        if self.answered:
            raise RuntimeError("'http.response.body' was sent after the response was complete.")
        framing = self._framing
        data = self._open(body, more=more) if framing is None else framing.frame(body, more=more)
        if data:
            self._line.write(data)
        if not more:
            self.answered = True
            self.held = b""
            self._watcher = None
            if self._event is not None:
                self._event.set()
            self._line.turn_answered(self)

    def _open(self, body: bytes, *, more: bool) -> bytes:
        """The head, and the first part of the body behind it."""
        if self._start is None:
            raise RuntimeError("'http.response.body' was sent before 'http.response.start'.")
        status, headers = self._start
        head, framing = open_response(
            status,
            headers,
            self._line.default_lines(),
            None if more else len(body),
            modern=self.modern,
            head_only=self.head_only,
            # A reply that overtakes its request ends the connection: the rest of the body may never come.
            keep_alive=self.keep_alive and self.whole,
        )
        data = head + framing.frame(body, more=more)
        self._start, self._framing, self.keep_alive = None, framing, framing.keep_alive
        self.awaits_continue = False
        return data
