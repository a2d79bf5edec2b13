"""The endpoints of what is no chat: files, batches, images, sound and the like, which pass to the provider that owns them.

body      JSON and forms are read, for the model and the ids in them; a file passes block by block, as it is taken
answer    status, type and bytes of the provider; one that breaks off takes the connection with it, for it is not whole
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from operator import le
from typing import Any, Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.core import forms
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import GatewayError, InvalidJson, InvalidValue, TooManyFields, UpstreamBroken
from gateway.core.exchange import Ending, Exchange
from gateway.core.jsonscan import at_most, census
from gateway.core.passage import WAYS, Delivery, Way
from gateway.core.snapshot import Snapshot
from gateway.dialects.lenient import loads
from gateway.web.body import LARGE, LIMITS, check_media_type, receive_body
from gateway.web.conversation import House, Talk, joined
from gateway.web.departure import Departure
from gateway.web.errors import Header, new_id
from gateway.web.writer import Carry, Writer

_BLANK_LINES: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_UNBUFFERED: Final[Sequence[Header]] = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


def passage_routes(house: House) -> list[Route]:
    """One route a path. `house` has the pipeline of passages."""
    by_path: dict[str, dict[str, Way]] = {}
    for way in WAYS:
        by_path.setdefault(way.path, {})[way.method] = way
    routes = [Route(f"/v1{path}", Passages(ways, house), methods=list(ways)) for path, ways in by_path.items()]
    for route in routes:
        (route.methods or set()).discard("HEAD")  # which would fetch whole files for nothing
    return routes


class Passages:
    """The endpoint of one path."""

    def __init__(self, ways: Mapping[str, Way], house: House) -> None:
        self._ways = ways
        self._house = house

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return Passing(self._ways[scope["method"]], self._house, scope, receive, send).run()


class Incoming:
    """What the client sends: a `Passage`, and the `Source` of its request."""

    def __init__(self, way: Way, scope: Scope, receive: Receive, departure: Departure, headers: Mapping[bytes, bytes]) -> None:
        self.way = way
        self.ids: Mapping[str, str] = dict(scope["path_params"])
        length = headers.get(b"content-length")
        self.length = None if b"transfer-encoding" in headers else int(length or b"0")
        self._query = scope["query_string"].decode("latin-1")
        self._receive = receive
        self._departure = departure
        self._headers = headers

    async def request(self, snapshot: Snapshot) -> ModelRequest:
        """See `Source`. Of a file there is nothing to read."""
        if self.way.unread:
            return self._told(b"", {}, "")
        body = await receive_body(self._receive, self._headers, snapshot.bounds.body_bytes)
        if body is None:
            raise await self._left()
        self._departure.body_read()
        if not body or self.way.method == "GET":
            return self._told(b"", {}, "")
        read = self._form if self._headers.get(b"content-type", b"").lower().startswith(b"multipart/") else self._json
        return await asyncio.to_thread(read, body) if len(body) > LARGE else read(body)

    def _json(self, body: bytes) -> ModelRequest:
        check_media_type(self._headers)
        if not all(map(le, at_most(body), LIMITS)) and not all(map(le, census(body), LIMITS)):
            raise TooManyFields("The body holds more than any real request.")
        try:
            fields = loads(body)
        except ValueError as error:
            raise InvalidJson(f"The body is not valid JSON: {error}.") from error
        if not isinstance(fields, dict):
            raise InvalidJson("The body must be a JSON object.")
        model = fields.get("model")
        if not isinstance(model, str | None):
            raise InvalidValue("The field 'model' must be a string.", param="model")
        return self._told(body, fields, model or "")

    def _form(self, body: bytes) -> ModelRequest:
        known = forms.fields(body, self._headers.get(b"content-type", b""))
        return self._told(body, {}, forms.value(body, known, "model") or "")

    def _told(self, body: bytes, fields: Mapping[str, Any], model: str) -> ModelRequest:
        return ModelRequest(Operation.PASSAGE, body, fields, False, model, False, False, self._query)

    async def blocks(self) -> AsyncIterator[bytes]:
        """See `Passage`."""
        while (event := await self._receive())["type"] == "http.request":
            if body := event.get("body", b""):
                yield body
            if not event.get("more_body", False):
                self._departure.body_read()
                return
        raise await self._left()

    async def _left(self) -> UpstreamBroken:
        """The client has left; the call is interrupted before anybody hears of this error."""
        self._departure.noticed()
        await asyncio.sleep(0)
        return UpstreamBroken("The client left in the middle of its request.")


class Passing(Talk):
    """One call between a client and the pipeline of passages."""

    __slots__ = ("_reply_writer",)

    def __init__(self, way: Way, house: House, scope: Scope, receive: Receive, send: Send) -> None:
        self._house = house
        self._stopped_by: Ending | None = None
        self._task: asyncio.Task[Any] | None = None
        self._departure = departure = Departure(scope, receive, self._leave, house.tasks)
        headers = joined(scope["headers"])
        incoming = Incoming(way, scope, receive, departure, headers)
        self._exchange = exchange = Exchange(
            new_id(), Operation.PASSAGE, headers, incoming, house.current(), house.clock.now_s()
        )
        exchange.passage = incoming
        self._journey = house.pipeline.journey(exchange)
        self._writer = self._reply_writer = PassageWriter(exchange, send, house.clock, house.tasks)

    async def _converse(self) -> None:
        try:
            await self._journey.enter()
            reply = self._exchange.reply
            assert isinstance(reply, Delivery)  # the last stage has set it
            self._exchange.lighten()
            await self._reply_writer.deliver(reply, self._journey.carry)
        except GatewayError as error:
            self._exchange.end(Ending.FAILED, error)  # unless the journey has said more
            await self._writer.fail(error)
        else:
            self._exchange.end(Ending.COMPLETE)

    def pulse(self, now_s: float) -> None:
        """Nothing is ever put into an answer that only passes."""


class PassageWriter(Writer):
    """Writes an answer under its own status and headers."""

    __slots__ = ("_end", "_events")

    async def deliver(self, reply: Delivery, carry: Carry) -> None:
        """The head at once where events follow, else with the first block, before which a failure is still a status."""
        self._events = reply.streaming and reply.media_type is None
        self._end = b""
        chunk = None
        if not self._events:
            chunk = await carry()
        await self._begin(reply.status, [*reply.headers, *(_UNBUFFERED if self._events else ())])
        await self._block(b"" if chunk is None else chunk.data)
        while (chunk := await carry()) is not None:
            await self._block(chunk.data)
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, error: GatewayError) -> None:
        """An envelope, or the event of a stream between two events; of anything else that has begun the end is left out."""
        if not self._started or (self._events and (not self._end or self._end.endswith(_BLANK_LINES))):
            await super().fail(error)

    async def _block(self, data: bytes) -> None:
        if self._events:
            self._end = (self._end + data[-4:])[-4:]
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
