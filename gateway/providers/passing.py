"""How passages go to a provider that speaks OpenAI's API; pure."""

import dataclasses
from typing import Final
from urllib.parse import quote

from gateway.core.catalog import ProviderSpec, Timeouts
from gateway.core.chat import Operation
from gateway.core.errors import UpstreamFault
from gateway.core.passage import Parcel
from gateway.providers.azure import place as azure
from gateway.providers.azure.credential import credential
from gateway.providers.openai.request import configured
from gateway.providers.transport.contract import Header, Outgoing, Upload
from gateway.providers.vendors import vendor_of

FORWARDED: Final = (b"content-type", b"accept", b"openai-beta", b"idempotency-key", b"traceparent", b"tracestate")
"""The caller's headers that reach the provider. Not its credentials, nor the organisation that goes with them."""
FILE_S: Final = 3600.0
"""How long a file may take, either way; a slow caller needs its time."""


def write(parcel: Parcel, spec: ProviderSpec, key: str | None) -> Outgoing:
    """The request."""
    head: list[Header] = [(b"user-agent", b"fleetgate")]
    if key is not None:
        head.append(_credential(spec, key))
    head += [(name, parcel.headers[name]) for name in FORWARDED if name in parcel.headers]
    if spec.headers:
        head = configured(head, spec.headers)
    upload = None if parcel.blocks is None else Upload(parcel.blocks, parcel.length)
    return Outgoing(parcel.way.method.encode(), place(spec, parcel), head, parcel.body, upload=upload)


def _credential(spec: ProviderSpec, key: str) -> Header:
    if spec.wire == "azure" or vendor_of(spec).auth == "api-key":
        return credential(key)
    return b"authorization", b"Bearer " + key.encode()


def place(spec: ProviderSpec, parcel: Parcel) -> bytes:
    """The target of the request; what the base URL's query says, the caller's does not say again."""
    if spec.wire == "azure":
        root, query = _azure_root(spec, parcel)
    else:
        root, _, query = spec.base_url.partition("://")[2].partition("/")[2].partition("?")
        root = f"/{root}".rstrip("/")
    path, _, asked = parcel.path.partition("?")
    said = {pair.partition("=")[0].lower() for pair in query.split("&")}
    more = (pair for pair in asked.split("&") if pair.partition("=")[0].lower() not in said)
    every = "&".join(filter(None, (query, *more)))
    return f"{root}{path}{'?' if every else ''}{every}".encode("ascii", "replace")


def _azure_root(spec: ProviderSpec, parcel: Parcel) -> tuple[str, str]:
    """Where the Responses API stands, which is where objects are; a dated version has models in a place of their own."""
    responses, _, query = azure.path(spec.base_url, spec.version, Operation.RESPONSES, "").decode().partition("?")
    root = responses.removesuffix(Operation.RESPONSES.value)
    if azure.is_dated(spec.version) and parcel.model and parcel.way.group in ("images", "audio"):
        root += f"/deployments/{quote(parcel.model, safe='')}"
    return root, query


def patience(parcel: Parcel, spec: ProviderSpec) -> Timeouts:
    """The provider's own; a file takes as long as it takes, and what a model makes comes along with the head."""
    timeouts = spec.timeouts
    if parcel.way.named:
        return dataclasses.replace(timeouts, first_byte_s=max(timeouts.first_byte_s, timeouts.first_token_s))
    if parcel.blocks is None and not parcel.way.raw:
        return timeouts
    return dataclasses.replace(timeouts, total_s=max(timeouts.total_s, FILE_S))


def told(fault: UpstreamFault, parcel: Parcel) -> UpstreamFault:
    """The same fault, in whose words the caller finds the ids that it knows."""
    for own, shown in parcel.shown.items():
        if shown not in fault.message:
            fault.message = fault.message.replace(own, shown)
    return fault
