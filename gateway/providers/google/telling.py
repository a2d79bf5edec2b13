"""An answer of Gemini's as the events of a chat's stream; a plain answer is the same events, put together."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamBroken
from gateway.providers.google import finish, tools
from gateway.providers.google.turn import Turn, logprobs
from gateway.providers.google.usage import usage_of
from gateway.providers.openai.mending import CHOICE_LIMIT, fresh_id
from gateway.providers.whole import Message

Fields = dict[str, Any]

BLOCKED: Final = 0
"""The choice that says that the prompt was blocked."""


class Telling:
    """The events of one answer. `model` and `created_s` stand in where Gemini says nothing.

    `complete`: as many candidates as were asked for have their finish reasons, or the prompt was blocked. `begun`: something
    was said.
    """

    __slots__ = ("_blocked", "_counted", "_created", "_customs", "_expected", "_id", "_model", "_strict", "_turns", "begun")

    def __init__(self, request: ModelRequest, model: str, created_s: int) -> None:
        self.begun = False
        self._counted: Fields | None = None
        self._id: str | None = None
        self._model = model
        self._created = created_s
        self._customs = tools.customs(request.fields) if request.operation is Operation.CHAT else frozenset[str]()
        self._expected = candidates_asked_for(request)
        # A Gemini caller reads for itself how an answer has ended.
        self._strict = request.operation is Operation.CHAT
        self._turns: dict[int, Turn] = {}
        self._blocked: str | None = None

    @property
    def usage(self) -> Fields | None:
        """The last count, if it has one of what was said; the first events of a stream count the prompt alone."""
        counted = self._counted
        return None if counted is not None and self.begun and not counted["completion_tokens"] else counted

    @property
    def complete(self) -> bool:
        """See above."""
        if self._blocked is not None:
            return True
        return len(self._turns) >= self._expected and self.finished

    @property
    def finished(self) -> bool:
        """What has begun is also at its end."""
        return self._blocked is not None or (bool(self._turns) and all(turn.finish for turn in self._turns.values()))

    def take(self, value: Mapping[str, Any]) -> list[Fields]:
        """The events that one response gives. Raises `UpstreamBroken` for what is none."""
        self._identify(value)
        self._counted = usage_of(value) or self._counted
        candidates = value.get("candidates")
        if candidates is not None and not isinstance(candidates, list):
            raise UpstreamBroken("The candidates in the provider's answer are not a list.")
        if not candidates and not self._turns:
            self._blocked = finish.blocked(value) or self._blocked
        return [event for place, one in enumerate(candidates or ()) for event in self._candidate(one, place)]

    def end(self) -> list[Fields]:
        """The events that end the answer; the usage is not among them."""
        if self._blocked is not None:
            words = f"The provider blocked the prompt ({self._blocked})."
            return [
                self.event([_choice(BLOCKED, {"role": "assistant", "content": None, "refusal": words})]),
                self.event([_choice(BLOCKED, {}, "content_filter", native_finish_reason=self._blocked)]),
            ]
        return [event for _, turn in sorted(self._turns.items()) for event in self._ending(turn)]

    def event(self, choices: list[Fields], **more: Any) -> Fields:
        """One event of the stream."""
        self._id = self._id or fresh_id(Operation.CHAT)
        head = {"id": self._id, "object": "chat.completion.chunk", "created": self._created, "model": self._model}
        return {**head, "choices": choices, **more}

    def _identify(self, value: Mapping[str, Any]) -> None:
        if self._id is not None:
            return
        said, model = value.get("responseId"), value.get("modelVersion")
        if isinstance(said, str) and said:
            self._id = f"chatcmpl-{said[:200]}"
        if isinstance(model, str) and model:
            self._model = model[:200]

    def _candidate(self, candidate: Any, place: int) -> Iterator[Fields]:
        if not isinstance(candidate, dict):
            raise UpstreamBroken("A candidate in the provider's answer is not an object.")
        index = candidate.get("index")
        index = index if type(index) is int and 0 <= index < CHOICE_LIMIT else place
        turn = self._turns.get(index)
        if turn is None:
            if len(self._turns) >= CHOICE_LIMIT:
                raise UpstreamBroken(f"The provider's answer has more than {CHOICE_LIMIT} candidates.")
            turn = self._turns[index] = Turn(index, self._customs)
        deltas = turn.take(candidate)
        probabilities = logprobs(candidate)
        if probabilities is not None and not any("content" in delta for delta in deltas):
            deltas.append({"content": ""})
        for delta in deltas:
            more: Fields = {}
            if probabilities is not None and "content" in delta:
                more, probabilities = {"logprobs": probabilities}, None
            yield self._said(turn, delta, **more)
        self.begun = self.begun or turn.said

    def _ending(self, turn: Turn) -> Iterator[Fields]:
        deltas, reason = turn.end(strict=self._strict)
        for delta in deltas or ([] if turn.opened else [{"content": ""}]):
            yield self._said(turn, delta)
        yield self.event([_choice(turn.index, {}, reason, native_finish_reason=turn.finish)])

    def _said(self, turn: Turn, delta: Fields, **more: Any) -> Fields:
        """An event of one choice, with the role where it is the first."""
        if not turn.opened:
            turn.opened = True
            delta = {"role": "assistant", **delta}
        return self.event([_choice(turn.index, delta, **more)])


def _choice(index: int, delta: Fields, reason: str | None = None, **more: Any) -> Fields:
    return {"index": index, "delta": delta, "finish_reason": reason, **more}


def candidates_asked_for(request: ModelRequest) -> int:
    """How many candidates the answer has, if Gemini does as it is told."""
    config = request.fields.get("generationConfig")
    if request.operation is Operation.CHAT:
        each = request.fields.get("n")
    else:
        each = config.get("candidateCount", config.get("candidate_count")) if isinstance(config, dict) else None
    return each if type(each) is int and each > 1 else 1


def completion(request: ModelRequest, model: str, value: Mapping[str, Any], created_s: int) -> Fields:
    """A plain answer in OpenAI's form. Raises `UpstreamBroken` for what is no answer, or none that can be told."""
    telling = Telling(request, model, created_s)
    events = telling.take(value)
    if not telling.finished and not telling.begun:
        raise UpstreamBroken("The provider's answer has no candidates, or an empty one that is not at its end.")
    head: Fields = {}
    messages: dict[int, Message] = {}
    endings: dict[int, Fields] = {}
    for event in (*events, *telling.end()):
        head = event
        for choice in event["choices"]:
            messages.setdefault(choice["index"], Message()).take(choice["delta"])
            ending = endings.setdefault(choice["index"], {})
            ending |= {key: value for key, value in choice.items() if key not in ("delta", "index")}
    choices = [{"index": index, "message": one.fields(), **endings[index]} for index, one in sorted(messages.items())]
    whole = {**head, "object": "chat.completion", "choices": choices}
    return whole if telling.usage is None else {**whole, "usage": telling.usage}
