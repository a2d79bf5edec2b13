"""Where an operation stands at an Azure resource, and what its API's version takes.

    v1      {resource}/openai/v1/chat/completions                                       the deployment is the body's `model`
    dated   {resource}/openai/deployments/{deployment}/chat/completions?api-version=... the deployment stands in the path

A base URL may name the resource, any of these roots, or what Azure's portal shows as the target.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from gateway.core.chat import Operation
from gateway.providers.vendors import AZURE, Vendor

_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?", re.ASCII)
_ROOTS: Final = re.compile(r"/openai(/v1(/.*)?|/deployments(/.*)?)?$")
_COUNTS_STREAMS: Final = "2024-09-01"
"""The first dated version that knows `stream_options` and `max_completion_tokens` (2024-09-01-preview)."""
_RESPONDS: Final = "2025-03-01"
"""The first dated version with the Responses API, which has no deployment in its path (2025-03-01-preview)."""
_WITHOUT_DEPLOYMENT: Final = frozenset({Operation.RESPONSES})


def is_dated(version: str) -> bool:
    """Whether this is a version of the older, dated form; `preview` and the like are versions of v1."""
    return _DATED.fullmatch(version) is not None


def responds(version: str) -> bool:
    """Whether this version has the Responses API."""
    return not is_dated(version) or version >= _RESPONDS


@lru_cache(maxsize=1024)
def path(base_url: str, version: str, operation: Operation, deployment: str) -> bytes:
    """The target of a request, from its first slash on."""
    place = base_url.partition("://")[2].partition("/")[2].partition("?")[0].rstrip("/")
    resource = _ROOTS.sub("", f"/{place}" if place else "")
    query = f"?api-version={quote(version, safe='')}" if version and version != "v1" else ""
    if not is_dated(version):
        return f"{resource}/openai/v1{operation.value}{query}".encode("ascii", "replace")
    inner = "" if operation in _WITHOUT_DEPLOYMENT else f"/deployments/{quote(deployment, safe='')}"
    return f"{resource}/openai{inner}{operation.value}{query}".encode("ascii", "replace")


@lru_cache(maxsize=256)
def row(version: str) -> Vendor:
    """What this version takes."""
    if is_dated(version) and version < _COUNTS_STREAMS:
        return replace(AZURE, usage=False, limit="max_tokens")
    return AZURE
