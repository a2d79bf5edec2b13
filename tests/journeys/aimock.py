"""A mock of every provider that is not ours (`@copilotkit/aimock`), as a process, and a gateway in front of it."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.journeys.processes import get_json

AGENTS = Path(__file__).parents[1] / "agents"
ADDRESS = re.compile(rb"listening on http://127\.0\.0\.1:(\d+)")
WIRES = ("openai", "anthropic", "google", "vertex", "bedrock", "azure", "compatible")
"""The providers of `config_for_mock`, each spoken to on its own wire."""

Json = dict[str, Any]


def missing() -> str | None:
    """Why the packages cannot be had here; None where they can."""
    return None if shutil.which("node") and shutil.which("npm") else "node or npm is not on the PATH"


def install(folder: Path = AGENTS) -> Path:
    """Installs the pinned packages where they are not those of the lock; gives the folder of their programs."""
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".installed-lock.json"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=280)
        stamp.write_bytes(lock.read_bytes())
    return folder / "node_modules" / ".bin"


def text(message: str, said: str, **more: Any) -> Json:
    """A fixture: what is answered with words where the last user message has `message` in it."""
    return {"match": {"userMessage": message, **more}, "response": {"content": said}}


def calls(message: str, *called: tuple[str, Json], **more: Any) -> Json:
    """A fixture: what is answered with calls of tools, after some signed thinking, which must come back unchanged."""
    entries = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in called]
    thought = {"reasoning": "I had better look.", "reasoningSignature": "c2lnbmVk" * 8}
    return {"match": {"userMessage": message, **more}, "response": {"toolCalls": entries, **thought}}


class Aimock:
    """The mock as a process of its own, on a free port. `strict`: what no fixture matches is an error.

    `more`: options of its command, such as those that make it fail by chance (`--chaos-drop`, `0.5`).
    """

    def __init__(self, folder: Path, fixtures: Sequence[Json], *, strict: bool = True, more: Sequence[str] = ()) -> None:
        found = folder / "fixtures.json"
        found.write_text(json.dumps({"fixtures": list(fixtures)}))
        self._log = folder / "aimock.log"
        with self._log.open("wb") as log:
            program = AGENTS / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
            command = ["node", str(program), "--port", "0", "--host", "127.0.0.1", "--fixtures", str(found)]
            command += [*(["--strict"] if strict else []), *more]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.origin = f"http://127.0.0.1:{self._port()}"

    def _port(self, within_s: float = 30.0) -> int:
        ends = time.monotonic() + within_s
        while (address := ADDRESS.search(self._log.read_bytes())) is None:
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise AssertionError(self._log.read_text("utf-8", "replace"))
            time.sleep(0.02)
        return int(address[1])

    def paths(self) -> list[str]:
        """The paths of all requests so far."""
        found = get_json(f"{self.origin}/__aimock/journal")
        entries = found if isinstance(found, list) else found["entries"]
        return [entry["path"] for entry in entries]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def config_for_mock(mock: Aimock) -> str:
    """Every wire as a provider of its own; `wire/model` asks it for any model."""
    origin = mock.origin
    patterns = "\n".join(f'  "{wire}/*": {wire}/*' for wire in WIRES)
    return f"""
server: {{ heartbeat: 5s, drain: 5s }}
providers:
  openai: {{ wire: openai, vendor: openai, base_url: "{origin}/v1", api_keys: [ k ] }}
  compatible: {{ wire: openai, base_url: "{origin}/v1", api_keys: [ k ] }}
  anthropic: {{ wire: anthropic, base_url: "{origin}", api_keys: [ k ] }}
  google: {{ wire: google, base_url: "{origin}/v1beta", api_keys: [ k ] }}
  vertex: {{ wire: vertex, base_url: "{origin}", project: p, location: us-central1, api_keys: [ k ] }}
  bedrock: {{ wire: bedrock, base_url: "{origin}", location: us-east-1, api_keys: [ k ] }}
  azure: {{ wire: azure, base_url: "{origin}", version: 2024-10-21, api_keys: [ k ] }}
models:
{patterns}
"""
