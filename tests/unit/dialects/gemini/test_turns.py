"""The contents of a `generateContent` request as a chat's messages."""

import base64
import json
from typing import Any

import pytest

from gateway.core.errors import InvalidValue
from gateway.dialects.gemini.request import into_chat
from tests.unit.dialects.speech import Json, gemini

HI: Json = {"role": "user", "parts": [{"text": "hi"}]}


def model(*parts: Json) -> Json:
    return {"role": "model", "parts": list(parts)}


def user(*parts: Json) -> Json:
    return {"role": "user", "parts": list(parts)}


def call(name: str, call_id: str | None = None, **args: Any) -> Json:
    return {"functionCall": {"name": name, "args": args, **({"id": call_id} if call_id else {})}}


def response(name: str, value: Json, call_id: str | None = None, **more: Any) -> Json:
    return {"functionResponse": {"name": name, "response": value, **({"id": call_id} if call_id else {}), **more}}


def turned(*contents: Json) -> list[Json]:
    return list(into_chat(gemini(*contents)).request.fields["messages"])


def ids(told: list[Json]) -> tuple[list[str], list[str]]:
    """The ids of the calls, and those that the results name."""
    made = [one["id"] for message in told for one in message.get("tool_calls", ())]
    return made, [message["tool_call_id"] for message in told if message["role"] == "tool"]


# ---------------------------------------------------------------- parts


def test_a_user_shows_whatever_has_a_part_in_a_chat() -> None:
    png, wav = base64.urlsafe_b64encode(b"\xff\xfe\xfd!").decode(), base64.b64encode(b"RIFF").decode()
    note = base64.b64encode("n\u00f6te".encode()).decode()
    told = turned(
        user(
            {"text": "a"},
            {"inlineData": {"mimeType": "image/png", "data": png}},
            {"inline_data": {"mime_type": "audio/wav", "data": wav}},
            {"inlineData": {"mimeType": "application/pdf", "data": wav, "displayName": "x.pdf"}},
            {"inlineData": {"mimeType": "video/mp4", "data": wav}},
            {"inlineData": {"mimeType": "text/plain; charset=utf-8", "data": note}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x/y.jpg"}},
            {"file_data": {"file_uri": "https://x/y.pdf"}},
        )
    )
    assert told == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,//79IQ=="}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "file", "file": {"filename": "x.pdf", "file_data": "data:application/pdf;base64,UklGRg=="}},
                {"type": "file", "file": {"filename": "document.mp4", "file_data": "data:video/mp4;base64,UklGRg=="}},
                {"type": "text", "text": "n\u00f6te"},
                {"type": "image_url", "image_url": {"url": "https://x/y.jpg"}},
                {"type": "file", "file": {"file_url": "https://x/y.pdf"}},
            ],
        }
    ]


