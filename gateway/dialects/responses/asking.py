"""A request for a response as one for a chat: what both have, under the chat's names; what no chat can do is refused."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import UnsupportedParameter
from gateway.dialects import shapes
from gateway.dialects.ownership import not_found
from gateway.dialects.responses import items, tools
from gateway.dialects.translation import Translated

_SAME: Final = (
    *("temperature", "top_p", "service_tier", "user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
    *("presence_penalty", "frequency_penalty", "seed", "stop", "logit_bias", "top_k"),
)
"""Fields that a chat has as well."""
_READ: Final = frozenset(
    {
        *("model", "input", "instructions", "stream", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens"),
        *("reasoning", "text", "include", "top_logprobs", "previous_response_id", "conversation", "prompt", "background"),
        *_SAME,
    }
)
_NEEDLESS: Final = frozenset({"metadata", "client_metadata", "stream_options", "max_tool_calls", "background_options"})
"""Fields that change nothing about the answer of a model: they are repeated in it, or concern tools that no chat has."""
_DEFAULTS: Final[Mapping[str, Any]] = {"store": False, "truncation": "disabled"}
"""What a chat does anyway."""
_STATEFUL: Final = frozenset({"truncation", "context_management"})
"""Fields that only a response has."""
_REPEATED: Final = ("metadata", "text", "reasoning", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls")
"""Fields that the answer repeats and the chat need not have."""
_OF_BOTH: Final = frozenset({"model", "stream", "stream_options", "metadata"})
"""Fields that mean the same in a chat, but not what they ask of a response."""

LOGPROBS: Final = "message.output_text.logprobs"


def into_chat(request: ModelRequest) -> Translated:
    """See `Translation`."""
    _refuse_state(request.fields)
    for name in _REPEATED:
        shapes.written(request.fields.get(name), name)  # what cannot be repeated must not look like the provider's fault
    dropped = shapes.Dropped()
    chat = _chat(request.fields, dropped)
    for name, value in request.fields.items():
        if name not in _READ and name not in _NEEDLESS and value not in (None, _DEFAULTS.get(name)):
            dropped.add(name)
    return shapes.as_chat(request, chat, dropped)


def chat_of_input(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a chat that came in the form of a response: some clients send that to `/chat/completions`.

    Fields that only a chat has stay as they are.
    """
    _refuse_state(fields)
    foreign = (_READ | _NEEDLESS | _STATEFUL) - _OF_BOTH
    return {key: value for key, value in fields.items() if key not in foreign} | _chat(fields, shapes.Dropped())


def _chat(fields: Mapping[str, Any], dropped: shapes.Dropped) -> dict[str, Any]:
    """What becomes of all fields that are read."""
    chat: dict[str, Any] = {"messages": items.read(fields, dropped)}
    chat |= {key: fields[key] for key in _SAME if fields.get(key) is not None}
    if fields.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = fields["max_output_tokens"]
    _think(fields, chat)
    _format(fields, chat)
    _logprobs(fields, chat)
    _offer(fields, chat, dropped)
    return chat


def _refuse_state(fields: Mapping[str, Any]) -> None:
    """Raises for what would need responses or conversations that are kept: no chat has them."""
    for name in ("previous_response_id", "conversation"):
        if fields.get(name) is not None:
            raise not_found(fields[name], name)
    for name in ("background", "prompt"):
        if fields.get(name):
            raise UnsupportedParameter(
                f"This model's provider has no responses of its own, so {name!r} cannot be had from it.", param=name
            )


def _offer(fields: Mapping[str, Any], chat: dict[str, Any], dropped: shapes.Dropped) -> None:
    """The tools. Without one, a choice among them is an error to some providers."""
    choice = tools.choose(fields.get("tool_choice"), tools.read(fields, dropped))
    if not choice.kept:
        dropped.add("tool_choice")
    if not choice.offered:
        return
    chat["tools"] = list(choice.offered)
    if choice.said is not None:
        chat["tool_choice"] = choice.said
    if fields.get("parallel_tool_calls") is not None:
        chat["parallel_tool_calls"] = fields["parallel_tool_calls"]


def _think(fields: Mapping[str, Any], chat: dict[str, Any]) -> None:
    """The effort. A summary is given wherever a provider shows what it thinks."""
    effort = shapes.optional(fields.get("reasoning"), "reasoning").get("effort")
    if effort is not None:
        chat["reasoning_effort"] = shapes.text(effort, "reasoning.effort")


def _format(fields: Mapping[str, Any], chat: dict[str, Any]) -> None:
    text = shapes.optional(fields.get("text"), "text")
    if text.get("verbosity") is not None:
        chat["verbosity"] = text["verbosity"]
    form = shapes.optional(text.get("format"), "text.format")
    kind = form.get("type")
    if kind == "json_schema":
        schema = shapes.optional(form.get("json_schema"), "text.format") or form
        chat["response_format"] = {"type": kind, kind: {key: value for key, value in schema.items() if key != "type"}}
    elif kind not in (None, "text"):
        chat["response_format"] = dict(form)


def _logprobs(fields: Mapping[str, Any], chat: dict[str, Any]) -> None:
    wanted = fields.get("top_logprobs")
    if wanted or LOGPROBS in shapes.items(fields.get("include"), "include"):
        chat["logprobs"] = True
        if wanted:
            chat["top_logprobs"] = wanted
