"""Answers whose reader leaves before the end of the body, and what becomes of their connections."""

import asyncio
import gzip

import pytest

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Incoming, Transport
from tests.contracts.transport.conftest import Client, post
from tests.contracts.transport.servers import OK, Peer, serving

LONG_S = 10.0
HEAD = OK + b"transfer-encoding: chunked\r\n\r\n"
WORD, END = b"4\r\nword\r\n", b"0\r\n\r\n"


class Holding:
    """Answers with a word at once, and with `rest` when the test says so or the client leaves."""

    def __init__(self, rest: bytes = WORD + END, head: bytes = HEAD + WORD) -> None:
        self.rest = rest
        self.head = head
        self.go = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while await peer.request():
            await peer.send(self.head)
            await self.either(peer)
            await peer.send(self.rest)

    async def either(self, peer: Peer) -> None:
        """Waits for the test, or for the client to leave."""
        waits = [asyncio.create_task(self.go.wait()), asyncio.create_task(peer.left())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def begun(transport: Transport, timeouts: Timeouts | None = None) -> Incoming:
    incoming = await transport.send(post(), timeouts or Timeouts())
    assert await incoming.read() == b"word"
    return incoming


async def test_where_the_end_comes_in_time_the_connection_is_used_again(client: Client) -> None:
    holding = Holding()
    async with serving(holding) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        (await begun(transport)).part(LONG_S)
        holding.go.set()
        async with asyncio.timeout(LONG_S / 2):
            await begun(transport)  # there is no other: the only one had to come back
        assert len(server.peers) == 1


async def test_an_answer_that_has_come_whole_is_parted_from_at_no_cost(client: Client) -> None:
    holding = Holding()
    holding.go.set()
    async with serving(holding) as server:
        transport = await client.open(server)
        incoming = await begun(transport)
        assert await incoming.whole(100) == b"word"
        incoming.part(0.0)
        incoming.part(0.0)
        await begun(transport)
        assert len(server.peers) == 1


async def test_where_the_end_does_not_come_in_time_the_connection_is_closed(client: Client) -> None:
    async with serving(Holding()) as server:
        transport = await client.open(server)
        (await begun(transport)).part(0.05)
        async with asyncio.timeout(LONG_S):
            await server.ended()
        await begun(transport)
        assert len(server.peers) == 2


async def test_the_wait_counts_from_the_parting_and_not_from_the_last_byte(client: Client) -> None:
    async def dripping(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        while not peer.writer.transport.is_closing():
            await peer.send(WORD)
            await asyncio.sleep(0.01)

    async with serving(dripping) as server:
        (await begun(await client.open(server))).part(0.1)
        async with asyncio.timeout(LONG_S):
            await server.ended()


async def test_a_rest_that_is_too_long_is_not_waited_for(client: Client) -> None:
    async def flooding(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        await peer.send(WORD)
        while True:
            await peer.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    async with serving(flooding) as server:
        (await (await client.open(server)).send(post(), Timeouts())).part(LONG_S * 100)
        async with asyncio.timeout(LONG_S):
            await server.ended()


async def test_a_connection_that_breaks_meanwhile_harms_nobody(client: Client) -> None:
    holding = Holding(rest=b"no chunk\r\n")
    async with serving(holding) as server:
        transport = await client.open(server)
        (await begun(transport)).part(LONG_S)
        holding.go.set()
        async with asyncio.timeout(LONG_S / 2):
            await server.ended()
        await begun(transport)


async def test_after_the_parting_there_is_nothing_to_read_and_closing_changes_nothing(client: Client) -> None:
    holding = Holding()
    async with serving(holding) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        incoming = await begun(transport)
        incoming.part(LONG_S)
        incoming.part(0.0)
        incoming.close()
        holding.go.set()
        async with asyncio.timeout(LONG_S / 2):
            await begun(transport)
        with pytest.raises(UpstreamBroken):
            await incoming.read()
        assert len(server.peers) == 1


async def test_after_closing_there_is_nothing_to_part_from(client: Client) -> None:
    async with serving(Holding()) as server:
        incoming = await begun(await client.open(server))
        incoming.close()
        incoming.part(LONG_S)
        async with asyncio.timeout(LONG_S / 2):
            await server.ended()


async def test_a_reader_who_waits_while_another_parts_is_told(client: Client) -> None:
    async with serving(Holding()) as server:
        incoming = await begun(await client.open(server))
        reading = asyncio.create_task(incoming.read())
        await asyncio.sleep(0.02)
        incoming.part(0.05)
        async with asyncio.timeout(LONG_S):
            await asyncio.wait([reading])
            await server.ended()


async def test_a_compressed_answer_is_parted_from_alike(client: Client) -> None:
    body = gzip.compress(b"word")
    head = OK + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
    holding = Holding(rest=END, head=head)
    async with serving(holding) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        (await begun(transport)).part(LONG_S)
        holding.go.set()
        async with asyncio.timeout(LONG_S / 2):
            await begun(transport)
        assert len(server.peers) == 1


async def test_an_end_that_comes_while_the_transport_closes_reaches_us_in_peace(native: Client) -> None:
    """Ours only: the provider has answered in full, and should not see us leave before."""
    seen: list[bool] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + WORD)
        await asyncio.sleep(0.1)
        seen.append(not peer.reader.at_eof())
        await peer.send(END)
        await peer.left()

    async with serving(script) as server:
        transport = await native.open(server)
        (await begun(transport)).part(LONG_S)
        await transport.aclose()
        await server.ended()
    assert seen == [True]


async def test_closing_the_transport_does_not_wait_long_for_those_that_part(client: Client) -> None:
    async with serving(Holding()) as server:
        transport = await client.open(server)
        (await begun(transport)).part(LONG_S)
        async with asyncio.timeout(LONG_S / 2):
            await transport.aclose()
            await server.ended()


async def test_a_retired_transport_closes_when_the_last_has_parted(client: Client) -> None:
    holding = Holding()
    async with serving(holding) as server:
        transport = await client.open(server)
        (await begun(transport)).part(LONG_S)
        transport.retire()
        holding.go.set()
        async with asyncio.timeout(LONG_S / 2):
            await server.ended()
