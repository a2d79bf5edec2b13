"""Opens the record of a call and joins the caller's trace; when the outcome is known, counts it and logs what went wrong."""

import logging
import os
from collections.abc import Iterator
from typing import Final

from gateway.core.clock import Clock
from gateway.core.exchange import Ending, Exchange
from gateway.core.record import Record, TraceContext, Usage
from gateway.telemetry.metrics import Metrics

log = logging.getLogger("fleetgate.requests")

UNKNOWN: Final = "-"


class Trace:
    """The first to enter and the last to settle: sees every call whole."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._clock = clock
        self._requests = metrics.counter("fleetgate_requests_total")
        self._duration = metrics.histogram("fleetgate_request_duration_seconds")
        self._first_byte = metrics.histogram("fleetgate_time_to_first_byte_seconds")
        self._tokens = metrics.counter("fleetgate_tokens_total")
        self._unexact = metrics.counter("fleetgate_usage_estimated_total")

    def run(self, exchange: Exchange) -> Iterator[None]:
        exchange.record = Record(trace_context(exchange.headers.get(b"traceparent")))
        yield
        self._count(exchange)
        outcome = exchange.outcome
        if outcome is not None and outcome.ending is not Ending.COMPLETE:
            self._tell(exchange)

    def _count(self, exchange: Exchange) -> None:
        outcome = exchange.outcome
        assert outcome is not None  # a settlement runs when the outcome is known
        operation = exchange.operation.label
        tenant = exchange.principal.tenant.name if exchange.knows("principal") else UNKNOWN
        target = exchange.target.label if exchange.knows("target") else UNKNOWN
        status = outcome.error.status if outcome.error is not None else 200
        self._requests.add((operation, tenant, target, outcome.ending.value, str(status)))
        self._duration.observe((operation, target), self._clock.now_s() - exchange.born_s)
        if exchange.record.first_byte_s is not None:
            self._first_byte.observe((operation, target), exchange.record.first_byte_s - exchange.born_s)
        if exchange.knows("usage"):
            self._spend(exchange.usage, tenant, target)

    def _spend(self, usage: Usage, tenant: str, target: str) -> None:
        tokens = self._tokens
        tokens.add((tenant, target, "input"), usage.input_tokens)
        tokens.add((tenant, target, "output"), usage.output_tokens)
        if usage.cached_tokens:
            tokens.add((tenant, target, "cached_input"), usage.cached_tokens)
        if usage.reasoning_tokens:
            tokens.add((tenant, target, "reasoning"), usage.reasoning_tokens)
        if not usage.exact:
            self._unexact.add((tenant, target))

    def _tell(self, exchange: Exchange) -> None:
        outcome = exchange.outcome
        assert outcome is not None
        error = outcome.error
        level = logging.WARNING if outcome.ending in (Ending.FAILED, Ending.TRUNCATED) else logging.INFO
        if not log.isEnabledFor(level):
            return
        fields = {
            "request": exchange.id,
            "ending": outcome.ending.value,
            "code": (error.code or type(error).__name__) if error is not None else None,
            "target": exchange.target.label if exchange.knows("target") else None,
            "seconds": round(self._clock.now_s() - exchange.born_s, 3),
        }
        log.log(level, "request_ended", extra={"fields": {key: value for key, value in fields.items() if value is not None}})


def trace_context(traceparent: bytes | None) -> TraceContext | None:
    """Our place in the caller's trace; None where no valid `traceparent` came (W3C Trace Context, section 3.2)."""
    if traceparent is None:
        return None
    parts = traceparent.decode("latin-1").strip().split("-")
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2] or parts[0] == "ff":
        return None
    try:
        trace, parent, flags = int(parts[1], 16), int(parts[2], 16), int(parts[3], 16)
    except ValueError:
        return None
    if not trace or not parent:
        return None
    return TraceContext(parts[1].lower(), os.urandom(8).hex(), bool(flags & 1))
