"""The name of a configuration: a hash of what it means, so that comments and formatting do not change it."""

import hashlib
import json
from collections.abc import Sequence

from pydantic import SecretStr

from gateway.config.models import Config, Policy
from gateway.identity.keys import digest

LENGTH = 16


def version_of(config: Config, policies: Sequence[Policy] = ()) -> str:
    """The same for the same meaning, in every process; secrets enter as digests under the configured pepper."""
    pepper = config.auth.pepper.get_secret_value().encode() if config.auth.pepper else b""

    def plain(value: object) -> str:
        return digest(pepper, value.get_secret_value()).hex() if isinstance(value, SecretStr) else str(value)

    meaning = [config.model_dump(), *sorted((one.model_dump() for one in policies), key=lambda one: str(one["policy"]))]
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), default=plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
