"""Sends what is no chat to a provider that speaks OpenAI's API.

That is the one whose objects the call names, else one of the model that it names, else the one that its header names, else
the first that the tenant may use.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from gateway.core import forms
from gateway.core.catalog import Target
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, InvalidValue, UnsupportedOperation, UpstreamBroken, UpstreamCredentials
from gateway.core.exchange import Exchange
from gateway.core.passage import Courier, Parcel, Passage
from gateway.core.record import Attempt
from gateway.core.upstream import Owner
from gateway.dialects.lenient import dumps
from gateway.dialects.named import is_mistakable, names_below, takes_everybodys
from gateway.dialects.owned import Opening, rewritten
from gateway.identity.reach import allowed_model, carriers, is_shared, scoped
from gateway.routing.health import Health

CHOICE: Final = b"x-fleetgate-provider"
"""The header by which a caller chooses the provider where nothing else decides, such as for a new file."""
LARGE: Final = 512 * 1024
"""Bodies longer than this are changed in a thread."""
SECRETS: Final = frozenset({"key", "api_key", "api-key", "access_token"})
"""Not passed on, though somebody may have put them into a query."""


class Forward:
    """Sets the reply. Closing it is the journey's part, so there is nothing to settle here."""

    def __init__(self, clock: Clock, health: Health) -> None:
        self._clock = clock
        self._health = health

    async def run(self, exchange: Exchange) -> None:
        passage = exchange.passage
        assert passage is not None  # this stage stands on the way of passages only
        addressing = Addressing(exchange, passage)
        large = len(exchange.request.body) > LARGE
        target, parcel = await asyncio.to_thread(addressing.address) if large else addressing.address()
        exchange.target = target
        courier = exchange.snapshot.upstreams[target.provider]
        if not isinstance(courier, Courier):
            raise UnsupportedOperation(f"{target.provider!r} has no {passage.way.path!r}.")
        await self._deliver(exchange, courier, parcel)

    async def _deliver(self, exchange: Exchange, courier: Courier, parcel: Parcel) -> None:
        began_s = self._clock.now_s()
        error: str | None = "abandoned"
        try:
            exchange.reply = await courier.deliver(parcel)
            error = None
        except GatewayError as fault:
            error = fault.code or type(fault).__name__
            if isinstance(fault, UpstreamCredentials):
                self._health.key_refused(exchange.target.provider)
            raise
        finally:
            now_s = self._clock.now_s()
            exchange.record.attempts.append(Attempt(exchange.target.label, now_s - began_s, error))
        exchange.record.first_byte_s = now_s


