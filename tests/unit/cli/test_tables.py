"""`models` and `pipeline`: whole lines for pipes, folded ones for terminals, JSON for programs, errors apart."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

LONG = "a-name-of-a-model-that-is-longer-than-any-terminal-is-wide/" * 3
CONFIG = f"""
providers: {{ echo: {{ wire: echo }}, a: {{ wire: anthropic }}, o: {{ api_keys: [ "${{MISSING:-}}" ] }} }}
models:
  echo: echo/echo
  claude: a/claude
  gpt: {{ chain: [ {{ target: o/gpt }}, {{ target: echo/gpt }} ] }}
  "{LONG}": echo/echo
"""
cli = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return str(path)


def test_models_tell_who_answers_and_who_cannot(config: str) -> None:
    rows = json.loads(cli.invoke(app, ["models", "--json", "--config", config]).stdout)
    assert {row["model"]: (row["targets"], row["wire"], row["state"]) for row in rows} == {
        "echo": (["echo/echo"], "echo", "ready"),
        "claude": (["a/claude"], "anthropic", "no key: give it api_keys"),
        "gpt": (["o/gpt", "echo/gpt"], "openai, echo", "ready, but for o: no key: set MISSING"),
        LONG: (["echo/echo"], "echo", "ready"),
    }


def test_a_pipe_gets_whole_lines_without_escapes_and_padding(config: str) -> None:
    told = cli.invoke(app, ["models", "--config", config], env={"COLUMNS": "40"}).stdout
    assert [line.split()[0] for line in told.splitlines()] == ["model", "echo", "claude", "gpt", LONG]
    assert "\x1b" not in told
    assert all(line == line.rstrip() for line in told.splitlines())


def test_a_narrow_terminal_loses_nothing(config: str) -> None:
    terminal = {"COLUMNS": "40", "FORCE_COLOR": "1"}
    told = re.sub(r"\x1b\[[0-9;]*m", "", cli.invoke(app, ["models", "--config", config], env=terminal).stdout)
    assert all(len(line) <= 40 for line in told.splitlines())
    assert "…" not in told


def test_an_error_leaves_standard_output_empty(tmp_path: Path) -> None:
    refused = cli.invoke(app, ["models", "--json", "--config", str(tmp_path / "none.yaml")])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "fleetgate init" in refused.stderr


def test_no_model_is_an_empty_list_and_a_word_about_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("providers: { echo: { wire: echo } }\n")
    told = cli.invoke(app, ["models", "--json", "--config", str(tmp_path / "config.yaml")])
    assert (told.exit_code, json.loads(told.stdout)) == (0, [])
    assert told.stderr.startswith("Add a model under models")


def test_the_pipeline_stands_in_its_order_with_a_purpose_each() -> None:
    rows = json.loads(cli.invoke(app, ["pipeline", "--json"]).stdout)
    for way, last in (("chat", "Call"), ("passage", "Forward")):
        stages = [row["stage"] for row in rows if row["way"] == way]
        assert (stages[0], stages[-1]) == ("Trace", last)
    assert all(row["purpose"].endswith(".") for row in rows)
    table = cli.invoke(app, ["pipeline"]).stdout.splitlines()
    assert [line.split()[:2] for line in table[1:]] == [[row["way"], row["stage"]] for row in rows]
