"""Text of a chat's stream, where a wire gives it as bytes: UTF-8, in which halves of surrogate pairs may stand alone."""


def text_of(delta: bytes) -> str:
    """The text; halves stay halves, for the other one may come in the next delta."""
    try:
        return delta.decode()
    except UnicodeDecodeError:
        return _mended(delta)


def _mended(delta: bytes) -> str:
    try:
        return delta.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return delta.decode("utf-8", "replace")
