"""Problems for programs: JSON, and SARIF 2.1.0 for code hosts and editors."""

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from gateway import __version__
from gateway.config.problems import Problem, Severity, in_order, sentence

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(problems: Sequence[Problem]) -> str:
    """`{"ok": ..., "problems": [...]}`; ok: no error among them."""
    told = {
        "ok": not any(one.severity is Severity.ERROR for one in problems),
        "problems": [_entry(one) for one in in_order(problems)],
    }
    return json.dumps(told, indent=2)


def as_sarif(problems: Sequence[Problem]) -> str:
    """One run, one result a problem."""
    ordered = in_order(problems)
    driver = {
        "name": "fleetgate",
        "version": __version__,
        "rules": [{"id": rule} for rule in dict.fromkeys(one.rule for one in ordered)],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(one) for one in ordered]}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def _entry(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "width": problem.width,
        "severity": problem.severity.value,
        "rule": problem.rule,
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
    }


def _result(problem: Problem) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": PurePath(problem.path).as_posix()}}
    if problem.line:
        end = problem.column + problem.width
        place["region"] = {"startLine": problem.line, "startColumn": problem.column, "endColumn": end}
    return {
        "ruleId": problem.rule,
        "level": problem.severity.value,
        "message": {"text": sentence(problem)},
        "locations": [{"physicalLocation": place}],
    }
