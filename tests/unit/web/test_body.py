"""What is accepted as a body, and what is said of one that is not."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
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
from gateway.core.jsonscan import splice
from gateway.telemetry.tasks import Tasks
from gateway.web.asking import NOTHING, Asked
from gateway.web.body import LARGE, check_media_type, parse, receive_body
from gateway.web.conversation import BodySource
from gateway.web.departure import EXTENSION, Departure
from tests.house import ScriptedUpstream, snapshot

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


def test_a_model_s_name_has_an_end() -> None:
    """What is worked out of a name is kept by it: a thousand of many megabytes would fill the memory."""
    assert parse(Operation.CHAT, chat("hi", model="m" * 2048)).model == "m" * 2048
    with pytest.raises(InvalidValue, match="up to 2048 characters") as refused:
        parse(Operation.CHAT, chat("hi", model="m" * 2049))
    assert len(refused.value.message) < 500
    with pytest.raises(InvalidValue):
        parse(Operation.GENERATE, b'{"contents": []}', Asked("", "m" * 2049, False))


@pytest.mark.parametrize("depth", [100, 300, 900])
def test_what_can_be_read_is_taken_however_deep(depth: int) -> None:
    body = b'{"model":"m","messages":' + b"[" * depth + b"]" * depth + b"}"
    assert parse(Operation.CHAT, body).body == body


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


# ---------------------------------------------------------------- how much one body may hold


def holding(*pieces: bytes, model: bytes = b'"m"') -> bytes:
    """A body in no canonical form with an array of these pieces."""
    return b'{"model": %b, "messages": [], "input": [], "x": [%b]}' % (model, b",".join(pieces))


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ([b'{"a":1}'] * 100_001, "100000 keys"),
        ([b'{"\\\\":1}'] * 100_001, "100000 keys"),
        ([b"{%b}" % b",".join(b'"%d\\\\":1' % number for number in range(100_001))], "100000 keys"),
        ([b"[]"] * 100_000, "100000 objects and arrays"),
        ([b"{}"] * 100_000, "100000 objects and arrays"),
        ([b"[1, 2, 3]"] * 100_000, "100000 objects and arrays"),
        ([b'"a"'] * 250_000, "250000 strings"),
        ([b'"\\""'] * 250_000, "250000 strings"),
        ([b"1"] * 1_500_000, "1500000 values"),
    ],
)
def test_more_than_any_real_request_holds_is_refused_by_name(pieces: list[bytes], says: str) -> None:
    with pytest.raises(TooManyFields, match=f"more than {says}"):
        parse(Operation.EMBEDDINGS, holding(*pieces))


def test_what_is_too_much_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(TooManyFields):
        parse(Operation.CHAT, b'{"x":[' + b"[]," * 100_000 + b"no JSON")


@pytest.mark.parametrize(("piece", "most"), [(b'{"a":1}', 99_996), (b"[]", 99_996), (b'"a"', 249_995), (b"1", 1_499_993)])
def test_what_the_limits_say_is_taken_and_one_more_is_not(piece: bytes, most: int) -> None:
    model = b'"[,:{\\"\\""'  # marks within a string do not count
    body = holding(*[piece] * most, model=model)
    assert parse(Operation.CHAT, body).body == body
    with pytest.raises(TooManyFields):
        parse(Operation.CHAT, holding(*[piece] * (most + 1), model=model))


def chat(content: object, **more: object) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": content}], **more})


TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string", "enum": ["b", "c"]}}}},
}
HONEST = {
    "a long text": chat("lorem ipsum, dolor: sit. " * 400_000),
    "JSON within text": chat('{"a": [1, {"b": "c"}]}, ' * 400_000),
    "many quotes and backslashes": chat('"\\' * 2_000_000),
    "an image": chat([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 1_300_000}}]),
    "token lists": orjson.dumps({"model": "m", "messages": [], "input": [list(range(2_000))] * 500}),
    "many tools, indented": json.dumps(
        {"model": "m", "messages": [], "tools": [{**TOOL, "n": number} for number in range(500)]}, indent=2
    ).encode(),
    "a long conversation": chat("hi", history=[{"role": "user", "content": "a"}] * 20_000),
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("spaced", [False, True])
def test_an_honest_large_body_is_taken(name: str, spaced: bool) -> None:
    body = HONEST[name].replace(b'{"model":', b'{"model" :', 1) if spaced else HONEST[name]
    assert len(body) > LARGE
    request = parse(Operation.CHAT, body)
    assert request.body is body
    assert not request.canonical  # so that it is never written anew
    assert request.fields == orjson.loads(body)
    changed = splice(request.body, {"model": b'"other"'})
    assert orjson.loads(changed) == {**request.fields, "model": "other"}


@pytest.mark.parametrize("size", [0, LARGE])
@pytest.mark.parametrize("key", ["a", '"', "\\", "\\u0061", "é", ""])
def test_a_repeated_key_is_seen_however_large_the_body_is(size: int, key: str) -> None:
    field = json.dumps(key).encode() + b": 1"
    body = holding(b'"%b"' % (b"-" * size), b"{%b, %b}" % (field, field))
    with pytest.raises(DuplicateKey) as caught:
        parse(Operation.CHAT, body)
    assert repr(key) in str(caught.value)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"model":"m","messages":{"a":%b}}', "'messages' must be an array, not an object"),
        (b'{"model":{"a":%b},"messages":[]}', "'model' must be a string .*, not an object"),
        (b'{"model":%b,"messages":[]}', "'model' must be a string .*, not an array"),
        (b'{"model":"m","messages":[],"stream":%b}', "'stream' must be true or false, not an array"),
        (b'{"model":"m","messages":[],"stream_options":%b}', "'stream_options' must be an object, not an array"),
    ],
)
def test_a_deep_value_of_the_wrong_type_is_refused_as_any_other(body: bytes, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        parse(Operation.CHAT, body % (b"[" * 300 + b"]" * 300))


def test_a_long_value_of_the_wrong_type_is_told_in_short() -> None:
    with pytest.raises(InvalidValue) as caught:
        parse(Operation.CHAT, b'{"model":"m","messages":"%b"}' % ("é".encode() * 100_000))
    assert len(caught.value.message) < 150


def source(body: bytes) -> BodySource:
    receive = receiver(part(body, more=False))
    scope = {"type": "http", "extensions": {EXTENSION: lambda left: None}}
    return BodySource(
        Operation.CHAT, NOTHING, receive, {}, Departure(scope, receive, lambda: None, Tasks()), ThreadPoolExecutor(1)
    )


@pytest.mark.parametrize(("size", "others_run"), [(100, False), (LARGE + 1, True)])
async def test_others_have_their_turn_while_a_large_body_is_parsed(size: int, others_run: bool) -> None:
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "another call")
    request = await source(chat("a" * size)).request(snapshot(ScriptedUpstream()))
    assert request.model == "m"
    assert bool(ran) is others_run


async def test_a_large_body_is_refused_from_the_thread_as_well() -> None:
    with pytest.raises(TooManyFields, match="objects and arrays"):
        await source(holding(*[b"[]"] * 100_000)).request(snapshot(ScriptedUpstream()))


def test_the_url_says_the_model_and_whether_to_stream_in_geminis_dialect() -> None:
    body = b'{"contents": [{"parts": [{"text": "hi"}]}]}'
    request = parse(Operation.GENERATE, body, Asked("alt=sse", "gemini-x", stream=True))
    assert (request.model, request.stream, request.query, request.body) == ("gemini-x", True, "alt=sse", body)


def test_a_body_of_another_dialect_needs_what_that_needs() -> None:
    with pytest.raises(InvalidValue, match="'messages' is missing"):
        parse(Operation.MESSAGES, b'{"model": "m"}')
    with pytest.raises(InvalidValue, match="'contents' is missing"):
        parse(Operation.GENERATE, b"{}", Asked(model="m", stream=False))
    assert parse(Operation.RESPONSES, b'{"model": "m"}').operation is Operation.RESPONSES


def test_a_chat_in_the_form_of_a_response_is_a_chat() -> None:
    request = parse(Operation.CHAT, b'{"model": "m", "stream": true, "input": "hi", "instructions": "be kind"}')
    assert request.fields["messages"] == [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
    assert (request.operation, request.stream, request.foreign) == (Operation.CHAT, True, True)


def test_a_chat_in_the_form_of_a_response_that_nests_too_deeply_is_refused() -> None:
    audio = b'{"type": "input_audio", "input_audio": {"x": %b}}' % (b"[" * 600 + b"]" * 600)
    with pytest.raises(InvalidValue, match="deeply"):
        parse(Operation.CHAT, b'{"model": "m", "input": [{"role": "user", "content": [%b]}]}' % audio)