@pytest.mark.parametrize("uri", ["gs://b/o", "https://generativelanguage.googleapis.com/v1beta/files/1"])
def test_files_at_google_cannot_be_read_by_others(uri: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        turned(user({"fileData": {"fileUri": uri, "mimeType": "image/png"}}))
    assert refused.value.param == "contents[0].parts[0].fileData"


def test_contents_may_be_one_and_roles_may_be_left_out() -> None:
    request = gemini()._replace(fields={"contents": {"parts": [{"text": "hi"}]}})
    assert into_chat(request).request.fields["messages"] == [{"role": "user", "content": "hi"}]


# ---------------------------------------------------------------- model


def test_a_turn_has_its_text_its_thoughts_and_its_calls() -> None:
    signed = {**call("get", "c1", q=[1, {"b": "\u00fc"}]), "thoughtSignature": "c2ln"}
    told = turned(HI, model({"text": "hm", "thought": True}, {"text": "Let "}, {"text": "me."}, signed))[1]
    assert told["content"] == "Let me."
    assert told["reasoning_content"] == "hm"
    (made,) = told["tool_calls"]
    assert (made["id"], made["type"], made["function"]["name"]) == ("c1", "function", "get")
    assert json.loads(made["function"]["arguments"]) == {"q": [1, {"b": "\u00fc"}]}
    assert made["extra_content"] == {"google": {"thought_signature": "c2ln"}}


def test_the_chunks_of_a_stream_that_a_client_kept_are_one_turn() -> None:
    told = turned(
        HI, model({"text": "Hel"}), model({"text": "lo"}), model(call("get")), model({"text": ""}), user(response("get", {}))
    )
    assert [one["role"] for one in told] == ["user", "assistant", "tool"]
    assert told[1]["content"] == "Hello"
    assert len(told[1]["tool_calls"]) == 1


def test_a_turn_of_calls_alone_has_no_content_and_an_empty_one_has_an_empty_text() -> None:
    assert turned(HI, model(call("get")))[1]["content"] is None
    assert turned(HI, model())[1] == {"role": "assistant", "content": ""}


def test_what_a_model_drew_is_named() -> None:
    drawn = into_chat(
        gemini(HI, model({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"executableCode": {"code": "1"}}))
    )
    assert drawn.dropped == ("contents.parts.executableCode", "contents[1].parts[0] (image_url)")


# ---------------------------------------------------------------- calls and responses


def test_responses_find_their_calls_by_id_in_any_order() -> None:
    told = turned(HI, model(call("f", "a"), call("f", "b")), user(response("f", {"n": 2}, "b"), response("f", {"n": 1}, "a")))
    assert ids(told) == (["a", "b"], ["b", "a"])
    assert told[2]["content"] == '{"n":2}'


def test_responses_without_ids_find_their_calls_by_name_in_order() -> None:
    told = turned(HI, model(call("f"), call("g"), call("f")), user(response("f", {}), response("f", {}), response("g", {})))
    made, answered = ids(told)
    assert len(set(made)) == 3
    assert answered == [made[0], made[2], made[1]]


def test_a_response_without_the_calls_id_finds_it_all_the_same() -> None:
    assert ids(turned(HI, model(call("f", "c1__fgs1_x")), user(response("f", {})))) == (["c1__fgs1_x"], ["c1__fgs1_x"])
    made, answered = ids(turned(HI, model(call("f")), user(response("f", {}, "unknown"))))
    assert answered == made


def test_ids_from_a_calls_place_are_the_same_in_every_turn() -> None:
    begun = [HI, model(call("f")), user(response("f", {})), model(call("f"))]
    first, _ = ids(turned(*begun))
    later, _ = ids(turned(*begun, user(response("f", {})), model({"text": "so"})))
    assert first == later
    assert len(set(first)) == 2


def test_responses_come_before_whatever_else_the_user_says() -> None:
    told = turned(HI, model(call("f")), user({"text": "go"}, response("f", {"output": "done"})))
    assert [(one["role"], one.get("content")) for one in told[2:]] == [("tool", "done"), ("user", "go")]


def test_responses_under_the_old_role_are_responses_too() -> None:
    told = turned(HI, model(call("f")), {"role": "function", "parts": [response("f", {"result": [1]})]})
    assert told[2]["content"] == "[1]"


@pytest.mark.parametrize(
    ("value", "content", "failed"),
    [
        ({"output": "plain"}, "plain", False),
        ({"result": {"a": 1}}, '{"a":1}', False),
        ({"result": None}, "null", False),
        ({"error": "no such file"}, "no such file", True),
        ({"error": {"code": 1}}, '{"code":1}', True),
        ({"error": "x", "a": 1}, '{"error":"x","a":1}', False),
        ({}, "{}", False),
    ],
)
def test_what_a_function_gave_is_unwrapped(value: Json, content: str, failed: bool) -> None:
    told = turned(HI, model(call("f")), user(response("f", value)))[2]
    assert told["content"] == content
    assert told.get("is_error", False) is failed


def test_pictures_in_a_response_stand_beside_its_text() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    told = turned(HI, model(call("f")), user(response("f", {"output": "see"}, parts=[picture])))[2]
    assert told["content"] == [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]


def test_a_response_answers_one_call_once() -> None:
    for late in (
        user(response("f", {}), response("f", {})),
        user(response("g", {})),
        user(response("f", {}, "a"), response("f", {}, "a")),
    ):
        with pytest.raises(InvalidValue) as refused:
            turned(HI, model(call("f", "a")), late)
        assert ".functionResponse" in str(refused.value.param)


# ---------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (3, "contents[1]"),
        ({"role": "system", "parts": []}, "contents[1].role"),
        ({"role": ["user"], "parts": []}, "contents[1].role"),
        ({"parts": {}}, "contents[1].parts"),
        ({"parts": ["a"]}, "contents[1].parts[0]"),
        (user({"text": 1}), "contents[1].parts[0].text"),
        (user({"inlineData": 1}), "contents[1].parts[0].inlineData"),
        (user({"inlineData": {"data": "AAAA"}}), "contents[1].parts[0].inlineData.mimeType"),
        (user({"inlineData": {"mimeType": "image/png"}}), "contents[1].parts[0].inlineData.data"),
        (user({"inlineData": {"mimeType": "text/plain", "data": "\u00fc"}}), "contents[1].parts[0].inlineData.data"),
        (user({"fileData": {}}), "contents[1].parts[0].fileData.fileUri"),
        (model({"functionCall": []}), "contents[1].parts[0].functionCall"),
        (model({"functionCall": {}}), "contents[1].parts[0].functionCall.name"),
        (model({"functionCall": {"name": "f", "args": "x"}}), "contents[1].parts[0].functionCall.args"),
        (user({"functionResponse": "x"}), "contents[1].parts[0].functionResponse"),
        (user({"functionResponse": {"response": 3}}), "contents[1].parts[0].functionResponse.response"),
    ],
)
def test_nonsense_is_refused_by_its_place(content: Any, param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        turned(HI, content)
    assert refused.value.param == param
