"""Vertex: two publishers behind one account, told apart by the model's name."""

from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue, ProviderNotConfigured, UpstreamCredentials, UpstreamRefused
from gateway.providers.transport.contract import Outgoing
from gateway.providers.vertex.betas import TAKEN, sorted_out
from gateway.providers.vertex.place import base_url_of
from gateway.providers.wire import WIRES
from tests.wires.driving import WALL_S, ask, check, drive, request
from tests.wires.google.exchanges import ANSWERS, PLAIN, STREAMS

Json = dict[str, Any]
VERTEX = WIRES["vertex"]
SPEC = ProviderSpec("v", "vertex", "https://aiplatform.googleapis.com", project="my-project", location="global")
GEMINI = Target("v", "gemini-3.1-pro-preview", "v/gemini")
CLAUDE = Target("v", "claude-sonnet-4-5@20250929", "v/claude")
EITHER = Target("v", "*", "v/*")
USER: Json = {"role": "user", "content": "hi"}
ROOT = b"/v1/projects/my-project/locations/global/publishers"


def native(operation: Operation, *, stream: bool = False, **fields: Any) -> ModelRequest:
    said = {"model": "m", "max_tokens": 5, "messages": [USER], **fields}
    return ModelRequest(operation, orjson.dumps(said), said, True, "m", stream, stream)


def written(asked: ModelRequest, target: Target, spec: ProviderSpec = SPEC, **headers: bytes) -> tuple[Json, Outgoing]:
    outgoing = VERTEX.write(asked, target, spec, None, {name.replace("_", "-").encode(): one for name, one in headers.items()})
    return orjson.loads(outgoing.body), outgoing


# ---------------------------------------------------------------- where it goes


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("", "https://aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("us", "https://aiplatform.us.rep.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_every_location_has_its_host(location: str, url: str) -> None:
    assert base_url_of(location) == url


def test_what_is_spoken_depends_on_the_publisher() -> None:
    assert VERTEX.speaks(SPEC, "gemini-3") == {Operation.CHAT, Operation.GENERATE, Operation.COUNT_CONTENT}
    assert VERTEX.speaks(SPEC, "claude-opus-4") == {Operation.CHAT, Operation.MESSAGES, Operation.COUNT_TOKENS}


@pytest.mark.parametrize(
    ("asked", "target", "place"),
    [
        (request(stream=False, messages=[USER]), GEMINI, b"/google/models/gemini-3.1-pro-preview:generateContent"),
        (request(messages=[USER]), GEMINI, b"/google/models/gemini-3.1-pro-preview:streamGenerateContent?alt=sse"),
        (native(Operation.COUNT_CONTENT), GEMINI, b"/google/models/gemini-3.1-pro-preview:countTokens"),
        (request(stream=False, messages=[USER]), CLAUDE, b"/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"),
        (native(Operation.MESSAGES, stream=True), CLAUDE, b"/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict"),
        (native(Operation.COUNT_TOKENS), CLAUDE, b"/anthropic/models/count-tokens:rawPredict"),
        (request(stream=False, messages=[USER])._replace(model="claude-x"), EITHER, b"/anthropic/models/claude-x:rawPredict"),
        (request(stream=False, messages=[USER])._replace(model="gemini-x"), EITHER, b"/google/models/gemini-x:generateContent"),
    ],
)
def test_the_path(asked: ModelRequest, target: Target, place: bytes) -> None:
    _, outgoing = written(asked, target)
    assert outgoing.path == ROOT + place


def test_a_base_url_of_ones_own_keeps_its_version() -> None:
    for base_url, root in (("http://127.0.0.1:9", b"/v1"), ("http://127.0.0.1:9/x/v1beta1/", b"/x/v1beta1")):
        spec = ProviderSpec("v", "vertex", base_url, project="p/../q", location="l")
        _, outgoing = written(request(stream=False, messages=[USER]), GEMINI, spec)
        assert outgoing.path.startswith(root + b"/projects/p%2F..%2Fq/locations/l/publishers/google/")


def test_without_a_project_there_is_only_googles_express_mode() -> None:
    bare = ProviderSpec("v", "vertex", SPEC.base_url)
    for target in (GEMINI, CLAUDE):
        with pytest.raises(ProviderNotConfigured, match="project"):
            written(request(messages=[USER]), target, bare)
    express = ProviderSpec("v", "vertex", SPEC.base_url, ("AQ.key",))
    outgoing = VERTEX.write(request(stream=False, messages=[USER]), GEMINI, express, "AQ.key", {})
    assert outgoing.path == b"/v1/publishers/google/models/gemini-3.1-pro-preview:generateContent"
    assert dict(outgoing.headers)[b"x-goog-api-key"] == b"AQ.key"
    assert VERTEX.signer is not None
    assert VERTEX.signer(express) is None
    with pytest.raises(ProviderNotConfigured):
        written(request(messages=[USER]), CLAUDE, express)


# ---------------------------------------------------------------- Google's models


def test_calls_have_no_ids_there() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [USER, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "x"}]
    body, _ = written(request(messages=messages), GEMINI)
    assert body["contents"][1]["parts"][0]["functionCall"] == {"name": "f", "args": {}}
    assert body["contents"][2]["parts"][0]["functionResponse"] == {"name": "f", "response": {"output": "x"}}


