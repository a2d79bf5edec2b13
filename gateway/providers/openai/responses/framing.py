"""The lines of an event: its name, which is its type, and its data; whatever else a provider sends there breaks some SDKs."""


def framed(kind: str, data: bytes) -> bytes:
    """An event in two lines; in one where its type is none."""
    return b"\n".join((*_named(kind), b"data: " + data))


def is_plain(raw: bytes) -> bool:
    """Whether these are a name and one line of data, as OpenAI sends them."""
    return raw.startswith(b"event:") and raw.count(b"\n") == 1


def plain(kind: str, raw: bytes) -> bytes:
    """An event as it came, without comments, `id` and `retry`; with its name."""
    lines = [line for line in raw.split(b"\n") if line.startswith((b"data:", b"event:"))]
    if not any(line.startswith(b"event:") for line in lines):
        lines[:0] = _named(kind)
    return b"\n".join(lines)


def with_data(raw: bytes, data: bytes) -> bytes:
    """The same event with other data; a plain body is its data."""
    if raw.lstrip().startswith(b"{"):
        return data
    names = [line for line in raw.split(b"\n") if line.startswith(b"event:")]
    return b"\n".join((*names, b"data: " + data))


def _named(kind: str) -> list[bytes]:
    return [b"event: " + kind.encode()] if kind and kind.isprintable() else []
