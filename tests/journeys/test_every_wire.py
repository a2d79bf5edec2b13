"""Every client before every wire: the official SDKs of four makers ask a mock that is not ours through the gateway.

Each cell is a plain answer, a stream, and a loop with two parallel calls of tools, with the usage that the provider reported.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from anthropic import Anthropic
from botocore.config import Config  # type: ignore[import-untyped]
from google import genai
from google.genai import types
from openai import OpenAI

from tests.journeys import aimock
from tests.journeys.aimock import WIRES, Aimock, calls, config_for_mock, text
from tests.journeys.configs import Starter
from tests.journeys.processes import Gateway

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(300),
    pytest.mark.skipif(aimock.missing() is not None, reason=aimock.missing() or ""),
]

SAID = "Grüße, 世界 🌍: hello from the other side."
FINAL = "Paris is warm and Rome is hot."
CITIES = ("Paris", "Rome")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "input_tokens": 11,
    "output_tokens": 7,
    "promptTokenCount": 11,
    "candidatesTokenCount": 7,
    "totalTokenCount": 18,
}


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    aimock.install()
    spoken = text("say hello", SAID)
    spoken["response"]["usage"] = USAGE
    both = tuple(("get_weather", {"city": city}) for city in CITIES)
    server = Aimock(
        tmp_path_factory.mktemp("aimock"),
        [
            spoken,
            calls("how is the weather", *both, hasToolResult=False),
            text("how is the weather", FINAL, hasToolResult=True),
            {
                "match": {"userMessage": "break"},
                "response": {"error": {"message": "an odd request", "type": "invalid_request_error"}, "status": 400},
            },
        ],
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def before_all(start: Starter, mock: Aimock) -> Gateway:
    return start(config_for_mock(mock))


# ---------------------------------------------------------------- one dialect each: (text, usage), text of a stream, a loop


class Chat:
    """OpenAI's chat completions."""

    def __init__(self, gateway: Gateway, model: str) -> None:
        self.client, self.model = OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0), model

    def plain(self, asked: str) -> tuple[str, int, int]:
        done = self.client.chat.completions.create(model=self.model, messages=[{"role": "user", "content": asked}])
        assert done.usage is not None
        assert done.choices[0].finish_reason == "stop"
        return done.choices[0].message.content or "", done.usage.prompt_tokens, done.usage.completion_tokens

    def stream(self, asked: str) -> str:
        events = self.client.chat.completions.create(
            model=self.model, messages=[{"role": "user", "content": asked}], stream=True, stream_options={"include_usage": True}
        )
        said, usage, finish = "", None, None
        for event in events:
            usage = event.usage or usage
            for choice in event.choices:
                said += choice.delta.content or ""
                finish = choice.finish_reason or finish
        assert usage is not None
        assert finish == "stop"
        return said

    def loop(self, asked: str, *, stream: bool) -> str:
        messages: list[Any] = [{"role": "user", "content": asked}]
        tools: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
        message: Any
        if stream:
            with self.client.chat.completions.stream(model=self.model, messages=messages, tools=tools) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = self.client.chat.completions.create(model=self.model, messages=messages, tools=tools).choices[0].message
        called = message.tool_calls or []
        assert [json.loads(call.function.arguments)["city"] for call in called] == [*CITIES]
        assert len({call.id for call in called}) == len(CITIES)
        kept: list[Any] = [{"id": call.id, "type": "function", "function": call.function.model_dump()} for call in called]
        for call in kept:
            call["function"].pop("parsed_arguments", None)
            call["function"].pop("index", None)
        messages.append({"role": "assistant", "content": None, "tool_calls": kept})
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "warm"} for call in called]
        done = self.client.chat.completions.create(model=self.model, messages=messages, tools=tools)
        return done.choices[0].message.content or ""


