"""Without a file: the environment decides, echo always answers; and which file is read where there is one."""

from pathlib import Path

import pytest

from gateway.config.inputs import Inputs, find_config
from gateway.config.load import Loaded, examine, load
from gateway.config.models.server import Listen
from gateway.config.problems import headline
from gateway.config.zero import UNSERVED, zero_config


def zero(port: int | None = None, **environ: str) -> Loaded:
    return load(Inputs(None, environ, port=port))


def answers(loaded: Loaded, name: str) -> str | None:
    model = loaded.snapshot.catalog.find(name)
    return model.targets[0].label if model else None


def test_with_nothing_at_all_echo_answers_on_loopback() -> None:
    loaded = zero()
    assert (answers(loaded, "echo"), answers(loaded, "echo-slow"), answers(loaded, "gpt-5")) == ("echo/echo", "echo/*", None)
    assert list(loaded.snapshot.providers) == ["echo"]
    assert loaded.listen == ("127.0.0.1", 8080)
    assert (loaded.snapshot.keys, dict(loaded.found), loaded.unserved) == ({}, {}, ())


def test_a_key_makes_openai_answer_every_other_name() -> None:
    loaded = zero(OPENAI_API_KEY="sk-x")
    spec = loaded.snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys, spec.key_needed) == ("https://api.openai.com/v1", ("sk-x",), True)
    assert (answers(loaded, "gpt-5"), answers(loaded, "echo")) == ("openai/*", "echo/echo")
    assert dict(loaded.found) == {"openai": "OPENAI_API_KEY"}


def test_a_base_url_needs_no_key() -> None:
    loaded = zero(OPENAI_BASE_URL="http://127.0.0.1:9100/v1/")
    spec = loaded.snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys, spec.key_needed, spec.variable) == (
        "http://127.0.0.1:9100/v1",
        (),
        False,
        "OPENAI_API_KEY",
    )
    assert dict(loaded.found) == {"openai": "OPENAI_BASE_URL"}


def test_both_go_together() -> None:
    spec = zero(OPENAI_BASE_URL="http://127.0.0.1:9100/v1", OPENAI_API_KEY="x").snapshot.providers["openai"]
    assert (spec.base_url, spec.api_keys) == ("http://127.0.0.1:9100/v1", ("x",))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/v1", "http://localhost:8080", "http://[::1]:8080/v1", "http://0.0.0.0:8080"]
)
def test_the_gateway_s_own_address_is_not_taken_for_a_provider(url: str) -> None:
    loaded = zero(OPENAI_BASE_URL=url, OPENAI_API_KEY="any")
    assert list(loaded.snapshot.providers) == ["echo"]
    assert loaded.unserved == ("OPENAI_BASE_URL leads to this gateway itself and is not used",)
    assert "openai" in zero(8081, OPENAI_BASE_URL=url, OPENAI_API_KEY="any").snapshot.providers


def test_a_base_url_that_is_none_is_an_error_without_a_file() -> None:
    (problem,) = examine(Inputs(None, {"OPENAI_BASE_URL": "localhost"})).problems
    assert headline(problem).startswith("environment: set it to a URL such as https://api.openai.com/v1, or unset it")


@pytest.mark.parametrize("variable", UNSERVED)
def test_a_variable_whose_wire_has_not_come_is_recognised(variable: str) -> None:
    found = zero_config({variable: "x"}, Listen("127.0.0.1", 8080))
    assert found.unserved == (f"{variable} found: {UNSERVED[variable]} is not served yet",)
    assert list(found.config.providers) == ["echo"]


def test_empty_variables_count_as_absent() -> None:
    assert list(zero(OPENAI_API_KEY="", OPENAI_BASE_URL="", ANTHROPIC_API_KEY="").snapshot.providers) == ["echo"]


def test_without_a_file_nothing_wider_than_loopback_is_listened_on() -> None:
    examined = examine(Inputs(None, {}, host="0.0.0.0"))
    assert examined.loaded is None
    assert [one.rule for one in examined.errors] == ["exposed"]


def test_secrets_of_the_environment_are_in_no_text() -> None:
    assert "sk-x" not in repr(zero(OPENAI_API_KEY="sk-x"))


# ---------------------------------------------------------------- which file


def test_the_command_line_comes_before_the_variable_before_the_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    named = {"FLEETGATE_CONFIG": "/else/where.yaml"}
    assert find_config(Path("x.yaml"), named, tmp_path) == Path("x.yaml")
    assert find_config(None, named, tmp_path) == Path("/else/where.yaml")
    assert find_config(None, {"FLEETGATE_CONFIG": ""}, tmp_path) == tmp_path / "config.yaml"


def test_a_folder_without_a_file_is_zero_config(tmp_path: Path) -> None:
    assert find_config(None, {}, tmp_path) is None
    (tmp_path / "config.yaml").mkdir()
    assert find_config(None, {}, tmp_path) is None
