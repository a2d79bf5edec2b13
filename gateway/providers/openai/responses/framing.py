"""The lines of an event: its name, which is its type, and its data; whatever else a provider sends there breaks some SDKs."""


def framed(kind: str, data: bytes) -> bytes:
    """An event in two lines; in one where its type is none."""
    return b"\n".join((*_named(kind), b"data: " + data))


def data_in(raw: bytes) -> bytes | None:
    """The data of an event that is a name and one line of it, as OpenAI sends them; None for any other."""
    name, _, line = raw.partition(b"\n")
    return line[5:] if line.startswith(b"data:") and name.startswith(b"event:") and b"\n" not in line else None


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


def name_in(raw: bytes) -> str:
    """The name that an event has beside its data."""
    names = (line[6:].strip() for line in raw.split(b"\n") if line.startswith(b"event:"))
    return next(names, b"").decode("latin-1")


def _named(kind: str) -> list[bytes]:
    return [b"event: " + kind.encode()] if kind and kind.isprintable() else []
