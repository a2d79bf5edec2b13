"""A stream that was told to be alive, and then the whole chain fails: one error, in the caller's dialect, and nothing else."""

import asyncio
import json
from pathlib import Path

from tests.faults.dialects import call
from tests.faults.provider import Provider
from tests.journeys.processes import Gateway
from tests.journeys.wire import Answer, ask

SIGNS = {"chat": b": keep-alive\n\n", "responses": b": keep-alive\n\n", "messages": b": keep-alive\n\n", "gemini": b"\n"}


def config_for(bad: Provider) -> str:
    return f"""
server: {{ heartbeat: 1s }}
providers:
  bad: {{ wire: openai, base_url: "http://127.0.0.1:{bad.port}/v1", api_keys: [ x ], timeouts: {{ first_byte: 800ms }} }}
models:
  m: {{ chain: [ bad/hang, bad/hang-in-head ] }}
"""


async def test_after_signs_of_life_the_failure_of_a_chain_is_one_error_in_the_callers_dialect(tmp_path: Path) -> None:
    async with Provider("primary") as bad:
        gateway = await asyncio.to_thread(Gateway, tmp_path, config_for(bad), None)
        try:
            dialects = [*SIGNS, "converse"]
            answers = await asyncio.gather(*(ask(gateway, call(one, "m", stream=True)) for one in dialects))
            told = dict(zip(dialects, answers, strict=True))
            await asyncio.sleep(0.1)
            assert bad.busy == 0
        finally:
            code = await asyncio.to_thread(gateway.stop)
        assert (code, "Traceback" in gateway.log.read_text()) == (0, False)
    for dialect, sign in SIGNS.items():
        check(dialect, told[dialect], sign)
    assert told["converse"].status == 504, "it has no sign of life that its clients would skip, and so a status"
    assert told["converse"].headers["x-fleetgate-attempts"] == "2"


def check(dialect: str, answer: Answer, sign: bytes) -> None:
    """The stream holds signs of life, one error, and nothing that would make it look whole."""
    assert answer.status == 200, answer
    assert "x-fleetgate-model" not in answer.headers, "nobody has answered"
    assert answer.body.startswith(sign)
    rest = answer.body.replace(b": keep-alive\n\n", b"").strip()
    assert rest.startswith(b"event: error\n") is (dialect in ("responses", "messages")), rest
    events = [json.loads(line[6:]) for line in rest.split(b"\n") if line.startswith(b"data: ")]
    (error,) = (one["error"] for one in events)
    kind = {"messages": ("type", "timeout_error"), "gemini": ("code", 504)}.get(dialect, ("code", "upstream_timeout"))
    assert error[kind[0]] == kind[1], error
