"""The items of an input become messages: one a turn of the assistant's, results behind their calls, nothing lost in silence."""

from typing import Any

import pytest

from gateway.core.errors import InvalidValue
from gateway.dialects.responses import sealing
from tests.unit.dialects.responses.talk import chat, dropped

Json = dict[str, Any]

USER = {"role": "user", "content": "q"}


def messages(*items: Json) -> list[Json]:
    return list(chat(list(items))["messages"])


def call(name: str, call_id: str, **more: Any) -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": '{"a":1}', **more}


def output(call_id: str, said: object = "ok") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def called(name: str, call_id: str) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": '{"a":1}'}}


def test_roles_with_and_without_a_type() -> None:
    assert messages(
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "a"}]},
        {"role": "user", "content": ""},
    ) == [
        {"role": "system", "content": "d"},
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": ""},
    ]


def test_parts_of_a_users_message() -> None:
    parts = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
        {"type": "input_file", "file_url": "https://x/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ]
    assert messages({"role": "user", "content": parts})[0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
        {"type": "file", "file": {"file_url": "https://x/a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ]


def test_a_turn_of_the_assistants_is_one_message() -> None:
    held = sealing.sealed(sealing.Held(({"type": "thinking", "thinking": "t", "signature": "s"},), {"c2": "sig"}))
    turn = messages(
        USER,
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": held},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "let me see"}]},
        call("f", "c1"),
        call("g", "c2"),
        output("c1"),
        output("c2"),
    )
    assert turn == [
        USER,
        {
            "role": "assistant",
            "content": "let me see",
            "reasoning_content": "hm",
            "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
            "tool_calls": [
                called("f", "c1"),
                {**called("g", "c2"), "extra_content": {"google": {"thought_signature": "sig"}}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        {"role": "tool", "tool_call_id": "c2", "content": "ok"},
    ]


def test_results_stand_behind_their_calls_wherever_they_came() -> None:
    assert [one["role"] for one in messages(USER, call("f", "c1"), USER, output("c1"), USER)] == [
        "user",
        "assistant",
        "tool",
        "user",
        "user",
    ]


def test_calls_after_results_are_a_new_turn() -> None:
    assert [one["role"] for one in messages(call("f", "c1"), output("c1"), call("f", "c2"), output("c2"))] == [
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]


def test_results_of_several_kinds() -> None:
    parts = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "https://x/a.png"}]
    told = messages(
        *(call("f", f"c{number}") for number in range(4)),
        output("c0", [{"type": "input_text", "text": "one"}]),
        output("c1", parts),
        output("c2", [{"stdout": "x"}]),
        output("c3", None),
    )
    assert [one["content"] for one in told[1:]] == [
        "one",
        [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x/a.png"}}],
        '[{"stdout":"x"}]',
        "",
    ]


def test_custom_calls_stay_custom() -> None:
    told = messages(
        {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
    )
    assert told[0]["tool_calls"] == [{"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}]
    assert told[1] == {"role": "tool", "tool_call_id": "c1", "content": "done"}


def test_a_call_in_a_namespace_has_the_name_that_is_offered() -> None:
    tools = [{"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]}]
    asked = chat([call("find", "c1", namespace="crm"), output("c1")], tools=tools)
    assert asked["messages"][0]["tool_calls"][0]["function"]["name"] == asked["tools"][0]["function"]["name"] == "crm__find"


def test_calls_with_items_of_their_own_become_functions() -> None:
    told = messages(
        {"type": "local_shell_call", "id": "l", "call_id": "c1", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "local_shell_call_output", "id": "c1", "output": "a.txt"},
        {"type": "apply_patch_call", "call_id": "c2", "operation": {"type": "delete_file", "path": "x"}},
        {"type": "apply_patch_call_output", "call_id": "c2", "status": "failed", "output": "no"},
        {"type": "computer_call", "call_id": "c3", "action": {"type": "screenshot"}},
        {"type": "computer_call_output", "call_id": "c3", "output": {"type": "computer_screenshot", "image_url": "https://x"}},
    )
    assert told[0]["tool_calls"][0]["function"] == {"name": "local_shell", "arguments": '{"type":"exec","command":["ls"]}'}
    assert told[1]["content"] == "a.txt"
    assert told[3] == {"role": "tool", "tool_call_id": "c2", "content": "no", "is_error": True}
    assert told[5]["content"] == [{"type": "image_url", "image_url": {"url": "https://x"}}]


def test_what_an_mcp_server_did_is_call_and_result() -> None:
    told = messages(
        {"type": "mcp_call", "id": "m1", "name": "find", "arguments": "{}", "server_label": "s", "output": "found"},
        {"type": "mcp_call", "id": "m2", "name": "find", "arguments": "{}", "server_label": "s", "error": "no"},
    )
    assert [one["role"] for one in told] == ["assistant", "tool", "assistant", "tool"]
    assert told[1]["content"] == "found"
    assert told[3]["is_error"] is True


def test_reasoning_of_another_provider_is_left_out_and_named() -> None:
    foreign = {"type": "reasoning", "id": "rs", "summary": [{"text": "x"}], "encrypted_content": "gAAAAAB"}
    said: list[Json] = [USER, foreign, {"role": "assistant", "content": "a"}]
    assert messages(*said)[1] == {"role": "assistant", "content": "a"}
    assert dropped(said) == ("input (reasoning)",)


def test_reasoning_that_is_only_readable_stays_text() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": None}
    assert messages(USER, thought, call("f", "c"), output("c"))[1]["reasoning_content"] == "hm"


def test_reasoning_alone_is_no_turn() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]}
    assert messages(USER, thought, USER) == [USER, USER]


def test_a_damaged_seal_is_no_error() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "fgr1.!!!"}
    assert messages(USER, thought, {"role": "assistant", "content": "a"})[1] == {"role": "assistant", "content": "a"}


def test_what_a_provider_ran_itself_is_left_out_and_named() -> None:
    said: list[Json] = [
        USER,
        {"type": "web_search_call", "id": "ws", "status": "completed"},
        {"type": "image_generation_call", "id": "ig", "result": "AA=="},
        {"type": "mcp_list_tools", "server_label": "s", "tools": []},
        {"type": "compaction", "encrypted_content": "gAAA"},
        {"type": "n\u00f6vel\n", "id": "x"},
        {"type": "additional_tools", "role": "developer", "tools": []},
    ]
    assert messages(*said) == [USER]
    assert len(dropped(said)) == 5
    assert "input (web_search_call)" in dropped(said)


def test_a_compaction_that_can_be_read_is_text() -> None:
    said = {"type": "compaction", "summary": [{"type": "summary_text", "text": "before"}]}
    assert messages(said, USER)[0] == {"role": "user", "content": "before"}


@pytest.mark.parametrize("item", [{"type": "item_reference", "id": "msg_1"}, {"id": "msg_1"}])
def test_an_item_that_is_only_named_is_refused(item: Json) -> None:
    with pytest.raises(InvalidValue, match="msg_1"):
        messages(USER, item)


def test_a_result_without_its_call_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'c9'") as refused:
        messages(USER, call("f", "c1"), output("c9"))
    assert refused.value.param == "input[2]"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (5, "input[0]"),
        ({"role": "robot", "content": "x"}, "input[0].role"),
        ({"role": "user", "content": 5}, "input[0].content"),
        ({"role": "user", "content": [{"type": "input_text"}]}, "input[0].content[0].text"),
        ({"role": "user", "content": [{"type": "video"}]}, "input[0].content[0].type"),
        ({"role": "user", "content": [{"type": "input_file"}]}, "input[0].content[0]"),
        ({"role": "assistant", "content": [{"type": "input_image", "image_url": "x"}]}, "input[0].content[0].type"),
        ({"type": "function_call", "call_id": "c", "arguments": "{}"}, "input[0].name"),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": {"a": 1}}, "input[0].arguments"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "input[0].call_id"),
        ({"type": 5}, "input[0].type"),
    ],
)
def test_items_that_are_none_are_refused_by_their_place(item: Any, param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        messages(item)
    assert refused.value.param == param
