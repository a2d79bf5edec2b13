"""What kind of image some bytes are, by how they begin; what a server calls them is not believed."""

from collections.abc import Callable
from typing import Final

_HEADS: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("image/png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff")),
    ("image/gif", lambda head: head.startswith((b"GIF87a", b"GIF89a"))),
    ("image/webp", lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
    ("image/bmp", lambda head: head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00"),
    ("image/avif", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis")),
    ("image/heic", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis")),
    ("image/heif", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"mif1", b"msf1")),
)

NAMES: Final = "PNG, JPEG, GIF, WebP, BMP, AVIF or HEIC"
"""What these are called."""


def kind_of(data: bytes) -> str | None:
    """The media type; None for what is no image that a model takes."""
    head = data[:16]
    return next((kind for kind, fits in _HEADS if fits(head)), None)
