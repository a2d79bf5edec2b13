"""Errors as callers see them."""

import inspect
from typing import Any

import orjson
import pytest

from gateway.core import errors
from gateway.core.chat import Dialect, Operation
from gateway.core.errors import GatewayError, MethodNotSupported, Overloaded, UpstreamRefused, UpstreamTimeout
from gateway.core.exchange import Exchange
from gateway.web.errors import anchor, dialect_of, event, refused, rendered


def every_error() -> list[type[GatewayError]]:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, GatewayError)]
    assert len(kinds) > 20
    return kinds


def example(kind: type[GatewayError]) -> GatewayError:
    special: dict[type[GatewayError], Any] = {
        UpstreamTimeout: lambda: UpstreamTimeout("connect", 5),
        UpstreamRefused: lambda: UpstreamRefused(400, "no", error_type="invalid_request_error"),
        MethodNotSupported: lambda: MethodNotSupported("no", ["GET"]),
    }
    made = special.get(kind, lambda: kind("no"))()
    assert isinstance(made, GatewayError)
    return made


def told_in_a_stream(error: GatewayError, operation: Operation = Operation.CHAT) -> bytes:
    return event(error, Exchange("req_1", operation, {}, None, None, 0.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_openais_four_keys_and_the_status_of_its_class(kind: type[GatewayError]) -> None:
    error = example(kind)
    status, headers, body = rendered(error)
    told = orjson.loads(body)["error"]
    assert list(told) == ["message", "type", "param", "code"]
    assert isinstance(told["message"], str)
    assert isinstance(told["type"], str)
    assert told["code"] is None or isinstance(told["code"], str)
    assert 400 <= status < 600
    assert dict(headers)[b"content-length"] == str(len(body)).encode()


def test_the_gateways_own_errors_name_their_page_and_the_providers_words_stay_as_they_are() -> None:
    assert orjson.loads(rendered(Overloaded("Full."))[2])["error"]["message"] == "Full. See docs/errors.md#overloaded."
    refused = UpstreamRefused(400, "Theirs.", error_type="invalid_request_error")
    assert orjson.loads(rendered(refused)[2])["error"]["message"] == "Theirs."


def test_an_anchor_is_the_class_in_kebab_case() -> None:
    assert anchor(UpstreamTimeout) == "upstream-timeout"


def test_whether_and_when_to_retry_is_said_in_headers() -> None:
    error = UpstreamRefused(429, "no", error_type="insufficient_quota", should_retry=False, retry_after_s=0.2)
    headers = dict(rendered(error)[1])
    assert headers[b"x-should-retry"] == b"false"
    assert headers[b"retry-after"] == b"1"
    assert headers[b"retry-after-ms"] == b"200"
    assert b"x-should-retry" not in dict(rendered(Overloaded("no"))[1])


def test_a_405_lists_the_methods() -> None:
    assert dict(rendered(MethodNotSupported("no", ["GET", "HEAD"]))[1])[b"allow"] == b"GET, HEAD"


def test_a_message_is_bounded_and_survives_lone_surrogates() -> None:
    assert len(rendered(Overloaded("x" * 100_000))[2]) < 5_000
    assert b"See docs" in rendered(Overloaded("\ud800"))[2]


def test_half_surrogates_anywhere_in_an_error_are_replaced() -> None:
    error = UpstreamRefused(400, "m\ud800", error_type="t\ud800", error_code="c\ud800", param="p\ud800")
    assert orjson.loads(rendered(error)[2])["error"] == {"message": "m?", "type": "t?", "param": "p?", "code": "c?"}
    assert told_in_a_stream(error).startswith(b"data: ")


def test_what_the_server_itself_turns_away_has_an_id() -> None:
    assert dict(refused(Overloaded("no"), "/")[1])[b"x-request-id"].startswith(b"req_")


def test_an_event_is_one_plain_data_line() -> None:
    told = told_in_a_stream(Overloaded("a\nb"))
    assert told.startswith(b'data: {"error":{')
    assert told.endswith(b"\n\n")
    assert told.count(b"\n") == 2


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_anthropics_shape_on_its_routes(kind: type[GatewayError]) -> None:
    status, _, body = rendered(example(kind), Dialect.ANTHROPIC, "req_1")
    told = orjson.loads(body)
    assert set(told) == {"type", "error", "request_id"}
    assert (told["type"], told["request_id"]) == ("error", "req_1")
    assert set(told["error"]) == {"type", "message"}
    assert told["error"]["type"] in {
        *("invalid_request_error", "authentication_error", "permission_error", "not_found_error", "request_too_large"),
        *("rate_limit_error", "api_error", "timeout_error", "overloaded_error", "billing_error"),
    }
    assert (told["error"]["type"] == "not_found_error") == (status == 404)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_googles_shape_on_its_routes(kind: type[GatewayError]) -> None:
    status, _, body = rendered(example(kind), Dialect.GEMINI)
    told = orjson.loads(body)["error"]
    assert told["code"] == status
    assert told["status"].isupper()
    assert isinstance(told["message"], str)


def test_google_is_told_when_to_retry_in_its_own_words() -> None:
    details = orjson.loads(rendered(Overloaded("no", retry_after_s=13), Dialect.GEMINI)[2])["error"]["details"]
    assert details[1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"}


def test_an_event_in_a_stream_is_in_the_dialect_of_the_operation() -> None:
    anthropic = told_in_a_stream(Overloaded("no"), Operation.MESSAGES)
    assert anthropic.startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"')
    responses = told_in_a_stream(Overloaded("no"), Operation.RESPONSES)
    told = orjson.loads(responses.removeprefix(b"event: error\ndata: "))
    assert (told["type"], told["code"], told["sequence_number"]) == ("error", "server_is_overloaded", 0)
    assert told["error"]["message"] == told["message"]


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/chat/completions", Dialect.OPENAI),
        ("/v1/responses/resp_1", Dialect.OPENAI),
        ("/v1/messages", Dialect.ANTHROPIC),
        ("/v1/messages/batches", Dialect.ANTHROPIC),
        ("/messages", Dialect.ANTHROPIC),
        ("/v1/v1/messages", Dialect.ANTHROPIC),
        ("/v1beta/models/x:generateContent", Dialect.GEMINI),
        ("/v1beta/anything", Dialect.GEMINI),
        ("/v1/models/x:streamGenerateContent", Dialect.GEMINI),
        ("/v1/threads/t/messages", Dialect.OPENAI),
        ("/", Dialect.OPENAI),
        ("", Dialect.OPENAI),
    ],
)
def test_the_route_chooses_the_dialect(path: str, dialect: Dialect) -> None:
    assert dialect_of(path) is dialect
