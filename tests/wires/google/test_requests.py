"""A chat, written for Gemini: every row of the translation, on three generations of models."""

import time
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.errors import InvalidValue
from gateway.dialects.arguments import UNPARSED
from gateway.dialects.thinking import MARK, seal
from gateway.providers.google.family import _family
from gateway.providers.google.place import path
from gateway.providers.google.toolwork import UNANSWERED
from gateway.providers.wire import GOOGLE
from tests.wires.driving import request
from tests.wires.google.asking import GEMINI_2_5, GEMINI_3, SPEC, TOOL, USER, read, written
from tests.wires.google.exchanges import PARALLEL, PIXEL, SIGNATURE

Json = dict[str, Any]
DATA_URL = f"data:image/png;base64,{PIXEL}"


def contents(*messages: Json, target: Target = GEMINI_3) -> list[Json]:
    body, _ = written(target, messages=list(messages))
    found: list[Json] = body["contents"]
    return found


def called(call_id: str, name: str = "f", arguments: Any = "{}", **more: Any) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def assistant(*calls: Json, content: Any = None) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def result(call_id: str, content: Any, **more: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


# ---------------------------------------------------------------- where it goes


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("", "/v1beta"),
        ("https://generativelanguage.googleapis.com", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1beta/", "/v1beta"),
        ("https://generativelanguage.googleapis.com/v1", "/v1"),
        ("http://127.0.0.1:9/proxy/gemini", "/proxy/gemini/v1beta"),
        ("http://127.0.0.1:9/v1alpha", "/v1alpha"),
    ],
)
def test_the_path_has_a_version_once(base_url: str, root: str) -> None:
    spec = ProviderSpec("g", "google", base_url)
    outgoing = GOOGLE.write(request(stream=True, messages=[USER]), GEMINI_3, spec, None, {})
    assert outgoing.path == f"{root}/models/gemini-3.1-pro-preview:streamGenerateContent?alt=sse".encode()


def test_a_callers_name_of_a_model_stays_one_segment() -> None:
    asking = request(stream=False, messages=[USER])._replace(model="../../x?key=1#\n\ud83c")
    outgoing = GOOGLE.write(asking, Target("g", "*", "g/*"), SPEC, None, {})
    assert outgoing.path == b"/v1beta/models/..%2F..%2Fx%3Fkey%3D1%23%0A%3F:generateContent"
    asking = asking._replace(model="tunedModels/mine-1")
    assert GOOGLE.write(asking, Target("g", "*", "g/*"), SPEC, None, {}).path == b"/v1beta/tunedModels/mine-1:generateContent"


def test_a_name_that_nothing_can_have_is_not_remembered() -> None:
    before, families = path.cache_info().currsize, _family.cache_info().currsize
    for number in range(10):
        asking = request(stream=False, messages=[USER])._replace(model="x" * 100_000 + str(number))
        with pytest.raises(InvalidValue) as caught:
            GOOGLE.write(asking, Target("g", "*", "g/*"), SPEC, None, {})
        assert caught.value.param == "model"
    assert path.cache_info().currsize == before
    assert _family.cache_info().currsize <= families + 1


def test_the_key_is_in_its_header_and_the_callers_stays_here() -> None:
    spec = ProviderSpec("g", "google", SPEC.base_url, headers=(("x-goog-user-project", "p"),))
    head = {b"authorization": b"Bearer callers", b"x-goog-api-key": b"callers", b"traceparent": b"00-1"}
    outgoing = GOOGLE.write(request(stream=True, messages=[USER]), GEMINI_3, spec, "AIzaKey", head)
    assert dict(outgoing.headers) == {
        b"content-type": b"application/json",
        b"accept": b"text/event-stream",
        b"user-agent": b"fleetgate",
        b"x-goog-api-key": b"AIzaKey",
        b"traceparent": b"00-1",
        b"x-goog-user-project": b"p",
    }


# ---------------------------------------------------------------- messages


def test_leading_instructions_stand_apart_and_later_ones_in_their_place() -> None:
    body, _ = written(
        messages=[
            {"role": "system", "content": "A"},
            {"role": "developer", "content": [{"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}}]},
            USER,
            {"role": "assistant", "content": "yes"},
            {"role": "system", "content": "C"},
            {"role": "user", "content": "go"},
        ]
    )
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "yes"}]},
        {"role": "user", "parts": [{"text": "C"}, {"text": "go"}]},
    ]


def test_turns_are_merged_and_what_is_empty_left_out() -> None:
    found = contents(
        USER,
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "x"}]},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": None, "refusal": "no"},
    )
    assert found == [
        {"role": "user", "parts": [{"text": "hi"}, {"text": "x"}]},
        {"role": "model", "parts": [{"text": "a"}, {"text": "no"}]},
    ]


