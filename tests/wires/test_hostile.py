"""Whatever bytes a provider sends, the normaliser answers with chunks or with a fault, and never with anything else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec
from gateway.core.chat import Operation
from gateway.core.errors import UpstreamFault
from gateway.core.transcript import Chunk, PlainTranscript
from gateway.providers.wire import OPENAI
from tests.journeys.variants import DONE, ROWS
from tests.wires.driving import WALL_S, ask, check, drive, request
from tests.wires.test_splits import STREAMS

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(["\u00b2", "\u0663", "9" * 5000, "\ud800"]),
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
    text=odd(NAMES),
    id=odd(st.sampled_from(["x", "y"])),
    object=odd(st.just("chat.completion.chunk")),
    created=ANY,
    model=odd(NAMES),
    choices=odd(st.lists(CHOICE, min_size=1, max_size=2)),
    usage=odd(st.just({"prompt_tokens": 1})),
    obfuscation=odd(NAMES),
)


PLACE = some(loc=odd(st.lists(ANY, max_size=2)), msg=odd(NAMES))
ERROR = some(
    message=odd(NAMES),
    type=odd(NAMES),
    code=odd(st.sampled_from(["429", 429, "c"])),
    param=odd(NAMES),
    status=odd(NAMES),
    details=odd(st.lists(some(retryDelay=odd(st.sampled_from(["3s", "1.2.3s", "\u0663s"]))), max_size=2)),
    detail=odd(st.lists(PLACE, max_size=2)),
)
RETRY = st.one_of(
    st.binary(max_size=6), st.sampled_from([b"1e400", b"nan", b"Mon, 1 Jan 0001 00:00:00 +9999", b", , ,", b"1_0"])
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
    pieces = [b"data: %b\n\n" % json.dumps(value).encode() for value in (*values, *values)]
    left = drive([*pieces, DONE], request(operation, usage=usage))
    left.transcript.completion()
    if left.fault is None:
        check(left, usage=bool(left.transcript.usage) and usage, legacy=operation is Operation.COMPLETIONS)


@given(EVENT, st.sampled_from([Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS]))
def test_plain_answers_of_any_shape(value: Any, operation: Operation) -> None:
    body = json.dumps(value).encode()
    try:
        chunk = OPENAI.read(ask(request(operation, stream=False)), body, WALL_S)
    except UpstreamFault:
        chunk = Chunk(b"{}", ({},))
    json.loads(chunk.data)
    (said,) = chunk.deltas
    assert not isinstance(said, bytes)
    PlainTranscript(said).completion()
    if operation is not Operation.EMBEDDINGS:
        left = drive([body], request(operation))
        assert left.fault is not None or left.data.endswith(b"data: [DONE]\n\n")


@given(odd(st.one_of(ERROR, some(error=ERROR), st.lists(some(error=ERROR)))), st.sampled_from([400, 422, 429, 503]), RETRY)
def test_errors_of_any_shape(value: Any, status: int, retry_after: bytes) -> None:
    spec = ProviderSpec("p", "openai", "http://up/v1", ("sk-ours",))
    fault = OPENAI.fault(spec, status, [(b"retry-after", retry_after)], json.dumps(value).encode(), WALL_S)
    assert f"{fault.message}{fault.type}{fault.code}{fault.param}".encode()
    assert len(fault.code or "") <= 100


def test_rows_are_not_all_faults() -> None:
    """The two above could be right about a normaliser that refuses everything."""
    assert drive(ROWS["sound"].pieces("m")).fault is None
