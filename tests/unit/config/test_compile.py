"""From a sound file to the snapshot: models and their targets, providers, keys, and what does not fit together."""

from pathlib import Path

import pytest

from gateway.config.problems import Severity, headline
from gateway.core.catalog import PoolLimits, Target, Timeouts
from gateway.core.snapshot import Snapshot
from gateway.core.tenant import Principal, Tenant
from gateway.identity.keys import find
from tests.unit.config.folders import ECHO, PEPPER, loaded, look, messages, only

KEYS = "tenants:\n  t:\n    keys: [ {{ name: a, key: {} }}, {{ name: b, key: {} }} ]\n"


def snapshot(folder: Path, text: str) -> Snapshot:
    return loaded(folder, text).snapshot


# ---------------------------------------------------------------- models


def test_names_chains_and_patterns_become_targets(tmp_path: Path) -> None:
    catalog = snapshot(
        tmp_path,
        """
providers: { a: { wire: echo }, b: { wire: echo } }
models:
  plain: a/m
  deep: a/vendor/family/m
  own: a/*
  smart: { chain: [ { target: a/m, weight: 3 }, { target: b/n, priority: 2 }, b/o ] }
  gpt-*: b/*
  "*": a/*
""",
    ).catalog
    assert catalog.models["plain"].targets == (Target("a", "m", "a/m"),)
    assert catalog.models["deep"].targets == (Target("a", "vendor/family/m", "a/vendor/family/m"),)
    assert catalog.models["own"].targets == (Target("a", "*", "a/*"),)
    assert catalog.models["smart"].targets == (
        Target("a", "m", "a/m", 3, 1),
        Target("b", "n", "b/n", 1, 2),
        Target("b", "o", "b/o", 1, 1),
    )
    assert [(name, catalog.find(name).name) for name in ("gpt-5", "else") if catalog.find(name)] == [  # type: ignore[union-attr]
        ("gpt-5", "gpt-*"),
        ("else", "*"),
    ]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("a: ecko/x", "did you mean 'echo'? (there is no provider 'ecko'; there are: echo)"),
        ("a: openai/x", "add it under providers (there is no provider 'openai'; there are: echo)"),
        ("a: echo", "write one such as echo/echo ('echo' is not provider/model)"),
        ("a: /x", "write one such as echo/model ('/x' is not provider/model)"),
        ("a: echo/", "write one such as echo/echo ('echo/' is not provider/model)"),
        ("a: echo/gpt-*", "write echo/* for any name ('echo/gpt-*' is neither one model nor all)"),
        ("a: { chain: [] }", "add a target, such as { target: provider/model } (the chain of 'a' is empty)"),
        ("a: {}", "add 'chain' ('a' needs it)"),
        ("a:", "write a mapping of keys (found '')"),
        (
            "a: { chain: [ echo/x, echo/y, { target: echo/x, priority: 2 } ] }",
            "name it once; a target that fails is asked again where no other is left ('echo/x' stands in this chain already)",
        ),
        ("a*b: echo/x", "write the * at the end, as in gpt-* ('a*b' is no pattern)"),
        ("a b: echo/x", "rename it (a model's name has no blanks)"),
        (
            "a: { chain: [ echo/x, { target: nope/x } ] }",
            "add it under providers (there is no provider 'nope'; there are: echo)",
        ),
    ],
)
def test_a_model_that_leads_nowhere_is_an_error(tmp_path: Path, model: str, message: str) -> None:
    assert messages(look(tmp_path, f"providers: {{ echo: {{ wire: echo }} }}\nmodels:\n  {model}\n")) == [message]


def test_no_models_at_all_deserves_a_warning(tmp_path: Path) -> None:
    assert only(look(tmp_path, "server: {}"), Severity.WARNING).rule == "no-models"


# ---------------------------------------------------------------- providers


