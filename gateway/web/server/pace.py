"""How fast a body arrives, and whether that is fast enough; pure, time is handed in."""

from gateway.core.errors import GatewayError, HeadTooLarge, SlowSender
from gateway.web.server.limits import ServerLimits


class Pace:
    """The pace of one body that did not come in one piece with its head."""

    __slots__ = ("_limits", "_overhead", "_received", "_since")

    def __init__(self, limits: ServerLimits, now: float) -> None:
        self._limits = limits
        self._since = now
        self._received = 0
        self._overhead = 0

    def arrived(self, size: int, now: float, *, grew: bool) -> GatewayError | None:
        """Counts what has just been read; the error if it is too slow, or nothing but framing for too long.

        `grew`: some of it was body, not chunk extensions or trailers, which could otherwise go on for ever.
        """
        limits = self._limits
        self._received += size
        self._overhead = 0 if grew else self._overhead + size
        if self._overhead > limits.header_bytes:
            return HeadTooLarge(f"Chunk extensions and trailers are over the limit of {limits.header_bytes} bytes.")
        late_s = now - self._since - limits.receive_s
        if late_s > 0 and self._received < late_s * limits.body_rate:
            return SlowSender(f"The body arrived at less than {limits.body_rate} bytes a second.")
        return None

    def excuse(self, seconds: float) -> None:
        """Takes out a time in which the client could not send."""
        self._since += seconds
