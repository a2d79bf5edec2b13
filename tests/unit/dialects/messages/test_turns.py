"""The conversation of a Messages request as a chat's messages."""

import json

import pytest

from gateway.core.errors import InvalidValue
from gateway.dialects.messages.request import into_chat
from tests.unit.dialects.speech import Json, assistant, messages, user

HINT = {"type": "ephemeral"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
PDF = {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}
FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}}


def text(words: str, **more: object) -> Json:
    return {"type": "text", "text": words, **more}


def result(call_id: str, *content: object, **more: object) -> Json:
    told: Json = {"type": "tool_result", "tool_use_id": call_id, **more}
    return {**told, "content": content[0]} if content else told


def use(call_id: str, name: str = "get", **given: object) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def turned(*turns: Json, **more: object) -> list[Json]:
    return list(into_chat(messages(*turns, **more)).request.fields["messages"])


def dropped(*turns: Json) -> tuple[str, ...]:
    return into_chat(messages(*turns)).dropped


# ---------------------------------------------------------------- system


def test_the_system_prompt_comes_first_with_its_hints() -> None:
    system = [text("You are."), text("Tools.", cache_control=HINT)]
    assert turned(user("hi"), system=system)[0] == {"role": "system", "content": system}
    assert turned(user("hi"), system="Be brief.")[0] == {"role": "system", "content": "Be brief."}
    assert turned(user("hi"), system=[text("Be brief.")])[0] == {"role": "system", "content": "Be brief."}
    assert turned(user("hi"), system=[]) == [user("hi")]


def test_the_billing_header_of_claude_code_is_no_prompt() -> None:
    translated = into_chat(
        messages(user("hi"), system=[text("x-anthropic-billing-header: cc_version=2.1; cch=1;"), text("You.")])
    )
    assert translated.request.fields["messages"][0] == {"role": "system", "content": "You."}
    assert translated.dropped == ()


def test_a_system_message_amid_the_others_stays_there() -> None:
    told = turned(user("a"), {"role": "system", "content": [text("now plan", cache_control=HINT)]}, user("b"))
    assert told[1] == {"role": "system", "content": [text("now plan", cache_control=HINT)]}
    assert [one["role"] for one in told] == ["user", "system", "user"]


def test_a_system_message_that_says_nothing_is_none() -> None:
    assert turned(user("a"), {"role": "system", "content": []}, {"role": "system", "content": ""}) == [user("a")]


def test_a_system_message_for_one_turn_is_not_shown_in_later_ones() -> None:
    told = {"role": "system", "content": "now", "clear_at": "next_user_message"}
    assert turned(user("a"), told) == [user("a"), {"role": "system", "content": "now"}]
    assert turned(user("a"), told, user("b")) == [user("a"), user("b")]
    assert turned(told) == [{"role": "system", "content": "now"}]
    assert len(turned(user("a"), {**told, "clear_at": "never"}, user("b"))) == 3


def test_what_a_message_says_beside_its_content_is_named() -> None:
    assert dropped({**user("a"), "name": "x"}, {"role": "system", "content": "b", "output_config": {"effort": "low"}}) == (
        "messages.name",
        "messages.output_config",
    )


# ---------------------------------------------------------------- user


def test_a_user_shows_texts_images_and_documents() -> None:
    url = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    told = turned(user(text("a"), IMAGE, url, PDF, text("b", cache_control=HINT)))
    shown = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    assert told == [{"role": "user", "content": [text("a"), SHOWN, shown, FILE, text("b", cache_control=HINT)]}]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ({"type": "text", "media_type": "text/plain", "data": "words"}, [text("T\n\nC\n\nwords")]),
        ({"type": "content", "content": "words"}, [text("T\n\n"), text("C\n\n"), text("words")]),
        ({"type": "content", "content": [text("words"), IMAGE]}, [text("T\n\n"), text("C\n\n"), text("words"), SHOWN]),
        (
            {"type": "url", "url": "https://x/y"},
            [text("C"), {"type": "file", "file": {"file_url": "https://x/y", "filename": "T"}}],
        ),
        ({"type": "file", "file_id": "f1"}, [text("C"), {"type": "file", "file": {"file_id": "f1"}}]),
    ],
)
def test_documents_come_from_anywhere(source: Json, parts: list[Json]) -> None:
    content = turned(user({"type": "document", "title": "T", "context": "C", "source": source}))[0]["content"]
    assert content == (parts if len(parts) > 1 else parts[0]["text"])


