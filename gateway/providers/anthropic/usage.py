"""Anthropic's usage as a chat's: its input excludes what a cache has had a part in, a chat's is all of it."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.dialects.shapes import Fields

_PRICED: Final = ("server_tool_use", "speed", "inference_geo")
"""What else has a price, as it came."""


def merged(before: Mapping[str, Any], now: object) -> Fields:
    """Usage that came twice: what is said later, if it says anything, stands in the place of what was said before."""
    said = now.items() if isinstance(now, Mapping) else ()
    return {**before, **{key: value for key, value in said if value is not None}}


def counts_output(told: object) -> bool:
    """Whether this counts what was said; a message begins with a count, too, but not of anything that is still to come."""
    return isinstance(told, Mapping) and type(told.get("output_tokens")) is int


def chat_usage(told: Mapping[str, Any]) -> Fields | None:
    """A chat's usage; None where the input is not counted, for no call is without any.

    With `iterations` (compaction, advisors, server tools) the totals are only those of the last one.
    """
    rounds = [one for one in _list(told.get("iterations")) if isinstance(one, Mapping)]
    plain, read, written = (
        max(_count(told.get(name)), sum(_count(one.get(name)) for one in rounds))
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    output = max(_count(told.get("output_tokens")), sum(_count(one.get("output_tokens")) for one in rounds))
    written = max(written, sum(_created(one) for one in rounds or (told,)))
    for_an_hour = max(_for_an_hour(told), sum(_for_an_hour(one) for one in rounds))
    if (prompt := plain + read + written) == 0:
        return None
    usage: Fields = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {
            "cached_tokens": read,
            "cache_write_tokens": written,
            "cache_write_1h_tokens": min(for_an_hour, written),
        },
    }
    details = told.get("output_tokens_details")
    if isinstance(details, Mapping) and (thought := _count(details.get("thinking_tokens"))):
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage | {name: told[name] for name in _PRICED if told.get(name) is not None}


def _for_an_hour(told: Mapping[str, Any]) -> int:
    created = told.get("cache_creation")
    return _count(created.get("ephemeral_1h_input_tokens")) if isinstance(created, Mapping) else 0


def _created(told: Mapping[str, Any]) -> int:
    """What was written to caches of any age, where only their parts are told."""
    created = told.get("cache_creation")
    return sum(map(_count, created.values())) if isinstance(created, Mapping) else 0


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value < 2**53 else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
