"""The Node clients (official SDK, Vercel AI SDK) through the gateway: one process runs all of their cases at once."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.answers import CALLS, FINAL, SCHEMA_ANSWER, TEXT, WEATHER, vector
from tests.journeys.behaviours import UPSTREAM_KEY
from tests.journeys.configs import ACME
from tests.journeys.outcome import TOKENS, Got, judge
from tests.journeys.processes import Gateway, Upstream
from tests.journeys.variants import ROWS

FOLDER = Path(__file__).parents[1] / "node"
CLIENTS = ("openai", "ai-openai", "ai-compatible")
CASES = ("plain", "stream", "parallel", "tools", "schema", "embed")
ERRORS: dict[str, tuple[int, str, int]] = {  # status, words, calls upstream with one retry
    "error-400": (400, "the third message is odd", 1),
    "error-401": (502, "", 1),
    "error-404": (404, "no such model upstream", 1),
    "error-429": (429, "slow down, please", 2),
    "error-500": (500, "the engine is on fire", 2),
    "error-html": (502, "", 2),
}
LEAVING = {"leave": "endless", "leave_early": "hang"}
Results = dict[str, dict[str, Any]]

pytestmark = [
    pytest.mark.node,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="node or npm is not on the PATH"),
]


@pytest.fixture(scope="session")
def packages() -> Path:
    """Installs the pinned packages where they are not those of the lock."""
    lock, stamp = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed-lock.json"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, timeout=200)
        stamp.write_bytes(lock.read_bytes())
    return FOLDER


def jobs() -> list[dict[str, Any]]:
    """Every case of every client."""
    found: list[dict[str, Any]] = []
    for client in CLIENTS:
        found += [{"client": client, "case": case, "model": "plain"} for case in CASES]
        found += [
            {"client": client, "case": "parallel" if row.tools else "stream", "model": name} for name, row in ROWS.items()
        ]
        found += [{"client": client, "case": "plain", "model": f"{name}@{client}", "retries": 1} for name in ERRORS]
        found += [{"client": client, "case": case, "model": f"{model}@{client}"} for case, model in LEAVING.items()]
        found.append({"client": client, "case": "plain", "model": f"flaky@{client}", "retries": 2})
        found.append({"client": client, "case": "plain", "model": "wrong-key", "key": "sk-wrong"})
    return found


def label(client: str, case: str, model: str) -> str:
    return f"{client} {case} {model}"


@pytest.fixture(scope="session")
def results(packages: Path, gateway: Gateway) -> Results:
    """What came of every job, by its label."""
    asked = [{"base": gateway.base_url, "key": ACME} | job for job in jobs()]
    ran = subprocess.run(
        ["node", "journey.mjs"], cwd=packages, input=json.dumps(asked).encode(), capture_output=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    return {
        label(job["client"], job["case"], job["model"]): one for job, one in zip(asked, json.loads(ran.stdout), strict=True)
    }


@pytest.mark.parametrize("client", CLIENTS)
class TestEveryNodeClient:
    """The cases that each client must pass."""

    def test_a_plain_answer(self, results: Results, client: str) -> None:
        got = results[label(client, "plain", "plain")]
        assert (got["text"], got["finish"], got["usage"]) == (TEXT, "stop", TOKENS)

    def test_a_stream(self, results: Results, client: str) -> None:
        got = results[label(client, "stream", "plain")]
        assert (got["text"], got["finish"], got["usage"]) == (TEXT, "stop", TOKENS)

    def test_parallel_calls_on_a_stream(self, results: Results, client: str) -> None:
        found = [
            (call["id"], call["name"], json.loads(call["arguments"]))
            for call in results[label(client, "parallel", "plain")]["calls"]
        ]
        assert found == [(one, name, json.loads(text)) for one, name, text in CALLS]

    def test_a_tool_is_called_and_its_result_answered(self, results: Results, client: str) -> None:
        got = results[label(client, "tools", "plain")]
        assert (got["call"], got["text"]) == (WEATHER, FINAL)

    def test_an_answer_to_a_json_schema(self, results: Results, client: str) -> None:
        assert results[label(client, "schema", "plain")]["object"] == SCHEMA_ANSWER

    def test_embeddings(self, results: Results, client: str) -> None:
        assert results[label(client, "embed", "plain")]["vectors"] == [vector(0), vector(1)]

    @pytest.mark.parametrize("name", ERRORS)
    def test_errors_keep_their_status_and_words(self, results: Results, upstream: Upstream, client: str, name: str) -> None:
        status, words, calls = ERRORS[name]
        got = results[label(client, "plain", f"{name}@{client}")]
        assert (got["ok"], got["status"]) == (False, status), got
        assert words in got["message"]
        assert UPSTREAM_KEY not in got["message"]
        assert "<html" not in got["message"]
        seen = len(upstream.requests(f"{name}@{client}"))
        assert seen == calls or (client != "openai" and seen <= 2)  # the AI SDK does not know x-should-retry

    def test_a_retry_after_a_429_is_answered(self, results: Results, client: str) -> None:
        assert results[label(client, "plain", f"flaky@{client}")]["text"] == TEXT

    def test_a_wrong_key(self, results: Results, client: str) -> None:
        assert results[label(client, "plain", "wrong-key")]["status"] == 401

    @pytest.mark.parametrize("case", LEAVING)
    def test_a_client_that_leaves_closes_the_upstream(
        self, results: Results, upstream: Upstream, client: str, case: str
    ) -> None:
        assert "answered" not in results[label(client, case, f"{LEAVING[case]}@{client}")]
        assert upstream.wait(f"{LEAVING[case]}@{client}", "left") == 1

    @pytest.mark.parametrize("name", ROWS)
    def test_it_has_the_whole_answer_or_an_error(self, results: Results, client: str, name: str) -> None:
        row = ROWS[name]
        judge(name, row, Got.of_node(results[label(client, "parallel" if row.tools else "stream", name)]))
