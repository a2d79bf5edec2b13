"""What is accepted as a body, and what is said of one that is not."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import Operation
from gateway.core.errors import (
    BodyTooLarge,
    DuplicateKey,
    GatewayError,
    InvalidJson,
    InvalidValue,
    Refusal,
    TooManyFields,
    UnsupportedMediaType,
)
from gateway.web.body import check_media_type, parse, receive_body

GOOD = b'{"model":"m","messages":[]}'


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"", InvalidJson, "empty"),
        (b"   ", InvalidJson, "empty"),
        (b'{"model": "m",\n "messages": [}', InvalidJson, "line 2, column 15"),
        (b"[]", InvalidJson, "object"),
        (b'"text"', InvalidJson, "object"),
        (b"\xff\xfe", InvalidJson, "not valid JSON"),
        (b'{"model":"\xc3\x28","messages":[]}', InvalidJson, "not valid JSON"),
        (b'{"model":"m","messages":[],"temperature":NaN}', InvalidJson, "column"),
        (b'{"model":"m","messages":[],"seed":Infinity}', InvalidJson, "column"),
        (b"[" * 100_000, InvalidJson, "not valid JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, InvalidJson, "not valid JSON"),
        (b'{"model":"m","messages":[],"model":"n"}', DuplicateKey, "'model'"),
        (b'{"model":"m","messages":[{"role":"user","role":"system"}]}', DuplicateKey, "'role'"),
        (b'{"model":"m","messages":[],"m\\u006fdel":"n"}', DuplicateKey, "'model'"),
        (b'{"messages":[]}', InvalidValue, "'model' is missing"),
        (b'{"model":7,"messages":[]}', InvalidValue, "'model' must be a string"),
        (b'{"model":"","messages":[]}', InvalidValue, "'model' must be a string"),
        (b'{"model":"m"}', InvalidValue, "'messages' is missing; it must be an array"),
        (b'{"model":"m","messages":"hi"}', InvalidValue, 'must be an array, not "hi"'),
        (b'{"model":"m","messages":[],"stream":"yes"}', InvalidValue, "'stream' must be true or false"),
        (b'{"model":"m","messages":[],"stream_options":[]}', InvalidValue, "'stream_options' must be an object"),
    ],
)
def test_a_bad_body_is_refused_with_the_reason(body: bytes, error: type[Refusal], says: str) -> None:
    with pytest.raises(error, match=says.replace("[", r"\[")):
        parse(Operation.CHAT, body)


@pytest.mark.parametrize("depth", [100, 300, 900])
def test_what_can_be_read_is_taken_however_deep(depth: int) -> None:
    body = b'{"model":"m","messages":' + b"[" * depth + b"]" * depth + b"}"
    assert parse(Operation.CHAT, body).body == body


def test_a_million_keys_are_refused() -> None:
    body = b'{"model":"m","messages":[],"x":{' + b",".join(b'"%d":1' % number for number in range(1_000_000)) + b"}}"
    with pytest.raises(TooManyFields, match="100000"):
        parse(Operation.CHAT, body)


def test_many_colons_in_text_are_no_keys() -> None:
    body = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": 'a": ' * 150_000}]})
    assert parse(Operation.CHAT, body).model == "m"


@pytest.mark.parametrize(
    ("stream", "options", "streams", "wants"),
    [
        (True, {"include_usage": True}, True, True),
        (True, None, True, False),
        (None, None, False, False),
        (False, {}, False, False),
    ],
)
def test_the_facets_are_read(stream: bool | None, options: Any, streams: bool, wants: bool) -> None:
    body = orjson.dumps({"model": "m", "messages": [], "stream": stream, "stream_options": options})
    request = parse(Operation.CHAT, body)
    assert (request.stream, request.wants_usage, request.canonical) == (streams, wants, True)


def test_a_body_with_spaces_is_kept_but_not_canonical() -> None:
    request = parse(Operation.CHAT, b'{"model": "m", "messages": []}')
    assert not request.canonical
    assert request.body == b'{"model": "m", "messages": []}'


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_make_anything_but_a_request_or_a_refusal(body: bytes) -> None:
    try:
        parse(Operation.CHAT, body)
    except GatewayError as error:
        assert isinstance(error, Refusal)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_extra_field_passes(extra: Any) -> None:
    try:
        body = orjson.dumps({"model": "m", "messages": [], "extra": extra})
    except (orjson.JSONEncodeError, TypeError):
        return
    assert parse(Operation.CHAT, body).body == body


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"content-type": b"application/json"},
        {b"content-type": b"Application/JSON; charset=utf-8"},
        {b"content-type": b"x/a+json"},
    ],
)
def test_json_is_taken(headers: dict[bytes, bytes]) -> None:
    check_media_type(headers)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({b"content-type": b"text/plain"}, "text/plain"),
        ({b"content-type": b"application/x-www-form-urlencoded"}, "send JSON"),
        ({b"content-encoding": b"gzip"}, "gzip"),
    ],
)
def test_another_media_type_is_refused_by_name(headers: dict[bytes, bytes], says: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=says):
        check_media_type(headers)


def receiver(*events: dict[str, Any]) -> Any:
    queue = list(events)

    async def receive() -> dict[str, Any]:
        return queue.pop(0)

    return receive


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_is_put_together() -> None:
    assert await receive_body(receiver(part(b"a"), part(b"b"), part(b"", more=False)), {}, 10) == b"ab"


async def test_a_body_is_refused_by_its_announced_length_before_it_is_read() -> None:
    with pytest.raises(BodyTooLarge, match="10 bytes"):
        await receive_body(receiver(), {b"content-length": b"11"}, 10)


@pytest.mark.parametrize("events", [[part(b"x" * 11, more=False)], [part(b"x" * 6), part(b"x" * 5), part(b"", more=False)]])
async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_long(events: list[dict[str, Any]]) -> None:
    with pytest.raises(BodyTooLarge):
        await receive_body(receiver(*events), {}, 10)


async def test_a_client_that_leaves_within_its_body_gives_none() -> None:
    assert await receive_body(receiver(part(b"a"), {"type": "http.disconnect"}), {}, 10) is None
