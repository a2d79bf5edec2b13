"""Opens the record of a call and joins the caller's trace; when the outcome is known, counts it and logs what went wrong."""

import logging
import os
from collections.abc import Iterator
from typing import Final

from gateway.core.chat import Operation
from gateway.core.clock import Clock
from gateway.core.exchange import Ending, Exchange, Outcome
from gateway.core.record import Record, TraceContext, Usage
from gateway.telemetry.metrics import Metrics

log = logging.getLogger("fleetgate.requests")

UNKNOWN: Final = "-"

LEVELS: Final = {Ending.COMPLETE: logging.DEBUG, Ending.FAILED: logging.WARNING, Ending.TRUNCATED: logging.WARNING}
"""How loud an ending is in the log; the others are for information."""

CLIENT_ID_LIMIT: Final = 128
"""Characters of a caller's own request id that a log line repeats."""


class Trace:
    """The first to enter and the last to settle: sees every call whole."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._cells: dict[tuple[Operation, str, str, Ending, int], Cells] = {}

    def run(self, exchange: Exchange) -> Iterator[None]:
        headers = exchange.headers
        traceparent, client_id = headers.get(b"traceparent"), headers.get(b"x-client-request-id")
        exchange.record = Record(trace_context(traceparent) if traceparent is not None else None)
        yield
        outcome = exchange.outcome
        assert outcome is not None  # a settlement runs when the outcome is known
        self._count(exchange, outcome)
        if outcome.ending is not Ending.COMPLETE or log.isEnabledFor(logging.DEBUG):
            self._tell(exchange, outcome, client_id)

    def _count(self, exchange: Exchange, outcome: Outcome) -> None:
        facts = exchange.facts
        tenant = facts["principal"].tenant.name if "principal" in facts else UNKNOWN
        target = facts["target"].label if "target" in facts else UNKNOWN
        status = 200 if outcome.error is None else outcome.error.status
        key = exchange.operation, tenant, target, outcome.ending, status
        cells = self._cells.get(key)
        if cells is None:
            cells = self._cells[key] = Cells(self._metrics, *key)
        cells.count(self._clock.now_s() - exchange.born_s, exchange.record.first_byte_s, exchange.born_s, facts.get("usage"))

    def _tell(self, exchange: Exchange, outcome: Outcome, client_id: bytes | None) -> None:
        error = outcome.error
        level = LEVELS.get(outcome.ending, logging.INFO)
        if not log.isEnabledFor(level):
            return
        fields = {
            "request": exchange.id,
            "ending": outcome.ending.value,
            "code": (error.code or type(error).__name__) if error is not None else None,
            "target": exchange.target.label if exchange.knows("target") else None,
            "seconds": round(self._clock.now_s() - exchange.born_s, 3),
            "client_request": client_request(client_id),
        }
        log.log(level, "request_ended", extra={"fields": {key: value for key, value in fields.items() if value is not None}})


def client_request(header: bytes | None) -> str | None:
    """The caller's own id of its request, for the log; None where it is none that a log should hold."""
    told = (header or b"").decode("latin-1")
    return told if told.isascii() and told.isprintable() and 0 < len(told) <= CLIENT_ID_LIMIT and " " not in told else None


class Cells:
    """The cells that one kind of call is counted in, looked up once."""

    def __init__(self, metrics: Metrics, operation: Operation, tenant: str, target: str, ending: Ending, status: int) -> None:
        self._calls = metrics.counter("fleetgate_requests_total").at(operation.label, tenant, target, ending.value, str(status))
        self._duration = metrics.histogram("fleetgate_request_duration_seconds").at(operation.label, target)
        self._first_byte = metrics.histogram("fleetgate_time_to_first_byte_seconds").at(operation.label, target)
        tokens = metrics.counter("fleetgate_tokens_total")
        self._input, self._output = tokens.at(tenant, target, "input"), tokens.at(tenant, target, "output")
        self._cached, self._written = tokens.at(tenant, target, "cached_input"), tokens.at(tenant, target, "cache_write")
        self._reasoning = tokens.at(tenant, target, "reasoning")
        self._estimated = metrics.counter("fleetgate_usage_estimated_total").at(tenant, target)

    def count(self, seconds: float, first_byte_s: float | None, born_s: float, usage: Usage | None) -> None:
        """Counts one call that took `seconds`; the other two times are readings of the clock."""
        self._calls.value += 1
        self._duration.observe(seconds)
        if first_byte_s is not None:
            self._first_byte.observe(first_byte_s - born_s)
        if usage is not None:
            self._input.value += usage.input_tokens
            self._output.value += usage.output_tokens
            self._cached.value += usage.cached_tokens
            self._written.value += usage.cache_write_tokens
            self._reasoning.value += usage.reasoning_tokens
            if not usage.exact:
                self._estimated.value += 1


def trace_context(traceparent: bytes) -> TraceContext | None:
    """Our place in the caller's trace; None where `traceparent` is not valid (W3C Trace Context, section 3.2)."""
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
