"""Errors as callers see them."""

import inspect
from typing import Any

import orjson
import pytest

from gateway.core import errors
from gateway.core.errors import GatewayError, MethodNotSupported, Overloaded, UpstreamRefused, UpstreamTimeout
from gateway.web.errors import anchor, event, refused, rendered


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
    assert event(error).startswith(b"data: ")


def test_what_the_server_itself_turns_away_has_an_id() -> None:
    assert dict(refused(Overloaded("no"), "/")[1])[b"x-request-id"].startswith(b"req_")


def test_an_event_is_one_plain_data_line() -> None:
    told = event(Overloaded("a\nb"))
    assert told.startswith(b'data: {"error":{')
    assert told.endswith(b"\n\n")
    assert told.count(b"\n") == 2
