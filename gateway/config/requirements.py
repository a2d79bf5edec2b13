"""What a wire cannot do without, and which settings of a provider mean nothing to it. Pure."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from gateway.config.models.providers import Provider
from gateway.config.places import REGIONS
from gateway.config.problems import Finding, Severity, Where
from gateway.core.catalog import ProviderSpec
from gateway.providers.images.needs import needs_bytes
from gateway.providers.vendors import vendor_at

ONLY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "vendor": ("openai",),
        "version": ("azure", "anthropic", "vertex"),
        "project": ("vertex",),
        "location": ("vertex", "bedrock"),
        "credentials_file": ("vertex",),
        "profile": ("bedrock",),
    }
)
"""Settings and the wires that read them."""

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-encoding", "te", "upgrade"})
"""Headers that say how a request is sent; the client writes them."""
_VERSION: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_PLACE: Final = re.compile(r"[a-z0-9-]+", re.ASCII)
_PROJECT: Final = re.compile(r"[a-z0-9.:-]+", re.ASCII)
_OPERATION: Final = re.compile(r"/(chat/completions|completions|embeddings|responses|messages|models|converse)$")
_ADDS: Final = frozenset({"openai", "anthropic", "google", "bedrock", "vertex"})
"""Wires whose base URL ends before the operation; Azure's may be what its portal shows."""


def requirements(where: Where, provider: Provider, spec: ProviderSpec) -> Iterator[Finding]:
    """Everything that keeps a provider of this wire from working as it was meant."""
    yield from _needs(where, spec)
    yield from _useless(where, provider)
    yield from _headers(where, provider)
    yield from _shapes(where, spec)
    yield from _address(where, provider, spec)
    yield from _images(where, provider, spec)
    if provider.vendor and (told := vendor_at("", spec.base_url)).name not in ("", provider.vendor):
        message = f"{spec.base_url} is {told.name!r}, not {provider.vendor!r}"
        yield Finding((*where, "vendor"), message, "remove one of the two", Severity.WARNING, "other-vendor")


def _needs(where: Where, spec: ProviderSpec) -> Iterator[Finding]:
    name = where[-1]
    if spec.wire == "azure" and not spec.base_url:
        hint = "add base_url: https://RESOURCE.openai.azure.com"
        yield Finding(where, f"the resource of {name!r} is not known", hint, rule="no-address", at_key=True)
    if spec.wire == "vertex" and not spec.project:
        yield Finding(where, f"the project of {name!r} is not known", "add project: my-project", rule="no-project", at_key=True)
    if spec.wire == "bedrock" and not spec.location and not (spec.base_url and spec.api_keys):
        hint = f"add location: us-east-1, or set {REGIONS[0]}"
        yield Finding(where, f"the region of {name!r} is not known", hint, rule="no-region", at_key=True)
    if spec.wire == "openai" and spec.vendor and not spec.base_url:
        hint = "add base_url, or write wire: azure" if spec.vendor == "azure" else "add base_url"
        yield Finding(where, f"{spec.vendor!r} has no address that fits everybody", hint, rule="no-address", at_key=True)


def _shapes(where: Where, spec: ProviderSpec) -> Iterator[Finding]:
    for setting, shape, example in (
        ("version", _VERSION, "2024-10-21"),
        ("location", _PLACE, "us-east-1" if spec.wire == "bedrock" else "europe-west1"),
        ("project", _PROJECT, "my-project"),
    ):
        said = getattr(spec, setting)
        if said and not shape.fullmatch(said):
            yield Finding((*where, setting), f"{said!r} is no {setting}", f"write one such as {example}", rule=f"bad-{setting}")


def _address(where: Where, provider: Provider, spec: ProviderSpec) -> Iterator[Finding]:
    """What leads past the API, as far as that can be told."""
    said = provider.base_url
    if not said:
        return
    if provider.wire in _ADDS and (operation := _OPERATION.search(said)):
        hint = f"write {said.removesuffix(operation[0])}"
        message = f"the gateway adds {operation[0]} itself"
        yield Finding((*where, "base_url"), message, hint, Severity.WARNING, "odd-address")
    usual = vendor_at(spec.vendor, said).base_url if provider.wire == "openai" else ""
    if urlsplit(usual).path and not urlsplit(said).path:
        hint = f"write {said}{urlsplit(usual).path}"
        message = f"{vendor_at(spec.vendor, said).name} has its API below {urlsplit(usual).path}"
        yield Finding((*where, "base_url"), message, hint, Severity.WARNING, "odd-address")


def _images(where: Where, provider: Provider, spec: ProviderSpec) -> Iterator[Finding]:
    if provider.images != "fetch":
        return
    if not needs_bytes(spec):
        message = f"{where[-1]!r} takes images by URL, so that none is ever fetched for it"
        yield Finding((*where, "images"), message, "remove it", Severity.WARNING, "useless-setting", at_key=True)
    elif provider.proxy:
        message = "images are fetched directly, without the proxy"
        hint = "see to it that this machine reaches the public web, or remove images"
        yield Finding((*where, "images"), message, hint, Severity.WARNING, "direct-images", at_key=True)


def _useless(where: Where, provider: Provider) -> Iterator[Finding]:
    for setting, wires in ONLY.items():
        if getattr(provider, setting) and provider.wire not in wires:
            hint = f"remove it, or write wire: {wires[0]}"
            message = f"the wire {provider.wire!r} has no {setting}"
            yield Finding((*where, setting), message, hint, rule="useless-setting", at_key=True)


def _headers(where: Where, provider: Provider) -> Iterator[Finding]:
    for name, value in provider.headers.items():
        text = value.get_secret_value()
        if not _NAME.fullmatch(name):
            hint = "write letters, digits and - alone"
            yield Finding((*where, "headers", name), f"{name!r} is no name of a header", hint, rule="bad-header", at_key=True)
        elif name.lower() in _FRAMING:
            message = f"{name!r} says how the request is sent, which the gateway decides"
            yield Finding((*where, "headers", name), message, "remove it", rule="bad-header", at_key=True)
        elif not (text.isascii() and text.isprintable()):
            hint = "look for line breaks in it"
            yield Finding((*where, "headers", name), "the value cannot be sent in a header", hint, rule="bad-header")
