"""An upstream over a transport: sends what the wire writes, and hands back what the wire makes of the answer.

head      a status that is no success is the wire's fault; its body is read, within bounds
plain     the whole body, one chunk
stream    read until there is content, so that what fails before it is a status and can be tried elsewhere
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import Operation
from gateway.core.clock import Clock, SystemClock
from gateway.core.errors import (
    UnsupportedOperation,
    UnsupportedParameter,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamFault,
    UpstreamTimeout,
)
from gateway.core.passage import Delivery, Parcel
from gateway.core.transcript import Chunk, PlainTranscript, Transcript
from gateway.core.upstream import Ask, Reply
from gateway.dialects.table import TRANSLATIONS
from gateway.providers import passing
from gateway.providers.aside import LARGE, aside
from gateway.providers.images.inlining import Inliner
from gateway.providers.images.needs import needs_bytes
from gateway.providers.intake import ANSWER_LIMIT
from gateway.providers.keys import Keys
from gateway.providers.passed import received
from gateway.providers.translated import TranslatedReply
from gateway.providers.transport.contract import Head, Header, Incoming, Outgoing, Transport
from gateway.providers.wire import Normaliser, Wire

ERROR_LIMIT: Final = 256 * 1024
"""Bytes of an error that are read."""
WITHHELD_LIMIT: Final = 64 * 1024
"""Bytes that a stream may send before its content; past it the reply begins without."""
EPILOGUE_S: Final = 2.0
"""How long the usage or the end of a stream may take when its answer is whole."""
PARTING_S: Final = 0.5
"""How long the end of the body may take after the end of the stream, for the connection to be used again."""

_CLOCK: Final = SystemClock()


class Remote:
    """A provider that is reached through a transport."""

    def __init__(self, spec: ProviderSpec, wire: Wire, transport: Transport, clock: Clock = _CLOCK) -> None:
        self._spec = spec
        self._wire = wire
        self._transport = transport
        self._clock = clock
        self._keys = Keys(spec, clock)
        self._signer = wire.signer(spec) if wire.signer is not None else None
        self._images = Inliner() if spec.fetches_images and needs_bytes(spec) else None
        self._simple = self._signer is None and self._images is None

    async def call(self, ask: Ask) -> Reply:
        """See `Upstream`."""
        spec, wire, request = self._spec, self._wire, ask.request
        operation = request.operation
        if operation is not Operation.CHAT and operation not in wire.speaks(spec, ask.target.named(request.model)):
            return await self._translated(ask)
        key = self._keys.next()
        if self._simple and len(request.body) <= LARGE:
            outgoing = wire.write(request, ask.target, spec, key, ask.headers)
        else:
            ask, outgoing = await self._prepared(ask, key)
        refuse_dropped(ask.target, outgoing.dropped)
        timeouts = ask.timeouts or spec.timeouts
        incoming = await self._transport.send(outgoing, timeouts)
        try:
            if not 200 <= incoming.status < 300:
                raise await self._refused(incoming)
            _check_media_type(incoming.headers)
            if request.stream and operation.streams:
                reply = StreamReply(incoming, wire.stream(ask, self._clock.wall_s()), outgoing.dropped)
                await reply.begin(timeouts)
                return reply
            answer = ask, await incoming.whole(ANSWER_LIMIT), self._clock.wall_s()
            chunk = wire.read(*answer) if len(answer[1]) <= LARGE else await asyncio.to_thread(wire.read, *answer)
            return PlainReply(chunk, outgoing.dropped)
        except UpstreamCredentials:
            incoming.close()
            if key is None or not self._keys.reject(key):
                raise
        except BaseException:
            incoming.close()
            raise
        return await self.call(ask)  # with another key

    async def _prepared(self, ask: Ask, key: str | None) -> tuple[Ask, Outgoing]:
        """What is to be asked and sent, where that takes more than writing it down: images, a thread, a signature."""
        size = len(ask.request.body)
        if self._images is not None:
            inlined = await self._images.inlined(ask, self._spec.timeouts)
            size = size if inlined is ask else LARGE + 1
            ask = inlined
        asked = ask.request, ask.target, self._spec, key, ask.headers
        outgoing = await aside(size, self._wire.write, *asked)
        if self._signer is not None:
            refuse_dropped(ask.target, outgoing.dropped)
            outgoing = await self._signer.sign(outgoing)
        return ask, outgoing

    async def _translated(self, ask: Ask) -> Reply:
        """Asks for a chat in place of what the wire does not speak, and answers in the caller's dialect."""
        translation = TRANSLATIONS.get(ask.request.operation)
        if translation is None:
            raise UnsupportedOperation(
                f"{ask.target.provider!r} has no {ask.request.operation.label!r}, and it cannot be translated for it.",
                param="model",
            )
        chat, dropped = await aside(len(ask.request.body), translation.into_chat, ask.request)
        refuse_dropped(ask.target, dropped)
        now_s = self._clock.now_s
        began_s = now_s()
        reply = await self.call(ask._replace(request=chat))
        return TranslatedReply(reply, translation, ask.request, dropped, lambda: now_s() - began_s)

    async def deliver(self, parcel: Parcel) -> Delivery:
        """See `Courier`."""
        spec, key = self._spec, self._keys.next()
        incoming = await self._transport.send(passing.write(parcel, spec, key), passing.patience(parcel, spec))
        try:
            if 200 <= incoming.status < 300:
                return await received(parcel, incoming, spec.name)
            raise passing.told(await self._refused(incoming), parcel)
        except UpstreamCredentials:
            incoming.close()
            if key is None or not self._keys.reject(key) or parcel.blocks is not None:
                raise
        except BaseException:
            incoming.close()
            raise
        return await self.deliver(parcel)  # with another key

    def retire(self) -> None:
        """See `Upstream`."""
        self._transport.retire()

    async def aclose(self) -> None:
        """See `Upstream`."""
        await self._transport.aclose()

    async def _refused(self, incoming: Incoming) -> UpstreamFault:
        try:
            body = await incoming.whole(ERROR_LIMIT)
        except UpstreamFault:
            body = b""  # the status alone says enough
        return self._wire.fault(self._spec, incoming.status, incoming.headers, body, self._clock.wall_s())


