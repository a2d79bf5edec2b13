"""What the pages say of the command line is true of it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config.inputs import Inputs
from gateway.config.load import load
from tests.architecture.rules import ROOT

PAGES = [ROOT / "README.md", *(page for page in (ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text("utf-8")
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback is not None}


def test_the_readme_lists_every_command() -> None:
    assert set(re.findall(r"^\| `fleetgate (\w+)` \|", README, re.MULTILINE)) == COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_command_that_does_not_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    assert {name for name in re.findall(r"fleetgate ([a-z]+)\b", text) if f"fleetgate {name}" in code(text)} <= COMMANDS


def test_the_options_in_the_readme_s_table_exist() -> None:
    for name, told in re.findall(r"^\| `fleetgate (\w+)` \| (.*) \|$", README, re.MULTILINE):
        known = CliRunner().invoke(app, [name, "--help"]).stdout
        options = re.findall(r"`(--?[a-z-]+)", told)
        assert [option for option in options if option not in known] == [], name


def test_the_readme_s_configuration_is_sound(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    path = tmp_path / "config.yaml"
    path.write_text(block)
    snapshot = load(Inputs(path, {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "c", "CRAWLER_KEY": "b"})).snapshot
    targets = {name: [target.label for target in model.targets] for name, model in snapshot.catalog.models.items()}
    assert targets == {"fast": ["local/qwen3"], "smart": ["openai/gpt-5.1", "anthropic/claude-sonnet-4-5"]}
    assert len(snapshot.keys) == 1


def code(text: str) -> str:
    """What stands in backticks."""
    return "\n".join(re.findall(r"`([^`]+)`", text))