class Responses:
    """OpenAI's Responses."""

    def __init__(self, gateway: Gateway, model: str) -> None:
        self.client, self.model = OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0), model

    def plain(self, asked: str) -> tuple[str, int, int]:
        done = self.client.responses.create(model=self.model, input=asked, store=False)
        assert done.usage is not None
        assert done.status == "completed"
        return done.output_text, done.usage.input_tokens, done.usage.output_tokens

    def stream(self, asked: str) -> str:
        said, last, numbers = "", None, []
        for event in self.client.responses.create(model=self.model, input=asked, store=False, stream=True):
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                said += event.delta
            last = event
        assert last is not None
        assert last.type == "response.completed"
        assert numbers == sorted(set(numbers)) or set(numbers) == {None}  # passed through from a mock that does not count
        return said

    def loop(self, asked: str, *, stream: bool) -> str:
        items: list[Any] = [{"role": "user", "content": asked}]
        tools: Any = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
        if stream:
            with self.client.responses.stream(model=self.model, input=items, tools=tools, store=False) as events:
                output: Any = events.get_final_response().output
        else:
            output = self.client.responses.create(model=self.model, input=items, tools=tools, store=False).output
        called = [item for item in output if item.type == "function_call"]
        assert [json.loads(call.arguments)["city"] for call in called] == [*CITIES]
        items += [item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in output]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "warm"} for call in called]
        return self.client.responses.create(model=self.model, input=items, tools=tools, store=False).output_text


class Messages:
    """Anthropic's Messages."""

    def __init__(self, gateway: Gateway, model: str) -> None:
        self.client, self.model = Anthropic(base_url=gateway.origin, api_key="k", max_retries=0), model

    def plain(self, asked: str) -> tuple[str, int, int]:
        done = self.client.messages.create(model=self.model, max_tokens=99, messages=[{"role": "user", "content": asked}])
        assert done.stop_reason == "end_turn"
        said = "".join(block.text for block in done.content if block.type == "text")
        return said, done.usage.input_tokens, done.usage.output_tokens

    def stream(self, asked: str) -> str:
        messages: Any = [{"role": "user", "content": asked}]
        with self.client.messages.stream(model=self.model, max_tokens=99, messages=messages) as events:
            said = "".join(events.text_stream)
            assert events.get_final_message().stop_reason == "end_turn"
        return said

    def loop(self, asked: str, *, stream: bool) -> str:
        messages: list[Any] = [{"role": "user", "content": asked}]
        tools: Any = [{"name": "get_weather", "input_schema": SCHEMA}]
        given: dict[str, Any] = {"model": self.model, "max_tokens": 99, "tools": tools}
        if stream:
            with self.client.messages.stream(messages=messages, **given) as events:
                content: Any = events.get_final_message().content
        else:
            content = self.client.messages.create(messages=messages, **given).content
        called = [block for block in content if block.type == "tool_use"]
        assert [call.input["city"] for call in called] == [*CITIES]
        messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in content]})
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "warm"} for call in called]
        messages.append({"role": "user", "content": results})
        done = self.client.messages.create(messages=messages, **given)
        return "".join(block.text for block in done.content if block.type == "text")


class Gemini:
    """Google's generateContent."""

    def __init__(self, gateway: Gateway, model: str) -> None:
        options = types.HttpOptions(base_url=gateway.origin)
        self.client, self.model = genai.Client(api_key="k", http_options=options, vertexai=False), model

    def plain(self, asked: str) -> tuple[str, int, int]:
        done = self.client.models.generate_content(model=self.model, contents=asked)
        usage = done.usage_metadata
        assert usage is not None
        assert done.candidates is not None
        assert done.candidates[0].finish_reason == types.FinishReason.STOP
        return done.text or "", usage.prompt_token_count or 0, usage.candidates_token_count or 0

    def stream(self, asked: str) -> str:
        return "".join(part.text or "" for part in self.client.models.generate_content_stream(model=self.model, contents=asked))

    def loop(self, asked: str, *, stream: bool) -> str:
        declared = types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)
        tool = types.Tool(function_declarations=[declared])
        automatic = types.AutomaticFunctionCallingConfig(disable=True)
        config = types.GenerateContentConfig(tools=[tool], automatic_function_calling=automatic)
        contents: list[Any] = [types.UserContent(asked)]
        given: dict[str, Any] = {"model": self.model, "config": config}
        ask = self.client.models
        answers = (
            list(ask.generate_content_stream(contents=contents, **given))
            if stream
            else [ask.generate_content(contents=contents, **given)]
        )
        whole: Any = answers
        parts = [part for one in whole for part in (one.candidates[0].content.parts or [])]
        called = [part.function_call for part in parts if part.function_call]
        assert [(call.args or {})["city"] for call in called] == [*CITIES]
        contents.append(types.ModelContent(parts))
        results = [
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"r": "warm"}))
            for call in called
        ]
        contents.append(types.UserContent(results))
        return ask.generate_content(contents=contents, **given).text or ""


