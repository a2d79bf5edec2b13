"""Where the network cuts a stream is nobody's business: any split gives the same bytes, the same transcript, the same fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journeys.variants import DONE, ROWS, event
from tests.wires.driving import Left, drive, request
from tests.wires.streams import chunk

OBFUSCATED = [
    *(
        event(chunk({"content": text}, obfuscation="abcdefghijkl"[: len(text) + 1]))
        for text in ("one", "t\u00fc", '"3"\n', "", "4")
    ),
    event(chunk({}, "stop", obfuscation="x")),
    DONE,
]
REASONING = [
    *(event(chunk({"reasoning": text})) for text in ("hm", "\n", "so")),
    *(event(chunk({"content": text})) for text in ("a", "\U0001f30d", "c")),
    event(chunk({}, "stop")),
    DONE,
]
STREAMS = {name: b"".join(row.pieces("m")) for name, row in ROWS.items() if name not in ("gzip", "calls-without-id")} | {
    "obfuscated": b"".join(OBFUSCATED),
    "reasoning": b"".join(REASONING),
}


def same(one: Left, other: Left) -> None:
    assert one.data == other.data
    assert one.transcript.completion() == other.transcript.completion()
    assert type(one.fault) is type(other.fault)
    assert one.begun == other.begun


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_any_split_gives_the_same(name: str, data: st.DataObject) -> None:
    whole = STREAMS[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=12)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    usage = data.draw(st.booleans())
    same(drive(pieces, request(usage=usage)), drive([whole], request(usage=usage)))


@pytest.mark.parametrize("name", STREAMS)
def test_single_bytes_give_the_same_as_one_block(name: str) -> None:
    whole = STREAMS[name]
    same(drive([whole[at : at + 1] for at in range(len(whole))]), drive([whole]))
