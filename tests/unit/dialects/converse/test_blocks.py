"""Converse's blocks in a chat: what each becomes, and the place that an error names."""

import base64
from typing import Any

import pytest

from gateway.core.errors import InvalidValue
from tests.unit.dialects.converse.asking import Json, assistant, chat, dropped, user

PNG = "iVBORw0KGgo="


def parts(*blocks: Any) -> Any:
    (message,) = chat(user(*blocks))["messages"]
    return message["content"]


def document(form: str, source: Json, **more: Any) -> Json:
    return {"document": {"format": form, "name": "Notes", "source": source, **more}}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_text_alone_is_a_string() -> None:
    assert parts("Grüße") == "Grüße"
    assert parts("a", "b") == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
def test_an_image_is_a_data_url(form: str) -> None:
    image = {"image": {"format": form, "source": {"bytes": PNG}}}
    url = {"type": "image_url", "image_url": {"url": f"data:image/{form};base64,{PNG}"}}
    assert parts("See", image) == [{"type": "text", "text": "See"}, url]


def test_a_document_is_a_file_and_one_of_text_is_text() -> None:
    (pdf,) = parts(document("pdf", {"bytes": PNG}))
    assert pdf == {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "Notes.pdf"}}
    (context, sheet) = parts(document("xlsx", {"bytes": PNG}, context="From Monday."))
    assert context["text"] == "From Monday."
    assert sheet["file"]["file_data"].startswith("data:application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;")
    for form in ("txt", "md", "csv", "html"):
        assert parts(document(form, {"bytes": b64("a;ü")})) == f"Notes.{form}\n\na;ü"
    assert parts(document("txt", {"text": "so"})) == "Notes.txt\n\nso"
    assert parts({"document": {"name": "Notes", "source": {"content": [{"text": "a"}, {"text": "b"}]}}}) == "Notes.txt\n\na\nb"


def test_what_a_guardrail_looks_at_and_what_a_search_found_can_be_read() -> None:
    assert parts({"guardContent": {"text": {"text": "Is it so?", "qualifiers": ["query"]}}}) == "Is it so?"
    (picture,) = parts({"guardContent": {"image": {"format": "png", "source": {"bytes": PNG}}}})
    assert picture["type"] == "image_url"
    found = {"searchResult": {"source": "https://a.b", "title": "A", "content": [{"text": "one"}, {"text": "two"}]}}
    assert [part["text"] for part in parts(found)] == ["A\nhttps://a.b", "one", "two"]


def test_a_cache_point_is_a_hint_on_what_stands_before_it() -> None:
    point = {"cachePoint": {"type": "default"}}
    hour = {"cachePoint": {"type": "default", "ttl": "1h"}}
    messages = chat(user(point, "Long", point, "Short"), system=[{"text": "Longer"}, hour])["messages"]
    assert messages[0]["content"] == [{"type": "text", "text": "Longer", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    hinted = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}}
    assert messages[1]["content"] == [hinted, {"type": "text", "text": "Short"}]


def test_what_a_model_said_becomes_one_message() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}}
    hidden = {"reasoningContent": {"redactedContent": b64("EncData")}}
    used = {"toolUse": {"toolUseId": "t1", "name": "get", "input": {"city": "Oslo"}}}
    cited = {"citationsContent": {"content": [{"text": "As it "}, {"text": "says."}], "citations": [{"title": "A"}]}}
    (_, message) = chat(user("Hi"), assistant(thought, hidden, "So: ", cited, used))["messages"]
    assert message == {
        "role": "assistant",
        "content": "So: As it says.",
        "reasoning_content": "Hm.",
        "thinking_blocks": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "EncData"},
        ],
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "get", "arguments": '{"city":"Oslo"}'}}],
    }


def test_redacted_thinking_that_was_not_wrapped_here_stays_as_it_is() -> None:
    raw = base64.b64encode(b"\xff\xfe").decode()
    for data in (raw, "no base64!"):
        (message,) = chat(assistant({"reasoningContent": {"redactedContent": data}}, "So."))["messages"]
        assert message["thinking_blocks"] == [{"type": "redacted_thinking", "data": data}]


def test_thinking_that_nobody_signed_is_words_alone() -> None:
    (message,) = chat(assistant({"reasoningContent": {"reasoningText": {"text": "Hm."}}}, "So."))["messages"]
    assert message == {"role": "assistant", "content": "So.", "reasoning_content": "Hm."}


def test_results_stand_before_the_rest_each_for_its_own_call() -> None:
    calls: list[Json] = [{"toolUse": {"toolUseId": call_id, "name": "get", "input": {}}} for call_id in ("a", "b")]
    results = [
        {"toolResult": {"toolUseId": "a", "content": [{"json": {"t": 3}}, {"text": "mild"}], "status": "success"}},
        {"cachePoint": {"type": "default"}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "no such city"}], "status": "error"}},
    ]
    _, _, first, second, rest = chat(user("Hi"), assistant(*calls), user(*results, "Well?"))["messages"]
    assert first["tool_call_id"] == "a"
    assert [part["text"] for part in first["content"]] == ['{"t":3}', "mild"]
    assert first["content"][1]["cache_control"] == {"type": "ephemeral"}
    assert second == {"role": "tool", "tool_call_id": "b", "content": "no such city", "is_error": True}
    assert rest == {"role": "user", "content": "Well?"}


