"""Reads a plain answer of Gemini's: for a chat in OpenAI's form, for a Gemini caller to the byte."""

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers.anthropic.answer import FREE_OF_CHARGE
from gateway.providers.google import faults
from gateway.providers.google.telling import completion
from gateway.providers.intake import answer_in


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """The whole answer as one chunk. Raises a fault for an error dressed as success, and `UpstreamBroken` for no answer."""
    request = ask.request
    value = answer_in(body, faults.within)
    if request.operation is Operation.COUNT_CONTENT:
        if type(value.get("totalTokens")) is not int:
            raise UpstreamBroken("The provider's answer has no count of tokens.")
        return Chunk(body, (FREE_OF_CHARGE,))
    told = completion(request, ask.target.named(request.model), value, int(wall_s))
    return Chunk(lenient.dumps(told) if request.operation is Operation.CHAT else body, (told,))
