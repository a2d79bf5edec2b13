"""From a provider's configuration to the transport that reaches it."""

from gateway.core.catalog import ProviderSpec
from gateway.providers.transport.contract import Transport
from gateway.providers.transport.http1.client import Http1Transport
from gateway.providers.transport.httpx_driver import HttpxTransport
from gateway.providers.transport.origin import Origin


def open_transport(spec: ProviderSpec) -> Transport:
    """The driver that `spec` asks for; a proxy takes httpx. Connects to nothing yet.

    Raises ValueError for a base URL that is none, and OSError for a CA file that cannot be read.
    """
    origin = Origin.of(spec.base_url, spec.ca_file)
    if spec.driver == "httpx" or spec.proxy is not None:
        return HttpxTransport(origin, spec.pool, spec.proxy)
    return Http1Transport(origin, spec.pool)
