"""Connections between exchanges: kept, bounded, never trusted for longer than they deserve."""

import asyncio
import socket
from typing import Any, cast

import pytest

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from gateway.providers.transport.contract import Transport
from tests.contracts.transport.conftest import Client, post
from tests.contracts.transport.servers import OK, Peer, answer, hang_up, replying, reset, serving

LIMIT = 1 << 20


class Gate:
    """A script that answers each request once the test lets it; bodies name the connection."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = asyncio.Semaphore(0)
        self.count = 0

    async def __call__(self, peer: Peer) -> None:
        self.count += 1
        name = b"%d" % self.count
        while await peer.request():
            self.asked.release()
            await self.open.wait()
            await peer.send(answer(name))


async def ask(transport: Transport, timeouts: Timeouts | None = None) -> bytes:
    return await (await transport.send(post(), timeouts or Timeouts())).whole(LIMIT)


async def test_exchanges_one_after_the_other_share_a_connection(client: Client) -> None:
    async with serving(replying(answer(b"hello"))) as server:
        transport = await client.open(server)
        for _ in range(5):
            assert await ask(transport) == b"hello"
        assert len(server.peers) == 1


async def test_exchanges_at_once_have_connections_of_their_own(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server)
        asked = [asyncio.create_task(ask(transport)) for _ in range(3)]
        for _ in asked:
            await gate.asked.acquire()
        gate.open.set()
        assert sorted(await asyncio.gather(*asked)) == [b"1", b"2", b"3"]


async def test_the_connection_used_last_is_used_next(native: Client) -> None:
    """Ours only: httpx takes the oldest."""
    gates = [asyncio.Event() for _ in range(3)]
    asked = asyncio.Semaphore(0)

    async def script(peer: Peer) -> None:
        mine = len(server.peers) - 1
        while await peer.request():
            asked.release()
            await gates[mine].wait()
            await peer.send(answer(b"%d" % mine))

    async with serving(script) as server:
        transport = await native.open(server)
        tasks = []
        for _ in gates:
            tasks.append(asyncio.create_task(ask(transport)))
            await asked.acquire()
        for mine in (0, 2, 1):
            gates[mine].set()
            assert await tasks[mine] == b"%d" % mine
        assert [await ask(transport) for _ in range(2)] == [b"1", b"1"]


async def test_no_more_than_the_limit_stay_idle_and_the_oldest_goes_first(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(idle=2))
        asked = [asyncio.create_task(ask(transport)) for _ in range(5)]
        for _ in asked:
            await gate.asked.acquire()
        gate.open.set()
        await asyncio.gather(*asked)
        await server.ended(3)
        await asyncio.sleep(0.05)
        assert len(server.gone) == 3


async def test_past_the_total_an_exchange_waits_for_a_connection(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(total=2))
        asked = [asyncio.create_task(ask(transport)) for _ in range(6)]
        for _ in range(2):
            await gate.asked.acquire()
        assert len(server.peers) == 2
        gate.open.set()
        assert set(await asyncio.gather(*asked)) == {b"1", b"2"}
        assert len(server.peers) == 2


async def test_who_waits_too_long_for_a_connection_is_told_so(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        first = asyncio.create_task(ask(transport))
        await gate.asked.acquire()
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(transport, Timeouts(connect_s=0.05))
        assert (caught.value.phase, caught.value.limit_s) == ("connect", 0.05)
        gate.open.set()
        assert await first == b"1"
        assert await ask(transport) == b"1"


@pytest.mark.parametrize("spoil", ["connection: close", "cancelled"])
async def test_who_waits_gets_the_place_of_a_connection_that_ends(client: Client, spoil: str) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        first = asyncio.create_task(ask(transport))
        await gate.asked.acquire()
        second = asyncio.create_task(ask(transport))
        await asyncio.sleep(0.02)
        if spoil == "cancelled":
            first.cancel()
        else:
            server.peers[0].reset()
        await asyncio.gather(first, return_exceptions=True)
        gate.open.set()
        assert await asyncio.wait_for(second, 5) == b"2"


async def test_who_gives_up_waiting_leaves_no_hole(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        first = asyncio.create_task(ask(transport))
        await gate.asked.acquire()
        leaver, stayer = (asyncio.create_task(ask(transport)) for _ in range(2))
        await asyncio.sleep(0.02)
        leaver.cancel()
        gate.open.set()
        assert await first == b"1"
        assert await asyncio.wait_for(stayer, 5) == b"1"
        with pytest.raises(asyncio.CancelledError):
            await leaver


async def test_who_leaves_in_the_moment_of_the_handover_leaves_no_hole(native: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours only: it looks into the moment between getting a connection and noticing it."""
    gate = Gate()
    async with serving(gate) as server:
        transport = await native.open(server, pool=PoolLimits(total=1))
        pool = cast("Any", transport)._pool
        hand_over = pool.release

        def release(connection: object) -> None:
            hand_over(connection)
            leaver.cancel()

        first = asyncio.create_task(ask(transport))
        await gate.asked.acquire()
        leaver = asyncio.create_task(ask(transport))
        await asyncio.sleep(0.02)
        monkeypatch.setattr(pool, "release", release)
        gate.open.set()
        assert await first == b"1"
        with pytest.raises(asyncio.CancelledError):
            await leaver
        assert await asyncio.wait_for(ask(transport), 5) == b"1"


