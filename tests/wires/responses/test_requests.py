"""A request for a response reaches a provider that has them byte for byte, but for the model and what others have sealed."""

from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.dialects import thinking
from gateway.dialects.responses import sealing
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import OPENAI
from tests.wires.responses.exchanges import SPEC, request

Json = dict[str, Any]

# What Codex sends, in short: client-made ids, namespaces, tools without a name, reasoning that only OpenAI can read.
CODEX: Json = {
    "input": [
        {
            "type": "message",
            "id": "msg_c1beeadd-339d",
            "role": "developer",
            "content": [{"type": "input_text", "text": "\u00fc"}],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAAB"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "namespace": "n", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
    ],
    "tools": [
        {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "f"}]},
        {"type": "web_search", "external_web_access": False},
    ],
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"x-codex-window-id": "w"},
}


def written(asked: ModelRequest, model: str = "*", spec: ProviderSpec = SPEC) -> Outgoing:
    return OPENAI.write(asked, Target("openai", model, "l"), spec, "sk-up", {b"authorization": b"Bearer theirs"})


def test_the_body_goes_on_to_the_byte() -> None:
    asked = request(**CODEX)
    assert written(asked).body == asked.body
    spaced = asked._replace(body=orjson.dumps(asked.fields, option=orjson.OPT_INDENT_2), canonical=False)
    assert written(spaced).body == spaced.body


def test_of_the_body_only_the_model_changes() -> None:
    asked = request(**CODEX)
    assert written(asked, "gpt-5.6").body == asked.body.replace(b'"model":"m"', b'"model":"gpt-5.6"')
    spaced = asked._replace(body=orjson.dumps(asked.fields, option=orjson.OPT_INDENT_2), canonical=False)
    assert written(spaced, "gpt-5.6").body == spaced.body.replace(b'"model": "m"', b'"model": "gpt-5.6"')


def test_it_goes_to_the_right_place_with_the_gateways_key() -> None:
    out = written(request())
    assert (out.method, out.path) == (b"POST", b"/v1/responses")
    head = dict(out.headers)
    assert head[b"authorization"] == b"Bearer sk-up"
    assert head[b"accept"] == b"text/event-stream"
    assert dict(written(request(streaming=False)).headers)[b"accept"] == b"application/json"
    azure = ProviderSpec("az", "openai", "https://r.openai.azure.com/openai/v1")
    out = written(request(), spec=azure)
    assert out.path == b"/openai/v1/responses"
    assert dict(out.headers)[b"api-key"] == b"sk-up"


def test_what_another_wire_sealed_is_taken_out() -> None:
    sealed = thinking.seal("call_1", signature="s")
    ours = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealing.sealed(sealing.Held())}
    theirs = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAAAB"}
    asked = request(
        input=[
            ours,
            theirs,
            {"type": "function_call", "call_id": sealed, "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": sealed, "output": "ok"},
            5,
        ]
    )
    sent = orjson.loads(written(asked, "gpt-5.6").body)
    assert sent["model"] == "gpt-5.6"
    assert sent["input"] == [
        theirs,
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
        5,
    ]


@pytest.mark.parametrize(
    ("spec", "native"),
    [
        (SPEC, True),
        (ProviderSpec("az", "openai", "https://r.openai.azure.com/openai/v1"), True),
        (ProviderSpec("x", "openai", "https://gw.example/v1", vendor="openai"), True),
        (ProviderSpec("x", "openai", "http://127.0.0.1:8000/v1", vendor="vllm"), False),
        (ProviderSpec("x", "openai", "https://api.mistral.ai/v1"), False),
        (ProviderSpec("x", "echo"), False),
    ],
)
def test_only_who_has_responses_gets_them(spec: ProviderSpec, native: bool) -> None:
    assert (Operation.RESPONSES in OPENAI.speaks(spec, "m")) is native
