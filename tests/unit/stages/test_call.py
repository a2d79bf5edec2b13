"""Which target a call goes to, and what of the caller goes with it."""

from gateway.core.catalog import Model, Target
from gateway.stages.call import first_target
from tests.house import KEY, Client, Gateway, ScriptedUpstream, chat

AUTH = (b"authorization", b"Bearer " + KEY.encode())
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Noting(ScriptedUpstream):
    """Keeps the headers that it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[dict[bytes, bytes]] = []

    async def call(self, ask):  # type: ignore[no-untyped-def]
        self.headers.append(dict(ask.headers))
        return await super().call(ask)


async def sent(*headers: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    upstream = Noting()
    await Gateway(upstream).ask(Client(chat(), headers=[AUTH, *headers]))
    return upstream.headers[0]


def test_the_lowest_priority_number_then_the_heaviest_then_the_first_is_asked() -> None:
    targets = (
        Target("a", "m", "a/m", weight=9, priority=2),
        Target("b", "m", "b/m", weight=1),
        Target("c", "m", "c/m", weight=3),
        Target("d", "m", "d/m", weight=3),
    )
    assert first_target(Model("m", targets)).provider == "c"


async def test_the_provider_is_told_of_our_span_in_the_callers_trace() -> None:
    told = (await sent((b"traceparent", TRACE)))[b"traceparent"]
    assert told.split(b"-")[1] == TRACE.split(b"-")[1]
    assert told.split(b"-")[2] != TRACE.split(b"-")[2]


async def test_an_idempotency_key_is_the_tenants_own_and_stays_the_same() -> None:
    first, again, other = [(await sent((b"idempotency-key", key)))[b"idempotency-key"] for key in (b"k", b"k", b"l")]
    assert first == again != other
    assert first != b"k"
