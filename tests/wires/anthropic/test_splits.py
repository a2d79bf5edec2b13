"""Where the network cuts a Messages stream is nobody's business."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import Operation
from tests.wires.anthropic.driven import NATIVE, asked, streamed
from tests.wires.anthropic.exchanges import OVERLOADED, STREAMS, event, start, text
from tests.wires.driving import Left

WHOLE = {
    **STREAMS,
    "crlf": STREAMS["tools"].replace(b"\n", b"\r\n"),
    "error": start() + text(0, "a") + event(OVERLOADED),
    "truncated": start() + text(0, "a"),
}


def same(one: Left, other: Left) -> None:
    assert one.data == other.data
    assert one.transcript.completion() == other.transcript.completion()
    assert type(one.fault) is type(other.fault)
    assert one.begun == other.begun


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_any_split_gives_the_same(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12)))
    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    request = asked(data.draw(st.sampled_from([Operation.CHAT, Operation.MESSAGES])), usage=data.draw(st.booleans()))
    same(streamed(pieces, request), streamed([whole], request))


@pytest.mark.parametrize("name", WHOLE)
def test_single_bytes_give_the_same_as_one_block(name: str) -> None:
    for request in (NATIVE, asked()):
        single = [WHOLE[name][at : at + 1] for at in range(len(WHOLE[name]))]
        same(streamed(single, request), streamed([WHOLE[name]], request))
