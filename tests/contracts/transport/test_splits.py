"""However TCP cuts an answer, it reads the same."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.transport.http1.reader import AnswerReader
from tests.contracts.transport.servers import OK, answer, chunked

Read = tuple[int, list[tuple[bytes, bytes]], bytes, bool, bool]

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda name: b"x-" + name.encode())
values = st.text("abc XYZ,;=\"'", max_size=30).map(str.encode)
headers = st.lists(st.builds(lambda name, value: name + b": " + value, names, values), max_size=6)
blocks = st.lists(st.binary(min_size=1, max_size=200), max_size=6)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """An answer in one of the framings, and its body."""
    parts = draw(blocks)
    body = b"".join(parts)
    lines = draw(headers)
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n"]))
    match draw(st.sampled_from(["length", "chunked", "close"])):
        case "length":
            raw = answer(body, *lines)
        case "chunked":
            raw = chunked(*parts, trailers=draw(st.sampled_from([b"", b"x-sum: 1\r\n"])))
        case _:
            raw = OK + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
    return interim + raw, body


def read(reader: AnswerReader, pieces: list[bytes]) -> Read:
    reader.expect(bodiless=False)
    for piece in pieces:
        reader.feed(piece)
    body = b"".join(reader.parts)
    reader.parts.clear()
    return reader.status, list(reader.headers), body, reader.complete, reader.keep_alive


@given(answers(), st.data())
def test_a_split_answer_reads_as_an_unsplit_one(made: tuple[bytes, bytes], data: st.DataObject) -> None:
    raw, body = made
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=20)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    whole = read(AnswerReader(), [raw])
    assert whole[2] == body
    assert read(AnswerReader(), pieces) == whole


@given(st.lists(answers(), min_size=1, max_size=4), st.integers(1, 40))
def test_answers_one_after_the_other_do_not_see_each_other(made: list[tuple[bytes, bytes]], size: int) -> None:
    reader = AnswerReader()
    for raw, body in made:
        status, lines, got, complete, keep_alive = read(reader, [raw[at : at + size] for at in range(0, len(raw), size)])
        assert (status, got) == (200, body)
        assert (b"x-sum", b"1") not in lines
        assert complete == keep_alive
        if not complete:
            reader = AnswerReader()
