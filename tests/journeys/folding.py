"""How the Python clients read a stream: what an application would do with the chunks, for the SDK and for LangChain."""

from typing import Any

from langchain_openai import ChatOpenAI
from openai import OpenAI

from tests.journeys.outcome import Got

QUESTION: list[Any] = [{"role": "user", "content": "hi"}]
ANYTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": True}
FUNCTIONS: list[Any] = [{"type": "function", "function": {"name": name, "parameters": ANYTHING}} for name in ("f", "g")]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


def fold(got: Got, chunk: Any) -> None:
    """Adds one chunk of the official SDK."""
    if chunk.usage is not None:
        got.usages += 1
        got.usage = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens, chunk.usage.total_tokens]
    for choice in chunk.choices:
        got.text += choice.delta.content or ""
        got.finish = choice.finish_reason or got.finish
        for part in choice.delta.tool_calls or []:
            while len(got.calls) <= part.index:
                got.calls.append({"id": "", "name": "", "arguments": ""})
            call = got.calls[part.index]
            call["id"] += part.id or ""
            call["name"] += (part.function and part.function.name) or ""
            call["arguments"] += (part.function and part.function.arguments) or ""


def by_sdk(client: OpenAI, model: str, tools: bool = False) -> Got:
    """A stream through the official SDK, with usage asked for."""
    got = Got(usages=0)
    more: dict[str, Any] = {"tools": FUNCTIONS} if tools else {}
    with client.chat.completions.create(
        model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}, **more
    ) as stream:
        for chunk in stream:
            fold(got, chunk)
    return got


def by_langchain(model: ChatOpenAI, tools: bool = False) -> Got:
    """A stream through LangChain, which adds up whatever usage comes."""
    runnable = model.bind_tools(FUNCTIONS) if tools else model
    whole: Any = None
    for chunk in runnable.stream("hi"):
        whole = chunk if whole is None else whole + chunk
    assert not whole.invalid_tool_calls, whole.invalid_tool_calls
    usage = whole.usage_metadata
    return Got(
        text=str(whole.text),
        finish=whole.response_metadata.get("finish_reason"),
        usage=usage and [usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]],
        calls=[{"id": one.get("id"), "name": one.get("name"), "arguments": one.get("args")} for one in whole.tool_call_chunks],
    )