def test_a_gemini_callers_bytes_go_as_they_are() -> None:
    asked = native(Operation.GENERATE)
    assert written(asked, GEMINI)[1].body is asked.body


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name: str) -> None:
    check(drive([STREAMS[name]], stream=VERTEX.stream(ask(request(usage=True), GEMINI), WALL_S)))


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str) -> None:
    chunk = VERTEX.read(ask(request(stream=False), GEMINI), orjson.dumps(ANSWERS[name]), WALL_S)
    assert orjson.loads(chunk.data)["object"] == "chat.completion"


# ---------------------------------------------------------------- Anthropic's models


def test_a_messages_body_has_its_version_and_no_model() -> None:
    asked = native(Operation.MESSAGES, stream=True, anthropic_version="2023-06-01", system=[{"type": "text", "text": "x"}])
    body, outgoing = written(asked, CLAUDE)
    assert body == {
        "max_tokens": 5,
        "messages": [USER],
        "system": [{"type": "text", "text": "x"}],
        "anthropic_version": "vertex-2023-10-16",
    }
    assert list(body) == ["max_tokens", "messages", "system", "anthropic_version"]
    assert b"x-api-key" not in dict(outgoing.headers)
    assert b"anthropic-version" not in dict(outgoing.headers)
    assert outgoing.dropped == ()


def test_a_count_names_the_providers_model_in_its_body() -> None:
    body, _ = written(native(Operation.COUNT_TOKENS), CLAUDE)
    assert body["model"] == CLAUDE.model
    assert body["anthropic_version"] == "vertex-2023-10-16"


def test_a_chat_is_written_as_messages() -> None:
    body, outgoing = written(request(messages=[{"role": "system", "content": "S"}, USER], temperature=0.5, seed=1), CLAUDE)
    assert body["system"] == "S"
    assert body["messages"][0]["role"] == "user"
    assert body["stream"] is True
    assert body["temperature"] == 0.5
    assert body["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in body
    assert outgoing.dropped == ("seed",)


def test_the_version_can_be_configured() -> None:
    spec = ProviderSpec("v", "vertex", SPEC.base_url, project="p", version="vertex-2030-01-01")
    assert written(native(Operation.MESSAGES), CLAUDE, spec)[0]["anthropic_version"] == "vertex-2030-01-01"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (native(Operation.MESSAGES), "2026-10-21"),
        (native(Operation.COUNT_TOKENS), "2026-10-21"),
        (request(messages=[USER]), "vertex-2023-10-16"),
    ],
)
def test_a_callers_newer_version_goes_on_but_not_into_a_translation(asked: ModelRequest, sent: str) -> None:
    assert written(asked, CLAUDE, anthropic_version=b"2026-10-21")[0]["anthropic_version"] == sent
    assert written(asked, CLAUDE, anthropic_version=b"2023-06-01")[0]["anthropic_version"] == "vertex-2023-10-16"
    own = ProviderSpec("v", "vertex", SPEC.base_url, project="p", version="vertex-2030-01-01")
    assert written(asked, CLAUDE, own, anthropic_version=b"2026-10-21")[0]["anthropic_version"] == "vertex-2030-01-01"


