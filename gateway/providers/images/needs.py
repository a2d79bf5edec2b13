"""Which providers take the bytes of an image rather than its URL, so that it is fetched where that is allowed."""

from typing import Final

from gateway.core.catalog import ProviderSpec
from gateway.providers.vendors import vendor_of

_WIRES: Final = frozenset({"google", "vertex", "bedrock"})
"""Bedrock, and Claude on Vertex, take no URL; Gemini takes few."""


def needs_bytes(spec: ProviderSpec) -> bool:
    """Whether an image by URL becomes one with its bytes on the way to this provider."""
    return spec.wire in _WIRES or (spec.wire == "openai" and not vendor_of(spec).image_urls)