def test_a_provider_is_taken_over_whole(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    spec = snapshot(
        tmp_path,
        """
providers:
  up:
    base_url: https://example.com/v1/
    api_keys: [ one, "", two ]
    timeouts: { connect: 1s, first_byte: 2s, between_bytes: 3s, total: 4s }
    pool: { idle: 1, total: 2, idle_for: 3s, age: 4s }
    ca_file: ca.pem
    driver: httpx
  proxied: { base_url: "http://a", proxy: "http://proxy:3128" }
  echo: { wire: echo, script: { latency: 200ms, chunk: 3, usage: no, done: false } }
models: { "*": up/* }
""",
    ).providers
    up = spec["up"]
    assert (up.wire, up.base_url, up.api_keys) == ("openai", "https://example.com/v1", ("one", "two"))
    assert (up.timeouts, up.pool) == (Timeouts(1, 2, 3, 4), PoolLimits(1, 2, 3, 4))
    assert (up.ca_file, up.driver, up.proxy) == (str(tmp_path / "ca.pem"), "httpx", None)
    assert (spec["proxied"].driver, spec["proxied"].proxy) == ("httpx", "http://proxy:3128")
    assert spec["echo"].script == (("latency", "200ms"), ("chunk", "3"), ("usage", "no"), ("done", "no"))


def test_openai_needs_a_key_and_its_variable_is_known(tmp_path: Path) -> None:
    text = 'providers: { o: { api_keys: [ "${OPENAI_API_KEY:-}" ] }, l: { base_url: "http://l" } }\nmodels: { "*": o/* }\n'
    examined = look(tmp_path, text)
    assert messages(examined, Severity.WARNING) == [
        "set OPENAI_API_KEY (api.openai.com needs a key; until then models of 'o' answer 503)"
    ]
    assert examined.loaded is not None
    specs = examined.loaded.snapshot.providers
    assert (specs["o"].base_url, specs["o"].key_needed, specs["o"].variable) == (
        "https://api.openai.com/v1",
        True,
        "OPENAI_API_KEY",
    )
    assert specs["l"].key_needed is False
    assert messages(look(tmp_path, text, {"OPENAI_API_KEY": "x"}), Severity.WARNING) == []


def test_a_provider_that_leads_back_here_is_disarmed(tmp_path: Path) -> None:
    text = 'providers: { o: { base_url: "${U}", api_keys: k } }\nmodels: { "*": o/* }\n'
    examined = look(tmp_path, text, {"U": "http://localhost:8080/v1"})
    assert any("unset U, or" in one and "is this gateway itself" in one for one in messages(examined, Severity.WARNING))
    assert examined.loaded is not None
    assert (examined.loaded.snapshot.providers["o"].api_keys, examined.loaded.snapshot.providers["o"].key_needed) == ((), True)
    other = loaded(tmp_path, text, {"U": "http://localhost:8081/v1"}).snapshot.providers["o"]
    assert other.api_keys == ("k",)


@pytest.mark.parametrize(
    ("provider", "fragment"),
    [
        ("o: { base_url: 'http://u:p@h' }", "without user and password"),
        ("o: { base_url: 'ftp://h' }", "a URL such as"),
        ("o: { base_url: 'http://h:99999' }", "a URL such as"),
        ("o: { base_url: 'http://h?x=1' }", "as far as its ?"),
        ("o: { proxy: 'proxy:1' }", "a URL such as"),
        ("o: { ca_file: nope.pem }", "there is no file"),
        ('o: { api_keys: "a\\nb" }', "cannot be sent in a header"),
        ("o: { script: { latency: 1s } }", "has no script"),
        ("o: { wire: echo, script: { latency: soon } }", "expected a time"),
        ("o: { wire: echo, script: { latencyy: 1s } }", "Did you mean 'latency'?"),
        ("a/b: { wire: echo }", "cannot stand in provider/model"),
        ("o: { timeouts: { connect: 0s } }", "more than nothing"),
    ],
)
def test_a_provider_that_cannot_work_is_an_error(tmp_path: Path, provider: str, fragment: str) -> None:
    (message,) = messages(look(tmp_path, f"providers: {{ {provider}, echo: {{ wire: echo }} }}\nmodels: {{ e: echo/e }}\n"))
    assert fragment in message


# ---------------------------------------------------------------- tenants and keys


def test_a_key_stands_for_its_tenant(tmp_path: Path) -> None:
    found = snapshot(
        tmp_path, f"{ECHO}tenants: {{ t: {{ models: [ echo, echo-* ], keys: [ {{ name: ci, key: k1 }} ] }}, u: }}\n"
    )
    assert find(found.keys, found.pepper, "k1") == Principal(Tenant("t", frozenset({"echo", "echo-*"})), "ci")
    assert find(found.keys, found.pepper, "k2") is None
    assert found.pepper == PEPPER


def test_the_configured_pepper_is_used(tmp_path: Path) -> None:
    assert snapshot(tmp_path, f"auth: {{ pepper: salt }}\n{ECHO}").pepper == b"salt"


def test_without_keys_auth_is_off(tmp_path: Path) -> None:
    assert snapshot(tmp_path, f"{ECHO}tenants: {{ t: {{ weight: 2 }} }}\n").keys == {}


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ("k", "k", "make another one (the same key stands at tenants.t.keys[0])"),
        ("k", '"${K:-}"', "set K, or remove the key (the key is empty)"),
        ("k", '""', "set it, or remove the key (the key is empty)"),
        ("k", '"a b"', "use ASCII letters without blanks (the key could not be sent in a header)"),
        ("k", "k\u00e9", "use ASCII letters without blanks (the key could not be sent in a header)"),
    ],
)
def test_keys_that_cannot_work_are_errors(tmp_path: Path, one: str, other: str, message: str) -> None:
    assert messages(look(tmp_path, ECHO + KEYS.format(one, other))) == [message]


