"""Whatever bytes a provider sends, the normaliser answers with chunks or with a fault, and never with anything else."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import Operation
from tests.journeys.variants import ROWS, events
from tests.wires.driving import check, drive, request
from tests.wires.test_splits import STREAMS

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6)
)
ANY = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=3), SCALARS, max_size=2))


def odd(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly of the right kind, sometimes of any."""
    return st.one_of(right, right, right, ANY)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with any of these fields."""
    return odd(st.fixed_dictionaries({}, optional=dict(fields)))


NAMES = st.sampled_from(["a", "b", ""])
CALL = some(
    index=odd(st.integers(0, 2)),
    id=odd(NAMES),
    type=odd(st.just("function")),
    function=some(name=odd(NAMES), arguments=odd(NAMES)),
    custom=some(name=odd(NAMES), input=odd(NAMES)),
)
DELTA = some(
    role=odd(st.just("assistant")), content=odd(NAMES), reasoning=odd(NAMES), tool_calls=odd(st.lists(CALL, max_size=3))
)
CHOICE = some(
    index=odd(st.integers(0, 1)),
    delta=DELTA,
    message=DELTA,
    text=odd(NAMES),
    finish_reason=odd(st.sampled_from(["stop", None])),
)
EVENT = some(
    id=odd(st.sampled_from(["x", "y"])),
    object=odd(st.just("chat.completion.chunk")),
    created=ANY,
    model=odd(NAMES),
    choices=odd(st.lists(CHOICE, min_size=1, max_size=2)),
    usage=odd(st.just({"prompt_tokens": 1})),
    obfuscation=odd(NAMES),
)


@given(st.sampled_from(sorted(STREAMS)), st.data())
def test_a_damaged_stream(name: str, data: st.DataObject) -> None:
    whole = bytearray(STREAMS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(whole) - 1)))
        whole[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    left = drive([bytes(whole)])
    assert left.fault is not None or left.data.endswith(b"data: [DONE]\n\n")


@given(st.lists(EVENT, min_size=1, max_size=5), st.sampled_from([Operation.CHAT, Operation.COMPLETIONS]), st.booleans())
def test_events_of_any_shape(values: list[Any], operation: Operation, usage: bool) -> None:
    left = drive(events([*values, *values]), request(operation, usage=usage))
    if left.fault is None:
        check(left, usage=bool(left.transcript.usage) and usage, legacy=operation is Operation.COMPLETIONS)


def test_rows_are_not_all_faults() -> None:
    """The two above could be right about a normaliser that refuses everything."""
    assert drive(ROWS["sound"].pieces("m")).fault is None