def refuse_dropped(target: Target, dropped: Sequence[str]) -> None:
    """Raises `UnsupportedParameter` where the target is configured to refuse rather than to leave something out."""
    if dropped and target.strict:
        raise UnsupportedParameter(
            f"{target.label!r} cannot take {', '.join(dropped)}. Leave it out, or let the gateway drop it "
            "(unsupported: drop in the model's configuration).",
            param=dropped[0].partition(" ")[0],
        )


def _check_media_type(headers: Sequence[Header]) -> None:
    """Raises `UpstreamBroken` for a web page, before any of it is read."""
    if isinstance(headers, Head) and b"text/html" not in headers.folded:
        return
    for name, value in headers:
        if name == b"content-type" and value.lower().startswith(b"text/html"):
            raise UpstreamBroken("The provider answered with a web page; its base URL may be wrong.")


def _joined(held: list[Chunk]) -> Chunk:
    return Chunk(b"".join(chunk.data for chunk in held), [delta for chunk in held for delta in chunk.deltas])


class PlainReply:
    """An answer that is there: a stream of one chunk. It is paid for, and so in the transcript, whoever still wants it."""

    __slots__ = ("_chunk", "dropped", "transcript")

    streaming = False
    media_type: bytes | None = None
    sequence = 0

    def __init__(self, chunk: Chunk, dropped: Sequence[str] = ()) -> None:
        (said,) = chunk.deltas
        self.dropped = dropped
        self.transcript = Transcript() if isinstance(said, bytes) else PlainTranscript(said)
        self._chunk: Chunk | None = chunk

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """The exchange is over already."""
        self._chunk = None


class StreamReply:
    """An answer on its way, block by block."""

    __slots__ = ("_held", "_incoming", "_normaliser", "dropped", "transcript")

    streaming = True

    def __init__(self, incoming: Incoming, normaliser: Normaliser, dropped: Sequence[str] = ()) -> None:
        self.dropped = dropped
        self.transcript = Transcript()
        self._incoming = incoming
        self._normaliser = normaliser
        self._held: Chunk | None = None
        incoming.headers = ()  # a stream may be open for long

    @property
    def sequence(self) -> int:
        """See `Reply`."""
        return self._normaliser.sequence

    @property
    def media_type(self) -> bytes | None:
        """See `Reply`."""
        return self._normaliser.media_type

    async def begin(self, timeouts: Timeouts) -> None:
        """Reads until there is content. Raises what comes instead of it, `UpstreamTimeout` where that takes too long."""
        normaliser, held = self._normaliser, list[Chunk]()
        if timeouts.first_token_s >= timeouts.between_bytes_s:  # which the first block cannot exceed: no timer for most streams
            self._hold(await self._incoming.read(), held)
        if not self._begun(held):
            try:
                async with asyncio.timeout(timeouts.first_token_s):
                    while not self._begun(held):
                        self._hold(await self._incoming.read(), held)
            except TimeoutError as error:
                raise UpstreamTimeout("first_token", timeouts.first_token_s) from error
        if normaliser.fault is not None and not normaliser.begun:
            raise normaliser.fault
        self._held = held[0] if len(held) == 1 else _joined(held)

    def _hold(self, block: bytes, held: list[Chunk]) -> None:
        chunk = self._normaliser.feed(block) if block else self._normaliser.end()
        if chunk.data:
            held.append(chunk)
        else:
            self.transcript.fold(chunk)

    def _begun(self, held: list[Chunk]) -> bool:
        """There is content, or nothing more to wait for; past the limit the reply begins without."""
        normaliser = self._normaliser
        return normaliser.begun or normaliser.done or sum(len(chunk.data) for chunk in held) > WITHHELD_LIMIT

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        # Once a chunk of every stream: as few calls as can be.
        chunk, self._held = self._held, None
        normaliser = self._normaliser
        until_s = 0.0
        while chunk is None or not chunk.data:
            if chunk is not None:
                self.transcript.fold(chunk)  # usage that the caller did not ask for
            if normaliser.fault is not None:
                raise normaliser.fault
            if normaliser.done:
                self.close()
                raise StopAsyncIteration
            if normaliser.complete:
                until_s = until_s or asyncio.get_running_loop().time() + EPILOGUE_S
                block = await self._epilogue(until_s)
            else:
                block = await self._incoming.read()
            chunk = normaliser.feed(block) if block else normaliser.end()
        self.transcript.fold(chunk)
        return chunk

    async def _epilogue(self, until_s: float) -> bytes:
        """The next block behind an answer that is whole; whatever goes wrong there, the answer does not suffer."""
        try:
            async with asyncio.timeout_at(until_s):
                return await self._incoming.read()
        except (UpstreamFault, TimeoutError):
            return b""

    def close(self) -> None:
        """See `Reply`."""
        if self._normaliser.complete:
            self._incoming.part(PARTING_S)
        else:
            self._incoming.close()
