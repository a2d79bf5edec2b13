"""The worked examples of the design load as they stand; what has no effect yet is told, key by key."""

import shutil
from pathlib import Path

import pytest

from gateway.config.inputs import Inputs
from gateway.config.load import Examined, examine
from gateway.config.problems import Severity
from gateway.core.catalog import Target
from gateway.core.tenant import Principal, Tenant
from gateway.identity.keys import find
from tests.unit.config.folders import ECHO, look, messages, only, told

EXAMPLES = Path(__file__).parent / "examples"


@pytest.fixture
def example(tmp_path: Path) -> Examined:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    return examine(Inputs(tmp_path / "config.yaml", {}))


def test_the_examples_load_whole(example: Examined) -> None:
    assert example.errors == ()
    assert example.loaded is not None
    snapshot = example.loaded.snapshot
    assert str(example.loaded.listen) == "127.0.0.1:8080"
    assert list(snapshot.providers) == ["openai", "local", "echo"]
    assert snapshot.catalog.models["smart"].targets[2] == Target("local", "qwen3", "local/qwen3", 1, 2)
    assert [model.name for model in snapshot.catalog.patterns] == ["*"]
    tenant = Tenant("acme", frozenset({"smart", "gpt-5-mini", "echo"}))
    assert find(snapshot.keys, snapshot.pepper, "sk-fg-example-not-for-production") == Principal(tenant, "ci")


def test_every_key_whose_step_has_not_come_is_noted(example: Examined) -> None:
    notes = [one.key for one in example.problems if one.severity is Severity.NOTE]
    assert notes == [
        "server.held",
        "stores.ledger",
        "providers.openai.capacity",
        "tiers",
        "prices",
        "tenants.acme.weight",
        "tenants.acme.limits",
        "tenants.acme.budgets",
        "tenants.acme.session",
        "tenants.acme.keys[0].budgets",
        "policy",
    ]


def test_what_was_not_set_is_not_noted(tmp_path: Path) -> None:
    quiet = "server: { workers: 1 }\nstores: { hot: memory:// }\ntiers: {}\n"
    assert (
        messages(look(tmp_path, f"{ECHO}{quiet}tenants: {{ t: {{ weight: 1, pool: default, bodies: off }} }}\n"), Severity.NOTE)
        == []
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("server: { workers: 2 }", "server.workers"),
        ("stores: { hot: redis://h }", "stores.hot"),
        ("tenants: { t: { pool: own } }", "tenants.t.pool"),
        ("tenants: { t: { bodies: full } }", "tenants.t.bodies"),
        ("tenants: { t: { keys: [ { name: a, key: '${A}', limits: [ { concurrent: 1 } ] } ] } }", "tenants.t.keys[0].limits"),
    ],
)
def test_what_was_set_and_does_nothing_yet_is_noted(tmp_path: Path, text: str, key: str) -> None:
    examined = look(tmp_path, f"{ECHO}{text}\n", {"A": "secret"})
    assert examined.loaded is not None
    assert only(examined, Severity.NOTE).key == key


@pytest.mark.parametrize(
    "text", ["stores: { hot: mongo://h }", "stores: { ledger: file.db }", "tenants: { t: { bodies: on } }"]
)
def test_what_does_nothing_yet_is_checked_for_its_shape(tmp_path: Path, text: str) -> None:
    assert look(tmp_path, f"{ECHO}{text}\n").loaded is None


# ---------------------------------------------------------------- policies


def policies(folder: Path, **texts: str) -> Examined:
    (folder / "policies").mkdir()
    for name, text in texts.items():
        (folder / "policies" / f"{name}.yaml").write_text(text)
    return look(folder, ECHO)


def test_a_policy_is_checked_for_its_shape_in_its_own_file(tmp_path: Path) -> None:
    examined = policies(tmp_path, a="policy: a\nthen:\n  cache: { exakt: 1h }\n", b="order: 5\n", c="policy: [\n")
    assert examined.loaded is None
    syntax = "this is not YAML: while parsing a flow node, did not find expected node content"
    assert [line for line in told(examined, tmp_path).splitlines() if line.startswith("policies")] == [
        "policies/a.yaml:3:12: did you mean 'exact'? (unknown key 'exakt')",
        "policies/b.yaml:1:1: add 'policy' (this entry needs it)",
        f"policies/c.yaml:1:9: close the bracket ({syntax})",
    ]


def test_two_policies_have_two_names(tmp_path: Path) -> None:
    examined = policies(tmp_path, a="policy: x\n", b="policy: x\n")
    assert messages(examined) == ["give it another name (a.yaml names its policy 'x' already)"]


def test_a_folder_of_policies_that_is_named_and_absent_is_warned_about(tmp_path: Path) -> None:
    assert only(look(tmp_path, f"{ECHO}policies: ./rules\n"), Severity.WARNING).rule == "absent-folder"
    assert messages(look(tmp_path, ECHO), Severity.WARNING) == []
