"""Content blocks of users, systems and tool results, as the parts of a chat's message.

    text, search_result       text
    image                     image_url, with a data URL where it came in base64
    document                  file; text where it is text

Whatever else a block may be is left out and named. Cache hints stay on the part.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, objects, said, text, wrong

Parts = list[Fields]


def parts(content: object, place: str, dropped: Dropped, *, inner: bool = False) -> Parts:
    """A whole content: a string, or an array of blocks. `inner`: it stands in a block that stands in a content."""
    if isinstance(content, str):
        return [worded(content)] if content else []
    if not isinstance(content, list):
        raise wrong(place, "a string or an array of content blocks")
    return [part for block, where in objects(content, place) for part in parts_of(block, where, dropped, inner=inner)]


def parts_of(block: Object, place: str, dropped: Dropped, *, inner: bool = False) -> Parts:
    """One block; nothing for one that a chat has no part for."""
    kind = said(block.get("type"), f"{place}.type")
    reading = _READERS.get(kind)
    if reading is None or (inner and kind not in _INNER):
        dropped.add(place, kind)
        return []
    found = reading(block, place, dropped)
    if found and isinstance(hint := block.get("cache_control"), dict):
        found[-1]["cache_control"] = hint
    return found


def plain(found: Parts) -> str | Parts:
    """The simplest form of a content: a string for one text without a hint, which every server takes."""
    if not found:
        return ""
    only = found[0]
    return only["text"] if len(found) == 1 and only["type"] == "text" and "cache_control" not in only else found


def worded(words: str) -> Fields:
    """A part of text."""
    return {"type": "text", "text": words}


# ---------------------------------------------------------------- one reader a kind of block


def _text(block: Object, place: str, dropped: Dropped) -> Parts:
    words = text(block.get("text"), f"{place}.text")
    if block.get("citations"):
        dropped.add("messages.content.citations")
    return [worded(words)] if words else []


def _image(block: Object, place: str, _: Dropped) -> Parts:
    source = mapping(block.get("source"), f"{place}.source")
    match source.get("type"):
        case "base64":
            url = data_url(source, f"{place}.source")
        case "url":
            url = said(source.get("url"), f"{place}.source.url")
        case _:
            raise _no_source(source, f"{place}.source", "'base64' or 'url'")
    return [{"type": "image_url", "image_url": {"url": url}}]


def _document(block: Object, place: str, dropped: Dropped) -> Parts:
    source = mapping(block.get("source"), f"{place}.source")
    where = f"{place}.source"
    if isinstance(citing := block.get("citations"), dict) and citing.get("enabled"):
        dropped.add("messages.content.citations")
    title, context = block.get("title"), block.get("context")
    heading = [f"{words}\n\n" for words in (title, context) if isinstance(words, str) and words]
    match source.get("type"):
        case "text":
            return [worded("".join(heading) + text(source.get("data"), f"{where}.data"))]
        case "content":
            return [*map(worded, heading), *parts(source.get("content"), f"{where}.content", dropped, inner=True)]
        case "base64":
            file: Fields = {"file_data": data_url(source, where)}
        case "url":
            file = {"file_url": said(source.get("url"), f"{where}.url")}
        case "file":
            file = {"file_id": said(source.get("file_id"), f"{where}.file_id")}
        case _:
            raise _no_source(source, where, "'base64', 'text', 'content', 'url' or 'file'")
    if "file_id" not in file:
        file["filename"] = title if isinstance(title, str) and title else "document.pdf"
    return [*([worded(f"{context}")] if isinstance(context, str) and context else []), {"type": "file", "file": file}]


def _search_result(block: Object, place: str, dropped: Dropped) -> Parts:
    heading = [words for words in (block.get("title"), block.get("source")) if isinstance(words, str) and words]
    found = parts(block.get("content"), f"{place}.content", dropped, inner=True)
    return [worded("\n".join(heading)), *found] if heading else found


def _tool_reference(block: Object, place: str, _: Dropped) -> Parts:
    return [worded(f"Tool: {said(block.get('tool_name'), f'{place}.tool_name')}")]


_READERS: Final[Mapping[str, Callable[[Object, str, Dropped], Parts]]] = MappingProxyType(
    {
        "text": _text,
        "image": _image,
        "document": _document,
        "search_result": _search_result,
        "tool_reference": _tool_reference,
    }
)


_INNER: Final = frozenset({"text", "image"})
"""What a document or a search result may consist of."""


def data_url(source: Object, place: str) -> str:
    """Base64 with its media type, as one URL."""
    media_type = said(source.get("media_type"), f"{place}.media_type")
    return f"data:{media_type};base64,{said(source.get('data'), f'{place}.data')}"


def _no_source(source: Object, place: str, known: str) -> InvalidValue:
    kind = source.get("type")
    named = f", not {kind[:40]!r}" if isinstance(kind, str) else ""
    return wrong(place, f"an object whose type is {known}{named}")


# ---------------------------------------------------------------- what Anthropic's own tools found

_READ: Final = (
    "title",
    "url",
    "tool_name",
    "text",
    "stdout",
    "stderr",
    "error_code",
    "tool_references",
    "source",
    "content",
    "data",
)
_LEVELS: Final = 8


def readable(block: Object) -> str:
    """What a model can read in a block of Anthropic's own: results of a search, output of code, a summary."""
    return "\n".join(_lines(block.get("content"), 0))


def _lines(value: object, level: int) -> Sequence[str]:
    if isinstance(value, str):
        return [value] if value else []
    if level > _LEVELS:
        return []
    if isinstance(value, list):
        return [line for item in value for line in _lines(item, level + 1)]
    if not isinstance(value, dict) or value.get("type") == "base64":
        return []
    return [line for key in _READ if key in value for line in _lines(value[key], level + 1)]
