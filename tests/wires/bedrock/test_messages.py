"""A chat's messages as Converse's turns: every row and trap of the translation."""

import json
from typing import Any

import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import InvalidValue
from gateway.dialects.thinking import seal
from tests.wires.bedrock.asking import (
    ADAPTIVE,
    BUDGET,
    CLAUDE,
    GPT,
    HI,
    HINT,
    HOUR,
    LLAMA,
    NOVA,
    PNG,
    PROFILE,
    REDACTED,
    SPEC,
    THOUGHT,
    body,
    called,
    hinted,
    part,
    result,
    sent,
)

Json = dict[str, Any]

# ---------------------------------------------------------------- where and with what


def test_the_call() -> None:
    plain, stream = sent(), sent(stream=True, key="bedrock-key")
    assert (plain.method, plain.path) == (b"POST", b"/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse")
    assert stream.path.endswith(b"v1%3A0/converse-stream")
    assert dict(plain.headers) == {
        b"content-type": b"application/json",
        b"accept": b"application/json",
        b"user-agent": b"fleetgate",
        b"traceparent": b"00-1",
    }
    assert dict(stream.headers)[b"authorization"] == b"Bearer bedrock-key"
    assert dict(stream.headers)[b"accept"] == b"application/vnd.amazon.eventstream"
    assert json.loads(plain.body) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    assert plain.dropped == ()


def test_configured_headers_go_along() -> None:
    spec = ProviderSpec("p", "bedrock", SPEC.base_url, headers=(("X-Team", "a"), ("User-Agent", "b")))
    assert {b"x-team": b"a", b"user-agent": b"b"}.items() <= dict(sent(spec=spec).headers).items()


# ---------------------------------------------------------------- messages


def test_only_leading_instructions_are_the_systems() -> None:
    written = body(
        messages=[
            {"role": "system", "content": "One"},
            {"role": "developer", "content": [{"type": "text", "text": "Two"}]},
            HI,
            {"role": "system", "content": "Three"},
            {"role": "assistant", "content": "Yes"},
            {"role": "user", "content": "Go"},
        ]
    )
    assert written["system"] == [{"text": "One"}, {"text": "Two"}]
    assert written["messages"][0]["content"][0] == {"text": "Hi"}
    assert "Three" in written["messages"][0]["content"][1]["text"]


@pytest.mark.parametrize(
    "messages", [[], [{"role": "system", "content": "All of it"}], [{"role": "assistant", "content": "Hello"}]]
)
def test_the_user_is_the_first_to_speak(messages: list[Json]) -> None:
    body(messages=messages)


def test_the_last_word_is_the_users_where_the_model_does_not_go_on_with_its_own() -> None:
    messages = [HI, {"role": "assistant", "content": "It is \n"}]
    assert body(BUDGET, messages=messages)["messages"][-1] == {"role": "assistant", "content": [{"text": "It is"}]}
    assert body(ADAPTIVE, messages=messages)["messages"][-1]["role"] == "user"


@pytest.mark.parametrize("empty", [None, "", " \n", [], [{"type": "text", "text": ""}]])
def test_what_says_nothing_is_left_out(empty: Any) -> None:
    calls = [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}]
    messages = [
        HI,
        {"role": "assistant", "content": empty},
        {"role": "user", "content": empty},
        {"role": "assistant", "content": empty, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "t1", "content": empty},
    ]
    turns = body(messages=messages)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] == [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}]


def test_all_results_stand_in_one_turn_ahead_of_everything_else() -> None:
    turns = body(
        messages=[HI, called("a", "b"), {"role": "user", "content": "And?"}, result("a"), result("b", is_error=True), HI]
    )
    (_, _, answer) = turns["messages"]
    assert answer["content"] == [
        {"toolResult": {"toolUseId": "a", "content": [{"text": "ok"}]}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "ok"}], "status": "error"}},
        {"text": "And?"},
        {"text": "Hi"},
    ]


def test_a_failure_is_told_in_words_where_there_is_no_field() -> None:
    content = body(LLAMA, messages=[HI, called("a"), result("a", "no", is_error=True)])["messages"][2]["content"]
    assert content == [{"toolResult": {"toolUseId": "a", "content": [{"text": "The tool failed:"}, {"text": "no"}]}}]


def test_calls_and_results_that_have_lost_each_other() -> None:
    turns = body(messages=[HI, called("a"), HI, called("b"), result("z", "late"), result("b"), result("b", "again")])[
        "messages"
    ]
    assert turns[2]["content"][0]["toolResult"]["toolUseId"] == "a"
    assert turns[2]["content"][0]["toolResult"]["status"] == "error"
    assert [block["text"] for block in turns[4]["content"] if "text" in block][1::2] == ["late", "again"]


def test_ids_that_do_not_fit_or_come_twice_are_replaced_in_both_places() -> None:
    long = "x" * 80
    body(messages=[HI, called("a/b", long), result(long), result("a/b"), called("a", "a"), result("a"), result("a")])


def test_a_call_ends_the_conversation() -> None:
    body(messages=[HI, called("a")])


def test_arguments_that_are_no_object_are_kept() -> None:
    calls = [
        {"id": f"t{at}", "type": "function", "function": {"name": "f", "arguments": words}}
        for at, words in enumerate(['{"a":', "[1]", "", None, {"a": 1}])
    ]
    turn = body(messages=[HI, {"role": "assistant", "tool_calls": calls}])["messages"][1]
    inputs = [block["toolUse"]["input"] for block in turn["content"]]
    assert list(inputs[0].values()) == ['{"a":']
    assert list(inputs[1].values()) == ["[1]"]
    assert inputs[2:] == [{}, {}, {"a": 1}]


