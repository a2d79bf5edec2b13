"""The libraries that some wires sign with: extras, without which their providers have no credentials to send."""

import importlib.util
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from gateway.config.problems import Finding, Severity, Where
from gateway.core.catalog import ProviderSpec

SIGNING: Final[Mapping[str, str]] = MappingProxyType({"bedrock": "botocore", "vertex": "google.auth"})
"""By the wire, which is the name of the extra as well."""


def is_installed(name: str) -> bool:
    """Whether a module can be imported; it is not."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def libraries(where: Where, spec: ProviderSpec) -> Iterator[Finding]:
    """A warning where a provider would have to sign, and cannot."""
    name = SIGNING.get(spec.wire)
    if name is not None and not spec.api_keys and not is_installed(name):
        message = f"credentials for {where[-1]!r} need {name}, which is not installed; until then its models answer 503"
        hint = f"run pip install 'fleetgate[{spec.wire}]', or add api_keys"
        yield Finding(where, message, hint, Severity.WARNING, "no-library", at_key=True)
