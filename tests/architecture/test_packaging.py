"""The ways to install agree: the README, CI, pyproject.toml, the lock and its copy for pip."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.rules import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def command(page: str, heading: str) -> str:
    """The one command of the first shell block under `heading`."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    block = re.search(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert block, f"no shell block under {heading!r}"
    (line,) = block[1].splitlines()
    return line


def pins(constraints: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", constraints, re.MULTILINE))


def locked(lock: str) -> dict[str, str]:
    return {package["name"]: package["version"] for package in tomllib.loads(lock)["package"]}


def declared() -> set[str]:
    """The names of all dependencies in pyproject.toml, extras and groups included."""
    project = tomllib.loads(read("pyproject.toml"))
    wanted = list(project["project"]["dependencies"])
    for several in (*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()):
        wanted += several
    return {re.split(r"[\[<>=~!; ]", each, maxsplit=1)[0].lower() for each in wanted} - {"fleetgate"}


@pytest.mark.parametrize(("heading", "variable"), [("Run it", "RUN"), ("Test it", "TEST")])
def test_ci_runs_the_commands_of_the_readme(heading: str, variable: str) -> None:
    assert f'\n{variable}="{command(read("README.md"), heading)}"\n' in read(".ci/run")


def test_the_command_under_a_heading_is_its_own() -> None:
    assert command("# x\n\n## A\n\n```sh\none\n```\n\n## B\n\n```sh\ntwo\n```\n", "B") == "two"
    with pytest.raises(AssertionError):
        command("# x\n\n## A\n\n## B\n\n```sh\ntwo\n```\n", "A")


def test_pip_and_uv_install_the_same_versions() -> None:
    constraints = pins(read("tests/constraints.txt"))
    lock = locked(read("uv.lock"))
    assert len(constraints) > 20
    assert {name: version for name, version in constraints.items() if lock.get(name) != version} == {}


def test_every_dependency_of_the_tests_is_pinned() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = {re.split(r"[\[<>=~!; ]", each, maxsplit=1)[0] for each in project["optional-dependencies"]["test"]}
    assert wanted - pins(read("tests/constraints.txt")).keys() == set()


def test_every_dependency_has_its_reason() -> None:
    reasons = read("docs/adr/0003-dependencies.md").lower()
    told = {name for row in re.findall(r"^\| ([a-z0-9, -]+) \|", reasons, re.MULTILINE) for name in row.split(", ")}
    assert declared() - told == set()
    assert told - declared() - {"package"} == set()


def test_the_licence_is_apache_2() -> None:
    licence = read("LICENSE")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert len(licence.splitlines()) > 200


def test_pages_link_to_files_that_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    assert [broken for page in pages for broken in broken_links(page, page.read_text("utf-8"))] == []


def test_a_broken_link_is_seen() -> None:
    text = "[a](LICENSE) [b](docs/gone.md) [c](https://example.org) [d](docs/errors.md#x)"
    assert broken_links(ROOT / "README.md", text) == ["README.md: docs/gone.md"]


def broken_links(page: Path, text: str) -> list[str]:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    return [f"{page.name}: {link}" for link in links if link and not (page.parent / link).exists()]