# ---------------------------------------------------------------- thinking that is brought back

BLOCKS = [
    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
    {"reasoningContent": {"redactedContent": "ZW5j"}},
]


@pytest.mark.parametrize("model", [CLAUDE, PROFILE])
def test_thinking_comes_back_ahead_of_the_calls(model: str) -> None:
    kept = body(model, messages=[HI, called("a", thinking_blocks=[THOUGHT, REDACTED]), result("a")])["messages"][1]["content"]
    sealed = seal("a", [THOUGHT, REDACTED])
    opened = body(model, messages=[HI, called(sealed), result(sealed)])["messages"][1]["content"]
    assert kept == opened
    assert kept[:2] == BLOCKS
    assert kept[2]["toolUse"]["toolUseId"] == "a"


@pytest.mark.parametrize("model", [NOVA, GPT])
def test_others_get_no_thinking_of_claudes(model: str) -> None:
    sealed = seal("a", [THOUGHT])
    turn = body(model, messages=[HI, called(sealed, thinking_blocks=[THOUGHT]), result(sealed)])["messages"][1]
    assert turn["content"] == [{"toolUse": {"toolUseId": "a", "name": "f", "input": {"a": 1}}}]


def test_thinking_that_nobody_signed_stays_behind() -> None:
    unsigned = [
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        {"type": "thinking"},
        5,
        {"type": "redacted_thinking"},
    ]
    turn = body(messages=[HI, called("a", thinking_blocks=unsigned), result("a")])["messages"][1]
    assert len(turn["content"]) == 1


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"data:image/png;base64,{PNG}", ("png", PNG)),
        (f"data:image/jpeg;base64,{PNG}", ("png", PNG)),  # it says what it is not
        ("data:image/jpg;base64,AAAA", ("jpeg", "AAAA")),
        ("data:image/webp;base64,AA\nAA", ("webp", "AAAA")),
        ("data:image/gif,%00%01", ("gif", "AAE=")),
    ],
)
def test_images_are_sent_as_bytes(url: str, expected: tuple[str, str]) -> None:
    for told in ({"url": url, "detail": "low"}, url):
        (_, image) = body(messages=part("image_url", told))["messages"][0]["content"]
        assert image == {"image": {"format": expected[0], "source": {"bytes": expected[1]}}}


def test_images_in_results() -> None:
    content = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    turn = body(messages=[HI, called("a"), result("a", content)])["messages"][2]
    assert [set(block) for block in turn["content"][0]["toolResult"]["content"]] == [{"text"}, {"image"}]


@pytest.mark.parametrize("url", ["https://example.com/a.png", "http://169.254.169.254/", "file:///etc/passwd", "x"])
def test_an_address_is_no_image(url: str) -> None:
    with pytest.raises(InvalidValue, match="needs the thing itself") as caught:
        sent(messages=part("image_url", {"url": url}))
    assert caught.value.param == "messages[0].content[1].image_url.url"


@pytest.mark.parametrize("url", ["", None, 5, {}, "data:image/bmp;base64,AAAA", "data:image/png;base64,", "data:"])
def test_what_is_no_image_is_refused(url: Any) -> None:
    with pytest.raises(InvalidValue):
        sent(messages=part("image_url", {"url": url}))


def test_documents() -> None:
    files = [
        {"filename": "Report (v2).final.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        {"filename": "Report (v2)_final.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        {"filename": "table.xlsx", "file_data": "UEs="},
        {"file_data": "data:text/csv;base64,YSxi"},
    ]
    (turn,) = body(messages=[{"role": "user", "content": [{"type": "file", "file": one} for one in files]}])["messages"]
    documents = [block["document"] for block in turn["content"] if "document" in block]
    assert [(one["name"], one["format"]) for one in documents] == [
        ("Report (v2)-final", "pdf"),
        ("Report (v2)-final 2", "pdf"),
        ("table", "xlsx"),
        ("document", "csv"),
    ]
    assert documents[2]["source"] == {"bytes": "UEs="}
    assert "text" in turn["content"][-1]


@pytest.mark.parametrize(
    "told", [{"file_id": "file-1"}, {"filename": "a.zip", "file_data": "UEs="}, {"file_url": "https://x/a.pdf"}]
)
def test_what_is_no_document_is_refused(told: Json) -> None:
    with pytest.raises(InvalidValue):
        sent(messages=part("file", told))


def test_sound() -> None:
    (_, sound) = body(NOVA, messages=part("input_audio", {"data": "AAAA", "format": "wav"}))["messages"][0]["content"]
    assert sound == {"audio": {"format": "wav", "source": {"bytes": "AAAA"}}}


def test_a_part_that_there_is_not_is_named() -> None:
    assert sent(messages=part("video_url", {"url": "x"})).dropped == ("messages[0].content[1] (video_url)",)


# ---------------------------------------------------------------- caches


def test_cache_hints_become_points() -> None:
    written = body(**hinted(HOUR))
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert written["system"][1:] == [point]
    assert written["messages"][0]["content"][1:] == [point]
    assert written["messages"][2]["content"][1:] == [point]
    assert written["toolConfig"]["tools"][1:] == [point]
    assert body(**hinted(HINT))["system"][1:] == [{"cachePoint": {"type": "default"}}]


def test_caches_of_others() -> None:
    nova = body(NOVA, **hinted(HOUR))
    assert nova["system"][1:] == [{"cachePoint": {"type": "default"}}]
    assert len(nova["toolConfig"]["tools"]) == 1
    assert "cachePoint" not in json.dumps(body(LLAMA, **hinted(HINT)))
    assert sent(LLAMA, **hinted(HINT)).dropped == ()