def test_a_callers_name_of_a_model_stays_one_segment() -> None:
    for name, place in ((b"claude-x%2F..%2F..%3Fa%3D1%23%0D%0A", "anthropic"), (b"gemini%2F..%3B%25", "google")):
        asked = request(stream=False, messages=[USER])._replace(model=unquote(name.decode()))
        outgoing = written(asked, EITHER)[1]
        assert outgoing.path.startswith(b"%b/%b/models/%b:" % (ROOT, place.encode(), name))
    with pytest.raises(InvalidValue):
        written(asked._replace(model="claude-" + "x" * 1000), EITHER)


def test_flags_that_vertex_does_not_take_are_dropped_by_name() -> None:
    flags = b"interleaved-thinking-2025-05-14, prompt-caching-scope-2026-01-05,advanced-tool-use-2025-11-20"
    asked = native(Operation.MESSAGES, anthropic_beta=["context-1m-2025-08-07", "files-api-2025-04-14", 7])
    body, outgoing = written(asked, CLAUDE, anthropic_beta=flags)
    assert dict(outgoing.headers)[b"anthropic-beta"] == (
        b"interleaved-thinking-2025-05-14,tool-search-tool-2025-10-19,context-1m-2025-08-07"
    )
    assert "anthropic_beta" not in body
    assert outgoing.dropped == ("anthropic-beta (files-api-2025-04-14)", "anthropic-beta (prompt-caching-scope-2026-01-05)")


def test_configured_flags_add_up_and_other_headers_replace() -> None:
    own = (("Anthropic-Beta", "context-1m-2025-08-07"), ("user-agent", "mine"))
    spec = ProviderSpec("v", "vertex", SPEC.base_url, project="p", headers=own)
    _, outgoing = written(native(Operation.MESSAGES), CLAUDE, spec, anthropic_beta=b"effort-2025-11-24")
    head = dict(outgoing.headers)
    assert head[b"anthropic-beta"] == b"effort-2025-11-24,context-1m-2025-08-07"
    assert head[b"user-agent"] == b"mine"


def test_no_flags_no_header() -> None:
    _, outgoing = written(native(Operation.MESSAGES), CLAUDE, anthropic_beta=b" , unknown")
    assert b"anthropic-beta" not in dict(outgoing.headers)


def test_a_flag_is_said_once() -> None:
    flag = next(iter(TAKEN))
    assert sorted_out(f"{flag},{flag}, x ,x") == ((TAKEN[flag],), ("x",))


MESSAGE: Json = {
    "id": "msg_vrtx_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


def test_claudes_answer_is_told_as_a_chat_and_passed_on_to_its_own_callers() -> None:
    body = orjson.dumps(MESSAGE)
    chunk = VERTEX.read(ask(request(stream=False), CLAUDE), body, WALL_S)
    told = orjson.loads(chunk.data)
    assert told["choices"][0]["message"]["content"] == "Hello"
    assert told["usage"]["prompt_tokens"] == 9
    assert VERTEX.read(ask(native(Operation.MESSAGES), CLAUDE), body, WALL_S).data == body
    # The same bytes are no answer of Gemini's.
    assert VERTEX.read(ask(request(stream=False), GEMINI), orjson.dumps(PLAIN), WALL_S).data != body


def test_claudes_stream_is_told_as_a_chat() -> None:
    start = {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}
    stop = {"type": "content_block_stop", "index": 0}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}}
    events: list[Json] = [
        {"type": "vertex_event", "usage": None},
        start,
        {"type": "ping"},
        block,
        delta,
        stop,
        end,
        {"type": "message_stop"},
    ]
    body = b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), orjson.dumps(one)) for one in events)
    left = drive([body], stream=VERTEX.stream(ask(request(usage=True), CLAUDE), WALL_S))
    check(left)
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "Hello"


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, 429),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, 503),
        (429, [{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}], 429),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, 400),
        (404, {"error": {"code": 404, "message": "Publisher Model `x` was not found", "status": "NOT_FOUND"}}, 404),
    ],
)
def test_errors_of_both_publishers(status: int, body: Any, wanted: int) -> None:
    fault = VERTEX.fault(SPEC, status, (), orjson.dumps(body), WALL_S)
    assert isinstance(fault, UpstreamRefused)
    assert fault.status == wanted


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_the_gateways_fault(status: int) -> None:
    body = orjson.dumps({"error": {"code": status, "message": "Request had invalid ya29.token", "status": "UNAUTHENTICATED"}})
    fault = VERTEX.fault(SPEC, status, (), body, WALL_S)
    assert isinstance(fault, UpstreamCredentials)
    assert "ya29" not in fault.message
