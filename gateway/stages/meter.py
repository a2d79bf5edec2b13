"""What the answer used, stated once the outcome is known."""

from collections.abc import Iterator

from gateway.core.exchange import Exchange
from gateway.metering.usage import usage_of


class Meter:
    """Settles before everything that needs the usage, which is whatever stands before it on the way in.

    The wire asks the provider for usage on streams, too, and strips it where the caller did not ask; so the transcript
    has it either way, and a cut answer is estimated from what was produced.
    """

    def run(self, exchange: Exchange) -> Iterator[None]:
        asked_bytes = len(exchange.request.body)
        yield
        if exchange.reply is not None:
            exchange.usage = usage_of(exchange.reply.transcript, asked_bytes)
