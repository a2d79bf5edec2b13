"""What we ship and document: the default configuration, the schemas, the reports, the page that lists every key."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config.advice import NOT_YET
from gateway.config.initial import initial_config, initial_files
from gateway.config.inputs import Inputs
from gateway.config.load import examine
from gateway.config.problems import Problem, Severity
from gateway.config.report import as_json, as_sarif
from gateway.config.schema import DIALECT, config_schema, policy_schema, schema_text
from tests.architecture.rules import ROOT
from tests.unit.config.folders import messages

PAGE = (ROOT / "docs" / "config.md").read_text("utf-8")

# ---------------------------------------------------------------- the files


@pytest.mark.parametrize(
    "name", ["config.yaml", "policies/default.yaml", "fleetgate.schema.json", "fleetgate.policy.schema.json"]
)
def test_the_repository_holds_what_init_writes(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == initial_files()[name]


def test_the_default_configuration_runs_without_any_variable(tmp_path: Path) -> None:
    for name, text in initial_files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    examined = examine(Inputs(tmp_path / "config.yaml", {}))
    assert examined.loaded is not None
    assert examined.loaded.listen.loopback
    assert examined.loaded.snapshot.keys == {}
    assert examined.loaded.snapshot.catalog.find("echo") is not None
    assert [one.key for one in examined.problems if one.severity is Severity.NOTE] == ["policy"]
    assert messages(examined, Severity.WARNING) == [
        "set OPENAI_API_KEY (api.openai.com needs a key; until then models of 'openai' answer 503)"
    ]


def test_the_default_configuration_takes_the_usual_variables(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(initial_config(), encoding="utf-8")
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9100/v1", "OPENAI_API_KEY": "x"}
    examined = examine(Inputs(tmp_path / "config.yaml", environ))
    assert examined.loaded is not None
    spec = examined.loaded.snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys) == ("http://127.0.0.1:9100/v1", ("x",))
    assert messages(examined, Severity.WARNING) == []


def test_what_is_commented_out_in_the_default_configuration_is_right_too(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^( *)# (?= *(- \{|[a-z0-9_]+:( |$)))", r"\1", initial_config())
    assert "\ntenants:\n  acme:\n" in text
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "ca.pem").touch()
    examined = examine(Inputs(tmp_path / "config.yaml", {}))
    assert examined.errors == ()
    assert {"smart", "qwen3"} <= set(examined.loaded.snapshot.catalog.models if examined.loaded else ())


# ---------------------------------------------------------------- the schemas


@pytest.mark.parametrize("schema", [config_schema(), policy_schema()], ids=["config", "policy"])
def test_every_reference_of_a_schema_leads_somewhere(schema: dict[str, Any]) -> None:
    text = schema_text(schema)
    assert schema["$schema"] == DIALECT
    found = set(re.findall(r'"#/\$defs/(\w+)"', text))
    assert found == set(schema["$defs"])
    assert "$ref" not in re.sub(r'"\$ref": "#/\$defs/\w+"', "", text)


def test_every_section_of_a_schema_is_closed_and_described() -> None:
    for schema in (config_schema(), policy_schema()):
        for section in (schema, *schema["$defs"].values()):
            assert section["additionalProperties"] is False
            assert section["description"]
            assert all(entry.get("description") for entry in section["properties"].values()), section["description"]


def test_the_schema_shows_defaults_as_users_write_them_and_allows_references() -> None:
    server = config_schema()["$defs"]["Server"]["properties"]
    assert (server["drain"]["default"], server["body"]["default"]) == ("600s", "20MiB")
    assert [one["type"] for one in server["workers"]["anyOf"]] == ["integer", "string"]
    assert re.match(server["workers"]["anyOf"][1]["pattern"], "${WORKERS:-2}")


# ---------------------------------------------------------------- the reports

PROBLEMS = [
    Problem(
        "config.yaml", 3, 5, "unknown key 'a'", "did you mean 'b'?", rule="unknown-key", width=1, excerpt="  a: 1", key="x.a"
    ),
    Problem("config.yaml", 9, 1, "does nothing yet", severity=Severity.NOTE, rule="not-yet", width=4),
    Problem("environment", 0, 0, "no", severity=Severity.WARNING),
]


def test_json_tells_every_problem_with_its_place() -> None:
    told = json.loads(as_json(PROBLEMS))
    assert told["ok"] is False
    assert told["problems"][0] == {
        "path": "config.yaml",
        "line": 3,
        "column": 5,
        "width": 1,
        "severity": "error",
        "rule": "unknown-key",
        "key": "x.a",
        "message": "unknown key 'a'",
        "hint": "did you mean 'b'?",
    }
    assert json.loads(as_json(PROBLEMS[1:]))["ok"] is True
    assert json.loads(as_json([])) == {"ok": True, "problems": []}


def test_sarif_tells_every_problem_with_its_region() -> None:
    told = json.loads(as_sarif(PROBLEMS))
    (run,) = told["runs"]
    assert told["version"] == "2.1.0"
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {one.rule for one in PROBLEMS}
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    error = run["results"][0]
    assert error["message"]["text"] == "did you mean 'b'? (unknown key 'a')"
    assert error["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "config.yaml"},
        "region": {"startLine": 3, "startColumn": 5, "endColumn": 6},
    }
    assert "region" not in run["results"][1]["locations"][0]["physicalLocation"]


# ---------------------------------------------------------------- the page


def keys_of(schema: dict[str, Any], part: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key with its entry in the schema: `providers.NAME.wire`, `tenants.NAME.keys[].key`."""
    for name, entry in part.get("properties", {}).items():
        yield f"{prefix}{name}", entry
        for suffix, section in inner(schema, entry):
            yield from keys_of(schema, section, f"{prefix}{name}{suffix}.")


def inner(schema: dict[str, Any], entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sections within an entry, each once."""
    if "$ref" in entry:
        yield "", schema["$defs"][entry["$ref"].rpartition("/")[2]]
    for one in entry.get("anyOf", ()):
        yield from inner(schema, one)
    for part, suffix in (("items", "[]"), ("additionalProperties", ".NAME")):
        if isinstance(entry.get(part), dict):
            yield from ((f"{suffix}{more}", section) for more, section in inner(schema, entry[part]))


def later(key: str) -> bool:
    plain = key.replace("[]", ".*").replace("NAME", "*")
    patterns = [".".join(map(str, pattern)) for pattern, _, _ in NOT_YET]
    return any(plain == pattern or plain.startswith((f"{pattern}.", f"{pattern}[")) for pattern in patterns)


def row(key: str, entry: dict[str, Any]) -> str:
    """The line of the page that documents a key."""
    default = entry.get("default")
    told = "" if default is None else f"`{default}`"
    return f"| `{key}` | {told} | {'(later) ' if later(key) else ''}{entry['description']} |"


@pytest.mark.parametrize("schema", [config_schema(), policy_schema()], ids=["config", "policy"])
def test_every_key_is_documented_with_its_default_and_its_sentence(schema: dict[str, Any]) -> None:
    rows = [row(key, entry) for key, entry in keys_of(schema, schema)]
    assert len(rows) > 30
    assert [one for one in rows if one not in PAGE.splitlines()] == []


def test_every_documented_key_exists() -> None:
    known = {key for schema in (config_schema(), policy_schema()) for key, _ in keys_of(schema, schema)}
    assert set(re.findall(r"^\| `([a-z][^`]*)` \| [^|]* \|", PAGE, re.MULTILINE)) - known == set()
