"""What wires, vendors and settings are called elsewhere, and so by those who begin here: what they are called in this file."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

_WIRES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("claude",), "anthropic"),
        **dict.fromkeys(("gemini", "google-ai", "google-genai", "googleai", "palm"), "google"),
        **dict.fromkeys(("vertex-ai", "vertexai", "google-vertex", "gcp"), "vertex"),
        **dict.fromkeys(("aws", "aws-bedrock", "amazon", "amazon-bedrock", "converse"), "bedrock"),
        **dict.fromkeys(("azure-openai", "azureopenai", "azure-ai", "aoai"), "azure"),
        **dict.fromkeys(("openai-compatible", "openai-like", "compatible", "oai", "chat"), "openai"),
    }
)
_VENDORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("grok", "x.ai", "x-ai"), "xai"),
        **dict.fromkeys(("lm-studio",), "lmstudio"),
        **dict.fromkeys(("llamacpp", "llama-cpp", "llama-server"), "llama.cpp"),
        **dict.fromkeys(("together-ai", "togetherai"), "together"),
        **dict.fromkeys(("fireworks-ai",), "fireworks"),
        **dict.fromkeys(("kimi", "moonshotai"), "moonshot"),
        **dict.fromkeys(("zai", "z.ai", "z-ai", "glm", "bigmodel"), "zhipu"),
        **dict.fromkeys(("nim", "nvidia-nim"), "nvidia"),
    }
)
_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("key", "token", "api_token", "bearer_token", "auth_token"), "api_keys"),
        **dict.fromkeys(("url", "api_base", "endpoint", "address", "host", "azure_endpoint", "endpoint_url"), "base_url"),
        **dict.fromkeys(("region", "aws_region", "aws_region_name", "vertex_location"), "location"),
        **dict.fromkeys(("api_version", "anthropic_version"), "version"),
        **dict.fromkeys(("project_id", "vertex_project"), "project"),
        **dict.fromkeys(("credentials", "vertex_credentials", "service_account"), "credentials_file"),
        **dict.fromkeys(("type", "protocol", "kind", "api"), "wire"),
        **dict.fromkeys(("aws_profile", "aws_profile_name"), "profile"),
        **dict.fromkeys(("extra_headers", "default_headers"), "headers"),
        **dict.fromkeys(("targets", "deployments", "fallbacks"), "chain"),
        **dict.fromkeys(("model",), "target"),
    }
)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that looks most like `name`."""
    found = difflib.get_close_matches(name[:128], list(known), 1, cutoff)
    return found[0] if found else None


def key_meant(name: str, known: Iterable[str]) -> str | None:
    """The key that was probably meant by one that is not known."""
    every = list(known)
    called = _KEYS.get(name)
    return called if called in every else nearest(name, every)


def wire_meant(text: str, wires: Iterable[str], vendors: Iterable[str]) -> str | None:
    """What to write for a wire that is none; None where nobody knows."""
    name = _plain(text)
    if name in _WIRES:
        return f"wire: {_WIRES[name]}"
    every = list(wires)
    vendor = _VENDORS.get(name, name)
    return f"vendor: {vendor}, which speaks the wire openai" if vendor in vendors and vendor not in every else None


def vendor_meant(text: str, wires: Iterable[str], vendors: Iterable[str]) -> str:
    """What to write for a vendor that is none."""
    name, every = _plain(text), list(vendors)
    wire = _WIRES.get(name, name)
    if wire in wires and wire not in every:
        return f"wire: {wire}, without a vendor"
    near = _VENDORS.get(name) or nearest(name, every)
    return f"vendor: {near}" if near else f"one of {', '.join(every)}"


def _plain(text: str) -> str:
    return text[:128].strip().lower().replace("_", "-").replace(" ", "-")
