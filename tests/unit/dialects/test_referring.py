"""In what is said to a model ids are opened in the fields that hold them; what anybody wrote stays as it is, whatever it is."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue, ObjectNotFound, Refusal
from gateway.core.upstream import Owner
from gateway.dialects.owned import Marking, Opening
from gateway.dialects.ownership import mark
from gateway.dialects.referring import opened, referring, refers

Json = dict[str, Any]

ACME, GLOBEX = Owner("acme", b"secret"), Owner("globex", b"secret")
FILE = "file-AbCdEf0123456789"
MINE, THEIRS = mark(FILE, "up", ACME), mark(FILE, "up", GLOBEX)


def request(**fields: Any) -> ModelRequest:
    body: Json = {"model": "m", **fields}
    return ModelRequest(Operation.RESPONSES, orjson.dumps(body), body, True, "m", False, False)


def opening(*, shared: bool = True) -> Opening:
    return Opening(ACME, ("up", "other"), shared=shared)


REFERENCES: list[Json] = [
    {"previous_response_id": MINE},
    {"conversation": MINE},
    {"conversation": {"id": MINE}},
    {"prompt_cache_options": {"comparison_response_id": MINE}},
    {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": MINE}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": MINE}]}]},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_id": MINE}]}]},
    {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": MINE}}]},
    {"prompt": {"id": "pmpt_1", "variables": {"doc": {"type": "input_file", "file_id": MINE}}}},
    {"tools": [{"type": "file_search", "vector_store_ids": [MINE]}]},
    {"tools": [{"type": "code_interpreter", "container": MINE}]},
    {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [MINE, 5]}}]},
    {"tools": [{"type": "shell", "environment": {"type": "container_reference", "container_id": MINE}}]},
    {"tools": [{"type": "image_generation", "input_image_mask": {"file_id": MINE}}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": MINE}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": MINE}}]}]},
]


@pytest.mark.parametrize("fields", REFERENCES)
def test_every_field_that_refers_to_an_object(fields: Json) -> None:
    asked, mine = request(**fields), opening()
    assert refers(asked.fields)
    known = opened(asked, mine)
    assert known.body == asked.body.replace(MINE.encode(), FILE.encode())
    assert orjson.loads(known.body) == known.fields
    assert mine.provider == "up"
    assert MINE.encode() in orjson.dumps(asked.fields), "the caller's own stays as it was"
    for said in (THEIRS, FILE, MINE[:-1] + "x", MINE[:-1]):
        with pytest.raises(ObjectNotFound):
            opened(request(**orjson.loads(orjson.dumps(fields).replace(MINE.encode(), said.encode()))), opening())


WORDS: list[Json] = [
    {"input": MINE},
    {"input": [MINE]},
    {"prompt": [THEIRS]},
    {"instructions": THEIRS},
    {"input": [{"role": "user", "content": THEIRS}]},
    {"input": [{"role": "user", "content": [{"type": "input_text", "text": MINE}]}]},
    {"input": [{"type": "function_call", "arguments": THEIRS, "name": MINE}]},
    {"input": [{"type": "function_call_output", "output": THEIRS}]},
    {"input": [{"type": "local_shell_call", "action": {"type": "exec", "env": {"file_id": THEIRS}}}]},
    {"messages": [{"role": "user", "content": THEIRS}], "stop": [THEIRS], "user": THEIRS},
    {"messages": [{"content": [{"type": "tool_use", "input": {"file_id": THEIRS, "container": FILE}}]}]},
    {"contents": [{"parts": [{"functionCall": {"args": {"file_id": THEIRS}}}]}]},
    {"contents": [{"parts": [{"functionResponse": {"response": {"file_id": THEIRS}}}]}]},
    {"metadata": {"file_id": THEIRS, "last": MINE}},
    {"tools": [{"type": "function", "parameters": {"properties": {"file_id": {"enum": [THEIRS]}}, "file_id": FILE}}]},
    {"tools": [{"name": "f", "input_schema": {"file_id": {"const": THEIRS}}}]},
    {"text": {"format": {"type": "json_schema", "schema": {"file_id": FILE, "enum": [THEIRS]}}}},
    {"input": [{"type": "item_reference", "id": "msg_68f1a70123456789"}]},
    {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}], "previous_response_id": None},
]


@pytest.mark.parametrize("fields", WORDS)
def test_words_are_nobodys_ids(fields: Json) -> None:
    asked, mine = request(**fields), opening()
    assert opened(asked, mine) is asked
    assert mine.provider is None


def test_a_pasted_id_stays_beside_one_that_is_referred_to() -> None:
    content = [
        {"type": "input_text", "text": MINE},
        {"type": "input_file", "file_id": MINE},
        {"type": "input_text", "text": THEIRS},
    ]
    known = opened(request(input=[{"role": "user", "content": content}]), opening())
    assert known.fields["input"][0]["content"] == [content[0], {"type": "input_file", "file_id": FILE}, content[2]]


PAST: list[Json] = [
    {"content": [{"type": "output_text", "text": "x", "annotations": [{"type": "file_citation", "file_id": MINE}]}]},
    {"type": "code_interpreter_call", "id": "ci_1", "container_id": MINE, "code": "1"},
    {"type": "file_search_call", "id": "fs_1", "results": [{"file_id": MINE, "text": "x"}]},
]


@pytest.mark.parametrize("item", PAST)
def test_what_the_past_tells_of_is_opened_but_asks_for_nothing(item: Json) -> None:
    mine = opening()
    known = opened(request(input=[item]), mine)
    assert orjson.dumps(known.fields["input"][0]) == orjson.dumps(item).replace(MINE.encode(), FILE.encode())
    assert mine.provider is None
    for said in (THEIRS, FILE):
        asked = request(input=[orjson.loads(orjson.dumps(item).replace(MINE.encode(), said.encode()))])
        assert opened(asked, opening()) is asked


def test_an_id_that_is_written_with_escapes_is_found() -> None:
    asked = request()._replace(body=b'{"model":"m","input":[{"\\u0066ile\\u005fid":"%b"}]}' % THEIRS.encode())
    assert refers(orjson.loads(asked.body))
    with pytest.raises(ObjectNotFound):
        opened(asked, opening())


def test_a_request_that_refers_to_nothing_is_told_apart() -> None:
    assert not refers({"model": "m", "input": "hi"})
    assert not refers({"model": "m", "input": [{"role": "user", "content": f"file_id {MINE}", "n": [1, None]}]})
    for fields in WORDS[:-1]:
        assert not refers(request(**fields).fields), "words, as `opened` has it"


def test_what_is_too_odd_to_be_looked_through_is_taken_for_a_reference() -> None:
    deep: Json = {}
    for _ in range(900):
        deep = {"a": deep}
    assert refers(deep)
    assert refers({"input": [[{"file_id": MINE}]]})


def test_where_nobody_else_is_ids_of_the_providers_own_pass() -> None:
    fields = {"file_ids": [FILE, mark(FILE, "up", Owner("acme", b"an older secret"))]}
    assert opened(request(**fields), opening(shared=False)).fields["file_ids"] == [FILE, FILE]


def test_objects_of_two_providers_cannot_meet() -> None:
    with pytest.raises(InvalidValue, match="two providers"):
        opened(request(file_ids=[MINE, mark(FILE, "other", ACME)]), opening())


def test_an_answer_is_marked_where_a_request_is_opened() -> None:
    told = {
        "tools": [{"type": "file_search", "vector_store_ids": ["vs_0123456789ab"]}],
        "output": [
            {"type": "code_interpreter_call", "container_id": "cntr_0123456789ab"},
            {
                "type": "message",
                "content": [{"text": FILE, "annotations": [{"file_id": FILE}, {"file_id": "cfile_0123456789"}]}],
            },
        ],
    }
    marking = Marking("up", ACME)
    marked = referring(orjson.loads(orjson.dumps(told)), marking, marking)
    assert marking.made == 3
    assert marked["output"][1]["content"][0]["text"] == FILE
    back = referring(marked, opening(), opening().cited)
    assert back == told


def test_a_large_body_of_ids_is_read_in_its_time() -> None:
    forged = MINE[:-4] + "%04x"
    bodies = [
        request(file_ids=[MINE] * 250_000),
        request(input=[{"text": forged % number, "file_id": MINE} for number in range(60_000)]),
        request(input="a_fg0123" * 2_500_000),
    ]
    for asked in bodies:
        began = time.process_time()
        opened(asked, Opening(ACME, (*map(str, range(40)), "up"), shared=True))
        assert time.process_time() - began < 2.0


def test_what_is_nested_too_deeply_is_refused() -> None:
    body = b'{"file_id":"%b","x":%b}' % (MINE.encode(), b"[" * 400 + b"]" * 400)
    with pytest.raises(InvalidValue, match="deeply"):
        opened(request()._replace(body=body), opening())


KEYS = ["file_id", "file_ids", "container", "conversation", "input", "annotations", "type", "id", "metadata", "content"]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from([MINE, THEIRS, FILE, "", "code_interpreter_call", "x" * 700]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=4), st.booleans())
def test_whatever_comes_is_opened_or_refused(fields: Json, shared: bool) -> None:
    asked, mine = request(**fields), opening(shared=shared)
    try:
        known = opened(asked, mine)
    except Refusal:
        assert shared
        assert refers(asked.fields)
        return
    assert refers(asked.fields) or known is asked
    assert orjson.loads(known.body) == known.fields
    assert mine.provider in (None, "up")
