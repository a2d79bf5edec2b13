"""Events, however their bytes arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken
from gateway.providers.sse import Event, Splitter, parse

LINES = st.lists(
    st.sampled_from(
        ["data: a", "data:b", "data", "data:  c", ": x", "event: e", "event:", "id: 1", "retry: 5", "", "", "", "\u00fc"]
    ),
    max_size=20,
)


def events(blocks: list[bytes], limit: int = 1000) -> list[Event]:
    splitter = Splitter(limit)
    raws = []
    for block in blocks:
        splitter.feed(block)
        while (raw := splitter.cut()) is not None:
            raws.append(raw)
    raws.append(splitter.last())
    return [event for raw in raws if (event := parse(raw)) is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"data: a\n\n", [Event(b"a")]),
        (b"data:a\n\ndata:  b\n\n", [Event(b"a"), Event(b" b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [Event(b"a"), Event(b"b")]),
        (b"data: a\r\rdata: b\r\r", [Event(b"a"), Event(b"b")]),
        (b"data: a\r\n\ndata: b\n\r\n", [Event(b"a"), Event(b"b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event(b"a")]),
        (b"\xef\xbb", []),
        (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [Event(b"a"), Event(b"b")]),
        (b"data: a\ndata: b\ndata\n\n", [Event(b"a\nb\n")]),
        (b": hello\n\nid: 3\nretry: 10\n\nevent: ping\n\n", []),
        (b"event: e\ndata: a\nid: 1\n\n", [Event(b"a", b"e")]),
        (b"event: e\nevent:f\ndata: a\n\n", [Event(b"a", b"f")]),
        (b"data: a\n\ndata: b", [Event(b"a"), Event(b"b")]),
        (b"data: a\n\ndata: b\n", [Event(b"a"), Event(b"b")]),
        (b"data\n\ndata:\n\n", [Event(b""), Event(b"")]),
        (b"database: a\n\n", []),
        (b"", []),
    ],
)
def test_what_a_stream_says(text: bytes, expected: list[Event]) -> None:
    assert events([text]) == expected
    assert events([text[at : at + 1] for at in range(len(text))]) == expected


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.data())
def test_neither_splits_nor_line_ends_nor_a_bom_change_what_it_says(
    lines: list[str], end: str, bom: bool, data: st.DataObject
) -> None:
    whole = (b"\xef\xbb\xbf" if bom else b"") + end.join(lines).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert events(pieces) == events(["\n".join(lines).encode()])


@pytest.mark.parametrize("blocks", [[b"data: " + b"x" * 200], [b"data: "] + [b"xxxxx"] * 40, [b"data: x\n"] * 20])
def test_an_event_over_the_limit_is_refused(blocks: list[bytes]) -> None:
    with pytest.raises(UpstreamBroken):
        events(blocks, limit=100)


def test_many_events_may_be_over_the_limit_together() -> None:
    assert len(events([b"data: x\n\n" * 100], limit=100)) == 100


def test_between_events_nothing_is_kept() -> None:
    splitter, seen = Splitter(), []
    for block in (b"", b"data: a\n\n\n", b"dat", b"a: b\n\n"):
        splitter.feed(block)
        while splitter.cut() is not None:
            pass
        seen.append(splitter.between)
    assert seen == [False, True, False, True]  # at first a BOM may come