async def test_an_idle_connection_is_closed_after_its_time(native: Client) -> None:
    """Ours only: httpx closes it when it next looks."""
    async with serving(replying(answer(b"hello"))) as server:
        transport = await native.open(server, pool=PoolLimits(idle_s=0.1))
        assert await ask(transport) == b"hello"
        await asyncio.wait_for(server.ended(), 5)
        assert await ask(transport) == b"hello"
        assert len(server.peers) == 2


async def test_an_exchange_longer_than_the_idle_time_is_left_alone(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(idle_s=0.05, age_s=0.05))
        asked = asyncio.create_task(ask(transport))
        await gate.asked.acquire()
        await asyncio.sleep(0.2)
        gate.open.set()
        assert await asked == b"1"


async def test_an_old_connection_is_not_used_again(native: Client) -> None:
    """Ours only: httpx knows no age."""
    async with serving(replying(answer(b"hello"))) as server:
        transport = await native.open(server, pool=PoolLimits(age_s=0.2))
        for _ in range(30):
            assert await ask(transport) == b"hello"
            await asyncio.sleep(0.02)
        assert 2 <= len(server.peers) <= 10


@pytest.mark.parametrize("ending", ["closed", "reset"])
async def test_a_connection_that_the_server_closed_between_requests_is_replaced(client: Client, ending: str) -> None:
    async with serving(replying(answer(b"hello"), then=hang_up if ending == "closed" else reset)) as server:
        transport = await client.open(server)
        for _ in range(3):
            assert await ask(transport) == b"hello"
            await asyncio.sleep(0.05)
        assert len(server.peers) == 3


async def test_a_close_that_the_loop_has_not_seen_yet_is_noticed(native: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours only: what has lain in the pool for a while is asked before it is used."""
    monkeypatch.setattr("gateway.providers.transport.http1.connection.DOUBTED_S", 0.0)
    listening = socket.create_server(("127.0.0.1", 0))
    async with serving(replying(answer(b"second"))) as second:
        transport = await native.open(second, base_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        asked = asyncio.create_task(ask(transport))
        wire, _ = await asyncio.to_thread(listening.accept)
        await asyncio.to_thread(wire.recv, 65536)
        wire.sendall(answer(b"first"))
        assert await asked == b"first"
        wire.close()  # from here on without a turn of the loop
        again = asyncio.create_task(transport.send(post(), Timeouts()))
        wire, _ = await asyncio.to_thread(listening.accept)
        assert b"POST" in await asyncio.to_thread(wire.recv, 65536)
        wire.sendall(answer(b"again"))
        assert await (await again).whole(LIMIT) == b"again"
        wire.close()
        listening.close()


async def test_a_connection_that_dies_under_a_request_is_broken_and_the_request_is_sent_once(client: Client) -> None:
    """The classic race: the server had closed, or closes now; nobody can know whether it took the request."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"hello"))
        server.requests.append(await peer.request())
        peer.reset()

    async with serving(script) as server:
        transport = await client.open(server)
        assert await ask(transport) == b"hello"
        with pytest.raises(UpstreamBroken):
            await ask(transport)
        assert len(server.requests) == 1
        assert len(server.peers) == 1


# ---------------------------------------------------------------- the end


async def test_retiring_closes_what_is_idle(client: Client) -> None:
    async with serving(replying(answer(b"hello"))) as server:
        transport = await client.open(server)
        await ask(transport)
        transport.retire()
        await asyncio.wait_for(server.ended(), 5)


async def test_a_retired_transport_finishes_what_it_does_and_closes(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server)
        asked = asyncio.create_task(ask(transport))
        await gate.asked.acquire()
        transport.retire()
        gate.open.set()
        assert await asked == b"1"
        await asyncio.wait_for(server.ended(), 5)


async def test_a_retired_transport_still_serves_who_holds_it(client: Client) -> None:
    async with serving(replying(answer(b"hello"))) as server:
        transport = await client.open(server)
        await ask(transport)
        transport.retire()
        assert await ask(transport) == b"hello"
        await asyncio.wait_for(server.ended(2), 5)


async def test_closing_a_transport_breaks_what_it_does(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"\r\nhel")
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        incoming = await transport.send(post(), Timeouts())
        assert await incoming.read() == b"hel"
        reading = asyncio.create_task(incoming.read())
        await asyncio.sleep(0.02)
        await transport.aclose()
        await server.ended()
        with pytest.raises(UpstreamBroken):
            await reading
        with pytest.raises((UpstreamUnreachable, UpstreamBroken)):
            await transport.send(post(), Timeouts())


async def test_closing_a_transport_turns_away_who_waits_for_it(client: Client) -> None:
    gate = Gate()
    async with serving(gate) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        asked = [asyncio.create_task(ask(transport)) for _ in range(2)]
        await gate.asked.acquire()
        await asyncio.sleep(0.02)
        await transport.aclose()
        for one in await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5):
            assert isinstance(one, UpstreamUnreachable | UpstreamBroken)


async def test_many_exchanges_at_once_all_end_well(client: Client) -> None:
    async with serving(replying(answer(b"hello"))) as server:
        transport = await client.open(server, pool=PoolLimits(idle=4, total=8))
        assert await asyncio.gather(*[ask(transport) for _ in range(200)]) == [b"hello"] * 200
