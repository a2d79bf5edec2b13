"""What a passage used, where its answer says so; never estimated, for the bytes of a file are no tokens."""

from collections.abc import Iterator

from gateway.core.exchange import Exchange
from gateway.metering.usage import usage_of


class Tally:
    """Meter's counterpart for passages."""

    def run(self, exchange: Exchange) -> Iterator[None]:
        yield
        if exchange.reply is not None and exchange.reply.transcript.usage is not None:
            usage = usage_of(exchange.reply.transcript, 0)
            if usage.exact:
                exchange.usage = usage
