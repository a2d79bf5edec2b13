"""The start screen: what is there, by whose doing, what is missing, and lines that can be pasted."""

from pathlib import Path

import pytest

from gateway.cli.screen import SHOWN, WIDTH, Facts, base_url, counted, lines
from gateway.config.inputs import Inputs
from gateway.config.load import load
from gateway.config.models.server import Listen
from gateway.core.snapshot import Snapshot
from tests.unit.config.folders import loaded

HERE = Listen("127.0.0.1", 8080)


def screen(snapshot: Snapshot, **facts: object) -> str:
    return "\n".join(lines(Facts(**{"listen": HERE, "config": None, **facts}), snapshot))  # type: ignore[arg-type]


def zero(**environ: str) -> Snapshot:
    return load(Inputs(None, environ)).snapshot


def test_without_a_file_it_says_how_to_get_one() -> None:
    told = screen(zero())
    assert "listens on http://127.0.0.1:8080" in told
    assert "none: `fleetgate init` writes one" in told
    assert "echo (built in)" in told
    assert "off: any key is accepted, on loopback only" in told


def test_its_exports_and_its_first_question_can_be_pasted() -> None:
    pasted = [line.strip() for line in screen(zero()).splitlines()]
    assert "export OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=any" in pasted
    assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:8080 ANTHROPIC_AUTH_TOKEN=any" in pasted
    assert "export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080 GEMINI_API_KEY=any" in pasted
    assert 'fleetgate ask "hello"' in pasted


def test_a_program_that_the_shell_does_not_find_is_named_by_its_path() -> None:
    told = screen(zero(), program=".venv/bin/fleetgate")
    assert '  .venv/bin/fleetgate ask "hello"' in told
    assert "`.venv/bin/fleetgate init`" in told


def test_a_provider_is_told_with_the_variable_that_made_it() -> None:
    told = screen(zero(OPENAI_API_KEY="sk-x"), found={"openai": "OPENAI_API_KEY"})
    assert "openai at https://api.openai.com/v1 (by OPENAI_API_KEY)" in told
    assert "sk-x" not in told


def test_what_was_found_and_is_not_served_stands_with_the_providers() -> None:
    told = screen(zero(), unserved=("AWS_ACCESS_KEY_ID found: set AWS_REGION as well",)).splitlines()
    at = next(at for at, line in enumerate(told) if "providers" in line)
    assert told[at + 1].strip() == "AWS_ACCESS_KEY_ID found: set AWS_REGION as well"


def test_why_a_provider_cannot_answer_is_told(tmp_path: Path) -> None:
    text = 'providers: { a: { wire: anthropic }, o: { api_keys: [ "${MISSING:-}" ] } }\nmodels: { "*": o/* }\n'
    told = screen(loaded(tmp_path, text).snapshot)
    assert "a at https://api.anthropic.com, no key: give it api_keys" in told
    assert "o at https://api.openai.com/v1, no key: set MISSING" in told
    assert " ask " not in told  # nobody could answer it


def test_a_question_is_put_to_a_model_that_can_answer(tmp_path: Path) -> None:
    text = "providers: { a: { wire: anthropic }, e: { wire: echo } }\nmodels: { first: a/x, 'a(b)': e/echo }\n"
    assert "fleetgate ask -m 'a(b)' " in screen(loaded(tmp_path, text).snapshot)


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, []),
        ({"ANTHROPIC_API_KEY": "k"}, ["anthropic/MODEL"]),
        ({"GROQ_API_KEY": "k"}, ["groq/MODEL"]),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, ["MODEL"]),
        ({"OPENAI_BASE_URL": "https://api.openai.com/v1"}, []),  # which has no key yet
    ],
)
def test_besides_echo_it_invites_to_ask_who_was_found(environ: dict[str, str], asked: list[str]) -> None:
    told = screen(zero(**environ)).splitlines()
    assert [line.strip() for line in told if " ask " in line] == [
        'fleetgate ask "hello"',
        *(f'fleetgate ask -m {name} "hello"' for name in asked),
    ]


def test_without_echo_a_pattern_is_an_invitation_too(tmp_path: Path) -> None:
    text = "providers: { l: { base_url: 'http://l/v1' } }\nmodels: { 'l/*': l/*, '*': l/* }\n"
    assert 'fleetgate ask -m l/MODEL "hello"' in screen(loaded(tmp_path, text).snapshot)


def test_aliases_show_where_they_lead_and_plain_names_do_not(tmp_path: Path) -> None:
    text = "providers: { e: { wire: echo } }\nmodels: { same: e/same, other: e/same, '*': e/* }\n"
    assert "same, other -> e/same, * -> e/*" in screen(loaded(tmp_path, text).snapshot)


def test_many_models_still_make_one_screen(tmp_path: Path) -> None:
    names = "".join(f"  a-model-with-a-longish-name-{at}: e/x\n" for at in range(200))
    told = lines(
        Facts(HERE, "config.yaml"), loaded(tmp_path, f"providers: {{ e: {{ wire: echo }} }}\nmodels:\n{names}").snapshot
    )
    assert len(told) <= 24
    assert all(len(line) <= WIDTH + 13 for line in told)
    assert any(f"{200 - SHOWN} more (`fleetgate models` tells)" in line for line in told)


def test_no_model_at_all_is_told(tmp_path: Path) -> None:
    assert "models     none" in screen(loaded(tmp_path, "providers: { e: { wire: echo } }\n").snapshot)


def test_with_keys_it_asks_for_one_and_shows_none(tmp_path: Path) -> None:
    text = (
        "providers: { e: { wire: echo } }\nmodels: { e: e/e }\ntenants: { a: { keys: [ { name: k, key: very-secret-1 } ] } }\n"
    )
    told = screen(loaded(tmp_path, text).snapshot)
    assert "on: 1 key of 1 tenant" in told
    assert "OPENAI_API_KEY=YOUR_KEY" in told
    assert "ANTHROPIC_AUTH_TOKEN=YOUR_KEY" in told
    assert "very-secret-1" not in told


def test_keys_that_do_nothing_yet_are_named() -> None:
    assert "not yet    without effect in this version: server.workers, stores.hot" in screen(
        zero(), idle=("server.workers", "stores.hot")
    )
    assert "not yet" not in screen(zero())


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80/v1"),
        ("::", "http://[::1]:80/v1"),
        ("::1", "http://[::1]:80/v1"),
        ("gateway.internal", "http://gateway.internal:80/v1"),
    ],
)
def test_the_exported_address_can_be_reached(host: str, url: str) -> None:
    assert base_url(Listen(host, 80)) == url


def test_numbers_go_with_their_nouns() -> None:
    assert [counted(number, "key") for number in (0, 1, 2)] == ["no keys", "1 key", "2 keys"]
