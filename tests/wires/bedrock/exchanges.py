"""What Bedrock answers, written from its published service model: plain, and as the events of a stream."""

from typing import Any

from tests.wires.bedrock.frames import converse

Json = dict[str, Any]
Event = tuple[str, Json]

USAGE: Json = {"inputTokens": 14, "outputTokens": 9, "totalTokens": 23, "serverToolUsage": {}}
CACHED: Json = {
    "inputTokens": 14,
    "outputTokens": 9,
    "totalTokens": 1623,
    "cacheReadInputTokens": 1000,
    "cacheWriteInputTokens": 600,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 400}, {"ttl": "5m", "inputTokens": 200}],
}


def plain(*blocks: Json, stop: str = "end_turn", usage: Json = USAGE, **more: Any) -> Json:
    """Converse's answer."""
    message = {"content": list(blocks), "role": "assistant"}
    return {"metrics": {"latencyMs": 612}, "output": {"message": message}, "stopReason": stop, "usage": usage, **more}


def start() -> Event:
    return "messageStart", {"p": "abcdefghijklmnopqrstuvw", "role": "assistant"}


def delta(index: int, said: Json) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": said, "p": "abcdefg"}


def text(index: int, *pieces: str) -> list[Event]:
    """A block of text: it has no start."""
    return [*(delta(index, {"text": piece}) for piece in pieces), stop(index)]


def stop(index: int) -> Event:
    return "contentBlockStop", {"contentBlockIndex": index, "p": "abcdefghi"}


def tool(index: int, call_id: str, name: str, *pieces: str) -> list[Event]:
    """A call."""
    begun = {"contentBlockIndex": index, "p": "abc", "start": {"toolUse": {"name": name, "toolUseId": call_id}}}
    return [
        ("contentBlockStart", begun),
        *(delta(index, {"toolUse": {"input": piece}}) for piece in pieces),
        stop(index),
    ]


def thought(index: int, signature: str, *pieces: str) -> list[Event]:
    """A block of thinking, signed at its end."""
    said = [delta(index, {"reasoningContent": {"text": piece}}) for piece in pieces]
    return [*said, delta(index, {"reasoningContent": {"signature": signature}}), stop(index)]


def ended(reason: str = "end_turn", **more: Any) -> Event:
    return "messageStop", {"p": "abcdefghijklm", "stopReason": reason, **more}


def metadata(usage: Json = USAGE, **more: Any) -> Event:
    return "metadata", {"metrics": {"latencyMs": 700}, "p": "abcdefghijklmnop", "usage": usage, **more}


HELLO = converse(start(), *text(0, "Hel", "lo, ", "wörld", ' "quoted"\n'), ended(), metadata())
TOOLS = converse(
    start(),
    *text(0, "Let me look."),
    *tool(1, "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "get_weather", "", '{"city"', ': "Os', 'lo"}'),
    *tool(2, "tooluse_9sJMlvQmRJ6eAyJE5GIl7R", "get_time"),
    ended("tool_use"),
    metadata(),
)
THOUGHT = converse(
    start(),
    *thought(0, "EqQBCkgIARABGAIiQL8s", "First ", "I think."),
    delta(1, {"reasoningContent": {"redactedContent": "RW5jcnlwdGVk"}}),
    stop(1),
    *tool(2, "tooluse_1", "get_weather", '{"city":"Oslo"}'),
    ended("tool_use"),
    metadata(CACHED),
)
