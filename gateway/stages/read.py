"""Receives the body of the request, when it is known who sends it."""

from gateway.core.exchange import Exchange


class Read:
    """After Identify: a caller without a key makes the gateway parse nothing."""

    async def run(self, exchange: Exchange) -> None:
        exchange.request = await exchange.source.request(exchange.snapshot)
