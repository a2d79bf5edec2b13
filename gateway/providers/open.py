"""From a provider's specification to something that can be called: which wire, over which transport."""

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import ProviderNotConfigured
from gateway.core.upstream import Ask, Reply, Upstream
from gateway.providers.echo.transport import EchoTransport
from gateway.providers.remote import Remote
from gateway.providers.transport.open import open_transport
from gateway.providers.wire import WIRES


class Unserved:
    """A provider whose wire this version does not speak: it is configured, and says so to whoever asks it."""

    def __init__(self, spec: ProviderSpec) -> None:
        self._spec = spec

    async def call(self, ask: Ask) -> Reply:  # noqa: ARG002  # whatever is asked
        raise ProviderNotConfigured(
            f"The provider {self._spec.name!r} speaks {self._spec.wire!r}, which this version does not serve yet; "
            f"it serves {', '.join(map(repr, WIRES))}.",
            param="model",
        )

    def retire(self) -> None:
        """Nothing is open."""

    async def aclose(self) -> None:
        """Nothing is open."""


def open_upstream(spec: ProviderSpec) -> Upstream:
    """Opens a provider; connections are made when they are needed."""
    wire = WIRES.get(spec.wire)
    if wire is None:
        return Unserved(spec)
    transport = EchoTransport(spec) if spec.wire == "echo" else open_transport(spec)
    return Remote(spec, wire, transport)
