"""What imports what: the contracts of pyproject.toml, and what a start must not load."""

import subprocess
import sys
import sysconfig
from pathlib import Path
from textwrap import dedent

import pytest

from tests.architecture.rules import HEAVY, ROOT

# httpx takes 0.1 s to import, and only the second transport, the webhooks and the like need it.
NOT_AT_START = HEAVY | {"httpx", "httpcore", "openai", "langchain_core", "hypothesis", "pytest"}


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that are loaded once `statement` has run in an interpreter of its own."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sysconfig.get_path("scripts")) / "lint-imports"
    return subprocess.run([str(tool), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["gateway.cli", "gateway.app"])
def test_a_start_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & NOT_AT_START == set()


def test_the_check_sees_what_a_module_loads() -> None:
    assert "wave" in loaded_by("import wave")
    assert "wave" not in loaded_by("pass")


@pytest.mark.timeout(120)
def test_imports_keep_the_contracts() -> None:
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_import_that_points_up_breaks_the_contracts(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.mkdir()
    for name, text in {"__init__": "", "upper": "", "lower": "import sample.upper\n"}.items():
        (sample / f"{name}.py").write_text(text)
    settings = """
        [tool.importlinter]
        root_package = "sample"

        [[tool.importlinter.contracts]]
        name = "down"
        type = "layers"
        containers = ["sample"]
        layers = ["upper", "lower"]
    """
    (tmp_path / "pyproject.toml").write_text(dedent(settings))
    done = contracts(tmp_path)
    assert done.returncode == 1
    assert "sample.lower is not allowed to import sample.upper" in done.stdout
