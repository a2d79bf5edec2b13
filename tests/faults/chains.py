"""The gateway under faults: for every way to fail a model whose chain begins with it, and a second target that is well."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.provider import WAYS, Provider
from tests.journeys.processes import Gateway
from tests.journeys.wire import Answer, ask, chat, data_of, request

ADMIN = "sk-fg-admin-under-faults"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as its caller reads it. `whole`: it ended as it should."""

    status: int
    text: str
    whole: bool
    model: str
    attempts: int


class Bench:
    """The gateway and its two providers."""

    def __init__(self, gateway: Gateway, bad: Provider, good: Provider) -> None:
        self.gateway = gateway
        self.bad = bad
        self.good = good

    @staticmethod
    async def start(folder: Path, bad: Provider, good: Provider) -> "Bench":
        config = config_for(bad, good)
        return Bench(await asyncio.to_thread(Gateway, folder, config, None), bad, good)

    async def stop(self) -> None:
        code = await asyncio.to_thread(self.gateway.stop)
        log = self.gateway.log.read_text(errors="replace")
        assert code == 0, log[-3000:]
        assert "Traceback" not in log, log[-3000:]

    async def ask(self, way: str, *, stream: bool = False) -> Said:
        """One call to the model whose primary fails in this way."""
        return said(await ask(self.gateway, chat(way, None, stream=stream)), stream=stream)

    async def force(self, label: str, state: str) -> None:
        """An operator's word."""
        body = json.dumps({"state": state}).encode()
        path, headers = f"/fleetgate/v1/targets/{label}/state", {"authorization": f"Bearer {ADMIN}"}
        answer = await ask(self.gateway, request("PUT", path, body, headers))
        assert answer.status == 200, answer.body

    async def target(self, label: str) -> Any:
        """How a target stands."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        return (await ask(self.gateway, request("GET", f"/fleetgate/v1/targets/{label}", None, headers))).json()


def config_for(bad: Provider, good: Provider) -> str:
    """A model for each way; `unreachable` has a primary that nobody listens for."""
    timeouts = "{ connect: 1s, first_byte: 250ms, first_token: 400ms, between_bytes: 250ms, total: 10s }"
    chains = {way: f"bad/{way}" for way in WAYS} | {"unreachable": "gone/x"}
    models = "\n".join(
        f'  "{name}": {{ chain: [ {{ target: {target} }}, {{ target: good/ok, priority: 2 }} ] }}'
        for name, target in chains.items()
    )
    return f"""
auth: {{ admin_key: {ADMIN} }}
providers:
  bad: {{ wire: openai, base_url: "http://127.0.0.1:{bad.port}/v1", api_keys: [ x ], timeouts: {timeouts} }}
  good: {{ wire: openai, base_url: "http://127.0.0.1:{good.port}/v1", api_keys: [ x ] }}
  gone: {{ wire: openai, base_url: "http://127.0.0.1:1/v1", api_keys: [ x ] }}
models:
{models}
"""


def said(answer: Answer, *, stream: bool) -> Said:
    """What a caller makes of an answer."""
    model, attempts = answer.headers.get("x-fleetgate-model", ""), int(answer.headers.get("x-fleetgate-attempts", "0"))
    if answer.status != 200:
        return Said(answer.status, answer.body.decode(errors="replace"), False, model, attempts)
    if not stream:
        choice = answer.json()["choices"][0]
        return Said(200, choice["message"]["content"], choice["finish_reason"] == "stop", model, attempts)
    events = data_of(answer.body)
    chunks = [json.loads(one) for one in events if one != b"[DONE]"]
    choices = [one["choices"][0] for one in chunks if one.get("choices")]
    text = "".join(one["delta"].get("content") or "" for one in choices)
    finished = [one["finish_reason"] for one in choices if one["finish_reason"]]
    return Said(200, text.strip(), finished == ["stop"] and events[-1] == b"[DONE]", model, attempts)
