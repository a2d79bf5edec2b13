"""Whatever JSON stands where a chat or an answer should, there is a request, an answer, or a typed error."""

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import Refusal, UpstreamFault
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, request
from tests.wires.google.asking import GEMINI_2, GEMINI_3, SPEC, asked, native, told

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.text(max_size=3)
    | st.sampled_from(
        ["user", "assistant", "tool", "system", "STOP", "function", "text", "image_url", "SAFETY", "a", "custom", "low"]
    )
)
CHAT_KEYS = [
    *("messages", "role", "content", "tool_calls", "tool_call_id", "function", "name", "arguments", "tools", "type", "custom"),
    *("image_url", "url", "response_format", "json_schema", "schema", "stop", "tool_choice", "id", "extra_content", "google"),
    *(
        "reasoning_effort",
        "allowed_tools",
        "parameters",
        "text",
        "file",
        "input_audio",
        "functions",
        "extra_body",
        "modalities",
    ),
]
ANSWER_KEYS = [
    *("candidates", "content", "parts", "text", "thought", "functionCall", "name", "args", "finishReason", "index", "error"),
    *("usageMetadata", "promptTokenCount", "promptFeedback", "blockReason", "inlineData", "mimeType", "data", "logprobsResult"),
    *("chosenCandidates", "topCandidates", "responseId", "modelVersion", "thoughtSignature", "details", "code", "message"),
]


def jsons(keys: list[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4),
        max_leaves=25,
    )


@given(st.dictionaries(st.sampled_from(CHAT_KEYS), jsons(CHAT_KEYS), max_size=6))
def test_any_chat(fields: dict[str, Any]) -> None:
    messages = fields.get("messages")
    for said in (
        fields,
        {**fields, "messages": messages if isinstance(messages, list) else [{"role": "user", "content": messages}]},
    ):
        for target in (GEMINI_2, GEMINI_3):
            try:
                outgoing = GOOGLE.write(request()._replace(fields=said), target, SPEC, None, {})
            except Refusal:
                continue
            body = orjson.loads(outgoing.body)
            roles = [turn["role"] for turn in body["contents"]]
            assert roles[0] == "user"
            assert all(one != other for one, other in pairwise(roles))
            assert all(turn["parts"] for turn in body["contents"])


@given(st.dictionaries(st.sampled_from(ANSWER_KEYS), jsons(ANSWER_KEYS), max_size=6))
def test_any_answer(value: dict[str, Any]) -> None:
    body = orjson.dumps(value)
    for asking in (request(stream=False), native(stream=False)):
        try:
            chunk = GOOGLE.read(asked(asking), body, WALL_S)
        except UpstreamFault:
            continue
        (completion,) = chunk.deltas
        assert isinstance(completion, dict)
        assert completion["choices"]
    for asking in (request(usage=True), native(), native("")):
        left = told([b"data: " + body + b"\r\n\r\n"], asking)
        assert left.fault is None or isinstance(left.fault, UpstreamFault)


@given(jsons(ANSWER_KEYS), st.sampled_from([400, 401, 403, 404, 429, 500, 503]))
def test_any_error(value: Any, status: int) -> None:
    fault = GOOGLE.fault(SPEC, status, (), orjson.dumps(value), WALL_S)
    assert 400 <= fault.status < 600
