"""The conversation of a caller who speaks Messages, where other providers have answered in it: as Claude takes it back.

    thinking without a signature    was never Claude's, and is refused
    ids with something sealed in    are opened: what is in there is another provider's
    `thinking` with a budget        goes, where the last tool calls came without any, which is refused as well

Nothing else is changed, and a conversation with Claude alone keeps its bytes, on which its cache depends.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.core.chat import ModelRequest
from gateway.dialects.shapes import Fields, Object, written
from gateway.dialects.thinking import MARK, own_id

_SIGNS: Final = (MARK.encode(), b'"signature":""', b'"signature": ""')
"""One of these is in every body that holds something of another provider's."""
_IDS: Final[Mapping[str, str]] = {"tool_use": "id", "tool_result": "tool_use_id"}
_THOUGHT: Final = ("thinking", "redacted_thinking")
_CLEARING: Final = "clear_thinking"
"""How the edits of a context begin that need thinking to be on."""


class Readied(NamedTuple):
    """The request to be written, and what was left out."""

    request: ModelRequest
    dropped: tuple[str, ...] = ()


def readied(request: ModelRequest) -> Readied:
    """The request as Claude takes it; the same where nothing has to change."""
    messages = request.fields.get("messages")
    if not isinstance(messages, list):
        return Readied(request)
    changes: Fields = {}
    if any(sign in request.body for sign in _SIGNS):
        messages = [kept for message in messages if (kept := _message(message)) is not None]
        changes["messages"] = messages
    dropped = _thoughtless(request.fields, messages)
    if not changes and not dropped:
        return Readied(request)
    fields = {name: value for name, value in request.fields.items() if name not in dropped} | changes
    if dropped:
        fields |= _without_clearing(fields)
    return Readied(request._replace(fields=fields, body=written(fields, "messages").encode(), canonical=True), dropped)


def _message(message: Any) -> Any:
    """None for a message of which nothing is left."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list) or not content:
        return message
    kept = [_opened(block) for block in content if not _is_unsigned(block)]
    return {**message, "content": kept} if kept else None


def _is_unsigned(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "thinking" and not block.get("signature")


def _opened(block: Any) -> Any:
    name = _IDS.get(str(block.get("type"))) if isinstance(block, dict) else None
    call_id = block.get(name) if name is not None else None
    return {**block, name: own_id(call_id)} if isinstance(call_id, str) and MARK in call_id else block


def _thoughtless(fields: Object, messages: Sequence[Any]) -> tuple[str, ...]:
    """The field that is in the way of going on from calls that nobody thought about; adaptive thinking is not."""
    thinking = fields.get("thinking")
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return ()
    last = next((one for one in reversed(messages) if isinstance(one, dict) and one.get("role") == "assistant"), {})
    content = last.get("content")
    kinds = [block.get("type") for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    return ("thinking",) if "tool_use" in kinds and kinds[0] not in _THOUGHT else ()


def _without_clearing(fields: Object) -> Fields:
    """`context_management` without the edits that need thinking."""
    managed = fields.get("context_management")
    edits = managed.get("edits") if isinstance(managed, dict) else None
    if not isinstance(managed, dict) or not isinstance(edits, list):
        return {}
    kept = [edit for edit in edits if not (isinstance(edit, dict) and str(edit.get("type")).startswith(_CLEARING))]
    return {"context_management": {**managed, "edits": kept}}