@pytest.mark.parametrize("messages", [[], [{"role": "system", "content": "A"}], [{"role": "user", "content": ""}]])
def test_there_is_always_a_users_turn(messages: list[Json]) -> None:
    assert contents(*messages) == [{"role": "user", "parts": [{"text": " "}]}]


def test_the_first_turn_is_the_users() -> None:
    found = contents({"role": "assistant", "content": "Welcome"}, USER)
    assert [one["role"] for one in found] == ["user", "model", "user"]
    assert found[0]["parts"] == [{"text": " "}]


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({"type": "image_url", "image_url": {"url": DATA_URL}}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
        (
            {"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg/%3E"}},
            {"inlineData": {"mimeType": "image/svg+xml", "data": "PHN2Zy8+"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png?b=c", "detail": "low"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a.png?b=c"}},
        ),
        (
            {"type": "image_url", "image_url": "https://x.test/a"},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.test/a"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://www.youtube.com/watch?v=1"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://www.youtube.com/watch?v=1"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "DATA:Image/JPG;BASE64,AA\r\nA-"}},
            {"inlineData": {"mimeType": "image/jpeg", "data": "AAA+"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "HTTPS://x.test/A.PNG"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "HTTPS://x.test/A.PNG"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "A\nAA", "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "AAA="}},
        ),
        (
            {"type": "file", "file": {"filename": "notes.unknown", "file_data": "AAAA"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.txt", "file_data": "AAAA"}},
            {"inlineData": {"mimeType": "text/plain", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"file_id": "https://generativelanguage.googleapis.com/v1beta/files/x"}},
            {
                "fileData": {
                    "mimeType": "application/pdf",
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x",
                }
            },
        ),
        (
            {"type": "file", "file": {"file_url": "gs://b/a.mp4"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/a.mp4"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x.test/v.webm"}},
            {"fileData": {"mimeType": "video/webm", "fileUri": "https://x.test/v.webm"}},
        ),
    ],
)
def test_media(part: Json, wanted: Json) -> None:
    assert contents({"role": "user", "content": [part]})[0]["parts"] == [wanted]


@pytest.mark.parametrize(
    "messages",
    [
        7,
        [7],
        [{}],
        [{"role": 7}],
        [{"role": ["user"]}],
        [{"role": "robot", "content": "x"}],
        [{"role": "user", "content": 7}],
        [{"role": "user", "content": [7]}],
        [{"role": "user", "content": [{"type": "hologram"}]}],
        [{"role": "user", "content": [{"type": ["x"]}]}],
        [{"role": "user", "content": [{"type": "text", "text": 7}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": 7}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64"}}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": 7}}]}],
        [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-abc"}}]}],
        [{"role": "user", "content": [{"type": "file"}]}],
        [{"role": "assistant", "tool_calls": 7}],
        [{"role": "assistant", "tool_calls": [7]}],
        [{"role": "assistant", "tool_calls": [{"function": {"name": 7}}]}],
        [{"role": "tool", "content": "x"}],
        [assistant(called("c")), result("c", 7)],
        [assistant(called("c")), result("c", [7])],
    ],
)
def test_nonsense_is_the_callers(messages: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        written(messages=messages)
    assert caught.value.param
    assert caught.value.param.startswith("messages")


def test_what_nests_too_deeply_is_the_callers() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    asking = request(stream=False)._replace(
        fields={"messages": [USER], "tools": [{"type": "function", "function": {"name": "f", "parameters": deep}}]}
    )
    with pytest.raises(InvalidValue):
        GOOGLE.write(asking, GEMINI_3, SPEC, None, {})


# ---------------------------------------------------------------- calls and results


def test_results_have_the_names_of_their_calls_and_come_in_their_order() -> None:
    found = contents(
        USER,
        assistant(called("c1", "f", '{"a": 1}'), called("c2", "g", ""), content="Both."),
        {"role": "user", "content": "also this"},
        result("c2", "two"),
        result("c1", '{"temperature": 20}'),
        target=GEMINI_2_5,
    )
    assert found[1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "Both."},
                {"functionCall": {"name": "f", "args": {"a": 1}}},
                {"functionCall": {"name": "g", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"temperature": 20}}},
                {"functionResponse": {"name": "g", "response": {"output": "two"}}},
                {"text": "also this"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("content", "more", "wanted"),
    [
        ("", {}, {"output": ""}),
        (None, {}, {"output": ""}),
        ("[1]", {}, {"output": "[1]"}),
        ("{broken", {}, {"output": "{broken"}),
        ("boom", {"is_error": True}, {"error": "boom"}),
        ('{"output": 1, "b": 2}', {}, {"output": {"output": 1, "b": 2}}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {}, {"output": "a\nb"}),
    ],
)
def test_a_response_is_always_an_object(content: Any, more: Json, wanted: Json) -> None:
    (part,) = contents(USER, assistant(called("c")), result("c", content, **more))[2]["parts"]
    assert part == {"functionResponse": {"name": "f", "id": "c", "response": wanted}}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [("", {}), (None, {}), ({"a": 1}, {"a": 1}), ("[1]", {UNPARSED: "[1]"}), ('{"a', {UNPARSED: '{"a'}), ('{"a":1}', {"a": 1})],
)
def test_arguments_are_always_an_object(arguments: Any, wanted: Json) -> None:
    part = contents(USER, assistant(called("c", arguments=arguments)))[1]["parts"][0]
    assert part["functionCall"] == {"name": "f", "args": wanted, "id": "c"}


def test_pictures_in_results_stand_inside_for_new_models_and_beside_for_old_ones() -> None:
    messages = [
        USER,
        assistant(called("c1"), called("c2")),
        result("c1", [{"type": "text", "text": "seen"}, {"type": "image_url", "image_url": {"url": DATA_URL}}]),
        result("c2", "x"),
    ]
    picture = {"inlineData": {"mimeType": "image/png", "data": PIXEL}}
    new = contents(*messages)[2]["parts"]
    assert new[0]["functionResponse"]["parts"] == [picture]
    assert [set(one) for one in contents(*messages, target=GEMINI_2_5)[2]["parts"]] == [
        {"functionResponse"},
        {"functionResponse"},
        {"inlineData"},
    ]


def test_signatures_come_back_from_the_field_or_from_the_id() -> None:
    sealed = seal("c2", signature=SIGNATURE)
    field: Json = {"extra_content": {"google": {"thought_signature": "Zmllb GQ="}}}
    found = contents(USER, assistant(called("c1", **field)), result("c1", "x"), assistant(called(sealed)), result(sealed, "y"))
    assert found[1]["parts"][0]["thoughtSignature"] == "Zmllb GQ="
    assert found[3]["parts"][0] == {"functionCall": {"name": "f", "args": {}, "id": "c2"}, "thoughtSignature": SIGNATURE}
    assert found[4]["parts"][0]["functionResponse"]["id"] == "c2"


def test_a_step_without_any_signature_has_the_stand_in_on_its_first_call_alone() -> None:
    claude = seal("toolu_1", blocks=[{"type": "thinking", "thinking": "x", "signature": "y"}])
    found = contents(USER, assistant(called(claude), called("c2")), result(claude, "x"), result("c2", "y"))
    first, second = found[1]["parts"]
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert first["functionCall"]["id"] == "toolu_1"
    assert "thoughtSignature" not in second
    signed = contents(USER, assistant(called("c1"), called(seal("c2", signature="AA=="))))[1]["parts"]
    assert [one.get("thoughtSignature") for one in signed] == [None, "AA=="]


def test_older_models_are_told_no_ids_and_no_stand_in() -> None:
    parts = contents(USER, assistant(called("c")), result("c", "x"), target=GEMINI_2_5)[1]["parts"]
    assert parts == [{"functionCall": {"name": "f", "args": {}}}]


def test_a_messages_own_signature_goes_back_on_its_last_part() -> None:
    message = {
        "role": "assistant",
        "content": "42",
        "reasoning_content": "hm",
        "extra_content": {"google": {"thought_signature": "AA=="}},
    }
    assert contents(USER, message)[1]["parts"] == [{"text": "42", "thoughtSignature": "AA=="}]


@pytest.mark.parametrize("drops", [False, True], ids=["keeps-extra-content", "drops-what-it-does-not-know"])
def test_an_answer_that_comes_back_has_its_signatures_where_they_were(drops: bool) -> None:
    chunk = read(PARALLEL)
    message = orjson.loads(chunk.data)["choices"][0]["message"]
    for call in message["tool_calls"] if drops else ():
        call.pop("extra_content", None)
    results = [result(call["id"], "ok") for call in message["tool_calls"]]
    found = contents(USER, message, *results)
    text, first, second = found[1]["parts"]
    assert text == {"text": "Both."}
    assert first["thoughtSignature"] == SIGNATURE
    assert first["functionCall"]["args"] == {"city": "Paris"}
    assert "thoughtSignature" not in second
    assert [one["functionResponse"]["name"] for one in found[2]["parts"]] == ["get_weather"] * 2


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    told = {"functionResponse": {"name": "f", "id": "c2", "response": {"error": UNANSWERED}}}
    found = contents(USER, assistant(called("c1"), called("c2")), result("c1", "x"), USER)
    assert found[2]["parts"][1:] == [told, {"text": "hi"}]
    for rest in ([USER], []):
        assert contents(USER, assistant(called("c2")), *rest)[2]["parts"][0] == told


def test_a_result_without_its_call_is_told_as_text() -> None:
    for messages in (
        [USER, result("c", "seen")],
        [USER, assistant(called("d")), result("d", "x"), assistant(content="ok"), result("c", "seen")],
    ):
        assert contents(*messages)[-1]["parts"][-1] == {"text": "Result of the tool call c:\nseen"}
    assert contents(USER, result(f"c{MARK}AAAA", "seen"))[0]["parts"][1]["text"].startswith("Result of the tool call c:")
    twice = contents(USER, assistant(called("c")), result("c", "1"), result("c", "2"))[2]["parts"]
    assert [list(part) for part in twice] == [["functionResponse"], ["text"]]
    late = contents(USER, assistant(called("c")), result("c", "1"), assistant(content="ok"), result("c", "2"))
    assert [list(part) for part in late[4]["parts"]] == [["text"]]
    given_up = contents(USER, assistant(called("c")), USER, assistant(content="ok"), result("c", "2"))
    assert [list(part) for part in given_up[4]["parts"]] == [["text"]]


def test_calls_in_messages_that_follow_each_other_are_one_turn() -> None:
    found = contents(USER, assistant(called("a")), assistant(called("b")), result("b", "2"), result("a", "1"))
    assert [part["functionCall"]["id"] for part in found[1]["parts"]] == ["a", "b"]
    assert [part["functionResponse"]["response"] for part in found[2]["parts"]] == [{"output": "1"}, {"output": "2"}]


@pytest.mark.parametrize("target", [GEMINI_3, GEMINI_2_5])
def test_calls_with_the_same_id_are_told_apart(target: Target) -> None:
    found = contents(USER, assistant(called("c", "f"), called("c", "g")), result("c", "1"), result("c", "2"), target=target)
    calls = [part["functionCall"] for part in found[1]["parts"]]
    responses = [part["functionResponse"] for part in found[2]["parts"]]
    assert [one["response"]["output"] for one in responses] == ["1", "2"]
    assert [(one["name"], one.get("id")) for one in responses] == [(one["name"], one.get("id")) for one in calls]
    assert len({one.get("id") for one in calls}) == (2 if target is GEMINI_3 else 1)


def test_many_calls_with_the_same_id_are_told_apart_at_once() -> None:
    started = time.perf_counter()
    contents(USER, assistant(*[called("c")] * 8000), *[result("c", "x")] * 8000)
    assert time.perf_counter() - started < 2


PROPERTY_IDS = st.sampled_from(["a", "b", "c d", seal("e", signature=SIGNATURE), f"f{MARK}garbage"])
MESSAGES = st.one_of(
    st.builds(lambda words: {"role": "user", "content": words}, st.sampled_from(["", "x", [{"type": "text", "text": "y"}]])),
    st.builds(lambda words: {"role": "system", "content": words}, st.sampled_from(["", "s"])),
    st.builds(
        lambda ids, content: assistant(*map(called, ids), content=content),
        st.lists(PROPERTY_IDS, max_size=3),
        st.sampled_from([None, "", "t"]),
    ),
    st.builds(result, PROPERTY_IDS, st.sampled_from(["", "r", None, [{"type": "text", "text": "r"}]])),
)


@given(st.lists(MESSAGES, max_size=12), st.sampled_from([GEMINI_3, GEMINI_2_5]))
def test_whatever_the_chat_results_follow_their_calls(messages: list[Json], target: Target) -> None:
    found = contents(*messages, target=target)
    assert found[0]["role"] == "user"
    assert all(one["role"] != other["role"] for one, other in pairwise(found))
    for at, turn in enumerate(found):
        assert turn["parts"]
        calls = [part["functionCall"] for part in turn["parts"] if "functionCall" in part]
        answers = [part["functionResponse"] for part in found[at + 1]["parts"][: len(calls)]] if calls else []
        assert [(one["name"], one.get("id")) for one in answers] == [(one["name"], one.get("id")) for one in calls]
        responses = sum("functionResponse" in part for part in turn["parts"])
        before = sum("functionCall" in part for part in found[at - 1]["parts"]) if at else 0
        assert responses == (before if turn["role"] == "user" else 0)


def test_the_older_form_of_calls() -> None:
    found = contents(
        USER,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
        {"role": "function", "name": "f", "content": "x"},
        target=GEMINI_2_5,
    )
    assert found[1]["parts"] == [{"functionCall": {"name": "f", "args": {"a": 1}}}]
    assert found[2]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]
    body, _ = written(functions=[TOOL["function"]], function_call={"name": "f"})
    assert body["tools"][0]["functionDeclarations"][0]["name"] == "f"
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["f"]}
