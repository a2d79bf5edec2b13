"""A Messages request of Anthropic's as Bedrock's InvokeModel takes it: without what stands in the path, or is not there.

The model is in the path, and whether to stream as well. Beta flags stand in the body; one that Bedrock does not know is an
error there, so that only those go along that it is known to take, and what needs one of the others stays behind with it.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.dialects.messages.offers import CHANGES, current, offered
from gateway.dialects.shapes import Dropped, Fields, Object
from gateway.providers.anthropic.history import readied
from gateway.providers.bedrock.body import Body, dumped
from gateway.providers.bedrock.models import model_of

VERSION: Final = "bedrock-2023-05-31"

_FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {flag: flag for flag in ("computer-use-2024-10-22", "computer-use-2025-01-24", "computer-use-2025-11-24")}
    | {flag: flag for flag in ("interleaved-thinking-2025-05-14", "dev-full-thinking-2025-05-14", "context-1m-2025-08-07")}
    | {flag: flag for flag in ("token-efficient-tools-2025-02-19", "output-128k-2025-02-19", "effort-2025-11-24")}
    | {flag: flag for flag in ("context-management-2025-06-27", "tool-search-tool-2025-10-19", "tool-examples-2025-10-29")}
    | {"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19"}
)
"""What Bedrock calls the flags that it takes.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""
_CURRENT_FLAGS: Final = frozenset({"interleaved-thinking-2025-05-14"})
"""Those of them that the current models take: what the others were for is theirs without a flag, or not at all
(https://github.com/anthropics/claude-code/issues/49370)."""
_NEEDS: Final[Mapping[str, str]] = MappingProxyType({"context_management": "context-management-2025-06-27"})
"""Fields that are errors without their flag."""
_ABSENT: Final = frozenset({"betas", "container", "inference_geo", "mcp_servers", "service_tier", "speed"})
"""Fields that Bedrock does not have."""
_ELSEWHERE: Final = frozenset({"model", "stream", "anthropic_beta", "anthropic_version", "betas"})


def invoke(request: ModelRequest, model_id: str, headers: Mapping[bytes, bytes]) -> Body:
    """The body of InvokeModel. Raises `InvalidValue` for what cannot be written."""
    dropped = Dropped()
    return Body(dumped(_fields(request, model_id, headers, dropped)), dropped.words())


def count(request: ModelRequest, model_id: str, headers: Mapping[bytes, bytes]) -> Body:
    """The body of CountTokens: that of the call whose tokens are to be counted, which needs a limit for its answer."""
    dropped = Dropped()
    fields = {"max_tokens": 1} | _fields(request, model_id, headers, dropped)
    inner = base64.b64encode(dumped(fields)).decode()
    return Body(dumped({"input": {"invokeModel": {"body": inner}}}), dropped.words())


def foundation_model(model_id: str) -> str:
    """The model behind an inference profile (`eu.anthropic...`): tokens are counted there alone."""
    model = model_of(model_id)
    return f"{model.maker}.{model.name}" if model.maker else model_id


def _fields(request: ModelRequest, model_id: str, headers: Mapping[bytes, bytes], dropped: Dropped) -> Fields:
    request, lost = readied(request)
    for name in lost:
        dropped.add(name)
    told = request.fields
    flags = _flags(told, model_id, headers, dropped)
    fields = {name: value for name, value in told.items() if name not in _ELSEWHERE}
    for name in [name for name in fields if name in _ABSENT or (name in _NEEDS and _NEEDS[name] not in flags)]:
        if fields.pop(name) not in (None, "auto"):
            dropped.add(name)
    if b'"scope"' in request.body:
        fields = {name: _without_scope(value) if name in _CACHED else value for name, value in fields.items()}
    messages = fields.get("messages")
    if isinstance(messages, list) and any(isinstance(one, dict) and one.get("role") == "system" for one in messages):
        fields |= _without_systems(fields, dropped)
    fields |= _shown_thinking(fields.get("thinking"), dropped)
    fields["anthropic_version"] = VERSION
    return fields | {"anthropic_beta": flags} if flags else fields


# ---------------------------------------------------------------- beta flags


def _flags(fields: Object, model_id: str, headers: Mapping[bytes, bytes], dropped: Dropped) -> Sequence[str]:
    current = not model_of(model_id).family.samples
    taken: dict[str, None] = {}
    for flag in _asked(fields, headers):
        theirs = _FLAGS.get(flag)
        if theirs is None or (current and theirs not in _CURRENT_FLAGS):
            dropped.add("anthropic-beta", flag)
        else:
            taken[theirs] = None
    return list(taken)


def _asked(fields: Object, headers: Mapping[bytes, bytes]) -> Iterable[str]:
    for flag in headers.get(b"anthropic-beta", b"").decode("latin-1").split(","):
        if flag := flag.strip():
            yield flag
    for name in ("betas", "anthropic_beta"):
        listed = fields.get(name)
        yield from (flag for flag in (listed if isinstance(listed, list) else ()) if isinstance(flag, str))


# ---------------------------------------------------------------- what later versions of the API have

_CACHED: Final = frozenset({"messages", "system", "tools"})


def _without_scope(value: Any, depth: int = 4) -> Any:
    """Without the scope of cache hints: Bedrock knows of none."""
    if isinstance(value, list):
        return [_without_scope(one, depth) for one in value]
    if not isinstance(value, dict) or not depth:
        return value
    kept = value
    hint = value.get("cache_control")
    if isinstance(hint, dict) and "scope" in hint:
        kept = kept | {"cache_control": {name: one for name, one in hint.items() if name != "scope"}}
    if isinstance(content := value.get("content"), list):
        kept = kept | {"content": _without_scope(content, depth - 1)}
    return kept


def _shown_thinking(thinking: Any, dropped: Dropped) -> Fields:
    """The field, without a way of showing it that Bedrock does not have."""
    display = thinking.get("display") if isinstance(thinking, dict) else None
    if display in (None, "summarized", "omitted"):
        return {}
    dropped.add("thinking.display", display)
    return {"thinking": {**thinking, "display": "summarized"}}


def _without_systems(fields: Object, dropped: Dropped) -> Fields:
    """The messages without a system among them, and the tools as it has changed them."""
    messages = fields["messages"]
    changed = any(
        _changes(block) for message in messages if isinstance(message, dict) for block in _blocks(message.get("content"))
    )
    told: Fields = {"messages": _folded(messages)}
    return told | {"tools": [tool for tool, _ in offered(fields, dropped)]} if changed else told


def _changes(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in CHANGES


def _folded(messages: list[Any]) -> list[Fields]:
    """What a system among the messages says, the user says in its place.

    Turns of the user that come to stand side by side become one, with the results of tools first.
    """
    turns: list[Fields] = []
    for message, _ in current(messages):
        system = message.get("role") == "system"
        turn: Fields = {**message, "role": "user" if system else message.get("role")}
        if system:
            turn = {"role": "user", "content": [_quoted(one) for one in _blocks(message.get("content")) if not _changes(one)]}
            if not turn["content"]:
                continue
        last = turns[-1] if turns else None
        if last is not None and turn["role"] == "user" == last["role"]:
            together = [*_blocks(last.get("content")), *_blocks(turn.get("content"))]
            last["content"] = sorted(together, key=lambda block: not _is_result(block))
        else:
            turns.append(turn)
    return turns


def _blocks(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def _quoted(block: Any) -> Any:
    text = block.get("text") if isinstance(block, dict) else None
    return {**block, "text": f"<system>\n{text}\n</system>"} if isinstance(text, str) else block


def _is_result(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "tool_result"
