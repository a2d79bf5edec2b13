"""The call itself: from the model's name to a target, and from the target to the first content of its answer."""

from collections.abc import Mapping
from hashlib import blake2b

from gateway.core.catalog import Model, Target
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, ModelNotFound
from gateway.core.exchange import Exchange
from gateway.core.record import Attempt
from gateway.core.upstream import Ask


class Call:
    """Sets the reply. Closing it is the journey's part, so there is nothing to settle here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, exchange: Exchange) -> None:
        exchange.target = target = first_target(allowed_model(exchange))
        upstream = exchange.snapshot.upstreams[target.provider]
        began_s = self._clock.now_s()
        error: str | None = None
        try:
            exchange.reply = await upstream.call(Ask(exchange.request, target, forwarded(exchange)))
        except GatewayError as fault:
            error = fault.code or type(fault).__name__
            raise
        finally:
            now_s = self._clock.now_s()
            exchange.record.attempts.append(Attempt(target.label, now_s - began_s, error))
        exchange.record.first_byte_s = now_s


def forwarded(exchange: Exchange) -> Mapping[bytes, bytes]:
    """The caller's headers, with what must not go on as it is changed.

    The next in a trace is told of our span instead of the caller's. An idempotency key is the tenant's own: two tenants
    behind one account of the provider must never meet in one.
    """
    headers, trace = exchange.headers, exchange.record.trace
    key = headers.get(b"idempotency-key")
    if trace is None and key is None:
        return headers
    changed = dict(headers)
    if trace is not None:
        changed[b"traceparent"] = trace.header().encode()
    if key is not None:
        scope = exchange.principal.tenant.name.encode() + b"\0"
        changed[b"idempotency-key"] = blake2b(scope + key, digest_size=20).hexdigest().encode()
    return changed


def allowed_model(exchange: Exchange) -> Model:
    """The model that the request names. Raises `ModelNotFound` for one that does not exist or is not the tenant's."""
    name = exchange.request.model
    catalog, allowed = exchange.snapshot.catalog, exchange.principal.tenant.models
    model = catalog.find(name)
    if model is None or (allowed is not None and name not in allowed and model.name not in allowed):
        raise ModelNotFound(name, catalog.nearest(name, allowed))
    return model


def first_target(model: Model) -> Target:
    """The target that is asked: of those with the lowest priority number the heaviest, the first of equals."""
    targets = model.targets
    return targets[0] if len(targets) == 1 else min(targets, key=lambda target: (target.priority, -target.weight))
