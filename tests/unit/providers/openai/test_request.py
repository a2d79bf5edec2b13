"""What is sent to a provider: the caller's bytes, but for what has to change."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.providers.openai.request import path, write

SPEC = ProviderSpec("p", "openai", "http://up/v1")
SAME, OTHER = Target("p", "*", "p/*"), Target("p", "big", "p/big")


def asked(body: bytes, operation: Operation = Operation.CHAT) -> ModelRequest:
    fields = json.loads(body)
    usage = (fields.get("stream_options") or {}).get("include_usage") is True
    stream = fields.get("stream") is True
    return ModelRequest(
        operation, body, orjson.loads(body), orjson.dumps(orjson.loads(body)) == body, fields["model"], stream, usage
    )


def sent(body: bytes, target: Target = SAME, operation: Operation = Operation.CHAT) -> bytes:
    return write(asked(body, operation), target, SPEC, None, {}).body


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[]}',
        b' { "model" : "m", "pi": 3.1400 }\n',
        b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
        b'{"model":"m","stream":false}',
    ],
)
def test_a_body_that_may_stay_stays(body: bytes) -> None:
    assert sent(body) is not None
    assert sent(body) == body
    assert sent(body, Target("p", "m", "p/m")) == body


def test_only_the_models_name_changes() -> None:
    assert (
        sent(b'{"model":"m","messages":[{"model":"m"}],"x":1.5}', OTHER)
        == b'{"model":"big","messages":[{"model":"m"}],"x":1.5}'
    )
    odd = b' {"messages":[{"model":"m"}] ,"model" :\t"m" , "pi":3.1400, "big":123456789012345678901234 }\n'
    assert sent(odd, OTHER) == odd.replace(b'"m" ', b'"big" ')


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COMPLETIONS])
def test_usage_is_asked_for_on_streams(operation: Operation) -> None:
    asks = b'"stream_options":{"include_usage":true}}'
    assert sent(b'{"model":"m","stream":true}', SAME, operation) == b'{"model":"m","stream":true,' + asks
    assert sent(b'{"model":"m","stream":true } \n', SAME, operation) == b'{"model":"m","stream":true ,' + asks + b" \n"


def test_other_options_of_the_stream_are_kept() -> None:
    for space in (b"", b" "):
        body = b'{"model":"m","stream_options":' + space + b'{"x":[1.5],"include_usage":false},"stream":true}'
        assert orjson.loads(sent(body))["stream_options"] == {"x": [1.5], "include_usage": True}
        assert orjson.loads(sent(body.replace(b'{"x":[1.5],"include_usage":false}', b"null")))["stream_options"] == {
            "include_usage": True
        }


def test_embeddings_never_stream() -> None:
    body = b'{"model":"m","stream":true}'
    assert sent(body, SAME, Operation.EMBEDDINGS) == body


JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), st.booleans(), st.sampled_from([None, 1]), st.booleans())
def test_what_arrives_is_what_was_asked_with_the_changes(
    fields: dict[str, Any], ascii_only: bool, indent: int | None, first: bool
) -> None:
    wanted = {"model": "m", "stream": True}
    fields = (
        wanted | {key: value for key, value in fields.items() if key not in ("stream_options", *wanted)}
        if first
        else fields | wanted
    )
    fields.pop("stream_options", None)
    body = json.dumps(fields, ensure_ascii=ascii_only, indent=indent).encode()
    assert json.loads(sent(body, OTHER)) == fields | {"model": "big", "stream_options": {"include_usage": True}}
    assert json.loads(sent(body)) == fields | {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://up", b"/chat/completions"),
        ("http://up/", b"/chat/completions"),
        ("https://up:8443/v1/", b"/v1/chat/completions"),
        ("https://up/a/b", b"/a/b/chat/completions"),
        ("https://up/openai/v1?api-version=1", b"/openai/v1/chat/completions?api-version=1"),
        ("", b"/chat/completions"),
    ],
)
def test_the_path_stands_below_the_base_url(base: str, expected: bytes) -> None:
    assert path(base, Operation.CHAT) == expected


def test_the_callers_credentials_and_company_stay_behind() -> None:
    theirs = {
        b"authorization": b"Bearer theirs",
        b"x-api-key": b"theirs",
        b"api-key": b"theirs",
        b"cookie": b"c",
        b"openai-organization": b"org",
        b"x-stainless-lang": b"python",
        b"user-agent": b"curl",
        b"host": b"gateway",
        b"content-length": b"3",
        b"accept-encoding": b"gzip",
        b"idempotency-key": b"i-1",
        b"openai-beta": b"b=1",
        b"traceparent": b"00-1-2-01",
    }
    head = write(asked(b'{"model":"m"}'), SAME, SPEC, "sk-ours", theirs).headers
    assert dict(head) == {
        b"content-type": b"application/json",
        b"accept": b"application/json",
        b"user-agent": b"fleetgate",
        b"authorization": b"Bearer sk-ours",
        b"idempotency-key": b"i-1",
        b"openai-beta": b"b=1",
        b"traceparent": b"00-1-2-01",
    }
    assert len(head) == len(dict(head))


def test_a_provider_without_a_key_gets_none_and_a_stream_is_accepted_as_one() -> None:
    head = dict(write(asked(b'{"model":"m","stream":true}'), SAME, SPEC, None, {}).headers)
    assert b"authorization" not in head
    assert head[b"accept"] == b"text/event-stream"


def test_options_that_nest_too_deeply_are_refused() -> None:
    options = b'{"x":' + b"[" * 400 + b"]" * 400 + b"}"
    body = b'{"model":"m","stream":true,"stream_options":' + options + b"}"
    asked = ModelRequest(Operation.CHAT, body, orjson.loads(body), False, "m", True, False)
    with pytest.raises(InvalidValue, match="stream_options"):
        write(asked, SAME, SPEC, None, {})
