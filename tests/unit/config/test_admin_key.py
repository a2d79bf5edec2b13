"""The admin key in the snapshot: as a digest, only where there is one, and with a warning where others can find it out."""

from pathlib import Path

import pytest

from gateway.config.problems import Severity
from gateway.identity.keys import digest
from tests.unit.config.folders import ECHO, PEPPER, loaded, look, only

LONG = "k" * 16


def test_the_admin_key_is_kept_as_a_digest(tmp_path: Path) -> None:
    snapshot = loaded(tmp_path, f"auth: {{ admin_key: '${{A}}' }}\n{ECHO}", {"A": "admin"}).snapshot
    assert snapshot.admin_key == digest(PEPPER, "admin")


@pytest.mark.parametrize("auth", ["", "auth: { admin_key: '' }\n", "auth:\n", "auth: { admin_key: '${A:-}' }\n"])
def test_without_a_key_there_is_none(tmp_path: Path, auth: str) -> None:
    assert loaded(tmp_path, auth + ECHO).snapshot.admin_key is None


def test_a_new_admin_key_is_a_new_configuration(tmp_path: Path) -> None:
    versions = {loaded(tmp_path, f"auth: {{ admin_key: {key} }}\n{ECHO}").snapshot.version for key in (LONG, LONG + "x")}
    assert len(versions) == 2


@pytest.mark.parametrize("key", ["short", "sk-fg-example-not-for-production"])
def test_a_key_that_others_can_find_out_is_warned_of_where_they_can_reach_it(tmp_path: Path, key: str) -> None:
    keys = f"tenants: {{ t: {{ keys: [ {{ name: a, key: '${{K}}' }} ] }} }}\nauth: {{ admin_key: '${{A}}' }}\n{ECHO}"
    environ = {"K": LONG + "-tenant", "A": key}
    examined = look(tmp_path, keys, environ, "0.0.0.0")
    problem = only(examined, Severity.WARNING)
    assert (problem.rule, problem.key) == ("weak-key", "auth.admin_key")
    assert key not in problem.message + problem.hint
    assert only_none(look(tmp_path, keys, environ)), "on loopback any will do"
    assert only_none(look(tmp_path, keys, environ | {"A": LONG}, "0.0.0.0"))


def only_none(examined: object) -> bool:
    """No weak key among the problems."""
    return all(one.rule != "weak-key" for one in examined.problems)  # type: ignore[attr-defined]
