"""Where a provider is found that says no address, where its models run, and which servers answer nobody without a key. Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from gateway.config.models.providers import Provider
from gateway.providers.bedrock import place as bedrock
from gateway.providers.google.place import BASE_URL as GOOGLE
from gateway.providers.vendors import OPENAI as OPENAI_ROW
from gateway.providers.vendors import VENDORS, vendor_at
from gateway.providers.vertex import place as vertex

OPENAI: Final = OPENAI_ROW.base_url
ANTHROPIC: Final = "https://api.anthropic.com"
GLOBAL: Final = "global"
"""Vertex' location where none is given."""

REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""The variables that tell AWS' region, as its own tools read them."""
_KEYED: Final = frozenset({"api.anthropic.com", "generativelanguage.googleapis.com"})
_SIGNED: Final = ("vertex", "bedrock", "echo")
"""Wires that find credentials of their own where no key is configured, or need none."""

_OF_LOCATION: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {"vertex": vertex.base_url_of, "bedrock": bedrock.base_url_of}
)
_FIXED: Final[Mapping[str, str]] = MappingProxyType({"openai": OPENAI, "anthropic": ANTHROPIC, "google": GOOGLE})


def location_of(provider: Provider, environ: Mapping[str, str]) -> str:
    """Where the models run; empty where that is not known or does not matter."""
    if provider.location:
        return provider.location
    if provider.wire == "vertex":
        return GLOBAL
    if provider.wire == "bedrock":
        return next((environ[name] for name in REGIONS if environ.get(name)), "")
    return ""


def base_url_of(provider: Provider, location: str) -> str:
    """The configured address, else the usual one of the wire or the vendor; empty where there is none."""
    if provider.base_url:
        return provider.base_url
    if provider.wire in _OF_LOCATION:
        return _OF_LOCATION[provider.wire](location) if location else ""
    if provider.vendor:
        return VENDORS[provider.vendor].base_url
    return _FIXED.get(provider.wire, "")


def needs_key(wire: str, base_url: str) -> bool:
    """Whether the server is known to answer nobody without a key."""
    if wire in _SIGNED:
        return False
    host = urlsplit(base_url).hostname or ""
    row = vendor_at("", base_url)
    return wire == "azure" or host in _KEYED or bool(row.name and not row.free)


def usual_variable(provider: Provider, base_url: str) -> str:
    """The variable in which its key is usually found."""
    names = {"anthropic": "ANTHROPIC_API_KEY", "google": "GEMINI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}
    return names.get(provider.wire) or vendor_at(provider.vendor or "", base_url).variable or "API_KEY"
