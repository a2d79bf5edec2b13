"""The name of a configuration: a hash of what it means, so that comments and formatting do not change it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import SecretStr

from gateway.config.models import Config, Policy
from gateway.config.models.section import Section
from gateway.identity.keys import digest

LENGTH = 16


NO_FILES: Mapping[str, str] = MappingProxyType({})


def version_of(config: Config, policies: Sequence[Policy] = (), ca_digests: Mapping[str, str] = NO_FILES) -> str:
    """The same for the same meaning, in every process; secrets enter as digests under the configured pepper.

    `ca_digests`: what is in the CA files, by the name of the provider.
    """
    pepper = config.auth.pepper.get_secret_value().encode() if config.auth.pepper else b""
    ordered = sorted(policies, key=lambda one: one.policy)
    meaning = [*(_plain(one, pepper) for one in (config, *ordered)), *([dict(ca_digests)] if ca_digests else [])]
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def _plain(value: Any, pepper: bytes) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, Section):
        return {name: _plain(getattr(value, name), pepper) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _plain(one, pepper) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, pepper) for one in value]
    if isinstance(value, SecretStr):
        return digest(pepper, value.get_secret_value()).hex()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
