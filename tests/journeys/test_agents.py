"""Agents that people run from a terminal, headless, with a tool loop: Claude Code and Codex CLI, before every wire."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys import aimock
from tests.journeys.aimock import Aimock, calls, config_for_mock, text
from tests.journeys.configs import Starter
from tests.journeys.processes import Gateway

COMMAND = "echo marker-$((40+2))"
SHOWN = "marker-42"
FINAL = "Done: the tool said it."
WIRES = ("anthropic", "openai", "compatible", "google", "vertex", "bedrock", "azure")
MODELS = {"vertex": "gemini-2.5-pro", "google": "gemini-2.5-pro", "bedrock": "anthropic.claude-sonnet-4-5-v1:0"}

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(400),
    pytest.mark.skipif(aimock.missing() is not None, reason=aimock.missing() or ""),
]


@pytest.fixture(scope="module")
def programs() -> Path:
    return aimock.install()


@pytest.fixture(scope="module")
def mock(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    """Asked to run the tool, each agent's own one is called; its result is answered with words."""
    del programs  # installed
    tool = {"command": COMMAND, "description": "say it"}
    server = Aimock(
        tmp_path_factory.mktemp("aimock"),
        [
            calls("claude, run the tool", ("Bash", tool), hasToolResult=False),
            calls("codex, run the tool", ("exec_command", {"cmd": COMMAND}), hasToolResult=False),
            text("run the tool", FINAL, hasToolResult=True),
            {"match": {}, "response": {"content": "A title"}},
        ],
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def before_all(start: Starter, mock: Aimock) -> Gateway:
    return start(config_for_mock(mock))


def run(command: list[str], folder: Path, **env: str) -> list[dict[str, object]]:
    """The JSON lines of a command that must succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC", "OPENAI", "CLAUDE", "AWS"))}
    done = subprocess.run(
        command, cwd=folder, env=clean | env, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False
    )
    told = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{told[-3000:]}\n{done.stderr.decode(errors='replace')[-3000:]}"
    return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("wire", WIRES)
def test_claude_code_runs_a_tool(before_all: Gateway, programs: Path, tmp_path: Path, wire: str) -> None:
    claude = programs.parent / "@anthropic-ai" / "claude-code-linux-x64" / "claude"
    told = run(
        [
            *(str(claude if claude.exists() else programs / "claude"), "-p", "claude, run the tool"),
            *("--output-format", "stream-json", "--verbose", "--allowedTools", "Bash(echo:*)"),
            *("--model", f"{wire}/{MODELS.get(wire, 'claude-sonnet-4-5')}"),
        ],
        tmp_path,
        HOME=str(tmp_path),
        ANTHROPIC_BASE_URL=before_all.origin,
        ANTHROPIC_API_KEY="sk-any",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )
    results = [line for line in told if line["type"] == "user"]
    assert SHOWN in json.dumps(results)
    assert (told[-1]["type"], told[-1]["result"], told[-1]["is_error"]) == ("result", FINAL, False)


CODEX = """
model = "{wire}/gpt-5"
model_provider = "fleetgate"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.fleetgate]
name = "Fleetgate"
base_url = "{base_url}"
env_key = "FLEETGATE_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


@pytest.mark.parametrize("wire", WIRES)
def test_codex_runs_a_tool(before_all: Gateway, programs: Path, tmp_path: Path, wire: str) -> None:
    home = tmp_path / "codex"
    home.mkdir()
    (home / "config.toml").write_text(CODEX.format(wire=wire, base_url=before_all.base_url))
    told = run(
        [str(programs / "codex"), "exec", "--skip-git-repo-check", "--json", "codex, run the tool"],
        tmp_path,
        CODEX_HOME=str(home),
        FLEETGATE_KEY="sk-any",
    )
    items = [line["item"] for line in told if line["type"] == "item.completed"]
    assert SHOWN in json.dumps(items)
    assert FINAL in json.dumps(items[-1])
    assert told[-1]["type"] == "turn.completed"
