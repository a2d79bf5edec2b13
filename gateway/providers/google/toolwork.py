"""A turn's calls of tools, and what came of them, as Gemini's parts.

Gemini knows a result by the function's name, and since version 3 by the call's id as well; it wants the signature of its
thoughts back on the part that it came with.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.core.errors import InvalidValue
from gateway.dialects import lenient
from gateway.dialects.thinking import opened
from gateway.providers.google import media
from gateway.providers.google.family import Family

Part = dict[str, Any]

UNSIGNED: Final = "skip_thought_signature_validator"
"""Gemini 3's documented stand-in for the signature of a call that has none: made by another model, or lost by a client."""


class Known(NamedTuple):
    """A call that a result may answer: the function's name, and the call's place in its turn."""

    name: str
    place: int


def calls(entries: Any, family: Family, known: dict[str, Known], where: str) -> list[Part]:
    """The parts of an assistant's calls, which become known by their opened ids."""
    if not isinstance(entries, list):
        raise InvalidValue("tool_calls should be a list.", param=where)
    parts = [_call(entry, family, known, place, where) for place, entry in enumerate(entries)]
    if family.levels and parts and not any("thoughtSignature" in part for part in parts):
        parts[0]["thoughtSignature"] = UNSIGNED
    return parts


def _call(entry: Any, family: Family, known: dict[str, Known], place: int, where: str) -> Part:
    kind = "custom" if isinstance(entry, Mapping) and isinstance(entry.get("custom"), Mapping) else "function"
    said = entry.get(kind) if isinstance(entry, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(name := said.get("name"), str) or not name:
        raise InvalidValue("A tool call should have a function with a name.", param=where)
    call_id = entry.get("id")
    own = opened(call_id) if isinstance(call_id, str) else None
    call: Part = {"name": name, "args": {"input": said.get("input")} if kind == "custom" else _arguments(said.get("arguments"))}
    if own is not None and own.id:
        known[own.id] = Known(name, place)
        if family.identifies:
            call["id"] = own.id
    signature = signature_in(entry) or (own.signature if own is not None else None)
    return {"functionCall": call} | ({"thoughtSignature": signature} if signature else {})


def signature_in(said: Mapping[str, Any]) -> str | None:
    """The signature in `extra_content.google`, where Gemini's compatible endpoint has it."""
    extra = said.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    found = google.get("thought_signature") if isinstance(google, Mapping) else None
    return found if isinstance(found, str) and found else None


def _arguments(words: Any) -> Any:
    """An object, whatever the caller's model has written."""
    if isinstance(words, Mapping):
        return words
    if not isinstance(words, str) or not words.strip():
        return {}
    value = _parsed(words)
    return value if isinstance(value, dict) else {"input": words}


def _parsed(words: str) -> Any:
    try:
        return lenient.loads(words.encode("utf-8", "surrogatepass"))
    except ValueError:
        return None


def result(message: Mapping[str, Any], family: Family, known: Mapping[str, Known], where: str) -> tuple[int, list[Part]]:
    """The parts of a tool's message, and the place of the call that it answers."""
    said_id = message.get("tool_call_id")
    call_id = opened(said_id).id if isinstance(said_id, str) else ""
    call = known.get(call_id)
    name = call.name if call is not None else message.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidValue(
            f"No tool call with the id {call_id!r} stands before this result, so its function has no name.",
            param=f"{where}.tool_call_id",
        )
    text, pictures = _content(message.get("content"), where)
    response: Part = {"name": name, "response": _response(text, failed=message.get("is_error") is True)}
    if family.identifies and call_id:
        response["id"] = call_id
    if family.levels and pictures:
        response["parts"], pictures = pictures, []
    return (call.place if call is not None else len(known)), [{"functionResponse": response}, *pictures]


def _content(content: Any, where: str) -> tuple[str, list[Part]]:
    if content is None or isinstance(content, str):
        return content or "", []
    if not isinstance(content, list):
        raise InvalidValue("The content of a tool's message should be text or a list of parts.", param=f"{where}.content")
    texts: list[str] = []
    pictures: list[Part] = []
    for part in content:
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, Mapping) and part.get("type") == "image_url":
            pictures.append(media.picture(part, f"{where}.content"))
        elif isinstance(part, Mapping) and part.get("type") == "file":
            pictures.append(media.document(part, f"{where}.content"))
        else:
            raise InvalidValue("A tool's message takes parts of text, image_url and file.", param=f"{where}.content")
    return "\n".join(texts), pictures


def _response(text: str, *, failed: bool) -> Part:
    """An object. One that the tool gave stays as it is, unless Gemini would take a field of it for the whole."""
    if failed:
        return {"error": text}
    value = _parsed(text) if text.lstrip().startswith("{") else None
    if isinstance(value, dict) and not {"output", "error"} & value.keys():
        return value
    return {"output": text if not isinstance(value, dict) else value}
