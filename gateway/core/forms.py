"""Forms (multipart/form-data) as bytes: where the fields stand, and one with other values; nothing is copied but what changes.

Strict: what two readers could read as two different forms is refused.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from gateway.core.errors import InvalidValue

PART_COUNT: Final = 1000
PART_HEAD: Final = 8 * 1024
"""Bytes of the headers of one part."""
VALUE_LIMIT: Final = 64 * 1024
"""Bytes of a field that is read; a longer one is somebody's text."""

_BOUNDARY: Final = re.compile(
    rb"multipart/form-data\s*;(?:.*;)?\s*boundary=\"?([\w'()+,./:=?-]{1,200})\"?\s*(?:;.*)?", re.IGNORECASE
)
_TOKEN: Final = re.compile(rb"[\w'+.-]+")
_NAMED: Final = re.compile(
    rb'form-data\s*;\s*name=(?:"([^"\\\r\n]*)"|([^\s";]+))((?:\s*;\s*filename\*?=(?:"(?:[^"\\\r\n]|\\.)*"|[^\s";]+))*)\s*',
    re.IGNORECASE,
)
_NAMELESS: Final = re.compile(rb"filename\*?=(?:\"\"|[\w-]*'[\w-]*'\s*(?:;|$))", re.IGNORECASE)
"""A file whose name is empty is a field to some readers."""
_HEADER: Final = re.compile(rb"[!-9;-~]+:[^\r\n]*")
_PLAIN: Final = (b"7bit", b"8bit", b"binary")
_CHARSETS: Final = (b"", b"utf-8", b"us-ascii")


class Field(NamedTuple):
    """One field: its name, where its value stands in the form, and whether it is a file."""

    name: str
    start: int
    end: int
    file: bool


def boundary(content_type: bytes) -> bytes:
    """What parts the fields. Raises `InvalidValue`."""
    found = _BOUNDARY.fullmatch(content_type.strip())
    if found is None:
        raise InvalidValue("The form says no boundary; it must be 'multipart/form-data; boundary=...'.")
    return found[1]


def content_type(said: bytes) -> bytes:
    """The same in one way to read it, whatever else was said. Raises `InvalidValue`."""
    mark = boundary(said)
    return b"multipart/form-data; boundary=" + (mark if _TOKEN.fullmatch(mark) else b'"%b"' % mark)


def fields(form: bytes, content_type: bytes) -> list[Field]:
    """The fields in their order. Raises `InvalidValue`."""
    mark = b"--" + boundary(content_type)
    at = 0 if form.startswith(mark) else form.find(b"\r\n" + mark) + 2
    if at == 1:
        raise InvalidValue("The form does not hold the boundary that it says.")
    found: list[Field] = []
    at += len(mark)
    while not form.startswith(b"--", at):
        if len(found) == PART_COUNT:
            raise InvalidValue(f"The form has more than {PART_COUNT} parts.")
        one = _field(form, at, b"\r\n" + mark)
        found.append(one)
        at = one.end + 2 + len(mark)
    if form[at + 2 : at + 4] not in (b"", b"\r\n"):
        raise InvalidValue("The form goes on behind its end.")
    if form.count(mark) != len(found) + 1:
        raise InvalidValue("The form holds its boundary where no part begins.")
    return found


def _field(form: bytes, at: int, delimiter: bytes) -> Field:
    """The part whose boundary ends at `at`."""
    head_end = form.find(b"\r\n\r\n", at, at + PART_HEAD)
    if not form.startswith(b"\r\n", at) or head_end < 0:
        raise InvalidValue("The form has a part without a proper head.")
    start = head_end + 4
    end = form.find(delimiter, head_end + 2)
    if end < start:
        raise InvalidValue("The form has a part without an end.")
    name, file = _name(form[at + 2 : head_end])
    return Field(name, start, end, file)


def _name(head: bytes) -> tuple[str, bool]:
    """What a part is called, and whether it is a file."""
    lines = head.split(b"\r\n")
    pairs = [(name.lower(), said.strip()) for name, _, said in (line.partition(b":") for line in lines)]
    named = [said for name, said in pairs if name == b"content-disposition"]
    match = _NAMED.fullmatch(named[0]) if len(named) == 1 else None
    if match is None or not all(map(_HEADER.fullmatch, lines)) or _NAMELESS.search(match[3]):
        raise InvalidValue("The form has a part whose name cannot be told; it must be 'form-data; name=\"...\"'.")
    file = bool(match[3])
    if not all(_is_plain(name, said.lower(), file=file) for name, said in pairs):
        raise InvalidValue("The form has a part that is encoded, or holds parts of its own.")
    return (match[1] if match[1] is not None else match[2]).decode("utf-8", "replace"), file


def _is_plain(name: bytes, said: bytes, *, file: bool) -> bool:
    """Whether a header leaves the bytes of its part what they are."""
    if name == b"content-transfer-encoding":
        return said in _PLAIN
    if name != b"content-type":
        return True
    charset = said.partition(b"charset")[2].strip(b' ="')
    return not said.startswith(b"multipart/") and (file or charset in _CHARSETS)


def value(form: bytes, known: Sequence[Field], name: str) -> str | None:
    """The value of a field that may stand once, in whichever letters; None where it does not. Raises `InvalidValue`."""
    found = [one for one in known if one.name.strip().lower().removesuffix("[]") == name]
    if not found:
        return None
    if len(found) > 1 or found[0].file or found[0].name != name:
        raise InvalidValue(f"The form must have one field {name!r}, and no file of that name.", param=name)
    return form[found[0].start : found[0].end].decode("utf-8", "replace")


def changed(form: bytes, known: Sequence[Field], change: Callable[[str, str], str]) -> bytes:
    """The form with `change(name, value)` in place of every value that is a line of text."""
    pieces: list[bytes] = []
    at = 0
    for one in known:
        text = None if one.file or one.end - one.start > VALUE_LIMIT else _text(form[one.start : one.end])
        if text is not None and (other := change(one.name, text)) != text:
            pieces += (form[at : one.start], other.encode())
            at = one.end
    return b"".join((*pieces, form[at:])) if pieces else form


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
