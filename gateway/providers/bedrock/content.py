"""Parts of a chat's messages as Converse's blocks: text, images, documents, sound, cache points."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import Dropped, Object, mapping, objects, said, wrong
from gateway.providers.bedrock.models import Model

Block = dict[str, Any]

_IMAGES: Final = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_SNIFFED: Final = (("iVBORw0KGgo", "png"), ("/9j/", "jpeg"), ("R0lGOD", "gif"), ("UklGR", "webp"))
"""How the base64 of each format begins: callers are often wrong about their pictures, and Bedrock refuses those."""
_DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_SPACES: Final = re.compile(r"\s+")
_NAME_LIMIT: Final = 180


class _Data(NamedTuple):
    """What a data URL holds; `text` is base64."""

    media_type: str
    text: str


class Parts:
    """Writes the parts of one request; names what has no block in `dropped`."""

    __slots__ = ("_dropped", "_model", "_names")

    def __init__(self, model: Model, dropped: Dropped) -> None:
        self._model = model
        self._dropped = dropped
        self._names: set[str] = set()

    def blocks(self, content: object, place: str) -> list[Block]:
        """The blocks of a message's content. Empty text has none: Bedrock refuses it."""
        if content is None:
            return []
        if isinstance(content, str):
            return _text(content)
        if not isinstance(content, list):
            raise wrong(place, "a string or a list of parts")
        blocks: list[Block] = []
        for part, at in objects(content, place):
            blocks += self._part(part, at)
            if blocks:
                blocks += self.cache_point(part.get("cache_control"))
        return blocks

    def cache_point(self, hint: object) -> list[Block]:
        """What marks the end of a prefix to be cached, where the model takes it."""
        return [cache_point(hint, lasting=self._model.is_claude)] if isinstance(hint, Mapping) and self._model.caches else []

    def _part(self, part: Object, place: str) -> list[Block]:
        match kind := part.get("type"):
            case "text":
                return _text(part.get("text"))
            case "refusal":
                return _text(part.get("refusal"))
            case "image_url":
                return [_image(part.get("image_url"), place)]
            case "file":
                return [self._document(mapping(part.get("file"), f"{place}.file"), place)]
            case "input_audio":
                return [_sound(mapping(part.get("input_audio"), f"{place}.input_audio"), f"{place}.input_audio")]
        self._dropped.add(place, kind)
        return []

    def _document(self, file: Object, place: str) -> Block:
        named = file.get("filename")
        filename = named if isinstance(named, str) else ""
        source = file.get("file_data") or file.get("file_url")
        if not isinstance(source, str):
            message = f"The file in {place!r} is one uploaded elsewhere; this target needs its file_data."
            raise InvalidValue(message, param=place)
        stem, _, suffix = filename.rpartition(".")
        name = self._name(stem or suffix)
        data = _data(source, place) if ":" in source[:16] else _Data("", source)
        form = _DOCUMENTS.get(data.media_type) or (suffix.lower() if suffix.lower() in _DOCUMENTS.values() else "")
        if not form:
            raise wrong(f"{place}.file", "a PDF, a text, or a document of Word or Excel")
        return {"document": {"format": form, "name": name, "source": {"bytes": data.text}}}

    def _name(self, wanted: str) -> str:
        """A name that no other document of the request has, of the characters that are allowed."""
        plain = _SPACES.sub(" ", _UNNAMEABLE.sub("-", wanted)).strip()[:_NAME_LIMIT] or "document"
        name, count = plain, 1
        while name in self._names:
            count += 1
            name = f"{plain} {count}"
        self._names.add(name)
        return name


def _text(text: object) -> list[Block]:
    return [{"text": text}] if isinstance(text, str) and text.strip() else []


def _image(image: object, place: str) -> Block:
    url = said(image.get("url") if isinstance(image, dict) else image, f"{place}.image_url.url")
    data = _data(url, f"{place}.image_url.url")
    form = next((form for head, form in _SNIFFED if data.text.startswith(head)), _IMAGES.get(data.media_type, ""))
    if not form:
        raise wrong(f"{place}.image_url.url", "a PNG, JPEG, GIF or WebP")
    return {"image": {"format": form, "source": {"bytes": data.text}}}


def _sound(sound: Object, place: str) -> Block:
    data, form = said(sound.get("data"), f"{place}.data"), said(sound.get("format"), f"{place}.format")
    return {"audio": {"format": form, "source": {"bytes": data}}}


def _data(url: str, place: str) -> _Data:
    """What a data URL holds. Raises `InvalidValue` for every other."""
    if url[:5].lower() != "data:":
        raise InvalidValue(
            f"What is at {place!r} is given by its address, but this target needs the thing itself: send it as a data: URL, "
            "or let the gateway fetch it (fetches_images in the configuration of the provider).",
            param=place,
        )
    head, comma, text = url[5:].partition(",")
    media_type, *options = (one.strip().lower() for one in head.split(";"))
    if not comma or not text:
        raise wrong(place, "a data: URL that holds something")
    if "base64" not in options:
        text = base64.b64encode(unquote_to_bytes(text)).decode()
    elif "%" in text or "\n" in text:
        text = "".join(unquote(text).split())
    return _Data(media_type, text)


def cache_point(hint: Mapping[str, Any], *, lasting: bool) -> Block:
    """Anthropic's hint in Converse's form. `lasting`: the model can be told to keep it for an hour."""
    point = {"type": "default"}
    if lasting and hint.get("ttl") == "1h":
        point["ttl"] = "1h"
    return {"cachePoint": point}