class Converse:
    """Amazon's Converse, signed with a key that nobody checks."""

    def __init__(self, gateway: Gateway, model: str) -> None:
        keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        self.client = boto3.client("bedrock-runtime", "us-east-1", endpoint_url=gateway.origin, config=config, **keys)
        self.model = model

    def plain(self, asked: str) -> tuple[str, int, int]:
        done = self.client.converse(modelId=self.model, messages=[_said(asked)])
        assert done["stopReason"] == "end_turn"
        said = "".join(block.get("text", "") for block in done["output"]["message"]["content"])
        return said, done["usage"]["inputTokens"], done["usage"]["outputTokens"]

    def stream(self, asked: str) -> str:
        content, reason = self._streamed(modelId=self.model, messages=[_said(asked)])
        assert reason == "end_turn"
        return "".join(block.get("text", "") for block in content)

    def loop(self, asked: str, *, stream: bool) -> str:
        turns: list[Any] = [_said(asked)]
        tools: Any = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": SCHEMA}}}]}
        given: dict[str, Any] = {"modelId": self.model, "toolConfig": tools}
        if stream:
            content, reason = self._streamed(messages=turns, **given)
        else:
            done = self.client.converse(messages=turns, **given)
            content, reason = done["output"]["message"]["content"], done["stopReason"]
        assert reason == "tool_use"
        called = [block["toolUse"] for block in content if "toolUse" in block]
        assert [call["input"]["city"] for call in called] == [*CITIES]
        turns.append({"role": "assistant", "content": content})
        results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "warm"}]}} for call in called]
        turns.append({"role": "user", "content": results})
        done = self.client.converse(messages=turns, **given)
        return "".join(block.get("text", "") for block in done["output"]["message"]["content"])

    def _streamed(self, **given: Any) -> tuple[list[Any], str]:
        if self.model.startswith("bedrock/"):
            pytest.skip("the mock's own frames, which pass as they are, begin in a way that boto3 does not read")
        return _content(self.client.converse_stream(**given)["stream"])


def _said(words: str) -> Any:
    return {"role": "user", "content": [{"text": words}]}


def _content(events: Any) -> tuple[list[Any], str]:
    """The blocks of a stream, gathered as its users gather them, and why it ended."""
    blocks: dict[int, Any] = {}
    reason = ""
    for event in events:
        for told in (event.get("contentBlockStart"), event.get("contentBlockDelta")):
            if told is not None:
                _gather(blocks.setdefault(told["contentBlockIndex"], {}), told.get("start") or told["delta"])
        reason = event.get("messageStop", {}).get("stopReason", reason)
    events.close()
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"].get("input") or "{}")
    return [block for _, block in sorted(blocks.items())], reason


def _gather(block: Any, said: Any) -> None:
    for key, piece in said.items():
        if isinstance(piece, str):
            block[key] = block.get(key, "") + piece
        elif isinstance(piece, bytes):
            block[key] = piece
        elif key == "reasoningContent" and "redactedContent" not in piece:
            _gather(block.setdefault(key, {}).setdefault("reasoningText", {"text": ""}), piece)
        else:
            _gather(block.setdefault(key, {}), piece)


DIALECTS: dict[str, Callable[[Gateway, str], Any]] = {
    "chat": Chat,
    "responses": Responses,
    "messages": Messages,
    "gemini": Gemini,
    "converse": Converse,
}
MODELS = {
    "anthropic": "claude-sonnet-4-5",
    "bedrock": "anthropic.claude-sonnet-4-5-v1:0",
    "google": "gemini-2.5-flash",
    "vertex": "gemini-2.5-flash",
}
CELLS = [(dialect, wire) for dialect in DIALECTS for wire in WIRES]


@pytest.fixture(params=CELLS, ids=lambda cell: f"{cell[0]}-{cell[1]}")
def cell(request: pytest.FixtureRequest, before_all: Gateway) -> Any:
    dialect, wire = request.param
    return DIALECTS[dialect](before_all, f"{wire}/{MODELS.get(wire, 'gpt-4.1')}")


def test_a_plain_answer_with_its_usage(cell: Any, request: pytest.FixtureRequest) -> None:
    said, asked_tokens, said_tokens = cell.plain("say hello")
    assert said == SAID
    if "bedrock" not in request.node.name:  # where the mock reports none
        assert (asked_tokens, said_tokens) == (11, 7)


def test_a_stream(cell: Any) -> None:
    assert cell.stream("say hello") == SAID


@pytest.mark.filterwarnings("ignore:FUNCTION_CALL is not a valid FinishReason")  # the mock's own word, passed through
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_loop_with_parallel_tools(cell: Any, stream: bool) -> None:
    assert cell.loop("how is the weather", stream=stream) == FINAL