def test_a_document_in_a_result_is_attached_to_the_users_message() -> None:
    result = {"toolResult": {"toolUseId": "a", "content": [document("pdf", {"bytes": PNG})]}}
    _, tool, attached = chat(assistant({"toolUse": {"toolUseId": "a", "name": "get", "input": {}}}), user(result))["messages"]
    assert tool["content"] == "The document is attached below."
    assert attached["content"][0]["file"]["filename"] == "Notes.pdf"


@pytest.mark.parametrize(
    "block",
    [
        {"video": {"format": "mp4", "source": {"bytes": PNG}}},
        {"audio": {"format": "wav", "source": {"bytes": PNG}}},
        {"toolAddition": {"tool": {"name": "x"}}},
        {"toolUse": {"toolUseId": "s1", "name": "nova_grounding", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "s1", "content": [], "type": "nova_grounding_result"}},
        {"toolResult": {"toolUseId": "t", "content": [{"video": {"format": "mp4", "source": {"bytes": PNG}}}]}},
        {"toolResult": {"toolUseId": "t", "content": [{"toolResult": {"toolUseId": "u", "content": []}}]}},
        {"whatever": 1},
    ],
)
def test_what_no_chat_can_say_is_named(block: Json) -> None:
    (name,) = dropped(user("Hi", block))
    assert name.startswith("messages[0].content[1]")


def test_citations_are_named_as_left_out() -> None:
    asked = {"citations": {"enabled": True}}
    found = {"searchResult": {"source": "s", "title": "t", "content": [{"text": "a"}], **asked}}
    names = [f"messages.content.{kind}.citations" for kind in ("document", "searchResult")]
    assert dropped(user(document("pdf", {"bytes": PNG}, **asked), found)) == names
    assert dropped(user(document("pdf", {"bytes": PNG}, citations={"enabled": False}))) == []


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({}, ""),
        ({"text": "a", "image": {}}, ""),
        ("words", ""),
        ({"text": 1}, ".text"),
        ({"image": []}, ".image"),
        ({"image": {"format": "bmp", "source": {"bytes": PNG}}}, ".image.format"),
        ({"image": {"format": "png"}}, ".image.source"),
        ({"image": {"format": "png", "source": {}}}, ".image.source.bytes"),
        ({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/a"}}}}, ".image.source"),
        ({"document": {"format": "pdf", "source": {"bytes": PNG}}}, ".document.name"),
        (document("pdf", {"s3Location": {"uri": "s3://b/a"}}), ".document.source"),
        (document("exe", {"bytes": PNG}), ".document.format"),
        (document("txt", {"bytes": "!"}), ".document.source.bytes"),
        (document("txt", {"bytes": "ü"}), ".document.source.bytes"),
        (document("pdf", {}), ".document.source"),
        ({"toolUse": {"name": "get", "input": {}}}, ".toolUse.toolUseId"),
        ({"toolUse": {"toolUseId": "a", "name": 7, "input": {}}}, ".toolUse.name"),
        ({"toolUse": {"toolUseId": "a", "name": "get", "input": [1]}}, ".toolUse.input"),
        ({"toolResult": {"toolUseId": "a", "content": "words"}}, ".toolResult.content"),
        ({"toolResult": {"toolUseId": "a", "content": [{"text": None}]}}, ".toolResult.content[0]"),
        ({"reasoningContent": {"reasoningText": {"text": "a", "signature": 1}}}, ".reasoningContent.reasoningText.signature"),
        ({"reasoningContent": {"redactedContent": ""}}, ".reasoningContent.redactedContent"),
        ({"guardContent": {"text": "words"}}, ".guardContent.text"),
    ],
)
def test_an_error_names_the_place(block: Any, place: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        chat({"role": "assistant", "content": ["a", block] if block == "words" else [{"text": "a"}, block]})
    index = "[0]" if block == "words" else "[1]"
    assert raised.value.param == f"messages[0].content{index}{place}"


@pytest.mark.parametrize("turn", [{"role": "tool", "content": []}, {"content": []}, {"role": [], "content": []}])
def test_a_role_is_one_of_the_known(turn: Json) -> None:
    with pytest.raises(InvalidValue) as raised:
        chat(turn)
    assert raised.value.param == "messages[0].role"


def test_results_within_results_without_end_are_no_danger() -> None:
    inner: Json = {"text": "x"}
    for _ in range(300):
        inner = {"toolResult": {"toolUseId": "a", "content": [inner]}}
    assert dropped(user(inner))
