"""Whose ids are opened, marked, refused or left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import InvalidValue, ObjectNotFound
from gateway.core.upstream import Owner
from gateway.dialects.owned import Marking, Opening, rewritten
from gateway.dialects.ownership import mark

ACME, GLOBEX = Owner("acme", b"secret"), Owner("globex", b"secret")
FILE = "file-AbCdEf0123456789"


def opening(*, shared: bool = True) -> Opening:
    return Opening(ACME, ("up", "other"), shared=shared)


KINDS = (
    "file_",
    "assistant-",
    "batch_",
    "upload_",
    "vs_",
    "vsfb_",
    "conv_",
    "ftjob-",
    "ft-",
    "eval_",
    "cntr_",
    "resp_",
    "asst_",
)


@pytest.mark.parametrize("own", ["file-AbC123def", *(f"{kind}abc123def" for kind in KINDS), "thread_abc123", "video_abc123"])
def test_every_kind_of_object_is_marked_and_opened_again(own: str) -> None:
    shown = Marking("up", ACME)(own)
    assert shown != own
    opened = opening()
    assert opened(shown) == own
    assert (opened.provider, opened.shown) == ("up", {own: shown})
    with pytest.raises(ObjectNotFound):
        opening()(own)


@pytest.mark.parametrize(
    "text", ["file_search", "file_search_call", "msg_0123456789", "gpt-4o", "file-upload", "thread.message", "words", "", "vs_"]
)
def test_what_is_no_object_stays_as_it_is(text: str) -> None:
    assert Marking("up", ACME)(text) == text
    assert opening()(text) == text


def test_anothers_is_not_there() -> None:
    for shown in (mark(FILE, "up", GLOBEX), mark(FILE, "third", ACME), mark(FILE, "up", ACME)[:-1] + "g", f" {FILE} "):
        with pytest.raises(ObjectNotFound):
            opening()(shown)


def test_where_nobody_else_is_every_mark_comes_off() -> None:
    alone = opening(shared=False)
    assert alone(FILE) == FILE
    assert alone(mark(FILE, "up", Owner("acme", b"an older secret"))) == FILE
    assert alone.owned("anything") == "anything"
    assert alone.provider is None


def test_a_path_is_about_the_tenants_own_whatever_it_looks_like() -> None:
    assert opening().owned(mark("evalthing", "up", ACME)) == "evalthing"
    with pytest.raises(ObjectNotFound):
        opening().owned("evalthing")


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "a?b", "a%2fb", "é", "x" * 641, "a\nb"])
def test_nothing_changes_a_path(text: str) -> None:
    with pytest.raises(ObjectNotFound):
        opening(shared=False).part(text)


def test_objects_of_two_providers() -> None:
    both = opening()
    both(mark(FILE, "up", ACME))
    with pytest.raises(InvalidValue):
        both(mark(FILE, "other", ACME))


def test_ids_wherever_they_stand_but_not_in_words() -> None:
    told = rewritten(
        {
            "id": FILE,
            "file_ids": [FILE, 1, None, [FILE]],
            "input": [FILE, {"type": "input_file", "file_id": FILE, "text": FILE}],
            "content": FILE,
            "metadata": {"file_id": FILE},
            "training_file": FILE,
            "long": FILE + "x" * 700,
        },
        lambda text: text.upper(),
    )
    up = FILE.upper()
    assert told == {
        "id": up,
        "file_ids": [up, 1, None, [up]],
        "input": [FILE, {"type": "input_file", "file_id": up, "text": FILE}],
        "content": FILE,
        "metadata": {"file_id": FILE},
        "training_file": up,
        "long": FILE + "x" * 700,
    }


def test_depth_is_no_matter() -> None:
    deep: list[object] = [FILE]
    for _ in range(100_000):
        deep = [deep]
    rewritten(deep, str.upper)
    while isinstance(deep[0], list):
        deep = deep[0]
    assert deep == [FILE.upper()]


@given(st.text(max_size=80), st.booleans())
def test_any_text_is_opened_left_or_refused(text: str, shared: bool) -> None:
    try:
        opening(shared=shared)(text)
    except ObjectNotFound:
        assert shared
