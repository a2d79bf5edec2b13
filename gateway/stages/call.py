"""The call itself: from the model's name to a target, and from the target to the first content of its answer."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from gateway.core.catalog import Model
from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, InvalidValue, ObjectNotFound, Refusal
from gateway.core.exchange import Exchange
from gateway.core.passage import carries
from gateway.core.record import Attempt, Record, TraceContext
from gateway.core.tenant import Tenant
from gateway.core.upstream import Ask, Owner, Reply
from gateway.dialects.owned import Opening
from gateway.dialects.ownership import not_found, require_known
from gateway.dialects.referring import opened
from gateway.identity.reach import allowed_model, is_shared, scoped
from gateway.metering.usage import usage_of
from gateway.routing.chain import Asked, Chain
from gateway.routing.deadline import REQUEST_TIMEOUT, STAINLESS_TIMEOUT, Deadline, deadline_of, presses, within
from gateway.routing.health import Health
from gateway.routing.tries import Means, Tries
from gateway.telemetry.tasks import Tasks

LARGE: Final = 512 * 1024
"""Bodies longer than this are searched for ids in a thread."""


class Call:
    """Sets the reply. Closing it is the journey's part, so there is nothing to settle here.

    Most calls go to the only target of a model, which is well: they are made here, and meet the chain only when that fails.
    """

    def __init__(self, health: Health, clock: Clock, tasks: Tasks) -> None:
        self._means = Means(health, clock, tasks)
        self._health = health
        self._now_s = clock.now_s
        self._owners: dict[str, Owner] = {}

    async def run(self, exchange: Exchange) -> None:
        facts, headers, snapshot = exchange.facts, exchange.headers, exchange.snapshot  # once a call: as few steps as can be
        request: ModelRequest = facts["request"]
        tenant: Tenant = facts["principal"].tenant
        model = allowed_model(snapshot.catalog, tenant, request.model)
        target, health = model.targets[0], self._health
        health.budget.calls += 1
        owner = self._owners.get(tenant.name)
        if owner is None or owner.secret is not snapshot.pepper:
            owner = self._owners[tenant.name] = Owner(tenant.name, snapshot.pepper)
        deadline = None
        if REQUEST_TIMEOUT in headers or STAINLESS_TIMEOUT in headers:
            deadline = deadline_of(headers, exchange.born_s, stream=request.stream and request.operation.streams)
        began_s, standing = self._now_s(), health.of(target, request.model)
        if (
            len(model.targets) > 1
            or not standing.clear
            or model.failover
            or request.refers
            or (deadline is not None and presses(deadline, snapshot.providers[target.provider].timeouts, began_s))
        ):
            await self._walk(exchange, model, owner, deadline)
            return
        record: Record = facts["record"]
        timeouts = within(snapshot.providers[target.provider].timeouts, deadline, began_s) if deadline is not None else None
        ask = Ask(request, target, forwarded(headers, record.trace, tenant), timeouts, owner)
        try:
            reply = await snapshot.upstreams[target.provider].call(ask)
        except GatewayError as error:
            tries = self._tries(exchange, model, ask, deadline)
            await self._answered(exchange, tries, tries.resume(target, error, began_s))
            return
        except BaseException:
            self._tries(exchange, model, ask).abandon(target, began_s)
            exchange.target = target
            raise
        record.first_byte_s = now_s = self._now_s()
        health.began(standing, exchange.id, now_s)
        record.attempts.append(Attempt(target.label, now_s - began_s))
        exchange.target, exchange.reply = target, reply
        if reply.dropped:
            record.dropped = reply.dropped

    async def _walk(self, exchange: Exchange, model: Model, owner: Owner, deadline: Deadline | None) -> None:
        """The way of a call with a choice of targets, or with words that only one provider understands."""
        large = len(exchange.request.body) > LARGE
        request, provider = await asyncio.to_thread(owned, exchange, model, owner) if large else owned(exchange, model, owner)
        headers = forwarded(exchange.headers, exchange.record.trace, exchange.principal.tenant)
        ask = Ask(request, model.targets[0], headers, None, owner)
        tries = self._tries(exchange, model, ask, deadline, provider)
        await self._answered(exchange, tries, tries.run(model.hedge_s))

    async def _answered(self, exchange: Exchange, tries: Tries, answer: Coroutine[Any, Any, Reply]) -> None:
        try:
            exchange.reply = reply = await answer
        finally:
            if tries.last is not None:
                exchange.target = tries.last
        exchange.record.first_byte_s = self._now_s()
        exchange.record.dropped = reply.dropped

    def _tries(
        self, exchange: Exchange, model: Model, ask: Ask, deadline: Deadline | None = None, provider: str | None = None
    ) -> Tries:
        request = ask.request
        asked = Asked(request.model, deadline, request.fields.get("background") is True, provider)
        chain = Chain(model, asked, self._health, exchange.snapshot.catalog.find)
        size = len(request.body)
        return Tries(self._means, exchange, chain, ask, deadline, lambda transcript: usage_of(transcript, size))


def owned(exchange: Exchange, model: Model, owner: Owner) -> tuple[ModelRequest, str | None]:
    """The request as its provider knows it, and which one that is where the request refers to what a provider keeps.

    Raises `PreviousResponseNotFound`, `ObjectNotFound` or `InvalidValue` for what is not this tenant's, or not of a provider
    of this model.
    """
    request, providers = exchange.request, exchange.snapshot.providers
    if request.operation is Operation.RESPONSES:
        require_known(request.fields, owner, providers)
    if not request.refers:
        return request, None
    opening = Opening(owner, tuple(providers), shared=True)
    try:
        known = opened(request, opening)
    except ObjectNotFound:
        if _meets_others(exchange, model):  # asked only now, for it looks at every tenant
            raise
        opening = Opening(owner, tuple(providers), shared=False)
        known = opened(request, opening)
    if opening.provider is not None and all(target.provider != opening.provider for target in model.targets):
        raise _kept_elsewhere(request, model)
    return known, opening.provider


def _meets_others(exchange: Exchange, model: Model) -> bool:
    """Whether another tenant has objects in an account that this call could reach."""
    snapshot, tenant = exchange.snapshot, exchange.principal.tenant
    models = (model, *(found for name in model.failover.values() if (found := snapshot.catalog.find(name)) is not None))
    reached = {target.provider for one in models for target in one.targets}
    return any(carries(snapshot.providers[name]) and is_shared(snapshot, tenant, name) for name in reached)


def _kept_elsewhere(request: ModelRequest, model: Model) -> Refusal:
    """The refusal of what refers to a provider's objects and is asked of another one."""
    if request.operation is Operation.RESPONSES:
        for name in ("previous_response_id", "conversation"):
            if request.fields.get(name) is not None:
                return not_found(request.fields[name], name)
    return InvalidValue(f"The request refers to what another provider keeps than those of {model.name!r}.", param="model")


def forwarded(headers: Mapping[bytes, bytes], trace: TraceContext | None, tenant: Tenant) -> Mapping[bytes, bytes]:
    """The caller's headers, with what must not go on as it is changed.

    The next in a trace is told of our span instead of the caller's. An idempotency key is the tenant's own: two tenants
    behind one account of the provider must never meet in one.
    """
    key = headers.get(b"idempotency-key")
    if trace is None and key is None:
        return headers
    changed = dict(headers)
    if trace is not None:
        changed[b"traceparent"] = trace.header().encode()
    if key is not None:
        changed[b"idempotency-key"] = scoped(key, tenant)
    return changed
