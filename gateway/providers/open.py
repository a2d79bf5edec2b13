"""From a provider's specification to something that can be called: which wire, over which transport."""

from gateway.core.catalog import ProviderSpec
from gateway.core.upstream import Upstream
from gateway.providers.echo.transport import EchoTransport
from gateway.providers.remote import Remote
from gateway.providers.transport.open import open_transport
from gateway.providers.wire import WIRES


def open_upstream(spec: ProviderSpec) -> Upstream:
    """Opens a provider; connections are made when they are needed."""
    transport = EchoTransport(spec) if spec.wire == "echo" else open_transport(spec)
    return Remote(spec, WIRES[spec.wire], transport)
