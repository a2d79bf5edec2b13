"""Reads a plain answer: a message, as it is for who speaks the API, and as a chat completion for everyone else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.dialects.shapes import Fields
from gateway.providers.anthropic import faults
from gateway.providers.anthropic.events import Events
from gateway.providers.anthropic.models import family
from gateway.providers.anthropic.replay import events_of
from gateway.providers.anthropic.tooling import expected
from gateway.providers.intake import answer_in
from gateway.providers.whole import Message

FREE_OF_CHARGE: Final[Mapping[str, Any]] = MappingProxyType({"usage": {"prompt_tokens": 0, "completion_tokens": 0}})
"""What counting tokens costs."""


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """The whole answer as one chunk. Raises a fault for an error dressed as success, and `UpstreamBroken` for no answer."""
    operation = ask.request.operation
    value = parsed(body)
    if operation is Operation.COUNT_TOKENS:
        if not isinstance(value.get("input_tokens"), int):
            raise UpstreamBroken("The provider's answer has no count of tokens.")
        return Chunk(body, (FREE_OF_CHARGE,))
    said = completion(reading(ask, wall_s), message(value))
    return Chunk(body if operation is Operation.MESSAGES else lenient.dumps(said), (said,))


def reading(ask: Ask, wall_s: float) -> Events:
    """The fold for the answer to this."""
    request = ask.request
    model = ask.target.named(request.model)
    chats = request.operation is Operation.CHAT
    return Events(expected(request, family(model)), model, int(wall_s), seals=chats)


def parsed(body: bytes) -> Fields:
    """The object that a body is. Raises a fault for an error, and `UpstreamBroken` for anything else."""
    return answer_in(body, faults.within)


def message(value: Fields) -> Fields:
    """The value, if it is a message. Raises `UpstreamBroken`."""
    if not isinstance(value.get("content"), list):
        raise UpstreamBroken("The provider's answer is no message: it has no content.")
    return value


def completion(events: Events, told: Mapping[str, Any]) -> Fields:
    """A message as a finished chat completion."""
    answer, ending = Message(), Fields()
    for said in (one for event in events_of(told) for one in events.take(event)):
        if isinstance(said, str):
            answer.take({"content": said})
            continue
        ending = said["choices"][0]
        answer.take(ending.pop("delta"))
    choice = {"index": 0, "message": answer.fields(), **ending}
    return {**(events.heading or {}), "object": "chat.completion", "choices": [choice], "usage": events.usage}
