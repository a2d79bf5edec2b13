"""The processes of a journey: the second server, the gateway, and what a test may ask of them."""

import base64
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(rb"listens on http://[^\s:]+:(\d+)")
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get_json(url: str, within_s: float = 15.0) -> Any:
    """The JSON at a local address."""
    with _LOCAL.open(url, timeout=within_s) as answer:
        return json.load(answer)


@dataclass(frozen=True, slots=True)
class Request:
    """What the second server received."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    state: str

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields


class Upstream:
    """The second server as a process of its own; it also ends when this process does."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.upstream"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def requests(self, model: str) -> list[Request]:
        """Every request for this model so far."""
        found = get_json(f"http://127.0.0.1:{self.port}/_control/seen?model={model}")
        return [
            Request(one["path"], dict(one["headers"]), base64.b64decode(one["body"]), one["connection"], one["state"])
            for one in found
        ]

    def wait(self, model: str, state: str, within_s: float = 5.0) -> int:
        """How many requests of the model are `running`, `blocked`, `done` or `left`, once one is or the time is over."""
        query = f"model={model}&state={state}&within={within_s}"
        return int(get_json(f"http://127.0.0.1:{self.port}/_control/wait?{query}", within_s + 5)["count"])

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        _end(self._process)
        self._process.stdout.close()


class Gateway:
    """Fleetgate as a process of its own, on a free port, with its log in a file."""

    def __init__(self, folder: Path, config: str | None, env: dict[str, str] | None = None) -> None:
        self.config = folder / "config.yaml"
        self.log = folder / "gateway.log"
        command = [sys.executable, "-m", "gateway", "serve", "-p", "0"]
        if config is not None:
            self.config.write_text(config)
            command += ["--config", str(self.config)]
        self._log: IO[bytes] = self.log.open("wb")
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment() | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # no threads of ours
        )
        try:
            self.port = self._address()
            self.origin = f"http://127.0.0.1:{self.port}"
            self.base_url = f"{self.origin}/v1"
            self.until(lambda: _ready(self.origin), "ready")
        except BaseException:
            self.stop()
            raise

    def _address(self) -> int:
        """The port on the start screen, where other addresses stand, too."""
        self.until(lambda: ADDRESS.search(self.log.read_bytes()) is not None, "an address on the start screen")
        found = ADDRESS.search(self.log.read_bytes())
        assert found is not None
        return int(found[1])

    def until(self, true: Any, what: str, within_s: float = 15.0) -> None:
        """Waits for something that only looking can tell; fails with the log where the process ended or time is over."""
        ends = time.monotonic() + within_s
        while not true():
            if self.process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"not seen: {what}; exit code {self.process.poll()}\n{self.tail()}")
            time.sleep(0.02)

    def tail(self, size: int = 6000) -> str:
        """The end of the log."""
        return self.log.read_bytes()[-size:].decode(errors="replace")

    def metrics(self) -> str:
        """The metrics page."""
        with _LOCAL.open(f"{self.origin}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """Stops it as an operator would; the exit code."""
        code = _end(self.process)
        self._log.close()
        return code


def _end_with_parent() -> None:
    """A test run that is killed leaves no gateway behind: the kernel sends it SIGTERM."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _environment() -> dict[str, str]:
    """Ours without what would choose a provider, a configuration or a proxy."""
    unwanted = re.compile(r"(OPENAI|ANTHROPIC|GEMINI|AZURE|AWS|FLEETGATE)_|.*_proxy$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not unwanted.match(name)}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _ready(origin: str) -> bool:
    try:
        with _LOCAL.open(f"{origin}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _end(process: "subprocess.Popen[bytes]", within_s: float = 15.0) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
