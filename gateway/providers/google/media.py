"""Images, sound and files of a chat as Gemini's parts. What is named by a URL is passed on, never fetched."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.core.errors import InvalidValue
from gateway.providers.data_urls import has_scheme, held_in, in_base64, is_data_url

Part = dict[str, Any]

_SCHEMES: Final = ("http://", "https://", "gs://")
_FILMS: Final = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
_PICTURE: Final = "image/jpeg"
_DOCUMENT: Final = "application/pdf"
_ENDINGS: Final = (
    *(("image", ending, ending) for ending in ("png", "jpeg", "webp", "heic", "heif", "gif", "bmp", "avif")),
    *(("audio", ending, ending) for ending in ("wav", "mp3", "aiff", "aac", "ogg", "flac")),
    *(("video", ending, ending) for ending in ("mp4", "mpeg", "webm", "wmv")),
    *(("text", ending, ending) for ending in ("html", "css", "csv", "xml", "rtf")),
    *(("image", "jpg", "jpeg"), ("audio", "m4a", "mp4"), ("video", "mov", "quicktime"), ("video", "avi", "x-msvideo")),
    *(("video", "mpg", "mpeg"), ("video", "flv", "x-flv"), ("video", "3gp", "3gpp"), ("application", "pdf", "pdf")),
    *(("application", "json", "json"), ("text", "txt", "plain"), ("text", "md", "markdown"), ("text", "htm", "html")),
    *(("text", "py", "x-python"), ("text", "js", "javascript")),
)
_KINDS: Final[Mapping[str, str]] = MappingProxyType({ending: f"{kind}/{name}" for kind, ending, name in _ENDINGS})
"""Media types by the end of a file's name; the library's table is another on every machine."""


def picture(part: Mapping[str, Any], where: str) -> Part:
    """A part `image_url`; some callers give the URL without the object around it."""
    said = part.get("image_url")
    return at(said.get("url") if isinstance(said, Mapping) else said, _PICTURE, where)


def film(part: Mapping[str, Any], where: str) -> Part:
    """A part `video_url`, as vLLM and others have it."""
    said = part.get("video_url")
    return at(said.get("url") if isinstance(said, Mapping) else said, "video/mp4", where)


def sound(part: Mapping[str, Any], where: str) -> Part:
    """A part `input_audio`."""
    said = part.get("input_audio")
    data, kind = (said.get("data"), said.get("format")) if isinstance(said, Mapping) else (None, None)
    if not isinstance(data, str) or not isinstance(kind, str):
        raise InvalidValue("input_audio should have `data` in base64 and a `format`.", param=where)
    return at(data, f"audio/{kind}", where) if is_data_url(data) else inline(f"audio/{kind}", data)


def document(part: Mapping[str, Any], where: str) -> Part:
    """A part `file`: its data, a URL, or the URI of a file that Gemini's own files API keeps."""
    said = part.get("file")
    if not isinstance(said, Mapping):
        raise InvalidValue("A part `file` should have an object `file`.", param=where)
    kind = _kind_of(said.get("filename"), _DOCUMENT)
    data = said.get("file_data")
    if isinstance(data, str) and data:
        return at(data, kind, where) if is_data_url(data) else inline(kind, data)
    url = said.get("file_url") or said.get("file_id")
    if not isinstance(url, str) or not has_scheme(url, *_SCHEMES):
        raise InvalidValue("This model takes a file as `file_data` or by URL; it has no file of this id.", param=where)
    return at(url, kind, where)


def at(url: object, otherwise: str, where: str) -> Part:
    """What a URL names. `otherwise`: the media type where the URL does not tell."""
    if isinstance(url, str) and is_data_url(url):
        held = held_in(url, where)
        return inline(held.kind or otherwise, held.data)
    if not isinstance(url, str) or not has_scheme(url, *_SCHEMES):
        raise InvalidValue("The URL should begin with https://, http://, gs:// or data:.", param=where)
    return {"fileData": {"mimeType": _kind_at(url, otherwise), "fileUri": url}}


def inline(kind: str, data: str) -> Part:
    """A part that holds its data, in base64."""
    return {"inlineData": {"mimeType": kind, "data": in_base64(data)}}


def _kind_at(url: str, otherwise: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return otherwise
    return "video/mp4" if host in _FILMS else _kind_of(parts.path, otherwise)


def _kind_of(name: object, otherwise: str) -> str:
    return _KINDS.get(name.rpartition(".")[2].lower(), otherwise) if isinstance(name, str) else otherwise