class Addressing:
    """One passage on the way to its provider: its ids are opened, its target is chosen, its parcel is made.

    A body in JSON is written anew, whatever it was: so the provider reads what was read here.
    """

    def __init__(self, exchange: Exchange, passage: Passage) -> None:
        self._exchange = exchange
        self._passage = passage
        self._request = exchange.request
        self._tenant = exchange.principal.tenant
        self._owner = Owner(self._tenant.name, exchange.snapshot.pepper)
        self._carriers = carriers(exchange.snapshot, self._tenant)
        if not self._carriers:
            raise UnsupportedOperation(
                "None of the providers that your key may use speaks OpenAI's API, which this is part of."
            )
        self._shared = any(is_shared(exchange.snapshot, self._tenant, name) for name in self._carriers)
        self._opening = Opening(self._owner, self._carriers, shared=self._shared)
        self._content_type = exchange.headers.get(b"content-type", b"")
        self._is_form = self._content_type.lower().startswith(b"multipart/")

    def address(self) -> tuple[Target, Parcel]:
        """Where it goes, and what goes there. Raises a `Refusal`."""
        passage, request = self._passage, self._request
        path, headers, body = self._opened_path(), self._headers(), b""
        if passage.way.blind and self._tenant.models is not None:
            raise self._unseen()
        if not request.body:
            target, model = self._chosen()
        elif self._is_form:
            form = self._opened_form()
            target, model = self._chosen()
            body = form if model == request.model else self._with_model(form, model)
            headers[b"content-type"] = forms.content_type(self._content_type)
        else:
            fields = self._opened_fields()
            target, model = self._chosen()
            body = _written(fields if model == request.model else {**fields, "model": model})
            headers[b"content-type"] = b"application/json"
        blocks = passage.blocks() if passage.way.unread else None
        return target, Parcel(passage.way, path, headers, self._owner, self._opening.shown, body, model, blocks, passage.length)

    # ------------------------------------------------------------ what it names

    def _opened_path(self) -> str:
        way, opening = self._passage.way, self._opening
        ids = {
            name: quote(opening.owned(shown) if name == "id" else opening.part(shown), safe="")
            for name, shown in self._passage.ids.items()
        }
        asked = parse_qsl(self._request.query, keep_blank_values=True)
        if any(name == "model" or is_mistakable(name) for name, _ in asked):
            raise InvalidValue("A model is named in the body, never in the query.", param="model")
        query = urlencode([(name, opening(value)) for name, value in asked if name.lower() not in SECRETS], safe="[]:,")
        return way.path.format(**ids) + (f"?{query}" if query else "")

    def _opened_form(self) -> bytes:
        body = self._request.body
        return forms.changed(body, forms.fields(body, self._content_type), lambda _, value: self._opening(value))

    def _opened_fields(self) -> dict[str, Any]:
        fields = dict(self._request.fields)
        if any(map(is_mistakable, fields)):
            raise InvalidValue("The name of the field 'model' is written in small letters.", param="model")
        if self._tenant.models is not None and names_below(fields):
            raise self._unseen()
        if self._shared and self._passage.way.group == "evals" and takes_everybodys(fields):
            raise UnsupportedOperation("Several tenants share this account, and an eval of what was asked would show it all.")
        opened: dict[str, Any] = rewritten(fields, self._opening)
        return opened

    def _unseen(self) -> UnsupportedOperation:
        return UnsupportedOperation(
            "Your key may use certain models only, and this would run others than the field 'model' says."
        )

    # ------------------------------------------------------------ where it goes

    def _chosen(self) -> tuple[Target, str]:
        """The target, and its name for the model where one was named. Raises a `Refusal` where none fits."""
        way, asked = self._passage.way, self._request.model
        fit = [name for name in self._carriers if self._opening.provider in (None, name)]
        chosen = self._exchange.headers.get(CHOICE, b"").decode("latin-1").strip()
        if chosen and chosen not in fit:
            raise InvalidValue(
                f"{chosen[:100]!r}, chosen by {CHOICE.decode()!r}, is no provider that can answer this for your key."
            )
        if chosen:
            fit = [chosen]
        if (way.named or asked) and (found := self._of_model(fit)) is not None:
            return found, found.named(asked)
        if way.lists and is_shared(self._exchange.snapshot, self._tenant, fit[0]):
            raise UnsupportedOperation(
                f"{fit[0]!r} is an account that several tenants share, and its list would show everybody's {way.group}. "
                "Keep the ids of what you make, and ask for each by its id."
            )
        return Target(fit[0], way.group, f"{fit[0]}/{way.group}"), asked

    def _of_model(self, fit: list[str]) -> Target | None:
        """The target of the model that the body names; None where any provider may answer."""
        asked, catalog = self._request.model, self._exchange.snapshot.catalog
        if not asked:
            if self._tenant.models is not None:
                raise InvalidValue("The field 'model' is missing; your key may use certain models only.", param="model")
            return None
        if not self._passage.way.named and self._tenant.models is None and catalog.find(asked) is None:
            return None  # a model that only its provider knows, such as one to be tuned
        model = allowed_model(catalog, self._tenant, asked)
        targets = [target for target in model.targets if target.provider in fit]
        if targets:
            return min(targets, key=lambda target: (target.priority, -target.weight))
        if self._passage.way.named or self._tenant.models is not None:
            raise UnsupportedOperation(f"No provider of {asked!r} that can answer this speaks OpenAI's API.", param="model")
        return None

    # ------------------------------------------------------------ what goes there

    def _with_model(self, form: bytes, model: str) -> bytes:
        known = forms.fields(form, self._content_type)
        return forms.changed(form, known, lambda name, value: model if name == "model" else value)

    def _headers(self) -> dict[bytes, bytes]:
        """The caller's, with what must not go on as it is changed."""
        headers, trace = dict(self._exchange.headers), self._exchange.record.trace
        if trace is not None:
            headers[b"traceparent"] = trace.header().encode()
        if (key := headers.get(b"idempotency-key")) is not None:
            headers[b"idempotency-key"] = scoped(key, self._tenant)
        return headers


def _written(fields: Mapping[str, Any]) -> bytes:
    try:
        return dumps(fields)
    except UpstreamBroken as error:  # written for what providers say; these are the caller's own words
        raise InvalidValue("The body is nested too deeply, or holds a number that is too great.") from error
