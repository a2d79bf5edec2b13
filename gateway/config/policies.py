"""The folder of policies: each file read and checked for its shape."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.document import Document
from gateway.config.files import policy_files
from gateway.config.models import Policy
from gateway.config.problems import Finding, Problem, Severity
from gateway.config.validate import validate


@dataclass
class Policies:
    """What a folder of policies holds, and what is wrong with it."""

    policies: list[Policy] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_policies(folder: Path, read: Callable[[Path], Document]) -> Policies:
    """Reads all of them; `read` turns a file into a document."""
    read_so_far = Policies()
    first: dict[str, str] = {}
    for file in policy_files(folder):
        document = read(file)
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
