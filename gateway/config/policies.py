"""The folder of policies: each file read and checked for its shape."""

from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.files import Files, reason
from gateway.config.models import Policy
from gateway.config.problems import Finding, Problem, Severity
from gateway.config.validate import validate


@dataclass
class Policies:
    """What a folder of policies holds, what is wrong with its files (`problems`) and with itself (`findings`)."""

    policies: list[Policy] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_policies(folder: Path, name: str, files: Files, *, named: bool) -> Policies:
    """Reads all of them. The configuration calls the folder `name`; `named`: it really does, and not by default."""
    try:
        found = files.policies(folder)
    except (OSError, ValueError) as error:
        return Policies(findings=[_shut(name, error)])
    if found is None:
        return Policies(findings=[_absent(name)] if named else [])
    return _read(found, files)


def _absent(name: str) -> Finding:
    message, hint = f"there is no folder {name!r}", "make it, or remove the key"
    return Finding(("policies",), message, hint, Severity.WARNING, "absent-folder")


def _shut(name: str, error: Exception) -> Finding:
    hint = "let this user read it, or name another" if isinstance(error, PermissionError) else "name another"
    return Finding(("policies",), f"the folder {name!r} cannot be read: {reason(error)}", hint, rule="unreadable")


def _read(found: list[Path], files: Files) -> Policies:
    read_so_far = Policies()
    first: dict[str, str] = {}
    for file in found:
        document = files.policy(file)
        read_so_far.problems += document.problems
        policy, findings = validate(Policy, document)
        if policy is not None:
            findings += _judge(policy, first)
            first.setdefault(policy.policy, file.name)
            read_so_far.policies.append(policy)
        read_so_far.problems += [document.place(one) for one in findings]
    return read_so_far


def _judge(policy: Policy, first: dict[str, str]) -> list[Finding]:
    findings = [
        Finding(
            ("policy",), "policies do nothing yet: every call takes the model it asks for", "", Severity.NOTE, "not-yet", True
        )
    ]
    if policy.policy in first:
        message = f"{first[policy.policy]} names its policy {policy.policy!r} already"
        findings.append(Finding(("policy",), message, "give it another name", rule="duplicate-name"))
    return findings
