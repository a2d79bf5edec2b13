"""What is not wrong but worth telling: keys whose step has not come yet, and secrets that stand in the file itself."""

import re
from collections.abc import Iterator
from typing import Any

from gateway.config.document import Document
from gateway.config.masking import EXAMPLE_KEY, is_secret, is_told_apart
from gateway.config.problems import Finding, Severity, Where, dotted

ANY = "*"

NOT_YET: tuple[tuple[Where, str, str], ...] = (
    (("server", "workers"), "one process serves", "1"),
    (("server", "held"), "no call waits for capacity", ""),
    (("stores", "hot"), "state lives in memory", "memory://"),
    (("stores", "ledger"), "no account of requests is kept", ""),
    (("providers", ANY, "capacity"), "no call waits for capacity", ""),
    (("tiers",), "no policy chooses from them", ""),
    (("prices",), "no cost is computed", ""),
    (("tenants", ANY, "weight"), "no call waits in a line", "1"),
    (("tenants", ANY, "limits"), "nothing is limited", ""),
    (("tenants", ANY, "budgets"), "nothing is budgeted", ""),
    (("tenants", ANY, "session"), "sessions are not bounded", ""),
    (("tenants", ANY, "pool"), "there are no pools", "default"),
    (("tenants", ANY, "bodies"), "bodies are never kept", "off"),
    (("tenants", ANY, "keys", ANY, "limits"), "nothing is limited", ""),
    (("tenants", ANY, "keys", ANY, "budgets"), "nothing is budgeted", ""),
)
"""Keys that are accepted and do nothing in this version; what holds instead; the value that asks for just that."""

_PASSWORD = re.compile(r"://[^/@:\s]*:[^/@\s]+@")
_LONG = 8
"""A literal beside a reference counts as a secret from this length."""


def not_yet(document: Document) -> Iterator[Finding]:
    """A note for every key that was set and does nothing yet."""
    for pattern, instead, harmless in NOT_YET:
        for where, value in _matches(document.data, pattern):
            if value not in (None, "", [], {}) and str(value) != harmless:
                yield _note(where, instead)


def literal_secrets(document: Document) -> Iterator[Finding]:
    """A warning for every secret that stands in the file instead of being referred to."""
    for where, source in document.sources.items():
        secret = (is_secret(where) and not is_told_apart(where)) or _PASSWORD.search(source.literal) is not None
        alone = not source.variables or len(source.literal) >= _LONG
        if secret and alone and source.literal not in ("", EXAMPLE_KEY):
            yield Finding(
                where,
                "a secret stands in the file",
                "refer to it: ${NAME}, or file:/run/secrets/name",
                Severity.WARNING,
                "literal-secret",
            )


def _note(where: Where, instead: str) -> Finding:
    return Finding(where, f"{dotted(where)} does nothing yet: {instead}", "", Severity.NOTE, "not-yet", at_key=True)


def _matches(data: Any, pattern: Where, where: Where = ()) -> Iterator[tuple[Where, Any]]:
    if not pattern:
        yield where, data
        return
    if isinstance(data, dict):
        for key, value in data.items():
            if pattern[0] in (key, ANY):
                yield from _matches(value, pattern[1:], (*where, key))
    elif isinstance(data, list) and pattern[0] == ANY:
        for at, value in enumerate(data):
            yield from _matches(value, pattern[1:], (*where, at))