def test_search_results_are_read_as_text() -> None:
    found = {
        "type": "search_result",
        "title": "T",
        "source": "https://x",
        "content": [text("words")],
        "citations": {"enabled": True},
    }
    assert turned(user(found))[0]["content"] == [text("T\nhttps://x"), text("words")]


def test_results_come_before_whatever_the_user_says_beside_them() -> None:
    told = turned(assistant(use("t1"), use("t2")), user(text("so?"), result("t1", "one"), result("t2", "two"), text("go")))
    assert [one["role"] for one in told] == ["assistant", "tool", "tool", "user"]
    assert told[1:3] == [
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": "two"},
    ]
    assert told[3]["content"] == [text("so?"), text("go")]


def test_results_alone_make_no_message_of_the_users() -> None:
    assert [one["role"] for one in turned(assistant(use("t1")), user(result("t1", "one")))] == ["assistant", "tool"]


@pytest.mark.parametrize(
    ("given", "content"),
    [
        (result("t", "plain"), "plain"),
        (result("t"), ""),
        (result("t", ""), ""),
        (result("t", []), ""),
        (result("t", [text("one")]), "one"),
        (result("t", [text("one"), IMAGE]), [text("one"), SHOWN]),
        (result("t", [{"type": "tool_reference", "tool_name": "get"}]), "Tool: get"),
        (result("t", "plain", cache_control=HINT), [text("plain", cache_control=HINT)]),
        (result("t", "", cache_control=HINT), ""),
    ],
)
def test_a_result_is_text_or_parts(given: Json, content: object) -> None:
    assert turned(user(given)) == [{"role": "tool", "tool_call_id": "t", "content": content}]


def test_a_failed_result_says_so() -> None:
    assert turned(user(result("t", "no such file", is_error=True)))[0]["is_error"] is True
    assert "is_error" not in turned(user(result("t", "", is_error=False)))[0]


def test_a_document_in_a_result_is_attached_behind_it() -> None:
    told = turned(user(result("t", [PDF])))
    assert told == [
        {"role": "tool", "tool_call_id": "t", "content": "The document is attached below."},
        {"role": "user", "content": [FILE]},
    ]


def test_documents_end_at_texts_and_images() -> None:
    inner = {"type": "document", "source": {"type": "content", "content": [text("a")]}}
    for _ in range(2000):
        inner = {"type": "document", "source": {"type": "content", "content": [text("a"), inner]}}
    translated = into_chat(messages()._replace(fields={"messages": [user(inner)]}))
    assert translated.request.fields["messages"][0]["content"] == "a"
    assert translated.dropped == ("messages[0].content[0].source.content[1] (document)",)


def test_blocks_that_no_chat_knows_are_named() -> None:
    assert dropped(user(text("a"), {"type": "container_upload", "file_id": "f"})) == (
        "messages[0].content[1] (container_upload)",
    )
    assert dropped(user({**PDF, "citations": {"enabled": True}})) == ("messages.content.citations",)


# ---------------------------------------------------------------- assistant


def test_a_turn_has_its_text_its_thinking_and_its_calls() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s=="}
    mute = {"type": "thinking", "thinking": "", "signature": "t=="}
    hidden = {"type": "redacted_thinking", "data": "enc"}
    told = turned(assistant(thought, mute, hidden, text("Let me."), use("toolu_1__fgs1_abc", q=[1, {"b": "ü"}])))[0]
    assert told["content"] == "Let me."
    assert told["thinking_blocks"] == [thought, mute, hidden]
    assert told["reasoning_content"] == "hm"
    (call,) = told["tool_calls"]
    assert (call["id"], call["type"], call["function"]["name"]) == ("toolu_1__fgs1_abc", "function", "get")
    assert json.loads(call["function"]["arguments"]) == {"q": [1, {"b": "ü"}]}


