"""Who is calling: the key that came with the request, and the tenant that it stands for."""

from gateway.core.exchange import Exchange
from gateway.identity.callers import principal_of


class Identify:
    """Refuses a call without a known key, before its body is read."""

    def run(self, exchange: Exchange) -> None:
        exchange.principal = principal_of(exchange.headers, exchange.snapshot)
