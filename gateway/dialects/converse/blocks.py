"""Converse's content blocks as those of Messages: each an object of one field, which says what it is.

    text, image, document, searchResult    the same; what lies in a bucket of Amazon's cannot be read by anybody else
    toolUse, toolResult                    tool_use, tool_result
    reasoningContent                       thinking, redacted_thinking
    guardContent, citationsContent         the text or image in it
    cachePoint                             `cache_control` of the block before it

Whatever else there is (video, sound, tools of Amazon's own) is left out and named.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, objects, optional, said, text, written, wrong

Blocks = list[Fields]

_IMAGES: Final = frozenset({"png", "jpeg", "gif", "webp"})
_WRITTEN: Final = frozenset({"txt", "md", "csv", "html"})
"""Formats of documents that are text, which every model can read."""
_DOCUMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)


def blocks(content: object, place: str, dropped: Dropped, *, inner: bool = False) -> Blocks:
    """A whole content; `inner`: of a tool's result. Raises `InvalidValue` for what is none."""
    if not isinstance(content, list):
        raise wrong(place, "an array of content blocks")
    found: Blocks = []
    for block, at in objects(content, place):
        kind = member(block, at)
        if kind == "cachePoint":
            hint(found, block)
        elif (reading := (_INNER if inner else _READERS).get(kind)) is None:
            dropped.add(at, kind)
        else:
            found += reading(block[kind], f"{at}.{kind}", dropped)
    return found


def member(union: Object, place: str) -> str:
    """Which one field is said of those that could be."""
    names = [name for name, value in union.items() if value is not None]
    if len(names) != 1:
        raise wrong(place, "an object with exactly one field that says what it is, such as 'text'")
    return names[0]


def hint(found: Blocks, block: Object) -> None:
    """A cache point, on what stands before it; where there is nothing, there is nothing to cache."""
    point = block["cachePoint"]
    ttl = point.get("ttl") if isinstance(point, dict) else None
    if found:
        found[-1]["cache_control"] = {"type": "ephemeral", **({"ttl": ttl} if ttl in ("5m", "1h") else {})}


def _worded(words: str) -> Blocks:
    return [{"type": "text", "text": words}]


# ---------------------------------------------------------------- one reader a kind of block


def _text(value: object, place: str, _: Dropped) -> Blocks:
    return _worded(text(value, place))


def _image(value: object, place: str, _: Dropped) -> Blocks:
    image = mapping(value, place)
    form, source = image.get("format"), mapping(image.get("source"), f"{place}.source")
    if not isinstance(form, str) or form not in _IMAGES:
        raise wrong(f"{place}.format", "'png', 'jpeg', 'gif' or 'webp'")
    data = _bytes(source, f"{place}.source")
    return [{"type": "image", "source": {"type": "base64", "media_type": f"image/{form}", "data": data}}]


def _document(value: object, place: str, dropped: Dropped) -> Blocks:
    document = mapping(value, place)
    if optional(document.get("citations"), f"{place}.citations").get("enabled"):
        dropped.add("messages.content.document.citations")
    form = text(document.get("format", "txt"), f"{place}.format")
    name = said(document.get("name"), f"{place}.name")
    block: Fields = {"type": "document", "title": f"{name}.{form}"}
    if isinstance(context := document.get("context"), str):
        block["context"] = context
    return [block | {"source": _source(mapping(document.get("source"), f"{place}.source"), form, f"{place}.source")}]


def _source(source: Object, form: str, place: str) -> Fields:
    match member(source, place):
        case "text":
            return {"type": "text", "data": text(source["text"], f"{place}.text")}
        case "content":
            pieces = [text(one.get("text"), f"{at}.text") for one, at in objects(source["content"], f"{place}.content")]
            return {"type": "text", "data": "\n".join(pieces)}
    data = _bytes(source, place)
    if form in _WRITTEN:
        return {"type": "text", "data": _decoded(data, f"{place}.bytes").decode("utf-8", "replace")}
    if form not in _DOCUMENTS:
        raise wrong(f"{place.removesuffix('.source')}.format", f"one of {', '.join(sorted({*_DOCUMENTS, *_WRITTEN}))}")
    return {"type": "base64", "media_type": _DOCUMENTS[form], "data": data}


