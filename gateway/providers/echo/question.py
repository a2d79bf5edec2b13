"""Reads what a chat asks: the text to give back, and what the prompt costs."""

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.providers.echo import fields, tokens
from gateway.providers.echo.fields import Fields, wrong


def messages(request: Fields) -> Sequence[Fields]:
    """The messages of a chat: at least one."""
    found = fields.tables(request, "messages")
    if not found:
        raise wrong("messages", "an array of at least one message")
    return found


def text_of(content: Any) -> str:
    """The text of a message: its parts one below the other; what is not text stands there as its type in brackets."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(_part(part) for part in content)


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    return str(part["text"]) if "text" in part else f"[{part.get('type')}]"


def results(turns: Sequence[Fields]) -> Sequence[str]:
    """The tool results that the chat ends with, in order."""
    found = []
    for turn in reversed(turns):
        if turn.get("role") != "tool":
            break
        found.append(text_of(turn.get("content")))
    return found[::-1]


def asked(turns: Sequence[Fields]) -> str:
    """What the user said last; where no user spoke, the last message."""
    said = next((turn for turn in reversed(turns) if turn.get("role") == "user"), turns[-1])
    return text_of(said.get("content"))


def prompt_tokens(request: Fields, turns: Sequence[Fields]) -> int:
    """Tokens of the messages, with their tool calls and the tools on offer."""
    total = sum(
        tokens.OVERHEAD + tokens.count(text_of(turn.get("content"))) + _weight(turn.get("tool_calls")) for turn in turns
    )
    return total + _weight(request.get("tools"))


def _weight(value: Any) -> int:
    return -(-len(orjson.dumps(value)) // tokens.CHARACTERS) if value else 0
