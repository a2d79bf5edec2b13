"""A call on the way in: receives its body within bounds and reads the few facets that the gateway needs of it."""

from collections.abc import Mapping
from operator import le
from typing import Any, Final

import orjson
from starlette.types import Message, Receive

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import BodyTooLarge, DuplicateKey, InvalidJson, InvalidValue, TooManyFields, UnsupportedMediaType
from gateway.core.jsonscan import Census, at_most, census, repeated_key
from gateway.dialects.referring import refers
from gateway.dialects.responses.asking import chat_of_input
from gateway.dialects.shapes import written
from gateway.web.asking import NOTHING, Asked

Kind = type | tuple[type, ...]

LARGE: Final = 128 * 1024
"""Bodies longer than this belong into a thread: up to here the worst one takes a few milliseconds."""

LIMITS: Final = Census(keys=100_000, containers=100_000, strings=250_000, values=1_500_000)
"""What one body may hold. The largest real ones, thousands of token lists to embed, stay well under it.

The parser keeps everybody waiting, in a thread as well, and memory is needed per value: this bounds both.
"""

NAME_LIMIT: Final = 2048
"""Characters of a model's name, which is as long as ARNs get. What is worked out of names is kept by them."""

_WORDS_ALONE: Final = frozenset({Operation.COMPLETIONS, Operation.EMBEDDINGS})
"""Operations whose requests refer to nothing."""
_COUNTED: Final = ("keys", "objects and arrays", "strings", "values")
_NEEDED: Final[Mapping[Operation, tuple[str, Kind]]] = {
    Operation.CHAT: ("messages", list),
    Operation.COMPLETIONS: ("prompt", (str, list)),
    Operation.EMBEDDINGS: ("input", (str, list)),
    Operation.MESSAGES: ("messages", list),
    Operation.COUNT_TOKENS: ("messages", list),
    Operation.GENERATE: ("contents", (list, dict, str)),
    Operation.CONVERSE: ("messages", list),
}
_NAMES: Final[Mapping[Kind, str]] = {
    list: "an array",
    (str, list): "a string or an array",
    (list, dict, str): "an array of contents",
    dict: "an object",
    bool: "true or false",
    str: "a string",
}


