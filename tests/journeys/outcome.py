"""What a client made of an answer, in one shape for all clients, and the judgement on it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.journeys.answers import TEXT, USAGE
from tests.journeys.variants import Row, calls_of

TOKENS = [USAGE["prompt_tokens"], USAGE["completion_tokens"], USAGE["total_tokens"]]
NOT_TOLD = (
    *("TypeError", "SyntaxError", "KeyError", "AttributeError", "JSONDecodeError", "AssertionError", "ValidationError"),
    *("AI_TypeValidation", "AI_JSONParse", "AI_NoOutput", "AI_InvalidResponseData"),
    *("APIConnectionError", "RemoteProtocolError"),
)
"""Errors by which a client stumbles over what it was sent; the gateway's duty is to tell it what happened."""


@dataclass(slots=True)
class Got:
    """Text, finish reason, usage and calls as a client's user sees them; or the error that it raised."""

    text: str = ""
    finish: str | None = None
    usage: Sequence[int] | None = None
    usages: int = 1
    calls: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    message: str = ""

    @staticmethod
    def of_node(result: dict[str, Any]) -> "Got":
        """From the line that `tests/node/journey.mjs` printed."""
        if not result["ok"]:
            return Got(error=result["error"], message=result["message"] or "")
        return Got(result["text"], result["finish"], result["usage"], result["usages"], result["calls"])


def outcome_of(ask: Callable[[], Got]) -> Got:
    """What came of it; an error is an outcome, too."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  # which one it may be is for `judge` to say
        return Got(error=type(error).__name__, message=str(error))


def judge(name: str, row: Row, got: Got) -> None:
    """Fails where a client came away with anything but what the row demands."""
    if got.error is not None:
        assert row.must != "right", f"{name}: an error instead of the answer: {got}"
        assert not got.error.startswith(NOT_TOLD), f"{name}: the client stumbled instead of being told: {got}"
        assert "Failed to process successful response" not in got.message, f"{name}: the connection was cut: {got}"
        assert got.message, f"{name}: an error without a message: {got}"
        return
    assert row.must != "error", f"{name}: a broken answer was taken for a whole one: {got}"
    _whole(name, row, got)


def _whole(name: str, row: Row, got: Got) -> None:
    assert (got.finish or "").replace("-", "_") == ("tool_calls" if row.tools else "stop"), f"{name}: {got}"
    if row.usage:
        assert list(got.usage or []) == TOKENS, f"{name}: {got}"
    assert got.usages <= 1, f"{name}: usage came more than once: {got}"
    if not row.tools:
        assert got.text == TEXT, f"{name}: {got}"
        assert not got.calls, f"{name}: {got}"
        return
    found = [(call["id"], call["name"], json.loads(call["arguments"])) for call in got.calls]
    assert found == [(one, function, json.loads(text)) for one, function, text in calls_of(name)], f"{name}: {got}"
