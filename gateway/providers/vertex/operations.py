"""Which publisher's API answers: Anthropic's for models named Claude, Google's for all others."""

from collections.abc import Mapping, Sequence

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamFault
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers.anthropic import answer as anthropic_answer
from gateway.providers.anthropic import faults as anthropic_faults
from gateway.providers.anthropic import stream as anthropic_stream
from gateway.providers.google import answer, faults, request, stream
from gateway.providers.google.family import family_of
from gateway.providers.google.place import verb
from gateway.providers.inner import refuse_inner
from gateway.providers.transport.contract import Header, Outgoing
from gateway.providers.vertex import claude, place


def speaks(_spec: ProviderSpec, model: str) -> frozenset[Operation]:
    """By the publisher of the model."""
    return claude.SPOKEN if place.is_claude(model) else request.SPOKEN


def write(asked: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]) -> Outgoing:
    """See `Wire`. Without a key, the token comes later, from `signing`."""
    refuse_inner(asked)
    model = target.named(asked.model)
    if place.is_claude(model):
        return claude.write(asked, model, spec, headers)
    body, dropped = request.payload(asked, model, family_of(model)._replace(ids=False))
    return Outgoing(
        b"POST", place.path(spec, "google", model, verb(asked)), request.head(asked, spec, key, headers), body, dropped
    )


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """See `Wire`."""
    return (anthropic_answer.read if _is_claudes(ask) else answer.read)(ask, body, wall_s)


def normaliser(ask: Ask, wall_s: float) -> "anthropic_stream.Stream | stream.Stream":
    """See `Wire`."""
    return anthropic_stream.normaliser(ask, wall_s) if _is_claudes(ask) else stream.normaliser(ask, wall_s)


def fault(spec: ProviderSpec, status: int, headers: Sequence[Header], body: bytes, wall_s: float) -> UpstreamFault:
    """See `Wire`. Claude's errors come in Anthropic's envelope, or in Google's where its front door refuses."""
    if _is_anthropics(body):
        return anthropic_faults.fault(spec, status, headers, body, wall_s)
    return faults.fault(spec, status, headers, body, wall_s)


def _is_claudes(ask: Ask) -> bool:
    return place.is_claude(ask.target.named(ask.request.model))


def _is_anthropics(body: bytes) -> bool:
    try:
        value = lenient.loads(body)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("type") == "error"