def check_media_type(headers: Mapping[bytes, bytes]) -> None:
    """Raises `UnsupportedMediaType` for a body that is announced as something else than plain JSON."""
    media_type = headers.get(b"content-type", b"application/json")
    if media_type == b"application/json" and b"content-encoding" not in headers:
        return  # as nearly everybody says
    media_type = media_type.partition(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise UnsupportedMediaType(
            f"The body is announced as {media_type.decode('latin-1')[:100]!r}; send JSON with 'content-type: application/json'."
        )
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if coding != b"identity":
        raise UnsupportedMediaType(f"The body is encoded as {coding.decode('latin-1')[:100]!r}; send it without an encoding.")


def check_length(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Raises `BodyTooLarge` for a body that is announced as longer than that."""
    if int(headers.get(b"content-length", b"0")) > limit:
        raise _too_large(limit)


async def receive_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes | None:
    """The whole body; None where the client left in the middle of it. Raises `BodyTooLarge` as soon as that is known."""
    check_length(headers, limit)
    return await gathered(await receive(), receive, limit)


async def gathered(event: Message, receive: Receive, limit: int) -> bytes | None:
    """The same, where its first event has been received."""
    parts = bytearray()
    while event["type"] == "http.request":
        parts += event.get("body", b"")
        if len(parts) > limit:
            raise _too_large(limit)
        if not event.get("more_body", False):
            return bytes(parts)
        event = await receive()
    return None


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than this gateway takes: {limit} bytes (server.body).")


def parse(operation: Operation, body: bytes, asked: Asked = NOTHING) -> ModelRequest:
    """Reads a body; `asked` is what the URL says. Raises a `Refusal` that names the field or the place that is wrong.

    A large body is never called canonical: writing all of it again takes longer than cutting a field out.
    """
    large = len(body) > LARGE
    if large:
        _check_amounts(body)
    fields = _object(body)
    if operation is Operation.CHAT and "messages" not in fields and "input" in fields:
        return _converted(fields, body)
    _check_types(operation, fields, asked)
    options = fields.get("stream_options")
    canonical = not large and _is_canonical(fields, body)
    if not canonical:
        _refuse_repeated_keys(fields, body)
    return ModelRequest(
        operation=operation,
        body=body,
        fields=fields,
        canonical=canonical,
        model=asked.model or fields["model"],
        stream=fields.get("stream") is True if asked.stream is None else asked.stream,
        wants_usage=options is not None and options.get("include_usage") is True,
        query=asked.query,
        refers=operation not in _WORDS_ALONE and refers(fields),
    )


def _converted(fields: dict[str, Any], body: bytes) -> ModelRequest:
    """A chat that came in the form of a response, as Cursor sends some."""
    _refuse_repeated_keys(fields, body)
    _check_types(Operation.RESPONSES, fields, NOTHING)
    return parse(Operation.CHAT, written(chat_of_input(fields), "input").encode())._replace(foreign=True)


def _check_amounts(body: bytes) -> None:
    if all(map(le, at_most(body), LIMITS)):
        return
    for found, limit, name in zip(census(body), LIMITS, _COUNTED, strict=True):
        if found > limit:
            raise TooManyFields(f"The body has more than {limit} {name}.")


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(_where(body, error)) from error
    if not isinstance(fields, dict):
        raise InvalidJson('The body must be a JSON object, such as {"model": ..., "messages": [...]}.')
    return fields


def _where(body: bytes, error: orjson.JSONDecodeError) -> str:
    if not body.strip():
        return "The body is empty; a JSON object was expected."
    return f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno} (character {error.pos})."


def _check_types(operation: Operation, fields: Mapping[str, Any], asked: Asked) -> None:
    model = asked.model or fields.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= NAME_LIMIT:
        raise _wrong(fields, "model", str, f"a model's name of up to {NAME_LIMIT} characters, see GET /v1/models")
    needed = _NEEDED.get(operation)
    if needed is not None and not isinstance(fields.get(needed[0]), needed[1]):
        raise _wrong(fields, *needed)
    stream, options = fields.get("stream"), fields.get("stream_options")
    if stream is not None and type(stream) is not bool:
        raise _wrong(fields, "stream", bool)
    if options is not None and type(options) is not dict:
        raise _wrong(fields, "stream_options", dict)


def _wrong(fields: Mapping[str, Any], name: str, kind: Kind, hint: str = "") -> InvalidValue:
    expected = _NAMES[kind] + (f" ({hint})" if hint else "")
    if name not in fields:
        return InvalidValue(f"The field {name!r} is missing; it must be {expected}.", param=name)
    return InvalidValue(f"The field {name!r} must be {expected}, not {_shown(fields[name])}.", param=name)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return _NAMES[type(value)]  # what is in it may be long, or too deep to be written
    return orjson.dumps(value[:60] if isinstance(value, str) else value)[:60].decode("utf-8", "replace")


def _is_canonical(fields: dict[str, Any], body: bytes) -> bool:
    try:
        return orjson.dumps(fields) == body
    except orjson.JSONEncodeError:
        return False  # nested deeper than it can be written, though not than it can be read


def _refuse_repeated_keys(fields: dict[str, Any], body: bytes) -> None:
    """A key may stand twice in what serialising does not give back; the parser hides that, but drops one of them."""
    if census(body).keys == _keys_in(fields):
        return
    key = repeated_key(body)
    if key is not None:
        raise DuplicateKey(f"The key {key[:100]!r} stands twice in one object of the body.")


def _keys_in(fields: dict[str, Any]) -> int:
    count = 0
    inside: list[Any] = [fields]
    for value in inside:  # which grows meanwhile
        if isinstance(value, dict):
            count += len(value)
            inside += value.values()
        elif isinstance(value, list):
            inside += value
    return count
