"""Content of a chat's messages as blocks of the Messages API: text, images, documents."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.dialects.shapes import Dropped, Fields, Object, mapping, said, text, wrong
from gateway.providers.data_urls import Held, has_scheme, held_in, in_base64, is_data_url

_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_SIGNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "iVBORw0KGg": "image/png",
        "/9j/": "image/jpeg",
        "R0lGOD": "image/gif",
        "UklGR": "image/webp",
        "JVBERi": "application/pdf",
    }
)
"""How the base64 of a file of each kind begins: a media type that is not the file's is a 400."""
_TEXTS: Final = frozenset({"application/json", "application/xml", "application/x-yaml"})
_WEB: Final = ("http://", "https://")
_WORDS: Final = ("text", "input_text", "output_text", "refusal")


def text_block(words: str, hint: object = None) -> Fields | None:
    """A block of text; None for one without a character to be seen, which is a 400."""
    if not words.strip():
        return None
    block: Fields = {"type": "text", "text": words}
    if isinstance(hint, dict):
        block["cache_control"] = hint
    return block


def blocks_of(content: object, place: str, dropped: Dropped, *, only: Sequence[str] = ()) -> list[Fields]:
    """The blocks of a message's content. Raises `InvalidValue` for what is no content.

    `only`: the types of blocks that may stand here; all where none are named.
    """
    if content is None:
        return []
    if isinstance(content, str):
        block = text_block(content)
        return [block] if block is not None else []
    if not isinstance(content, list):
        raise wrong(place, "a string or an array of parts")
    blocks: list[Fields] = []
    for at, part in enumerate(content):
        if (block := _block(part, f"{place}[{at}]", dropped)) is None:
            continue
        if only and block["type"] not in only:
            dropped.add(f"{place}[{at}]", block["type"])
            continue
        blocks.append(block)
    return blocks


def _block(part: object, place: str, dropped: Dropped) -> Fields | None:
    if isinstance(part, str):
        return text_block(part)
    told = mapping(part, place)
    kind, hint = told.get("type"), told.get("cache_control")
    if kind in _WORDS:
        return text_block(text(told.get("refusal" if kind == "refusal" else "text"), f"{place}.text"), hint)
    if kind == "image_url":
        block = _image(told.get("image_url"), f"{place}.image_url")
    elif kind == "file" and (document := _file(mapping(told.get("file"), f"{place}.file"), f"{place}.file")) is not None:
        block = document
    else:
        dropped.add(place, kind)
        return None
    return {**block, "cache_control": hint} if isinstance(hint, dict) else block


def _image(told: object, place: str) -> Fields:
    url = said(told.get("url") if isinstance(told, dict) else told, f"{place}.url")
    if has_scheme(url, *_WEB):
        return {"type": "image", "source": {"type": "url", "url": url}}
    if not is_data_url(url):
        raise wrong(f"{place}.url", "an http or data URL")
    return {"type": "image", "source": _source(_known(held_in(url, f"{place}.url"), "image/jpeg"))}


def _file(told: Object, place: str) -> Fields | None:
    """A file as a document, or as an image where it is one; None for a kind that the API does not read."""
    if isinstance(told.get("file_id"), str):
        return _titled({"type": "document", "source": {"type": "file", "file_id": told["file_id"]}}, told)
    url = told.get("file_url") or told.get("file_data")
    if isinstance(url, str) and has_scheme(url, *_WEB):
        return _titled({"type": "document", "source": {"type": "url", "url": url}}, told)
    data = said(url, f"{place}.file_data")
    if is_data_url(data):
        held = _known(held_in(data, f"{place}.file_data"), "text/plain")
    else:
        held = _known(Held("", in_base64(data)), "application/pdf")
    if held.kind in _IMAGES:
        return {"type": "image", "source": _source(held)}
    if held.kind == "application/pdf":
        source = _source(held)
    elif held.kind.startswith("text/") or held.kind in _TEXTS:
        source = {"type": "text", "media_type": "text/plain", "data": _decoded(held.data, place)}
    else:
        return None
    return _titled({"type": "document", "source": source}, told)


def _titled(block: Fields, told: Object) -> Fields:
    name = told.get("filename")
    return {**block, "title": name} if isinstance(name, str) and name else block


def _source(held: Held) -> Fields:
    return {"type": "base64", "media_type": held.kind, "data": held.data}


def _known(held: Held, otherwise: str) -> Held:
    """The file under the type that its first bytes tell, or else that it is said to have."""
    return held._replace(kind=_sign(held.data) or held.kind or otherwise)


def _sign(data: str) -> str | None:
    return next((kind for sign, kind in _SIGNS.items() if data.startswith(sign)), None)


def _decoded(data: str, place: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise wrong(f"{place}.file_data", "base64") from error


def result_content(content: object, place: str, dropped: Dropped) -> Any:
    """The content of a tool's result: a string as it is, parts as blocks; None where there is nothing."""
    if isinstance(content, str):
        return content if content.strip() else None
    return blocks_of(content, place, dropped, only=("text", "image", "document")) or None
