"""The files that providers name beside the configuration: there and readable, and what is in each, so that a new one counts as
a change. Blocks."""

import hashlib
import json
from collections.abc import Mapping

from gateway.config.files import Files, reason
from gateway.config.models.providers import Provider
from gateway.config.problems import Finding

NAMED = (("ca_file", "a PEM file"), ("credentials_file", "a service account's JSON file"))
"""The keys that name a file, and what is expected there."""
_PARTS = ("client_email", "private_key", "token_uri")


def ca_digests(providers: Mapping[str, Provider], files: Files) -> tuple[dict[str, str], list[Finding]]:
    """The digest of each provider's files by the provider's name, and which files cannot be read."""
    digests: dict[str, str] = {}
    findings: list[Finding] = []
    for name, provider in providers.items():
        for key, kind in NAMED:
            file = getattr(provider, key)
            if not file:
                continue
            try:
                content = files.content(file)
            except (OSError, ValueError) as error:
                findings.append(_unread((name, key), file, kind, error))
                continue
            digests[name] = digests.get(name, "") + hashlib.sha256(content).hexdigest()
            if key == "credentials_file" and not is_service_account(content):
                message = f"the file {file!r} is no key of a service account"
                findings.append(Finding(("providers", name, key), message, f"name {kind}", rule="bad-credentials"))
    return digests, findings


def is_service_account(content: bytes) -> bool:
    """Whether it has what signs for a service account; what that is, nobody is told."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and all(isinstance(told.get(name), str) for name in _PARTS)


def _unread(place: tuple[str, str], file: str, kind: str, error: Exception) -> Finding:
    where = ("providers", *place)
    if isinstance(error, FileNotFoundError):
        return Finding(where, f"there is no file {file!r}", f"name {kind}", rule="absent-file")
    hint = f"let this user read it, or name {kind}" if isinstance(error, PermissionError) else f"name {kind}"
    return Finding(where, f"the file {file!r} cannot be read: {reason(error)}", hint, rule="absent-file")
