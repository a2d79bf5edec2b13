"""What the events of a Messages stream say, as the chunks of a chat. No bytes: the events may come out of any framing.

    message_start          the first chunk, with the role
    content_block_start    a block begins; a call shows at once
      content_block_delta  more of it
    content_block_stop     thinking is whole, with its signature
    message_delta          the finish reason, and the usage
    message_stop           the end

Anything else (`ping`, blocks of server tools, whatever will be added) says nothing to a chat.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.dialects.shapes import Fields
from gateway.dialects.thinking import Block, seal
from gateway.providers.anthropic.parts import Answer, Call, FreeCall, Other, Part, Redacted, Room, Text, Thought
from gateway.providers.anthropic.reasons import ending, refusal
from gateway.providers.anthropic.tooling import ANSWER_TOOL, Expected
from gateway.providers.anthropic.usage import chat_usage, counts_output, merged
from gateway.providers.openai.calls import CALL_LIMIT, fresh_call_id
from gateway.providers.openai.mending import fresh_id

Said = str | Fields
"""A piece of the answer's text, or a chunk of a chat."""

_TEXT: Final = Text()
_OTHER: Final = Other()
_TIERS: Final = {"standard": "default", "priority": "priority"}


class Events:
    """The fold over the events of one answer; `take` gives what each of them adds.

    `begun`: there is content. `finished`: the answer has its finish reason. `usage`: a chat's, once it is told. `heading`:
    what all chunks have in common. `seals`: whether the thinking goes into the id of the first call.
    """

    __slots__ = (
        *("_calls", "_created", "_expected", "_kept", "_model", "_open", "_room", "_seals", "_thoughts", "_told"),
        *("begun", "finished", "heading", "usage"),
    )

    def __init__(self, expected: Expected, model: str, created_s: int, *, seals: bool) -> None:
        self.begun = self.finished = False
        self.usage: Fields | None = None
        self.heading: Fields | None = None
        self._expected = expected
        self._model = model
        self._created = created_s
        self._seals = seals
        self._open: dict[int, Part] = {}
        self._kept: list[Block] = []
        self._room = Room()
        self._thoughts = self._calls = 0
        self._told: Fields = {}

    def take(self, event: Mapping[str, Any]) -> Sequence[Said]:
        """What an event says. Raises `UpstreamBroken` for what no stream can say."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._more(event)
        if kind == "message_start":
            return self._start(event.get("message"))
        if kind == "message_delta":
            return self._end(event)
        if self.heading is None or self.finished:
            return ()
        if kind == "content_block_start":
            return self._begin(event)
        return self._close(_index(event)) if kind == "content_block_stop" else ()

    # ------------------------------------------------------------ the message

    def _start(self, told: object) -> Sequence[Said]:
        if self.heading is not None:
            return ()
        message = told if isinstance(told, dict) else {}
        said_id, model = message.get("id"), message.get("model")
        self._told = merged({}, message.get("usage"))
        self.heading = {
            "id": said_id if isinstance(said_id, str) and said_id else fresh_id(Operation.CHAT),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": model if isinstance(model, str) and model else self._model,
        }
        if (tier := service_tier(self._told)) is not None:
            self.heading["service_tier"] = tier
        return (self._chunk({"role": "assistant", "content": ""}),)

    def _end(self, event: Mapping[str, Any]) -> Sequence[Said]:
        """The end, or a word on it; some servers count behind it."""
        counts = event.get("usage")
        self._told = merged(self._told, counts)
        if counts_output(counts):
            self.usage = chat_usage(self._told)
        delta = event.get("delta")
        if self.finished or not isinstance(delta, dict) or not delta.get("stop_reason"):
            return ()
        said: list[Said] = [one for index in list(self._open) for one in self._close(index)]
        if (words := refusal(delta)) is not None:
            said.append(self._chunk({"refusal": words}))
        self.begun = self.finished = True
        said.append(self._chunk({}, **ending(delta, called=self._calls > 0)))
        return said

    def _chunk(self, delta: Fields, **choice: Any) -> Fields:
        return {**(self.heading or {}), "choices": [{"index": 0, "delta": delta, "finish_reason": None, **choice}]}

    # ------------------------------------------------------------ its blocks

    def _begin(self, event: Mapping[str, Any]) -> Sequence[Said]:
        told = event.get("content_block")
        block = told if isinstance(told, dict) else {}
        if len(self._open) >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer has more than {CALL_LIMIT} open blocks.")
        index = _index(event)
        before = self._close(index)  # of this index, should the end of it not have come
        part, first = self._part(block)
        self._open[index] = part
        return [*before, *first, *self._said(part.take(block))]  # some say in the start what others say in a delta

    def _part(self, block: Fields) -> tuple[Part, Sequence[Said]]:
        """The block that begins, and what its beginning says."""
        kind = block.get("type")
        if kind == "text":
            return _TEXT, ()
        if kind == "thinking":
            self._thoughts += 1
            return Thought(self._kept, "\n\n" if self._thoughts > 1 else "", self._room), ()
        if kind == "redacted_thinking":
            data = block.get("data")
            return Redacted(self._kept, data if isinstance(data, str) else "", self._room), ()
        if kind != "tool_use":
            return _OTHER, ()
        if self._expected.answers and block.get("name") == ANSWER_TOOL:
            return Answer(block.get("input")), ()
        return self._call(block)

    def _call(self, block: Fields) -> tuple[Part, Sequence[Said]]:
        number = self._calls
        if number >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        entry = call_entry(block, self._expected, self._kept if self._seals and not number else ())
        self.begun = True
        self._calls += 1
        kind = entry["type"]
        entry[kind]["input" if kind == "custom" else "arguments"] = ""
        given = block.get("input")
        part = FreeCall(number, given, self._room) if kind == "custom" else Call(number, given)
        return part, (self._chunk({"tool_calls": [{"index": number, **entry}]}),)

    def _more(self, event: Mapping[str, Any]) -> Sequence[Said]:
        # Once an event of every stream: text goes the shortest way.
        delta = event.get("delta")
        if not isinstance(delta, dict) or self.heading is None or self.finished:
            return ()
        if delta.get("type") == "text_delta":
            words = delta.get("text")
            if not isinstance(words, str) or not words:
                return ()
            self.begun = True
            return (words,)
        part = self._open.get(_index(event))
        return () if part is None else self._said(part.take(delta))

    def _close(self, index: int) -> Sequence[Said]:
        part = self._open.pop(index, None)
        return () if part is None else self._said(part.close())

    def _said(self, deltas: Sequence[Fields]) -> Sequence[Said]:
        said: list[Said] = []
        for delta in deltas:
            self.begun = True
            said.append(delta["content"] if "content" in delta else self._chunk(delta))
        return said


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


def service_tier(usage: Mapping[str, Any]) -> str | None:
    """OpenAI's word for the class of service that the answer was given in."""
    tier = usage.get("service_tier")
    return _TIERS.get(tier) if isinstance(tier, str) else None


def call_entry(block: Fields, expected: Expected, thinking: Sequence[Block]) -> Fields:
    """A call as it begins in a chat: its id, with the thinking that led to it sealed in, and the tool's own name."""
    call_id, sent = block.get("id"), block.get("name")
    name = sent if isinstance(sent, str) else ""
    kind = "custom" if name in expected.custom else "function"
    own = call_id if isinstance(call_id, str) and call_id else fresh_call_id()
    return {"id": seal(own, thinking), "type": kind, kind: {"name": expected.names.get(name, name)}}
