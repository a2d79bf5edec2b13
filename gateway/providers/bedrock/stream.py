"""The normaliser of ConverseStream: frames of AWS's event stream in, events of OpenAI's chat stream out.

messageStart        the role
contentBlockStart   of a tool's call: its id and name (text and reasoning have none)
contentBlockDelta   text, reasoning, a signature, a piece of a call's arguments
contentBlockStop    a block of thinking is whole; so is a call
messageStop         the finish reason: the answer is whole
metadata            the usage, behind the end
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers.anthropic.tooling import ANSWER_TOOL, Expected, expected
from gateway.providers.bedrock import faults
from gateway.providers.bedrock.answer import call_of, seal, string, thought_of
from gateway.providers.bedrock.eventstream import Frame, Frames
from gateway.providers.bedrock.models import model_of, shown
from gateway.providers.bedrock.usage import finish_reason, sequence_of, tier_of, usage_of
from gateway.providers.openai.calls import CALL_LIMIT, fresh_call_id
from gateway.providers.openai.mending import fresh_id
from gateway.providers.openai.stream import DONE

Fields = dict[str, Any]

OPEN_LIMIT: Final = 64
"""Blocks that may be open at once; Bedrock has one."""
HELD_LIMIT: Final = 8 * 1024 * 1024
"""Characters of thinking and of held calls that are kept until they are whole."""
UNSAID_LIMIT: Final = 16 * 1024
"""Events before the first content."""


def normaliser(ask: Ask, wall_s: float) -> "Stream":
    """The normaliser of the stream that answers; `wall_s` is Unix time."""
    model = model_of(ask.target.named(ask.request.model))
    return Stream(heading(ask, wall_s), expected(ask.request, model.family), wants_usage=ask.request.wants_usage)


def heading(ask: Ask, wall_s: float) -> Fields:
    """What every event of the chat begins with."""
    return {
        "id": fresh_id(Operation.CHAT),
        "object": "chat.completion.chunk",
        "created": int(wall_s),
        "model": shown(ask.target.named(ask.request.model)),
    }


class Block:
    """A block that is open. `call`: its number, for a call; `held`: what is given only when all of it is there."""

    __slots__ = ("answers", "call", "call_id", "held", "name", "said", "signature", "silent")

    def __init__(self) -> None:
        self.call: int | None = None
        self.call_id = self.name = self.signature = ""
        self.held: list[str] = []
        self.said = self.answers = self.silent = False


class Stream:
    """One stream: see `Normaliser`."""

    __slots__ = (
        *("_answered", "_blocks", "_calls", "_close", "_data", "_deltas", "_expected", "_frames", "_heading", "_held", "_open"),
        *("_role", "_text", "_thought", "_unsaid", "_usage", "_wants_usage", "begun", "complete", "done", "fault"),
    )

    sequence = 0  # chats do not number their events
    media_type: bytes | None = None

    def __init__(self, heading: Fields, read_with: Expected, *, wants_usage: bool) -> None:
        self.begun = self.complete = self.done = False
        self.fault: UpstreamFault | None = None
        self._heading = heading
        self._expected = read_with
        self._wants_usage = wants_usage
        self._frames = Frames()
        self._blocks: dict[object, Block] = {}
        self._answered = self._role = False
        self._calls = 0
        self._held = 0
        self._unsaid = 0
        self._thought: list[Fields] = []
        self._text: list[str] = []  # held back where the answer is to be the input of a tool
        self._usage: Fields | None = None
        self._data: list[bytes] = []
        self._deltas: list[bytes | Mapping[str, Any]] = []
        probe = lenient.dumps(self._event({"content": "\x00"}))
        self._open, _, self._close = (b"data: %b\n\n" % probe).partition(b"\\u0000")

    def feed(self, block: bytes) -> Chunk:
        """Takes the next block; the chunk is empty where nothing can be said yet."""
        try:
            if not self.done:
                self._frames.feed(block)
            while not self.done and (frame := self._frames.cut()) is not None:
                self._take(frame)
        except UpstreamFault as fault:
            self._fail(fault)
        return self._chunk()

    def end(self) -> Chunk:
        """The body is over. Raises `UpstreamTruncated` where the answer is not."""
        if not self.done and self.complete:
            self._finish()
        elif not self.done:
            self._fail(UpstreamTruncated("The provider's stream ended before its stop reason; this is not the whole answer."))
        return self._chunk()

    def _fail(self, fault: UpstreamFault) -> None:
        if self.complete:  # whatever goes wrong behind it, the answer is whole
            self._finish()
            return
        self.done, self.fault = True, fault
        if not self._data and not self._deltas:
            raise fault

    def _chunk(self) -> Chunk:
        chunk = Chunk(b"".join(self._data), tuple(self._deltas))
        self._data, self._deltas = [], []
        return chunk

    # ------------------------------------------------------------ events

    def _take(self, frame: Frame) -> None:
        faults.check(frame)
        event = _payload(frame)
        if not self.begun:
            self._unsaid += 1
            if self._unsaid > UNSAID_LIMIT:
                raise UpstreamBroken(f"The provider's stream has {UNSAID_LIMIT} events and no content.")
        self._heed(frame.said(":event-type"), event)

    def _heed(self, kind: str, event: Mapping[str, Any]) -> None:
        match kind:
            case "contentBlockDelta":
                self._delta(event)
            case "contentBlockStart":
                self._start(event)
            case "contentBlockStop":
                self._stop(event)
            case "messageStart":
                self._assume_role()
            case "messageStop":
                self._end_of_answer(event)
            case "metadata":
                self._metadata(event)

    def _start(self, event: Mapping[str, Any]) -> None:
        block = self._block(event.get("contentBlockIndex"))
        used = _mapping(event.get("start")).get("toolUse")
        if not isinstance(used, Mapping) or used.get("type") == "server_tool_use":
            block.silent = True  # a tool of the provider's own, its result, or an image
            return
        block.name = string(used.get("name"))
        block.answers = self._expected.answers and block.name == ANSWER_TOOL
        if block.answers:
            self._text, self._answered = [], True  # whatever is said around it is no part of the answer
            return
        if self._calls >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        call_id = string(used.get("toolUseId")) or fresh_call_id()
        block.call_id = call_id if self._calls else seal(call_id, self._thought)
        block.call, self._calls = self._calls, self._calls + 1
        if block.name not in self._expected.custom:
            self._emit_call(block, {"id": block.call_id, **call_of(block.name, "", self._expected)})

    def _delta(self, event: Mapping[str, Any]) -> None:
        index, delta = event.get("contentBlockIndex"), _mapping(event.get("delta"))
        if isinstance(text := delta.get("text"), str):
            self._say(text)
        elif isinstance(used := delta.get("toolUse"), Mapping):
            self._go_on(self._block(index), string(used.get("input")))
        elif isinstance(reasoned := delta.get("reasoningContent"), Mapping):
            self._reason(self._block(index), reasoned)

    def _say(self, text: str) -> None:
        if not text or self._answered:
            return
        if self._expected.answers:
            self._hold(len(text))
            self._text.append(text)
            return
        self._content(text)

    def _content(self, text: str) -> None:
        """Text, the most of most streams: written around it what stays the same."""
        self._assume_role()
        self.begun = True
        inner = lenient.dumps(text)[1:-1]
        self._data += (self._open, inner, self._close)
        self._deltas.append(inner if b"\\" not in inner else self._event({"content": text}))

    def _go_on(self, block: Block, piece: str) -> None:
        if not piece or block.silent:
            return
        if block.answers:
            self._content(piece)
        elif block.call is None:
            raise UpstreamBroken("The provider's stream goes on with a call that has not begun.")
        elif block.name in self._expected.custom:
            self._hold(len(piece))
            block.held.append(piece)
        else:
            block.said = True
            self._emit_call(block, {"function": {"arguments": piece}})

    def _reason(self, block: Block, reasoned: Mapping[str, Any]) -> None:
        text, signature = string(reasoned.get("text")), string(reasoned.get("signature"))
        self._hold(len(text) + len(signature))
        block.signature += signature
        if text:
            block.held.append(text)
            self._emit({"reasoning_content": text})
        if redacted := thought_of("", "", reasoned.get("redactedContent")):
            self._hold(len(redacted[0]["data"]))
            self._think(redacted)

    def _stop(self, event: Mapping[str, Any]) -> None:
        index = event.get("contentBlockIndex")
        block = self._blocks.pop(index if isinstance(index, int) else None, None)
        if block is not None:
            self._complete(block)

    def _complete(self, block: Block) -> None:
        if block.call is None:
            self._think(thought_of("".join(block.held), block.signature, None))
        elif block.name in self._expected.custom:
            words = "".join(block.held) or "{}"
            self._emit_call(block, {"id": block.call_id, **call_of(block.name, words, self._expected)})
        elif not block.said:
            self._emit_call(block, {"function": {"arguments": "{}"}})

    def _think(self, blocks: list[Fields]) -> None:
        """Thinking that is whole, with its place: SDKs that add deltas up want an index in every list."""
        if blocks:
            begin = len(self._thought)
            self._thought += blocks
            self._emit({"thinking_blocks": [{"index": begin + at, **block} for at, block in enumerate(blocks)]})

    # ------------------------------------------------------------ the end

    def _end_of_answer(self, event: Mapping[str, Any]) -> None:
        reason = event.get("stopReason")
        finish = finish_reason(reason, called=self._calls > 0)
        for block in self._blocks.values():
            self._complete(block)
        if self._text:
            self._content("".join(self._text))
        more: Fields = {"native_finish_reason": reason} if isinstance(reason, str) else {}
        if (matched := sequence_of(event.get("additionalModelResponseFields"))) is not None:
            more["stop_sequence"] = matched
        self._assume_role()
        self._write(self._event({}, finish, **more))
        self.begun = self.complete = True
        if self._usage is not None:
            self._finish()

    def _metadata(self, event: Mapping[str, Any]) -> None:
        if (tier := tier_of(event.get("serviceTier"))) is not None:
            self._heading["service_tier"] = tier
        self._usage = usage_of(event.get("usage"))
        if self._usage is not None:
            told: Fields = {"usage": self._usage}
            self._deltas.append(told if tier is None else told | {"service_tier": tier})
        if self.complete:
            self._finish()

    def _finish(self) -> None:
        if self._usage is not None and self._wants_usage:
            usage = self._heading | {"choices": [], "usage": self._usage}
            self._data.append(b"data: %b\n\n" % lenient.dumps(usage))
        self._data.append(DONE)
        self.done = True

    # ------------------------------------------------------------ writing

    def _block(self, index: object) -> Block:
        """The block of this index, begun where it is new."""
        place = index if isinstance(index, int) else None
        found = self._blocks.get(place)
        if found is None:
            if len(self._blocks) >= OPEN_LIMIT:
                raise UpstreamBroken(f"The provider's stream has more than {OPEN_LIMIT} blocks open.")
            found = self._blocks[place] = Block()
        return found

    def _hold(self, count: int) -> None:
        self._held += count
        if self._held > HELD_LIMIT:
            raise UpstreamBroken(f"The provider's stream thinks, or calls, with more than {HELD_LIMIT} characters.")

    def _assume_role(self) -> None:
        if not self._role:
            self._role = True
            self._write(self._event({"role": "assistant", "content": ""}))

    def _emit_call(self, block: Block, entry: Fields) -> None:
        self._emit({"tool_calls": [{"index": block.call, **entry}]})

    def _emit(self, delta: Fields) -> None:
        self._assume_role()
        self.begun = True
        self._write(self._event(delta))

    def _write(self, event: Fields) -> None:
        self._data.append(b"data: %b\n\n" % lenient.dumps(event))
        self._deltas.append(event)

    def _event(self, delta: Fields, finish: str | None = None, **more: Any) -> Fields:
        choice: Fields = {"index": 0, "delta": delta, "finish_reason": finish, **more}
        event = self._heading | {"choices": [choice]}
        return event | {"usage": None} if self._wants_usage else event


def _payload(frame: Frame) -> Mapping[str, Any]:
    try:
        value = lenient.loads(frame.payload or b"{}")
    except ValueError as error:
        raise UpstreamBroken("An event of the provider's stream is not JSON.") from error
    if not isinstance(value, dict):
        raise UpstreamBroken("An event of the provider's stream is not an object.")
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
