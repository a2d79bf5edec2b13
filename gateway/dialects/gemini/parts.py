"""Parts of a content that say something, as the parts of a chat's message.

text          text
inlineData    image_url, input_audio or file, by media type; text where it is text
fileData      image_url or file, by its URL; what lies at Google cannot be read by anybody else
"""

import base64
import binascii
from typing import Final

from gateway.core.errors import InvalidValue
from gateway.dialects.gemini.names import field
from gateway.dialects.shapes import Fields, Object, mapping, said, text, wrong

_SOUNDS: Final = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}
_GOOGLES: Final = ("gs://", "https://generativelanguage.googleapis.com/", "files/")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def part_of(part: Object, place: str) -> Fields | None:
    """The part; None for one of another kind."""
    if "text" in part and part["text"] is not None:
        return {"type": "text", "text": text(part["text"], f"{place}.text")}
    if (inline := field(part, "inlineData")) is not None:
        return _inline(mapping(inline, f"{place}.inlineData"), f"{place}.inlineData")
    if (lying := field(part, "fileData")) is not None:
        return _lying(mapping(lying, f"{place}.fileData"), f"{place}.fileData")
    return None


def plain(parts: list[Fields]) -> str | list[Fields]:
    """The simplest form of a content: a string for one text."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _inline(data: Object, place: str) -> Fields:
    media_type = said(field(data, "mimeType"), f"{place}.mimeType").partition(";")[0].strip().lower()
    packed = _standard(said(data.get("data"), f"{place}.data"))
    if media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{packed}"}}
    if media_type in _SOUNDS:
        return {"type": "input_audio", "input_audio": {"data": packed, "format": _SOUNDS[media_type]}}
    if media_type.startswith("text/"):
        return {"type": "text", "text": _unpacked(packed, f"{place}.data")}
    name = field(data, "displayName")
    filename = name if isinstance(name, str) and name else f"document.{media_type.rpartition('/')[2]}"
    return {"type": "file", "file": {"filename": filename, "file_data": f"data:{media_type};base64,{packed}"}}


def _lying(data: Object, place: str) -> Fields:
    uri = said(field(data, "fileUri"), f"{place}.fileUri")
    if uri.startswith(_GOOGLES):
        raise InvalidValue(
            f"The file at {place!r} lies at Google, and this model is not Google's. Send it as inlineData, or by another URL.",
            param=place,
        )
    media_type = field(data, "mimeType")
    if isinstance(media_type, str) and media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": uri}}
    return {"type": "file", "file": {"file_url": uri}}


def _standard(packed: str) -> str:
    """Base64 in its usual alphabet: Google's SDKs write the one for URLs."""
    packed = packed.translate(_URL_SAFE).rstrip("=")
    return packed + "=" * (-len(packed) % 4)


def _unpacked(packed: str, place: str) -> str:
    try:
        return base64.b64decode(packed, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise wrong(place, "base64") from error
