"""References: variables, defaults, files; and secrets, which never come out again."""

import re
from pathlib import Path

import pytest

from gateway.config.masking import EXAMPLE_KEY, is_secret, masked
from gateway.config.problems import Severity, render_all
from gateway.config.references import DeadReference, References
from gateway.config.report import as_json, as_sarif
from tests.unit.config.folders import ECHO, loaded, look, messages, only

SECRET = "hunter2-hunter2"


def absent(name: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("${A:-two}", "one"),
        ("${NO:-two}", "two"),
        ("${NO:-}", ""),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY}", ""),
        ("http://${A}:${NO:-80}/v1", "http://one:80/v1"),
        ("$${A}", "${A}"),
        ("costs $5", "costs $5"),
        ("${NO:-a:-b}", "a:-b"),
    ],
)
def test_a_reference_is_replaced(text: str, value: str) -> None:
    assert References({"A": "one", "EMPTY": ""}, absent).resolve(text).text == value


def test_what_a_variable_holds_is_not_read_again() -> None:
    assert References({"A": "${B}", "B": "x"}, absent).resolve("${A}").text == "${B}"


def test_a_file_gives_its_content_without_the_last_line_break() -> None:
    assert References({"N": "x"}, lambda name: f"content of {name}\n").resolve("file:/run/${N}").text == "content of /run/x"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("${NO}", r"set NO, or give it a default: \$\{NO:-\.\.\.\}"),
        ("${", r"write \$\{NAME\}"),
        ("${A-b}", r"write \$\{NAME\}"),
        ("${1}", r"write \$\{NAME\}"),
        ("file:/nope", "mount it there"),
    ],
)
def test_a_dead_reference_says_how_to_mend_it(text: str, hint: str) -> None:
    with pytest.raises(DeadReference) as caught:
        References({"A": "one"}, absent).resolve(text)
    assert re.match(hint, caught.value.hint)


def test_a_reference_stands_for_values_of_every_kind(tmp_path: Path) -> None:
    text = f'server: {{ in_flight: "${{N}}", listen: \'127.0.0.1:${{P:-9}}\', drain: "${{D}}" }}\n{ECHO}'
    found = loaded(tmp_path, text, {"N": "7", "D": "2s"})
    assert (found.snapshot.bounds.in_flight, found.snapshot.bounds.drain_s, found.listen.port) == (7, 2.0, 9)


def test_a_secret_file_stands_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "openai.key").write_text("sk-from-file\n")
    found = loaded(tmp_path, "providers: { o: { api_keys: file:openai.key } }\nmodels: { '*': o/* }\n")
    assert found.snapshot.providers["o"].api_keys == ("sk-from-file",)


def test_a_missing_secret_file_is_told_with_its_place(tmp_path: Path) -> None:
    problem = only(look(tmp_path, "auth:\n  pepper: file:nope\n" + ECHO))
    assert (problem.line, problem.column) == (2, 11)
    assert "No such file" in problem.message


# ---------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "text",
    [
        f"auth: {{ pepper: {SECRET} }}\n{ECHO}",
        f"auth: {{ admin_key: {SECRET} }}\n{ECHO}",
        f"auth: {{ pepper: '${{NO:-{SECRET}}}' }}\n{ECHO}",
        f"providers: {{ o: {{ api_keys: [ x, {SECRET} ] }} }}\nmodels: {{ '*': o/* }}\n",
        f"providers: {{ o: {{ api_keys: {SECRET} }} }}\nmodels: {{ '*': o/* }}\n",
        f"providers: {{ o: {{ proxy: 'http://u:{SECRET}@proxy:1', api_keys: x }} }}\nmodels: {{ '*': o/* }}\n",
        f"tenants: {{ t: {{ keys: [ {{ name: a, key: {SECRET} }} ] }} }}\n{ECHO}",
    ],
)
def test_a_secret_in_the_file_is_warned_about_and_not_shown(tmp_path: Path, text: str) -> None:
    examined = look(tmp_path, text)
    assert any("a secret stands in the file" in one for one in messages(examined, Severity.WARNING))
    assert examined.loaded is not None
    for shown in (
        render_all(examined.problems),
        as_json(examined.problems),
        as_sarif(examined.problems),
        repr(examined.problems),
    ):
        assert SECRET not in shown


def test_references_and_the_documented_key_are_no_secrets_in_the_file(tmp_path: Path) -> None:
    text = (
        f'auth: {{ pepper: "${{P}}" }}\n{ECHO}tenants: {{ t: {{ keys: [ {{ name: a, key: "${{K:-{EXAMPLE_KEY}}}" }} ] }} }}\n'
    )
    assert messages(look(tmp_path, text, {"P": "pppp"}), Severity.WARNING) == []


@pytest.mark.parametrize(
    "text",
    [
        f"auth: {{ pepper: {SECRET}, peper: 1 }}",
        f"auth: {{ peper: 1, pepper: {SECRET} }}",
        f"auth: {{ pepper: a, pepper: {SECRET} }}",
        f"providers: {{ o: {{ api_key: {SECRET} }} }}",
        f"providers: {{ o: {{ wire: x, apikeys: [ a, {SECRET} ] }} }}",
        f"providers: {{ o: {{ api_keys: {{ a: {SECRET} }} }} }}",
        f"tenants: {{ t: {{ keys: [ {{ nmae: a, key: {SECRET} }} ] }} }}",
        f"tenants: {{ t: {{ keys: [ {{ name: a, key: {SECRET} ] }} }} }}",
        f"server: {{ drain: sk-{SECRET} }}",
        "server: { drain: '${S}' }",
        f"auth:\n  admin_kye: 1\n  pepper: |\n    {SECRET}\n    {SECRET}\n  x: 1",
        f"stores: {{ ledger: 'mysql://u:{SECRET}@host/db' }}",
    ],
)
def test_no_error_shows_a_secret(tmp_path: Path, text: str) -> None:
    examined = look(tmp_path, text, {"S": SECRET})
    assert examined.loaded is None
    for shown in (render_all, as_json, as_sarif, repr):
        assert SECRET not in shown(examined.problems)


def test_what_looks_like_a_secret_is_starred_letter_by_letter() -> None:
    assert masked("key: sk-abcdefgh, x: 1") == "key: ***********, x: 1"
    assert masked("postgresql://user:pw@host/db") == "postgresql://*******@host/db"
    assert masked(f"key: {EXAMPLE_KEY}") == f"key: {EXAMPLE_KEY}"
    assert masked("base_url: https://api.openai.com/v1") == "base_url: https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("where", "secret"),
    [
        (("auth", "pepper"), True),
        (("providers", "o", "api_keys", 0), True),
        (("providers", "o", "api_key"), True),
        (("tenants", "t", "keys", 0, "key"), True),
        (("tenants", "t", "keys", 0, "name"), False),
        (("tenants", "t", "limits", 0, "tokens"), False),
        (("models", "my-key"), False),
        ((), False),
    ],
)
def test_secrets_are_known_by_their_key(where: tuple[str | int, ...], secret: bool) -> None:
    assert is_secret(where) is secret
