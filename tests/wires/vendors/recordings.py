"""Streams as OpenAI-compatible vendors write them, after their published formats: what is particular to each is in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


@dataclass(frozen=True)
class Recording:
    """A stream, and what it says."""

    body: bytes
    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = "stop"
    model: str = "m-1"
    usage: bool = True


def sse(*events: Json | str, done: bool = True) -> bytes:
    """Events as lines of data; a text is a line of its own."""
    lines = [one if isinstance(one, str) else f"data: {json.dumps(one)}" for one in events]
    return "".join(f"{line}\n\n" for line in [*lines, *(["data: [DONE]"] if done else [])]).encode()


def chunk(delta: Json, finish: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more.pop("choice", {})}
    heading = {"id": "c-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "m-1"}
    return {**heading, "choices": [choice], **more}


def bare(**more: Any) -> Json:
    return {**chunk({}), "choices": [], **more}


def call(arguments: str, **more: Any) -> Json:
    return {"index": 0, "function": {"arguments": arguments}, **more}


SAFE: Final = {"hate": {"filtered": False, "severity": "safe"}}

AZURE: Final = Recording(
    sse(
        {
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
        },
        chunk(
            {"role": "assistant", "content": "", "refusal": None},
            model="gpt-4o-2024-11-20",
            choice={"content_filter_results": {}},
        ),
        chunk({"content": "Hel"}, model="gpt-4o-2024-11-20", choice={"content_filter_results": SAFE}),
        chunk({"content": "lo"}, model="gpt-4o-2024-11-20", choice={"content_filter_results": SAFE}),
        chunk({}, "stop", model="gpt-4o-2024-11-20", choice={"content_filter_results": {}}),
        bare(model="gpt-4o-2024-11-20", usage=USAGE),
    ),
    text="Hello",
    model="gpt-4o-2024-11-20",
)
_OFFSETS: Final = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
AZURE_ASYNC_FILTER: Final = Recording(
    sse(
        chunk({"role": "assistant", "content": "Hel"}),
        chunk({"content": "lo"}),
        {
            "id": "",
            "object": "",
            "created": 0,
            "model": "",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": None,
                    "content_filter_results": SAFE,
                    "content_filter_offsets": _OFFSETS,
                }
            ],
        },
        chunk({}, "stop"),
        {
            "id": "",
            "object": "",
            "created": 0,
            "model": "",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": None,
                    "content_filter_results": SAFE,
                    "content_filter_offsets": _OFFSETS,
                }
            ],
        },
    ),
    text="Hello",
    usage=False,
)
AZURE_FILTERED: Final = Recording(
    sse(
        chunk({"role": "assistant", "content": "Hel"}),
        chunk({}, "content_filter", choice={"content_filter_results": {"hate": {"filtered": True, "severity": "high"}}}),
        bare(usage=USAGE),
    ),
    text="Hel",
    finish="content_filter",
)
DEEPSEEK: Final = Recording(
    sse(
        ": keep-alive",
        chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
        chunk({"content": None, "reasoning_content": "Hm"}),
        chunk({"content": None, "reasoning_content": "m."}),
        chunk({"content": "Hel", "reasoning_content": None}),
        chunk({"content": "lo", "reasoning_content": None}),
        chunk({"content": "", "reasoning_content": None}, "stop", usage={**USAGE, "prompt_cache_hit_tokens": 0}),
    ),
    text="Hello",
    reasoning="Hmm.",
)
GROQ: Final = Recording(
    sse(
        chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
        chunk({"reasoning": "Hm"}),
        chunk({"content": "Hello"}),
        chunk({}, "stop", x_groq={"id": "req_1", "usage": USAGE}),
        bare(usage=USAGE, x_groq={"id": "req_1"}),
    ),
    text="Hello",
    reasoning="Hm",
)
MISTRAL: Final = Recording(
    sse(
        chunk({"role": "assistant", "content": ""}),
        chunk(
            {
                "content": "",
                "tool_calls": [{"id": "D681PevKs", "function": {"name": "look", "arguments": '{"a": 1}'}, "index": 0}],
            },
            "tool_calls",
            usage=USAGE,
        ),
    ),
    calls=(("look", '{"a": 1}'),),
    finish="tool_calls",
)
CEREBRAS: Final = Recording(
    sse(
        chunk({"role": "assistant"}),
        chunk({"reasoning": "Hm"}),
        chunk({"reasoning": "m."}),
        chunk({"content": "Hello"}),
        chunk({}, "stop", usage=USAGE, time_info={"queue_time": 0.1}),
    ),
    text="Hello",
    reasoning="Hmm.",
)
OPENROUTER: Final = Recording(
    sse(
        ": OPENROUTER PROCESSING",
        ": OPENROUTER PROCESSING",
        chunk({"role": "assistant", "content": "Hel"}, provider="X", choice={"native_finish_reason": None}),
        chunk({"role": "assistant", "content": "lo"}, provider="X", choice={"native_finish_reason": None}),
        chunk({"role": "assistant", "content": ""}, "stop", provider="X", choice={"native_finish_reason": "STOP"}),
        chunk({"role": "assistant", "content": ""}, provider="X", usage={**USAGE, "cost": 0.01}),
    ),
    text="Hello",
)
OLLAMA: Final = Recording(
    sse(
        chunk({"role": "assistant", "content": ""}, system_fingerprint="fp_ollama"),
        chunk(
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    call('{"a":1}', id="call_9", type="function") | {"function": {"name": "look", "arguments": '{"a":1}'}}
                ],
            }
        ),
        chunk({"role": "assistant", "content": ""}, "tool_calls"),
        bare(usage=USAGE),
    ),
    calls=(("look", '{"a":1}'),),
    finish="tool_calls",
)
VLLM: Final = Recording(
    sse(
        chunk({"role": "assistant", "content": ""}, usage={**USAGE, "completion_tokens": 0, "total_tokens": 9}),
        chunk({"reasoning": "Hm"}, usage={**USAGE, "completion_tokens": 1, "total_tokens": 10}),
        chunk({"content": "Hello"}, usage={**USAGE, "completion_tokens": 4, "total_tokens": 13}),
        chunk({"content": ""}, "stop", choice={"stop_reason": None}, usage=USAGE),
        bare(usage=USAGE),
    ),
    text="Hello",
    reasoning="Hm",
)
GEMINI: Final = Recording(
    sse(
        chunk(
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "extra_content": {"google": {"thought_signature": "c2ln"}},
                        "function": {"name": "look", "arguments": "{}"},
                        "id": "function-call-1",
                        "type": "function",
                    }
                ],
            },
            "stop",
        ),
        chunk({"role": "assistant"}, "stop", usage=USAGE),
    ),
    calls=(("look", "{}"),),
    finish="tool_calls",
)
PERPLEXITY: Final = Recording(
    sse(
        chunk(
            {"role": "assistant", "content": "Hel"},
            citations=["https://h"],
            usage=USAGE,
            choice={"message": {"content": "Hel"}},
        ),
        chunk({"role": "assistant", "content": "lo"}, "stop", citations=["https://h"], usage=USAGE),
        done=False,
    ),
    text="Hello",
)

RECORDINGS: Final[Mapping[str, Recording]] = {
    "azure": AZURE,
    "azure, filtered asynchronously": AZURE_ASYNC_FILTER,
    "azure, filtered": AZURE_FILTERED,
    "deepseek": DEEPSEEK,
    "groq": GROQ,
    "mistral": MISTRAL,
    "cerebras": CEREBRAS,
    "openrouter": OPENROUTER,
    "ollama": OLLAMA,
    "vllm": VLLM,
    "gemini-openai": GEMINI,
    "perplexity": PERPLEXITY,
}
