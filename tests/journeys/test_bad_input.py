"""What is wrong with a request is told in OpenAI's envelope, within bounds, and does not disturb other calls."""

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import suppress

import pytest

from tests.journeys.answers import TEXT, dumps
from tests.journeys.configs import ACME, GLOBEX
from tests.journeys.processes import Gateway
from tests.journeys.wire import Answer, ask, chat, request, wire

KEY = {"authorization": f"Bearer {ACME}"}
MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'
MIB = 1024 * 1024


async def post(gateway: Gateway, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return await ask(gateway, request("POST", "/v1/chat/completions", body, KEY | dict(headers or {})))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("POST", "/nothing", 404, "unknown_url"),
        ("POST", "/v1/chat/completions/", 404, "unknown_url"),
        ("GET", "/v1/models/", 404, None),
        ("GET", "/v1/chat/completions", 405, "method_not_supported"),
        ("PUT", "/v1/embeddings", 405, "method_not_supported"),
        ("POST", "/v1/models", 405, "method_not_supported"),
        ("DELETE", "/v1/models/alias", 405, "method_not_supported"),
        ("POST", "/livez", 405, "method_not_supported"),
    ],
)
async def test_routes_that_are_none(gateway: Gateway, method: str, path: str, status: int, code: str | None) -> None:
    answer = await ask(gateway, request(method, path, b"{}" if method == "POST" else None, KEY))
    assert answer.status == status
    error = answer.error()
    assert error["type"] == "invalid_request_error"
    assert code is None or error["code"] == code
    assert answer.headers["x-request-id"]
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"model":"plain",\n "messages":[}', r"line 2.*column 1[345]"),
        (b'{"model":"plain",' + MESSAGES, r"line 1"),
        (b"", r"empty"),
        (b"{'model': 1}", r"column [12]\b"),
        (b'{"model":"plain","temperature":NaN,' + MESSAGES + b"}", r"column 3[1-5]"),
        (b'{"model":"plain","temperature":-Infinity,' + MESSAGES + b"}", r"line 1"),
        (b'{"model":"plain","user":"\xff\xfe",' + MESSAGES + b"}", r"(?i)utf-8"),
        (b'{"model":"plain","user":"\xed\xa0\x80",' + MESSAGES + b"}", r"(?i)utf-8"),
        (b'{"model":"plain","user":"a\x00b",' + MESSAGES + b"}", r"line 1"),
        (b"\xef\xbb\xbf{}x", r""),
        (b'{"model":"plain","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", r""),
        (b'{"model":"plain","messages":' + b'{"a":' * 100_000, r""),
    ],
    ids=["cut", "open", "empty", "quotes", "NaN", "Infinity", "bytes", "surrogate", "control", "bom", "depth", "open depth"],
)
async def test_what_is_not_json_is_told_with_its_place(gateway: Gateway, body: bytes, place: str) -> None:
    answer = await post(gateway, body)
    assert answer.status == 400
    error = answer.error()
    assert error["type"] == "invalid_request_error"
    assert re.search(place, error["message"]), error["message"]
    assert len(answer.body) < 5000


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"[1]", None),
        (b'"plain"', None),
        (b"{" + MESSAGES + b"}", "model"),
        (b'{"model":7,' + MESSAGES + b"}", "model"),
        (b'{"model":"",' + MESSAGES + b"}", "model"),
        (b'{"model":"plain"}', "messages"),
        (b'{"model":"plain","messages":"hi"}', "messages"),
        (b'{"model":"plain","stream":"yes",' + MESSAGES + b"}", "stream"),
        (b'{"model":"plain","stream":1,' + MESSAGES + b"}", "stream"),
        (b'{"model":"plain","stream_options":[],' + MESSAGES + b"}", "stream_options"),
    ],
)
async def test_wrong_types_name_the_field(gateway: Gateway, body: bytes, param: str | None) -> None:
    answer = await post(gateway, body)
    assert answer.status == 400
    assert answer.error()["param"] == param


@pytest.mark.parametrize("body", [b'{"model":"plain","model":"other",%s}', b'{"model":"plain","x":[{"a":1,"\\u0061":2}],%s}'])
async def test_a_key_that_stands_twice_is_refused(gateway: Gateway, body: bytes) -> None:
    answer = await post(gateway, body % MESSAGES)
    assert answer.status == 400
    assert answer.error()["code"] == "duplicate_key"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_wrong_content_type(gateway: Gateway, kind: str) -> None:
    answer = await post(gateway, b'{"model":"plain",' + MESSAGES + b"}", {"content-type": kind})
    assert answer.status == 415
    assert "application/json" in answer.error()["message"]


async def test_an_unknown_model_names_the_nearest(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("alis", GLOBEX))
    assert answer.status == 404
    error = answer.error()
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "'alias'" in error["message"]
    assert "vendor" not in error["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"])
@pytest.mark.parametrize("given", [{}, {"authorization": "Basic eA=="}, {"authorization": "Bearer "}])
async def test_no_key(gateway: Gateway, path: str, given: dict[str, str]) -> None:
    answer = await ask(gateway, request("POST", path, b"not even json", given))
    assert answer.status == 401
    error = answer.error()
    assert error["code"] is None
    assert "Authorization: Bearer" in error["message"]


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
async def test_a_key_is_taken_from_each_header_that_sdks_use(gateway: Gateway, header: str) -> None:
    body = dumps({"model": "plain", "messages": []})
    prefix = "Bearer " if header == "authorization" else ""
    right = await ask(gateway, request("POST", "/v1/chat/completions", body, {header: prefix + ACME}))
    wrong = await ask(gateway, request("POST", "/v1/chat/completions", body, {header: prefix + "sk-\u00fcnknown"}))
    assert (right.status, wrong.status) == (200, 401)
    assert wrong.error()["code"] == "invalid_api_key"
    assert "nknown" not in wrong.error()["message"]


