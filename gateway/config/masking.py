"""Keeps secrets out of what is printed: which values are secret by their key, and what looks like one anywhere."""

import re

from gateway.config.problems import Where

EXAMPLE_KEY = "sk-fg-example-not-for-production"
"""The key that our documentation shows; the only one that may be printed."""

NEVER_SECRET = frozenset({"server", "models", "tiers", "prices", "match", "examples"})
"""Sections whose names may sound like secrets (a model `my-key`) without being any."""

_SECRET_KEY = re.compile(r"(?:^|[_-])(?:api_?keys?|keys?|secrets?|passwords?|pepper|(?<!first_)token)$", re.IGNORECASE)
_HOLDS_SECRETS = re.compile(r"api[_-]?keys?|headers", re.IGNORECASE)
_HARMLESS = re.compile(r"(?!.*(?:auth|key|token|secret|cookie|password|credential|signature)).*", re.IGNORECASE)
_LOOKS_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|ghp|hf)[-_][A-Za-z0-9_-]{6,}"  # the prefixes of vendors
    r"|\bAIza[A-Za-z0-9_-]{10,}"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # user:password@ of a URL
    r"|\b(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{32,}\b"
    r"|(?<=key: )[^\s${}\[\],\"']{3,}|(?<=pepper: )[^\s${}\[\],\"']{3,}",
)


def is_secret(where: Where) -> bool:
    """Whether the value at this key is one, misspelled keys (`apikeys`) included."""
    names = [part for part in where if isinstance(part, str)]
    if not names or names[0] in NEVER_SECRET:
        return False
    return _SECRET_KEY.search(names[-1]) is not None or any(map(_HOLDS_SECRETS.fullmatch, names))


def is_told_apart(where: Where) -> bool:
    """Whether a secret place holds something harmless, by its name: a header that is no credential."""
    return "headers" in where[:-1] and _HARMLESS.fullmatch(str(where[-1])) is not None


def masked(text: str) -> str:
    """`text` with everything that looks like a secret starred out, letter by letter."""
    return _LOOKS_SECRET.sub(lambda found: found[0] if found[0] == EXAMPLE_KEY else "*" * len(found[0]), text)


def starred(line: str, start: int, end: int) -> str:
    """The line with the letters from `start` to `end` starred out, quotes and blanks kept."""
    return line[:start] + re.sub(r"[^\s\"']", "*", line[start:end]) + line[end:]