def test_thinking_without_a_signature_was_not_claudes() -> None:
    told = turned(assistant({"type": "thinking", "thinking": "hm", "signature": ""}, text("a")))[0]
    assert told == {"role": "assistant", "content": "a", "reasoning_content": "hm"}


def test_text_goes_on_where_it_was_cut_and_is_set_apart_where_a_call_stood_between() -> None:
    assert turned(assistant(text("a"), text("b"), use("t"), text("c")))[0]["content"] == "ab\n\nc"
    hinted = turned(assistant(text("a"), text("b", cache_control=HINT), text("c")))[0]["content"]
    assert hinted == [text("ab", cache_control=HINT), text("c")]


def test_a_turn_of_calls_alone_has_no_content_and_an_empty_one_has_an_empty_text() -> None:
    assert turned(assistant(use("t")))[0]["content"] is None
    assert turned({"role": "assistant", "content": []})[0] == {"role": "assistant", "content": ""}
    assert turned(assistant(text("")))[0]["content"] == ""


def test_what_anthropics_tools_found_can_be_read_and_what_they_did_is_named() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    page = {"type": "web_search_result", "title": "T", "url": "https://x", "encrypted_content": "zzz"}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [page]}
    ran = {"type": "bash_code_execution_tool_result", "content": {"type": "r", "stdout": "42", "stderr": "", "return_code": 0}}
    summary = {"type": "compaction", "content": "So far."}
    translated = into_chat(messages(assistant(search, found, ran, summary, text("Done."))))
    assert translated.request.fields["messages"][0]["content"] == "T\nhttps://x\n\n42\n\nSo far.\n\nDone."
    assert translated.dropped == ("messages[0].content[0] (server_tool_use)",)


# ---------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("turn", "param"),
    [
        (3, "messages[0]"),
        ({"content": "a"}, "messages[0].role"),
        ({"role": "tool", "content": "a"}, "messages[0].role"),
        ({"role": ["user"], "content": "a"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "assistant", "content": None}, "messages[0].content"),
        (user(text("a"), 7), "messages[0].content[1]"),
        (user({"text": "a"}, {}), "messages[0].content[0].type"),
        (user({"type": "text", "text": 1}, {}), "messages[0].content[0].text"),
        (user(text("a"), {"type": "image"}), "messages[0].content[1].source"),
        (user({"type": "image", "source": {"type": "file", "file_id": "f"}}), "messages[0].content[0].source"),
        (user({"type": "image", "source": {"type": "base64", "data": "x"}}), "messages[0].content[0].source.media_type"),
        (user({"type": "image", "source": {"type": "url"}}), "messages[0].content[0].source.url"),
        (user({"type": "document", "source": {"type": {}}}), "messages[0].content[0].source"),
        (user({"type": "tool_result"}), "messages[0].content[0].tool_use_id"),
        (user(result("t", 5)), "messages[0].content[0].content"),
        (assistant({"type": "thinking"}), "messages[0].content[0].thinking"),
        (assistant({"type": "thinking", "thinking": "", "signature": 5}), "messages[0].content[0].signature"),
        (assistant({"type": "redacted_thinking"}), "messages[0].content[0].data"),
        (assistant({"type": "tool_use", "name": "n", "input": {}}), "messages[0].content[0].id"),
        (assistant({"type": "tool_use", "id": "i", "input": {}}), "messages[0].content[0].name"),
        (assistant({"type": "tool_use", "id": "i", "name": "n", "input": "{}"}), "messages[0].content[0].input"),
    ],
)
def test_nonsense_is_refused_by_its_place(turn: Json, param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        into_chat(messages(turn))
    assert refused.value.param == param