async def test_the_models_are_only_for_who_has_a_key(gateway: Gateway) -> None:
    assert (await ask(gateway, request("GET", "/v1/models"))).status == 401
    assert (await ask(gateway, request("GET", "/v1/models/alias"))).status == 401


# ---------------------------------------------------------------- too much, too slow; others are not to suffer


async def others(gateway: Gateway, until: asyncio.Event) -> list[float]:
    """Plain calls, one after the other, until the event; how long each took."""
    took: list[float] = []
    async with wire(gateway) as one:
        while not until.is_set() or len(took) < 3:
            began_s = time.monotonic()
            answer = await one.ask(chat("plain", ACME))
            assert answer.json()["choices"][0]["message"]["content"] == TEXT
            took.append(time.monotonic() - began_s)
    return took


async def beside(gateway: Gateway, data: bytes) -> Answer:
    """Sends a bad request beside good ones, which must not notice much."""
    done = asyncio.Event()

    async def bad() -> Answer:
        try:
            return await ask(gateway, data)
        finally:
            done.set()

    answer, took = await asyncio.gather(bad(), others(gateway, done))
    assert max(took) < 3.0
    return answer


async def test_a_million_keys(gateway: Gateway) -> None:
    keys = b",".join(b'"k%d":0' % place for place in range(1_000_000))
    answer = await beside(
        gateway, request("POST", "/v1/chat/completions", b'{"model":"plain",' + MESSAGES + b"," + keys + b"}", KEY)
    )
    assert answer.status == 400
    assert answer.error()["code"] == "too_many_fields"


async def test_a_body_over_the_limit_is_refused_readably(gateway: Gateway) -> None:
    answer = await beside(gateway, request("POST", "/v1/chat/completions", b" " * (17 * MIB), KEY))
    assert answer.status == 413
    error = answer.error()
    assert error["code"] == "request_too_large"
    assert "server.body" in error["message"]


async def test_a_body_over_the_limit_without_a_length_is_refused_readably(gateway: Gateway) -> None:
    head = request(
        "POST", "/v1/chat/completions", None, KEY | {"content-type": "application/json", "transfer-encoding": "chunked"}
    )
    chunk = b"%x\r\n" % MIB + b" " * MIB + b"\r\n"
    answer = await beside(gateway, head + chunk * 17 + b"0\r\n\r\n")
    assert answer.status == 413
    assert answer.error()["code"] == "request_too_large"


async def test_a_body_that_would_be_too_large_is_refused_before_it_is_sent(gateway: Gateway) -> None:
    headers = KEY | {"content-type": "application/json", "content-length": str(17 * MIB), "expect": "100-continue"}
    answer = await ask(gateway, request("POST", "/v1/chat/completions", None, headers))
    assert answer.status == 413
    assert answer.error()["code"] == "request_too_large"


@pytest.mark.parametrize(
    "flood",
    [
        {f"x-{place}": "a" * 1000 for place in range(300)},
        {"x-long": "a" * 300_000},
        {f"x-{place}": "" for place in range(5000)},
    ],
    ids=["many", "long", "small"],
)
async def test_a_header_flood(gateway: Gateway, flood: dict[str, str]) -> None:
    answer = await beside(gateway, request("POST", "/v1/chat/completions", b'{"model":"plain",' + MESSAGES + b"}", KEY | flood))
    assert answer.status == 431
    assert answer.error()["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELLO\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"]
)
async def test_what_is_not_http_is_answered_or_closed(gateway: Gateway, garbage: bytes) -> None:
    async with wire(gateway) as one:
        await one.send(garbage)
        with suppress(ConnectionError):
            answer = await asyncio.wait_for(one.reader.read(), 10)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer


async def test_two_different_lengths_are_refused(gateway: Gateway) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}abc"
    async with wire(gateway) as one:
        await one.send(head)
        answer = await asyncio.wait_for(one.reader.read(), 10)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer


async def test_a_sender_that_stops_in_its_body_is_told(gateway: Gateway) -> None:
    whole = chat("plain", ACME)
    async with wire(gateway) as one:
        await one.send(whole[:-10])
        answer = await asyncio.wait_for(one.answer(), 10)
    assert answer.status == 408
    assert answer.error()["code"] == "request_timeout"


async def test_a_sender_that_drips_its_body_is_told(gateway: Gateway) -> None:
    whole = chat("plain", ACME)
    async with wire(gateway) as one:
        await one.send(whole[:-90])
        reading = asyncio.get_running_loop().create_task(one.answer())
        for place in range(len(whole) - 90, len(whole) - 1):
            if reading.done():
                break
            with suppress(ConnectionError):
                await one.send(whole[place : place + 1])
            await asyncio.wait([reading], timeout=0.1)
        assert (await asyncio.wait_for(reading, 10)).status == 408


async def test_a_sender_that_stops_in_its_head_loses_its_connection(gateway: Gateway) -> None:
    async with wire(gateway) as one:
        await one.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: ")
        answer = await asyncio.wait_for(one.reader.read(), 10)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 "), answer


async def test_a_hundred_slow_senders_hold_up_nobody(gateway: Gateway) -> None:
    done = asyncio.Event()

    async def slow() -> int:
        async with wire(gateway) as one:
            await one.send(chat("plain", ACME)[:-10])
            return (await asyncio.wait_for(one.answer(), 15)).status

    async def slow_ones() -> list[int]:
        try:
            return list(await asyncio.gather(*(slow() for _ in range(100))))
        finally:
            done.set()

    statuses, took = await asyncio.gather(slow_ones(), others(gateway, done))
    assert statuses == [408] * 100
    assert max(took) < 3.0
