"""What the server asks of a client: how much, how fast, how patient; apart, because the configuration fills it in."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.errors import GatewayError

Headers = list[tuple[bytes, bytes]]

# Renders an error for the caller of a path: status, headers and body, in the dialect that the path speaks.
Refuse = Callable[[GatewayError, str], tuple[int, Headers, bytes]]


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The bounds of one connection; sizes in bytes, times in seconds.

    `receive_s` bounds the whole head, and the silence between two parts of a body; a body that takes longer than that
    must come at `body_rate` bytes a second. `stall_s` is how long a client may leave our bytes unread. After a reply that
    overtook its request, up to `linger_bytes` are read and thrown away for up to `linger_s`, so that the client gets to
    read the reply.
    """

    header_bytes: int = 64 * 1024
    header_count: int = 200
    receive_s: float = 30.0
    body_rate: int = 1024
    keep_alive_s: float = 75.0
    stall_s: float = 120.0
    linger_s: float = 5.0
    linger_bytes: int = 64 * 1024 * 1024

    def shortest_s(self) -> float:
        """The shortest time among the limits."""
        return min(self.receive_s, self.keep_alive_s, self.stall_s, self.linger_s)
