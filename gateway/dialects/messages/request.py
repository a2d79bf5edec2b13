"""A Messages request, field by field, as a chat."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.dialects.messages.tools import tools_of
from gateway.dialects.messages.turns import messages_of, system_of
from gateway.dialects.schemas import effort, response_format
from gateway.dialects.shapes import Dropped, Fields, Object, as_chat, items, mapping, optional, text, wrong
from gateway.dialects.translation import Translated

_SAME: Final = ("max_tokens", "temperature", "top_p", "top_k")
_READ: Final = ("model", "messages", "system", "stream", "tools", "tool_choice", "stop_sequences", "thinking", "output_config")
_KNOWN: Final = (*_SAME, *_READ, "output_format", "metadata", "service_tier", "cache_control")
"""A cache hint for the whole request changes no answer, and needs no word where it is not taken."""

_USER_LIMIT: Final = 64
"""Characters of OpenAI's `user`; Claude Code's `user_id` is a JSON object with three ids in it."""
_TIERS: Final[Mapping[Any, str]] = MappingProxyType({"auto": "auto", "standard_only": "default"})
_EFFORTS: Final = frozenset({"low", "medium", "high", "xhigh", "max"})
_ADAPTIVE: Final = "medium"
"""The effort of who leaves it to the model how much to think: what OpenAI's models do by themselves."""


def into_chat(request: ModelRequest) -> Translated:
    """See `Translation`."""
    dropped = Dropped()
    return as_chat(request, chat_of(request.fields, dropped), dropped)


def chat_of(fields: Object, dropped: Dropped) -> Fields:
    """The fields of the chat. Raises `InvalidValue`."""
    chat: Fields = {"messages": system_of(fields.get("system"), dropped) + messages_of(fields.get("messages"), dropped)}
    chat |= {name: fields[name] for name in _SAME if fields.get(name) is not None}
    if stops := items(fields.get("stop_sequences"), "stop_sequences"):
        chat["stop"] = [text(stop, f"stop_sequences[{at}]") for at, stop in enumerate(stops)]
    chat |= tools_of(fields, dropped)
    chat |= _thinking(fields)
    chat |= _format(fields, dropped)
    chat |= _accounts(fields, dropped)
    dropped.others(fields, _KNOWN)
    return chat


def shows_thinking(request: ModelRequest) -> bool:
    """Whether the caller wants to see what the model thinks."""
    thinking = request.fields.get("thinking")
    if not isinstance(thinking, dict) or thinking.get("display") == "omitted":
        return False
    return thinking.get("type") not in (None, "disabled")


def _thinking(fields: Object) -> Fields:
    """`thinking` as it came, for Claude behind another API; for all others an effort."""
    thinking = optional(fields.get("thinking"), "thinking")
    told: Fields = {"thinking": thinking} if thinking else {}
    kind = text(thinking["type"], "thinking.type") if "type" in thinking else None
    if kind != "disabled" and (wanted := _effort(fields, thinking, kind)) is not None:
        told["reasoning_effort"] = wanted
    return told


def _effort(fields: Object, thinking: Object, kind: str | None) -> str | None:
    level = optional(fields.get("output_config"), "output_config").get("effort")
    if level is not None:
        if not isinstance(level, str) or level not in _EFFORTS:
            raise wrong("output_config.effort", "'low', 'medium', 'high', 'xhigh' or 'max'")
        return "xhigh" if level == "max" else level
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or isinstance(budget, bool) or budget < 1:
            raise wrong("thinking.budget_tokens", "a number of tokens")
        return effort(budget)
    return _ADAPTIVE if kind is not None else None


def _format(fields: Object, dropped: Dropped) -> Fields:
    config = optional(fields.get("output_config"), "output_config")
    dropped.others(config, ("effort", "format"), "output_config.")
    # `output_format` was its name in the beta, and some SDKs still send that.
    place = "output_format" if config.get("format") is None else "output_config.format"
    wanted = fields.get("output_format") if config.get("format") is None else config["format"]
    if wanted is None:
        return {}
    wanted = mapping(wanted, place)
    if wanted.get("type") != "json_schema":
        raise wrong(f"{place}.type", "'json_schema'")
    return {"response_format": response_format(mapping(wanted.get("schema"), f"{place}.schema"))}


def _accounts(fields: Object, dropped: Dropped) -> Fields:
    """Who is served, and how fast."""
    told: Fields = {}
    metadata = optional(fields.get("metadata"), "metadata")
    dropped.others(metadata, ("user_id",), "metadata.")
    if user := metadata.get("user_id"):
        told["user"] = _short(text(user, "metadata.user_id"))
    tier = fields.get("service_tier")
    if isinstance(tier, str) and tier in _TIERS:
        told["service_tier"] = _TIERS[tier]
    elif tier is not None:
        dropped.add("service_tier", tier)
    return told


def _short(user: str) -> str:
    """The same user by the same name, as long as that may be."""
    return user if len(user) <= _USER_LIMIT else hashlib.sha256(user.encode()).hexdigest()