def test_two_keys_of_a_tenant_have_two_names_but_tenants_may_share_one(tmp_path: Path) -> None:
    one, other = "{ name: ci, key: k1 }", "{ name: ci, key: k2 }"
    loaded(tmp_path, f"{ECHO}tenants: {{ t: {{ keys: [ {one} ] }}, u: {{ keys: [ {other} ] }} }}\n")
    examined = look(tmp_path, f"{ECHO}tenants: {{ t: {{ keys: [ {one}, {other} ] }} }}\n")
    assert messages(examined) == ["give it another name ('t' has a key 'ci' already)"]


@pytest.mark.parametrize("name", ["ecko", "echo*"])
def test_a_tenant_may_not_name_models_that_are_not_there(tmp_path: Path, name: str) -> None:
    (message,) = messages(look(tmp_path, f"{ECHO}tenants: {{ t: {{ models: [ '{name}' ] }} }}\n"))
    assert message.startswith("did you mean 'echo")


def test_a_name_that_only_a_pattern_takes_is_questioned_where_it_looks_like_a_slip(tmp_path: Path) -> None:
    text = "providers: { e: { wire: echo } }\nmodels: { gpt-5-mini: e/x, '*': e/* }\n"
    text += "tenants: { t: { models: [ gpt-5-mni, other ] } }\n"
    assert messages(look(tmp_path, text), Severity.WARNING) == [
        "did you mean 'gpt-5-mini'? ('gpt-5-mni' is not under models; only '*' takes it)"
    ]


# ---------------------------------------------------------------- exposure

WIDE = ["0.0.0.0:80", "[::]:80", "192.168.1.1:80", "example.com:80"]


@pytest.mark.parametrize("address", WIDE)
def test_without_keys_nothing_wider_than_loopback_is_listened_on(tmp_path: Path, address: str) -> None:
    problem = only(look(tmp_path, f"server: {{ listen: '{address}' }}\n{ECHO}"))
    assert (problem.rule, problem.hint) == ("exposed", "add a key under tenants, or listen on 127.0.0.1")
    assert (problem.line, problem.column) == (1, 19)


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80", "localhost:80", "127.9.9.9:0"])
def test_loopback_needs_no_keys(tmp_path: Path, address: str) -> None:
    assert str(loaded(tmp_path, f"server: {{ listen: '{address}' }}\n{ECHO}").listen) == address


@pytest.mark.parametrize("address", WIDE)
def test_a_key_opens_every_address(tmp_path: Path, address: str) -> None:
    loaded(tmp_path, f"server: {{ listen: '{address}' }}\n{ECHO}{KEYS.format('k1', 'k2')}")


def test_the_key_of_the_documentation_opens_none(tmp_path: Path) -> None:
    text = f"server: {{ listen: 0.0.0.0:80 }}\n{ECHO}{KEYS.format('k1', 'sk-fg-example-not-for-production')}"
    assert only(look(tmp_path, text)).rule == "exposed"


