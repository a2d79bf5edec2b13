"""What a provider sends, as far as it is the same for every API: a body as JSON, and a stream as events.

a stream's body ── Intake ──> events as they came
                       └────> JSON, where that came instead: an error, the whole answer, a list of its parts
"""

from collections.abc import Callable
from typing import Any, Final

from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.dialects import lenient
from gateway.providers import sse
from gateway.providers.openai.envelope import is_error

DONE: Final = b"[DONE]"
"""The end of a stream in OpenAI's API, and of those of some who imitate another."""

ANSWER_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one plain answer."""
LEAD: Final = b" \t\r\n\xef\xbb\xbf"
"""What may stand before a body's first byte of meaning: space, and the bytes of a BOM."""


class Gathering:
    """Gathers the body of what should have been a stream and is plain JSON."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, block: bytes) -> None:
        """Raises `UpstreamBroken` for more than any answer has."""
        self._size += len(block)
        if self._size > ANSWER_LIMIT:
            raise UpstreamBroken(f"The provider's answer is over {ANSWER_LIMIT} bytes.")
        self._parts.append(block)

    def body(self) -> bytes:
        """What has been gathered."""
        return b"".join(self._parts).removeprefix(b"\xef\xbb\xbf")


class Intake:
    """The body of a stream, block by block: `feed`, then `cut` until None; at the end `last`, or `body` if that is not None."""

    __slots__ = ("_recognised", "_splitter", "_whole")

    def __init__(self, event_limit: int = sse.EVENT_LIMIT) -> None:
        self._splitter = sse.Splitter(event_limit)
        self._recognised = False
        self._whole: Gathering | None = None

    def feed(self, block: bytes) -> None:
        """Takes a block in. Raises `UpstreamBroken` for an event, or a body that is none, beyond all measure."""
        if not self._recognised and (head := block.lstrip(LEAD)):
            self._recognised = True
            self._whole = Gathering() if head.startswith((b"{", b"[", b"<")) else None
        if self._whole is not None:
            self._whole.add(block)
        else:
            self._splitter.feed(block)

    def cut(self) -> bytes | None:
        """The next event as it came."""
        return self._splitter.cut() if self._whole is None else None

    def body(self) -> bytes | None:
        """What came instead of events."""
        return None if self._whole is None else self._whole.body()

    def last(self) -> bytes:
        """The event behind the last blank line, if there is one. Raises `UpstreamTruncated` for half of one."""
        rest = self._splitter.last()
        said = sse.parse(rest)
        if said is not None and said.data.strip() not in (b"", DONE) and not lenient.is_json(said.data):
            raise UpstreamTruncated("The provider's stream ended in the middle of an event.")
        return rest


def event_in(data: bytes) -> Any:
    """The value of one event. Raises `UpstreamBroken`."""
    try:
        return lenient.loads(data)
    except ValueError as error:
        raise UpstreamBroken("An event of the provider's stream is not JSON.") from error


def json_in(body: bytes) -> Any:
    """The value that a whole body is. Raises `UpstreamBroken`, which says what the body looks like instead."""
    try:
        return lenient.loads(body)
    except ValueError as error:
        raise UpstreamBroken(_no_json(body[:64].lstrip())) from error


def answer_in(body: bytes, fault: Callable[[object], UpstreamFault]) -> dict[str, Any]:
    """The object that a body is. Raises what `fault` makes of an error, and `UpstreamBroken` for anything else."""
    value = json_in(body)
    if is_error(value):
        raise fault(value)
    if not isinstance(value, dict):
        raise UpstreamBroken("The provider's answer is JSON, but not an object.")
    return value


def _no_json(head: bytes) -> str:
    if head.startswith(b"<"):
        return "The provider answered with a web page; its base URL may be wrong."
    if head.startswith((b"data:", b"event:")):
        return "The provider answered with a stream, which was not asked for."
    return "The provider's answer is not JSON." if head else "The provider's answer is empty."
