"""The CA files of the providers: there and readable, and what is in each, so that a new one counts as a change. Blocks."""

from collections.abc import Mapping

from gateway.config.files import Files, reason
from gateway.config.models.providers import Provider
from gateway.config.problems import Finding


def ca_digests(providers: Mapping[str, Provider], files: Files) -> tuple[dict[str, str], list[Finding]]:
    """The digest of each provider's CA file by the provider's name, and which files cannot be read."""
    digests: dict[str, str] = {}
    findings: list[Finding] = []
    for name, provider in providers.items():
        if provider.ca_file:
            try:
                digests[name] = files.digest(provider.ca_file)
            except (OSError, ValueError) as error:
                findings.append(_unread(name, provider.ca_file, error))
    return digests, findings


def _unread(provider: str, file: str, error: Exception) -> Finding:
    where = ("providers", provider, "ca_file")
    if isinstance(error, FileNotFoundError):
        return Finding(where, f"there is no file {file!r}", "name a PEM file", rule="absent-file")
    hint = "let this user read it, or name another PEM file" if isinstance(error, PermissionError) else "name a PEM file"
    return Finding(where, f"the file {file!r} cannot be read: {reason(error)}", hint, rule="absent-file")
