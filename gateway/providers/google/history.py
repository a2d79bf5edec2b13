"""A Gemini caller's own conversation, where other models have had a part in it: its calls get the signatures they need.

Gemini 3 refuses a call in the history that has no signature. One that another wire sealed something into has it in its id,
which goes on without; one that another model made gets the documented stand-in.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.dialects import thinking
from gateway.providers.google.family import Family
from gateway.providers.google.toolwork import UNSIGNED

_CALLS: Final = ("functionCall", "function_call")
_RESULTS: Final = ("functionResponse", "function_response")
_SIGNATURES: Final = ("thoughtSignature", "thought_signature")
_SIGNS: Final = tuple(f'"{name}"'.encode() for name in _CALLS)

Fields = dict[str, Any]


def restored(body: bytes, fields: Mapping[str, Any], family: Family) -> Fields | None:
    """The fields with all that mended; None where nothing is to be done, so that the bytes can stay as they are."""
    contents = fields.get("contents")
    if not isinstance(contents, list) or not any(sign in body for sign in _SIGNS):
        return None
    turns = [_turn(content, family) for content in contents]
    if all(turn is content for turn, content in zip(turns, contents, strict=True)):
        return None
    return {**fields, "contents": turns}


def _turn(content: Any, family: Family) -> Any:
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not isinstance(parts, list):
        return content
    changed = [_part(part) for part in parts]
    calls = [at for at, part in enumerate(changed) if _under(part, _CALLS)]
    if family.levels and calls and not any(_signed(changed[at]) for at in calls):
        changed[calls[0]] = {**changed[calls[0]], _SIGNATURES[0]: UNSIGNED}
    if all(new is old for new, old in zip(changed, parts, strict=True)):
        return content
    return {**content, "parts": changed}


def _part(part: Any) -> Any:
    """With the id of a call or a result opened, and what was sealed into it in its place."""
    key = _under(part, _CALLS) or _under(part, _RESULTS)
    said_id = part[key].get("id") if key else None
    if not isinstance(said_id, str) or thinking.MARK not in said_id:
        return part
    found = thinking.opened(said_id)
    mended = {**part, key: {**part[key], "id": found.id}}
    if key in _CALLS and found.signature and not _signed(part):
        mended[_SIGNATURES[0]] = found.signature
    return mended


def _under(part: Any, names: tuple[str, ...]) -> str | None:
    if not isinstance(part, Mapping):
        return None
    return next((name for name in names if isinstance(part.get(name), Mapping)), None)


def _signed(part: Mapping[str, Any]) -> bool:
    return any(part.get(name) for name in _SIGNATURES)