def _bytes(source: Object, place: str) -> str:
    """The base64 of what stands there."""
    if source.get("s3Location") is not None:
        raise InvalidValue(
            f"What is at {place!r} lies in a bucket of Amazon's, and this model is not Amazon's. Send its bytes.", param=place
        )
    return said(source.get("bytes"), f"{place}.bytes")


def _decoded(data: str, place: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong(place, "base64") from error


def _search_result(value: object, place: str, dropped: Dropped) -> Blocks:
    result = mapping(value, place)
    if optional(result.get("citations"), f"{place}.citations").get("enabled"):
        dropped.add("messages.content.searchResult.citations")
    content = [{"type": "text", "text": text(one.get("text"), f"{at}.text")} for one, at in _listed(result, place)]
    block: Fields = {"type": "search_result", "content": content}
    return [block | {name: text(result[name], f"{place}.{name}") for name in ("source", "title") if result.get(name)}]


def _cited(value: object, place: str, _: Dropped) -> Blocks:
    return [one for item, at in _listed(mapping(value, place), place) for one in _worded(text(item.get("text"), f"{at}.text"))]


def _listed(value: Object, place: str) -> list[tuple[Object, str]]:
    return list(objects(value.get("content"), f"{place}.content"))


def _guarded(value: object, place: str, dropped: Dropped) -> Blocks:
    """What a guardrail was to look at. It stands without one: `guardrailConfig` is refused."""
    guarded = mapping(value, place)
    if member(guarded, place) == "text":
        return _worded(text(mapping(guarded["text"], f"{place}.text").get("text"), f"{place}.text.text"))
    return _image(guarded.get("image"), f"{place}.image", dropped)


# ---------------------------------------------------------------- the model's own, and what its tools found


def _tool_use(value: object, place: str, dropped: Dropped) -> Blocks:
    used = mapping(value, place)
    if used.get("type") is not None:
        dropped.add(place, used["type"])
        return []
    given = used.get("input")
    call: Fields = {"type": "tool_use", "id": said(used.get("toolUseId"), f"{place}.toolUseId")}
    return [call | {"name": said(used.get("name"), f"{place}.name"), "input": optional(given, f"{place}.input")}]


def _tool_result(value: object, place: str, dropped: Dropped) -> Blocks:
    result = mapping(value, place)
    if result.get("type") is not None:
        dropped.add(place, result["type"])
        return []
    told: Fields = {"type": "tool_result", "tool_use_id": said(result.get("toolUseId"), f"{place}.toolUseId")}
    told["content"] = blocks(result.get("content", []), f"{place}.content", dropped, inner=True)
    return [told | {"is_error": True}] if result.get("status") == "error" else [told]


def _json(value: object, place: str, _: Dropped) -> Blocks:
    return _worded(written(value, place))


def _reasoning(value: object, place: str, _: Dropped) -> Blocks:
    reasoned = mapping(value, place)
    if member(reasoned, place) == "redactedContent":
        data = said(reasoned["redactedContent"], f"{place}.redactedContent")
        return [{"type": "redacted_thinking", "data": unwrapped(data)}]
    thought = mapping(reasoned.get("reasoningText"), f"{place}.reasoningText")
    block: Fields = {"type": "thinking", "thinking": text(thought.get("text"), f"{place}.reasoningText.text")}
    signature: Any = thought.get("signature")
    return [block | {"signature": said(signature, f"{place}.reasoningText.signature")}] if signature else [block]


def wrapped(data: str) -> str:
    """Redacted thinking as Converse has it: bytes, which are base64 in JSON."""
    return base64.b64encode(data.encode("utf-8", "surrogatepass")).decode()


def unwrapped(data: str) -> str:
    """The same, as it was before; as it is, where it was not `wrapped`."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return data


_Reader = Callable[[object, str, Dropped], Blocks]
_SHOWN: Final[Mapping[str, _Reader]] = MappingProxyType(
    {"text": _text, "image": _image, "document": _document, "searchResult": _search_result}
)
_INNER: Final[Mapping[str, _Reader]] = MappingProxyType({**_SHOWN, "json": _json})
_READERS: Final[Mapping[str, _Reader]] = MappingProxyType(
    {
        **_SHOWN,
        "citationsContent": _cited,
        "guardContent": _guarded,
        "toolUse": _tool_use,
        "toolResult": _tool_result,
        "reasoningContent": _reasoning,
    }
)
