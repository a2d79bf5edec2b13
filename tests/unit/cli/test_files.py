"""`init`, `check` and `schema`: what they write, what they say, and how they leave."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

WRITTEN = {"config.yaml", "policies/default.yaml", "fleetgate.schema.json", "fleetgate.policy.schema.json"}
SOUND = "providers: { echo: { wire: echo } }\nmodels: { echo: echo/echo }\n"
cli = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command is called in."""
    monkeypatch.chdir(tmp_path)
    for name in ("FLEETGATE_CONFIG", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def files(folder: Path) -> set[str]:
    return {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}


def test_init_writes_what_check_finds_sound(folder: Path) -> None:
    written = cli.invoke(app, ["init"])
    assert (written.exit_code, files(folder)) == (0, WRITTEN)
    checked = cli.invoke(app, ["check"])
    assert checked.exit_code == 0
    assert checked.stdout.splitlines()[-1].startswith("config.yaml is sound")


def test_init_replaces_nothing_unless_it_is_told_to(folder: Path) -> None:
    (folder / "config.yaml").write_text("mine: true\n")
    refused = cli.invoke(app, ["init"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--force" in refused.stderr
    assert "config.yaml" in refused.stderr
    assert files(folder) == {"config.yaml"}
    assert (folder / "config.yaml").read_text() == "mine: true\n"
    assert cli.invoke(app, ["init", "--force"]).exit_code == 0
    assert "mine" not in (folder / "config.yaml").read_text()


@pytest.mark.parametrize(("argument", "config"), [("there", "there/config.yaml"), ("new/own.yaml", "new/own.yaml")])
def test_init_takes_a_folder_or_a_file_and_says_how_to_go_on(folder: Path, argument: str, config: str) -> None:
    (folder / "there").mkdir()
    written = cli.invoke(app, ["init", argument])
    assert written.exit_code == 0
    assert (folder / config).is_file()
    assert f"serve --config {config}" in written.stdout


def test_init_where_nothing_can_be_written_says_so(folder: Path) -> None:
    (folder / "taken").write_text("a file, where a folder would have to be")
    refused = cli.invoke(app, ["init", "taken/config.yaml"])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Name a place that can be written: taken/config.yaml")


def test_check_says_everything_at_once_and_counts_it(folder: Path) -> None:
    (folder / "config.yaml").write_text("servr: {}\nserver: { drain: 30 }\n")
    checked = cli.invoke(app, ["check"])
    assert checked.exit_code == 1
    assert "config.yaml:1:1: did you mean 'server'?" in checked.stdout
    assert "config.yaml:2:18: write a duration" in checked.stdout
    assert checked.stdout.splitlines()[-1] == "config.yaml is not sound: 2 errors."


def test_check_without_a_file_looks_at_the_environment() -> None:
    assert cli.invoke(app, ["check"]).stdout.startswith("zero config (no file) is sound: 1 provider, 2 models, no keys")
    wrong = cli.invoke(app, ["check"], env={"OPENAI_BASE_URL": "nowhere"})
    assert wrong.exit_code == 1
    assert "OPENAI_BASE_URL is not the URL of a server" in wrong.stdout


@pytest.mark.parametrize("way", [["own.yaml"], ["--config", "own.yaml"], ["-c", "own.yaml"]])
def test_check_takes_the_file_as_an_argument_or_an_option(folder: Path, way: list[str]) -> None:
    (folder / "own.yaml").write_text(SOUND)
    assert cli.invoke(app, ["check", *way]).stdout.startswith("own.yaml is sound")


def test_check_takes_one_file(folder: Path) -> None:
    assert cli.invoke(app, ["check", "a.yaml", "--config", "b.yaml"]).exit_code == 2


def test_the_variable_names_the_file_too(folder: Path) -> None:
    (folder / "own.yaml").write_text(SOUND)
    assert cli.invoke(app, ["check"], env={"FLEETGATE_CONFIG": "own.yaml"}).stdout.startswith("own.yaml is sound")


@pytest.mark.parametrize("way", [["--json"], ["--format", "json"]])
def test_check_for_programs_is_json_and_nothing_else(folder: Path, way: list[str]) -> None:
    (folder / "config.yaml").write_text("server: { workers: 4 }\nmodels: { a: b }\n")
    checked = cli.invoke(app, ["check", *way])
    told = json.loads(checked.stdout)
    assert (checked.exit_code, told["ok"]) == (1, False)
    assert {"error", "note"} <= {one["severity"] for one in told["problems"]}


def test_check_for_code_hosts_is_sarif(folder: Path) -> None:
    (folder / "config.yaml").write_text("servr: {}\n")
    (run,) = json.loads(cli.invoke(app, ["check", "--format", "sarif"]).stdout)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "config.yaml"


@pytest.mark.parametrize(
    ("command", "offer"),
    [(["check", "--format", "xml"], "sarif"), (["schema", "policies"], "policy"), (["serve", "--log-format", "xml"], "json")],
)
def test_a_word_that_does_not_exist_is_answered_with_those_that_do(command: list[str], offer: str) -> None:
    refused = cli.invoke(app, command)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert offer in refused.stderr


@pytest.mark.parametrize(("of", "key"), [([], "providers"), (["config"], "providers"), (["policy"], "when")])
def test_the_schemas_are_json(of: list[str], key: str) -> None:
    assert key in json.loads(cli.invoke(app, ["schema", *of]).stdout)["properties"]