def test_the_command_line_s_address_counts(tmp_path: Path) -> None:
    assert only(look(tmp_path, ECHO, host="0.0.0.0")).rule == "exposed"
    assert loaded(tmp_path, f"server: {{ listen: 0.0.0.0:80 }}\n{ECHO}", host="127.0.0.1").listen == ("127.0.0.1", 80)


@pytest.mark.parametrize("address", WIDE)
def test_a_short_key_that_others_could_guess_is_warned_about(tmp_path: Path, address: str) -> None:
    text = f"server: {{ listen: '{address}' }}\n{ECHO}{KEYS.format('file:a', 'file:b')}"
    (tmp_path / "a").write_text("k" * 15)
    (tmp_path / "b").write_text("k" * 16)
    problem = only(look(tmp_path, text), Severity.WARNING)
    assert (problem.rule, problem.key) == ("weak-key", "tenants.t.keys[0].key")
    assert "k" * 15 not in headline(problem)


def test_on_loopback_a_short_key_will_do(tmp_path: Path) -> None:
    assert "weak-key" not in [one.rule for one in look(tmp_path, ECHO + KEYS.format("k1", "k2")).problems]


def test_a_key_that_could_not_be_had_is_not_called_short(tmp_path: Path) -> None:
    examined = look(tmp_path, f"{ECHO}{KEYS.format('file:nope', 'k' * 16)}", host="0.0.0.0")
    assert [one.rule for one in examined.problems if one.severity is not Severity.NOTE] == ["dead-reference", "literal-secret"]


@pytest.mark.parametrize(
    "address", ["8080", ":8080", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:70000", "::1:80", "a b:1", "http://h:1", "h:x"]
)
def test_what_is_no_address_is_told(tmp_path: Path, address: str) -> None:
    assert "an address such as" in only(look(tmp_path, f"server: {{ listen: '{address}' }}\n{ECHO}")).hint


# ---------------------------------------------------------------- version and bounds


def test_the_version_names_the_meaning_and_not_the_text(tmp_path: Path) -> None:
    text = f"server: {{ drain: 60s }}\n{ECHO}auth: {{ pepper: a }}\n"
    first = snapshot(tmp_path, text).version
    assert snapshot(tmp_path, f"# comment\nauth:\n  pepper: 'a'\n{ECHO}\nserver: {{drain: 1m}}\n").version == first
    assert snapshot(tmp_path, f"{text}tenants:\n").version == first
    for other in (text.replace("60s", "61s"), text.replace("pepper: a", "pepper: b"), text.replace("echo/echo", "echo/x")):
        assert snapshot(tmp_path, other).version != first


def test_every_secret_is_in_the_version(tmp_path: Path) -> None:
    text = (
        'providers: { o: { api_keys: "${A}" } }\nmodels: { "*": o/* }\ntenants: { t: { keys: [ { name: a, key: "${B}" } ] } }\n'
    )
    versions = {loaded(tmp_path, text, {"A": a, "B": b}).snapshot.version for a in ("x1", "x2") for b in ("y1", "y2")}
    assert len(versions) == 4


def test_a_policy_is_in_the_version(tmp_path: Path) -> None:
    before = snapshot(tmp_path, ECHO).version
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text("policy: a\n")
    assert snapshot(tmp_path, ECHO).version != before


def test_the_content_of_a_ca_file_is_in_the_version_and_in_its_provider(tmp_path: Path) -> None:
    text = "providers: { o: { api_keys: x, ca_file: ca.pem }, echo: { wire: echo } }\nmodels: { e: echo/e }\n"
    found = []
    for content in ("one", "two", "one"):
        (tmp_path / "ca.pem").write_text(content)
        found.append(snapshot(tmp_path, text))
    first, second, third = found
    assert first.version == third.version != second.version
    assert first.providers["o"] == third.providers["o"] != second.providers["o"]
    assert first.providers["echo"] == second.providers["echo"]


def test_the_bounds_are_taken_over(tmp_path: Path) -> None:
    server = "server: { body: 1MiB, in_flight: 5, receive: 1s, heartbeat: 2s, drain: 3s }\n"
    bounds = snapshot(tmp_path, server + ECHO).bounds
    assert (bounds.body_bytes, bounds.in_flight, bounds.receive_s, bounds.heartbeat_s, bounds.drain_s) == (2**20, 5, 1, 2, 3)
