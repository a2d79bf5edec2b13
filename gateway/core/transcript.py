"""What was answered: chunks on their way to the caller, folded into the finished completion.

Meter, and later cache, loop check and trace, read the transcript, so that a stream and a plain answer cannot diverge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

TEXT_LIMIT = 1024 * 1024
"""Bytes of text after which a transcript stops remembering (and says so); the stream itself goes on."""

_PLACES: Mapping[str, str] = MappingProxyType({"chat.completion": "message", "text_completion": ""})
"""Where a choice says what it says, by the kind of object, if not in its `delta`; a text stands beside, in `text`."""


@dataclass(slots=True)
class Chunk:
    """A block of an answer: bytes in the caller's dialect, and what they say.

    `deltas` holds, in order, the parsed events of the block in OpenAI's chunk form; a piece of plain text of the first
    choice stands there as its bytes in UTF-8 (halves of surrogate pairs included), because most of a stream is that.
    """

    data: bytes
    deltas: Sequence[bytes | Mapping[str, Any]] = ()


@dataclass(slots=True)
class Call:
    """A call of a tool, as far as it has come. `words` are its arguments, or the free input of a custom tool, in UTF-8."""

    id: str | None = None
    type: str = "function"
    name: str = ""
    words: bytearray = field(default_factory=bytearray)

    def entry(self) -> dict[str, Any]:
        """OpenAI's plain form."""
        slot = "input" if self.type == "custom" else "arguments"
        return {"id": self.id, "type": self.type, self.type: {"name": self.name, slot: _decoded(self.words)}}


@dataclass(slots=True)
class Choice:
    """One answer of the `n` asked for, as far as it has come. Text is kept as UTF-8."""

    role: str | None = None
    text: bytearray = field(default_factory=bytearray)
    reasoning: bytearray = field(default_factory=bytearray)
    refusal: bytearray = field(default_factory=bytearray)
    calls: dict[int, Call] = field(default_factory=dict)
    finish_reason: str | None = None

    def call(self, index: int) -> Call:
        """The call of this index, begun where it is new."""
        found = self.calls.get(index)
        if found is None:
            found = self.calls[index] = Call()
        return found


class Transcript:
    """The fold over all chunks of one answer."""

    __slots__ = ("choices", "created", "id", "model", "overflowed", "produced", "service_tier", "system_fingerprint", "usage")

    def __init__(self) -> None:
        self.choices: dict[int, Choice] = {}
        self.id: str | None = None
        self.model: str | None = None
        self.created: int | None = None
        self.service_tier: str | None = None
        self.system_fingerprint: str | None = None
        self.usage: Mapping[str, Any] | None = None
        self.produced = 0
        self.overflowed = False

    def fold(self, chunk: Chunk) -> None:
        """Takes the chunk's deltas in; `produced` counts bytes of text and arguments, for estimates of cut answers."""
        for delta in chunk.deltas:
            if not isinstance(delta, bytes):
                self.fold_event(delta)
                continue
            first = self.choices.get(0) or self.choice(0)
            self.produced += len(delta)
            if self.produced <= TEXT_LIMIT:
                first.text += delta
            else:
                self.overflowed = True

    def fold_event(self, event: Mapping[str, Any]) -> None:
        """Takes in one event (or a whole plain completion) in OpenAI's form; whatever in it is of another is not taken."""
        self._heading(event)
        kind = event.get("object")
        where = _PLACES.get(kind, "delta") if isinstance(kind, str) else "delta"
        for entry in _list(event.get("choices")):
            if isinstance(entry, Mapping):
                said = entry.get(where)
                self._choice(entry, said if said and isinstance(said, Mapping) else {"content": entry.get("text")})

    def choice(self, index: int) -> Choice:
        """The choice of this index, begun where it is new."""
        found = self.choices.get(index)
        if found is None:
            found = self.choices[index] = Choice()
        return found

    def _heading(self, event: Mapping[str, Any]) -> None:
        if self.id is None and (said := _str(event.get("id"))):
            self.id = said
            self.created = event.get("created")
        self.model = _str(event.get("model")) or self.model
        self.service_tier = _str(event.get("service_tier")) or self.service_tier
        self.system_fingerprint = _str(event.get("system_fingerprint")) or self.system_fingerprint
        if (usage := event.get("usage")) and isinstance(usage, Mapping):
            self.usage = usage

    def _choice(self, entry: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        choice = self.choice(_int(entry.get("index"), 0))
        choice.finish_reason = _str(entry.get("finish_reason")) or choice.finish_reason
        choice.role = _str(said.get("role")) or choice.role
        self._words(choice.text, said.get("content"))
        self._words(choice.reasoning, said.get("reasoning_content") or said.get("reasoning"))
        self._words(choice.refusal, said.get("refusal"))
        for position, call in enumerate(_list(said.get("tool_calls"))):
            if isinstance(call, Mapping):
                self._call(choice.call(_int(call.get("index"), position)), call)

    def _call(self, known: Call, said: Mapping[str, Any]) -> None:
        known.id = known.id or _str(said.get("id"))
        known.type = _str(said.get("type")) or known.type
        body = said.get("function")
        if not body or not isinstance(body, Mapping):
            body = said.get("custom")
        if isinstance(body, Mapping):
            known.name += _str(body.get("name")) or ""
            self._words(known.words, body.get("arguments") or body.get("input"))

    def _words(self, kept: bytearray, words: object) -> None:
        if isinstance(words, str) and words:
            self._text(kept, words.encode("utf-8", "surrogatepass"))

    def _text(self, kept: bytearray, text: bytes) -> None:
        self.produced += len(text)
        if self.produced <= TEXT_LIMIT:
            kept += text
        else:
            self.overflowed = True

    @property
    def finished(self) -> bool:
        """Every choice that began has its finish reason."""
        return bool(self.choices) and all(choice.finish_reason is not None for choice in self.choices.values())

    def completion(self) -> dict[str, Any]:
        """The finished chat completion in OpenAI's plain form; the same whether it came as a stream or at once."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [_message(index, choice) for index, choice in sorted(self.choices.items())],
            "usage": self.usage,
        }


class PlainTranscript(Transcript):
    """The transcript of an answer that came whole: folded only when somebody looks closer than at its usage."""

    __slots__ = ("_completion",)

    def __init__(self, completion: Mapping[str, Any]) -> None:
        self._completion = completion
        usage = completion.get("usage")
        self.usage = usage if usage and isinstance(usage, Mapping) else None

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked for is not there until the answer has been folded."""
        if name not in Transcript.__slots__:
            raise AttributeError(name)
        super().__init__()
        self.fold_event(self._completion)
        return getattr(self, name)


def _str(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _int(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _message(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": choice.role or "assistant", "content": _decoded(choice.text) if choice.text else None}
    if choice.reasoning:
        message["reasoning_content"] = _decoded(choice.reasoning)
    if choice.refusal:
        message["refusal"] = _decoded(choice.refusal)
    if choice.calls:
        message["tool_calls"] = [call.entry() for _, call in sorted(choice.calls.items())]
    return {"index": index, "message": message, "finish_reason": choice.finish_reason}


def _decoded(text: bytearray) -> str:
    """As a string; halves of a surrogate pair that came in two events are put together, single ones replaced."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
