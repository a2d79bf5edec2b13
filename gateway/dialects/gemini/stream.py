"""A chat's stream as Gemini's: events with `alt=sse`, else one JSON array, element by element; calls whole, at the end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.arguments import calls_of
from gateway.dialects.gemini.answer import candidate, finish_reason, function_call, identity, thought, usage_metadata
from gateway.dialects.gemini.request import shows_thoughts
from gateway.dialects.shapes import Fields, Object
from gateway.dialects.translation import Delta
from gateway.dialects.words import text_of

CALLS_LIMIT: Final = 16 * 1024 * 1024
"""Characters of all calls of one answer, which are kept until its end."""


def media_type(request: ModelRequest) -> bytes | None:
    """See `Translation`."""
    return None if _is_sse(request) else b"application/json"


def _is_sse(request: ModelRequest) -> bool:
    asked = parse_qs(request.query, max_num_fields=None)
    return "sse" in (asked.get("alt") or asked.get("$alt") or ())


class _Candidate:
    """One choice: parts that have not been sent, calls as far as they have come, and why it ended."""

    __slots__ = ("calls", "ending", "parts", "refused")

    def __init__(self) -> None:
        self.parts: list[Fields] = []
        self.calls: dict[int, Fields] = {}
        self.ending: Fields = {}
        self.refused = False

    def say(self, words: str, *, thinks: bool = False) -> None:
        """Adds text, to the part that is of the same kind where there is one."""
        last = self.parts[-1] if self.parts else None
        if last is not None and last.get("thought", False) is thinks:
            last["text"] += words
        else:
            self.parts.append(thought(words) if thinks else {"text": words})

    def call(self, index: int, said: Object) -> int:
        """Adds to a call; how much that was."""
        call = self.calls.setdefault(index, {"id": None, "name": [], "arguments": []})
        call["id"] = call["id"] or said.get("id")
        if said.get("extra_content") is not None:
            call["extra_content"] = said["extra_content"]
        size = 64
        for slot in ("name", "arguments"):
            if isinstance(piece := said["function"].get(slot), str):
                call[slot].append(piece)
                size += len(piece)
        return size

    def last(self, request: ModelRequest) -> list[Fields]:
        """What is left to be said: the parts, and every call whole."""
        for _, call in sorted(self.calls.items()):
            function = {"name": "".join(call["name"]), "arguments": "".join(call["arguments"])}
            self.parts.append(function_call(request, {**call, "function": function}))
        return self.parts


class Rendering:
    """One stream on its way to the caller; a response for every block of deltas that says something, and a last one."""

    __slots__ = ("_begun", "_candidates", "_identity", "_model", "_request", "_shows", "_size", "_sse", "_usage", "sequence")

    def __init__(self, request: ModelRequest) -> None:
        self._request = request
        self._sse = _is_sse(request)
        self._shows = shows_thoughts(request)
        self._model = request.model
        self._identity: Fields = {}
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Object | None = None
        self._size = 0
        self._begun = False
        self.sequence = 0

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """See `Renderer`."""
        for delta in deltas:
            if isinstance(delta, bytes):
                self._candidate(0).say(text_of(delta))
            else:
                self._event(delta)
        told = []
        for index, one in sorted(self._candidates.items()):
            if one.parts:
                told.append(candidate(index, one.parts))
                one.parts = []
        return self._framed({"candidates": told}) if told else b""

    def end(self) -> bytes:
        """See `Renderer`."""
        self._candidate(0)
        told = [
            candidate(index, one.last(self._request), finish_reason(one.ending, refused=one.refused))
            for index, one in sorted(self._candidates.items())
        ]
        last = self._framed({"candidates": told, "usageMetadata": usage_metadata(self._usage)})
        return last if self._sse else last + b"]"

    def _framed(self, response: Fields) -> bytes:
        body = lenient.dumps(response | (self._identity or identity({}, self._model)))
        begun, self._begun = self._begun, True
        if self._sse:
            return b"data: %b\r\n\r\n" % body
        return (b",\r\n" if begun else b"[") + body

    def _candidate(self, index: int) -> _Candidate:
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = _Candidate()
        return found

    def _event(self, said: Mapping[str, Any]) -> None:
        if not self._identity:
            self._identity = identity(said, self._model)
        if isinstance(told := said.get("usage"), Mapping) and told:
            self._usage = told
        choices = said.get("choices")
        for at, choice in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(choice, Mapping):
                index = choice.get("index")
                self._choice(self._candidate(index if isinstance(index, int) else at), choice)

    def _choice(self, told: _Candidate, choice: Object) -> None:
        delta = choice.get("delta")
        if isinstance(delta, Mapping):
            self._delta(told, delta)
        for key in ("finish_reason", "native_finish_reason"):
            if isinstance(choice.get(key), str):
                told.ending[key] = choice[key]

    def _delta(self, told: _Candidate, delta: Object) -> None:
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if self._shows and isinstance(reasoning, str) and reasoning:
            told.say(reasoning, thinks=True)
        for key in ("content", "refusal"):
            if isinstance(words := delta.get(key), str) and words:
                told.refused = told.refused or key == "refusal"
                told.say(words)
        for index, call in calls_of(delta):
            self._weigh(told.call(index, call))

    def _weigh(self, size: int) -> None:
        self._size += size
        if self._size > CALLS_LIMIT:
            raise UpstreamBroken(f"The tool calls of the provider's answer are over {CALLS_LIMIT} characters.")
