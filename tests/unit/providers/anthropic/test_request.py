"""What is sent to Anthropic: the caller's own bytes and headers where it speaks the API, a translated chat otherwise."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.providers.anthropic.request import _place, path, speaks, write
from gateway.providers.transport.contract import Outgoing
from tests.unit.providers.anthropic.writing import chat, user

SPEC = ProviderSpec("a", "anthropic", "https://api.anthropic.com")
SAME, OTHER = Target("a", "*", "a/*"), Target("a", "claude-opus-5", "a/claude-opus-5")

CLAUDE_CODE = json.dumps(
    {
        "model": "claude-opus-4-8",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
            {"role": "system", "content": "Available agent types: \u2026"},
        ],
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197"},
            {"type": "text", "text": "You are Claude Code", "cache_control": {"type": "ephemeral"}},
        ],
        "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "metadata": {"user_id": '{"device_id":"x"}'},
        "max_tokens": 64000,
        "stream": True,
    },
    indent=1,
).encode()
BETAS = b"claude-code-20250219,interleaved-thinking-2025-05-14,mid-conversation-system-2026-04-07"


def native(body: bytes, operation: Operation = Operation.MESSAGES, query: str = "") -> ModelRequest:
    fields = orjson.loads(body)
    return ModelRequest(
        operation, body, fields, orjson.dumps(fields) == body, fields["model"], bool(fields.get("stream")), True, query
    )


def sent(request: ModelRequest, target: Target = SAME, spec: ProviderSpec = SPEC, **headers: bytes) -> Outgoing:
    return write(request, target, spec, "sk-key", {name.replace("_", "-").encode(): told for name, told in headers.items()})


def head(outgoing: Outgoing) -> dict[bytes, bytes]:
    names = [name for name, _ in outgoing.headers]
    assert len(set(names)) == len(names)
    return dict(outgoing.headers)


def test_what_claude_code_sends_goes_on_untouched() -> None:
    outgoing = sent(
        native(CLAUDE_CODE, query="beta=true"),
        anthropic_beta=BETAS,
        anthropic_version=b"2026-10-21",
        x_api_key=b"mine",
        cookie=b"c",
    )
    assert outgoing.body == CLAUDE_CODE
    assert outgoing.path == b"/v1/messages?beta=true"
    assert outgoing.dropped == ()
    assert head(outgoing) == {
        b"content-type": b"application/json",
        b"accept": b"text/event-stream",
        b"user-agent": b"fleetgate",
        b"anthropic-version": b"2026-10-21",
        b"anthropic-beta": BETAS,
        b"x-api-key": b"sk-key",
    }


def test_only_the_models_name_changes() -> None:
    assert sent(native(CLAUDE_CODE), OTHER).body == CLAUDE_CODE.replace(b"claude-opus-4-8", b"claude-opus-5")
    small = b'{"model":"m","messages":[{"model":"m"}],"max_tokens":1}'
    assert sent(native(small), OTHER).body == small.replace(b'"m"', b'"claude-opus-5"', 1)


@given(
    st.dictionaries(
        st.text(max_size=4), st.recursive(st.text(max_size=4) | st.floats(), lambda one: st.lists(one), max_leaves=3)
    ),
    st.integers(0, 3),
)
def test_of_any_body_only_the_models_name_changes(more: dict[str, Any], indent: int) -> None:
    fields = {**more, "model": "m"}
    try:
        body = json.dumps(fields, indent=indent or None, allow_nan=False).encode()
    except ValueError:
        return
    written = sent(native(body), OTHER).body
    assert json.loads(written) == {**json.loads(body), "model": "claude-opus-5"}
    assert sent(native(body), SAME).body == body


def test_counting_tokens_goes_to_its_own_place() -> None:
    outgoing = sent(native(b'{"model":"m"}', Operation.COUNT_TOKENS, "beta=true"))
    assert outgoing.path == b"/v1/messages/count_tokens?beta=true"
    assert outgoing.body == b'{"model":"m"}'
    assert head(outgoing)[b"accept"] == b"application/json"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.anthropic.com", b"/v1/messages"),
        ("https://api.anthropic.com/", b"/v1/messages"),
        ("https://api.anthropic.com/v1", b"/v1/messages"),
        ("https://api.anthropic.com/v1/", b"/v1/messages"),
        ("https://x/anthropic", b"/anthropic/v1/messages"),
        ("https://x/anthropic/v1?k=1", b"/anthropic/v1/messages?k=1"),
    ],
)
def test_the_base_url_may_name_the_version_or_not(base_url: str, expected: bytes) -> None:
    assert path(base_url, Operation.MESSAGES, "") == expected
    assert path(base_url, Operation.CHAT, "") == expected
    assert path(base_url, Operation.MESSAGES, "beta=true") == expected + (b"&" if b"?" in expected else b"?") + b"beta=true"


def test_callers_queries_are_not_remembered() -> None:
    before = _place.cache_info().currsize
    for number in range(10):
        path("https://x.test", Operation.MESSAGES, f"beta={number}")
    assert _place.cache_info().currsize <= before + 1


def test_a_translated_chat_speaks_the_pinned_version_and_leaves_the_query() -> None:
    request = chat(user())._replace(query="api-version=1")
    outgoing = sent(request, anthropic_version=b"2026-10-21", traceparent=b"00-1", idempotency_key=b"i")
    assert outgoing.path == b"/v1/messages"
    assert head(outgoing)[b"anthropic-version"] == b"2023-06-01"
    assert head(outgoing)[b"traceparent"] == b"00-1"
    assert head(outgoing)[b"idempotency-key"] == b"i"
    assert orjson.loads(outgoing.body)["model"] == "claude-sonnet-4-5"
    assert orjson.loads(sent(chat(user()), OTHER).body)["model"] == "claude-opus-5"


def test_the_configured_version_counts() -> None:
    spec = ProviderSpec("a", "anthropic", "https://x", version="2026-10-21")
    outgoing = sent(chat(user(), temperature=0.5), spec=spec)
    assert head(outgoing)[b"anthropic-version"] == b"2026-10-21"
    assert outgoing.dropped == ("temperature",)
    assert head(sent(native(b'{"model":"m"}'), spec=spec))[b"anthropic-version"] == b"2026-10-21"


def test_configured_headers_go_with_every_call() -> None:
    spec = ProviderSpec("a", "anthropic", "https://x", headers=(("X-Team", "t"), ("Anthropic-Beta", "b"), ("User-Agent", "u")))
    told = head(sent(native(b'{"model":"m"}'), spec=spec, anthropic_beta=b"a"))
    assert told[b"x-team"] == b"t"
    assert told[b"anthropic-beta"] == b"a,b"
    assert told[b"user-agent"] == b"u"
    assert head(sent(chat(user()), spec=spec))[b"anthropic-beta"] == b"b"


def test_a_server_without_keys_gets_none() -> None:
    assert b"x-api-key" not in dict(write(chat(user()), SAME, SPEC, None, {}).headers)


def test_what_nests_too_deeply_is_the_callers_mistake() -> None:
    deep: Any = {}
    for _ in range(2000):
        deep = {"a": deep}
    with pytest.raises(InvalidValue):
        sent(chat(user(), context_management=deep)._replace(body=b""))


def test_half_a_surrogate_pair_is_sent_as_it_is() -> None:
    body = chat(user("x"))._replace(fields={"model": "claude-sonnet-4-5", "messages": [user("\ud83d")]})
    assert b"\\ud83d" in sent(body).body


def test_it_speaks_its_own_operations_and_chats() -> None:
    assert speaks(SPEC, "claude-x") == {Operation.CHAT, Operation.MESSAGES, Operation.COUNT_TOKENS}
