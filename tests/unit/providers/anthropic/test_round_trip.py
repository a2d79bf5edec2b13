"""What Claude said comes back to it to the byte, whatever the client between kept of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import ModelRequest
from gateway.core.transcript import Transcript
from gateway.dialects import lenient
from gateway.dialects.naming import fitting
from gateway.providers.anthropic.body import messages_body
from gateway.providers.anthropic.replay import events_of
from tests.unit.providers.anthropic.writing import Json, chat, result, user
from tests.wires.anthropic.driven import ANTHROPIC
from tests.wires.driving import WALL_S, ask

MODEL = "claude-sonnet-4-5"
WORDS = st.text(min_size=1, max_size=12).filter(str.strip)
SIGNED = st.text("abcXYZ019+/=", min_size=1, max_size=20)
THINKING = st.one_of(
    st.builds(lambda words, signature: {"type": "thinking", "thinking": words, "signature": signature}, st.text(), SIGNED),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, SIGNED),
)
INPUT = st.dictionaries(
    st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=5) | st.lists(st.none(), max_size=2), max_size=3
)
NAMES = st.sampled_from(["look", "files.read", "a" * 70, "m\u00fc"])
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("look", "files.read", "a" * 70, "m\u00fc")]


@st.composite
def contents(draw: st.DrawFn) -> list[Json]:
    thinking = draw(st.lists(THINKING, max_size=3))
    text = [{"type": "text", "text": draw(WORDS)}] if draw(st.booleans()) else []
    calls = [
        {"type": "tool_use", "id": f"toolu_{at}", "name": fitting(draw(NAMES)), "input": draw(INPUT)}
        for at in range(draw(st.integers(1, 3)))
    ]
    return [*thinking, *text, *calls]


def asked(*, stream: bool) -> ModelRequest:
    return chat(user(), model=MODEL, tools=TOOLS, stream=stream)


def message(content: list[Json]) -> Json:
    usage = {"input_tokens": 1, "output_tokens": 1}
    return {"id": "msg_1", "type": "message", "model": MODEL, "content": content, "stop_reason": "tool_use", "usage": usage}


def sent_back(said: Json) -> list[Json]:
    """The assistant's turn, as the provider gets it with the results of its calls."""
    results = [result(one["id"]) for one in said["tool_calls"]]
    written = messages_body(chat(user(), said, *results, model=MODEL, tools=TOOLS), MODEL, "2023-06-01")
    turns: Any = written.fields["messages"]
    assert [one["tool_use_id"] for one in turns[2]["content"]] == [
        one["id"] for one in turns[1]["content"] if one["type"] == "tool_use"
    ]
    content: list[Json] = turns[1]["content"]
    return content


@given(contents())
def test_a_client_that_keeps_everything(content: list[Json]) -> None:
    chunk = ANTHROPIC.read(ask(asked(stream=False)), lenient.dumps(message(content)), WALL_S)
    said = lenient.loads(chunk.data)["choices"][0]["message"]
    assert sent_back(said) == content
    for call in said["tool_calls"]:
        call["id"] = call["id"].partition("__")[0]  # the blocks alone do
    assert sent_back(said) == content


@given(contents())
def test_a_client_that_drops_what_it_does_not_know(content: list[Json]) -> None:
    chunk = ANTHROPIC.read(ask(asked(stream=False)), lenient.dumps(message(content)), WALL_S)
    said = lenient.loads(chunk.data)["choices"][0]["message"]
    kept = {name: said[name] for name in ("role", "content", "tool_calls")}
    assert sent_back(kept) == content


@given(contents(), st.data())
def test_a_client_that_adds_a_stream_up(content: list[Json], data: st.DataObject) -> None:
    raw = b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), lenient.dumps(event)) for event in events_of(message(content))
    )
    cut = data.draw(st.integers(1, len(raw) - 1))
    stream, transcript = ANTHROPIC.stream(ask(asked(stream=True)), WALL_S), Transcript()
    for piece in (raw[:cut], raw[cut:]):
        if not stream.done:
            transcript.fold(stream.feed(piece))
    assert stream.done
    assert sent_back(transcript.completion()["choices"][0]["message"]) == content
