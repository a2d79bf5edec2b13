"""Every metric of the gateway, declared in one table, and the cells that hold their values.

A cell is a plain number behind a tuple of label values, to be looked up once and kept; the client library would take a
lock and two calls for every addition. The library still keeps the registry and writes the exposition.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Labels = tuple[str, ...]

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bucket bounds: from a cache hit to the longest answer."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as it is written in the table."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    says: str
    labels: Labels = ()


METRICS: Final = (
    Declared(
        "fleetgate_requests_total",
        "counter",
        "Calls that ended, by how they ended.",
        ("operation", "tenant", "target", "ending", "status"),
    ),
    Declared(
        "fleetgate_request_duration_seconds",
        "histogram",
        "From the head of the request to its settlement.",
        ("operation", "target"),
    ),
    Declared(
        "fleetgate_time_to_first_byte_seconds",
        "histogram",
        "From the head of the request to the first content of the answer.",
        ("operation", "target"),
    ),
    Declared("fleetgate_tokens_total", "counter", "Tokens used, as reported or estimated.", ("tenant", "target", "kind")),
    Declared("fleetgate_usage_estimated_total", "counter", "Answers whose usage had to be estimated.", ("tenant", "target")),
    Declared("fleetgate_in_flight", "gauge", "Calls in flight now."),
    Declared("fleetgate_attempts_total", "counter", "Tries at targets, by what came of them.", ("target", "result")),
    Declared("fleetgate_retries_total", "counter", "Tries at a target that had failed in the same call.", ("target",)),
    Declared("fleetgate_failovers_total", "counter", "Tries at another target after a failure.", ("from", "to")),
    Declared("fleetgate_hedges_total", "counter", "Tries beside one that was slow to begin.", ("target", "result")),
    Declared("fleetgate_target_state", "gauge", "0 closed, 1 cooling, 2 half-open, 3 open.", ("target",)),
    Declared(
        "fleetgate_upstream_credentials_refused_total",
        "counter",
        "Calls that a provider refused because of the gateway's own key.",
        ("provider",),
    ),
    Declared("fleetgate_config_reloads_total", "counter", "Attempts to load a changed configuration.", ("result",)),
)


class Sum:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def add(self, amount: float = 1) -> None:
        """Adds `amount`, which is not negative."""
        self.value += amount


class Distribution:
    """How often a duration fell into each bucket of `SECONDS`, and the sum of all."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.sum: float = 0

    def observe(self, seconds: float) -> None:
        """Counts one duration."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum += seconds


class Counter:
    """A sum for each tuple of label values."""

    def __init__(self) -> None:
        self.cells: dict[Labels, Sum] = {}

    def at(self, *labels: str) -> Sum:
        """The cell of these label values; whoever counts often keeps it."""
        return self.cells.setdefault(labels, Sum())


class Histogram:
    """A distribution for each tuple of label values."""

    def __init__(self) -> None:
        self.cells: dict[Labels, Distribution] = {}

    def at(self, *labels: str) -> Distribution:
        """The cell of these label values; whoever observes often keeps it."""
        return self.cells.setdefault(labels, Distribution())


class Metrics(Collector):
    """The metrics of one process."""

    def __init__(self, table: Sequence[Declared] = METRICS) -> None:
        self._declared = {one.name: one for one in table}
        self._counters = {one.name: Counter() for one in table if one.kind == "counter"}
        self._histograms = {one.name: Histogram() for one in table if one.kind == "histogram"}
        self._gauges: dict[str, Callable[[], Mapping[Labels, float]]] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def counter(self, name: str) -> Counter:
        """The counter declared under this name; KeyError for one that is not in the table."""
        return self._counters[name]

    def histogram(self, name: str) -> Histogram:
        """The histogram declared under this name; KeyError for one that is not in the table."""
        return self._histograms[name]

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Sets where the value of a declared gauge is read from."""
        self.gauges(name, lambda: {(): read()})

    def gauges(self, name: str, read: Callable[[], Mapping[Labels, float]]) -> None:
        """The same for a gauge with labels: a value for each tuple of their values."""
        if self._declared[name].kind != "gauge":
            raise KeyError(name)
        self._gauges[name] = read

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        for one in self._declared.values():
            match one.kind:
                case "counter":
                    yield _counted(one, self._counters[one.name])
                case "histogram":
                    yield _distributed(one, self._histograms[one.name])
                case "gauge":
                    yield _read(one, self._gauges.get(one.name))


def _read(one: Declared, read: Callable[[], Mapping[Labels, float]] | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(one.name, one.says, labels=one.labels)
    for labels, value in (read() if read is not None else {} if one.labels else {(): 0.0}).items():
        family.add_metric(labels, value)
    return family


def _counted(one: Declared, counter: Counter) -> CounterMetricFamily:
    family = CounterMetricFamily(one.name, one.says, labels=one.labels)
    for labels, cell in list(counter.cells.items()):  # in one piece: a scrape runs in a thread
        family.add_metric(labels, cell.value)
    return family


def _distributed(one: Declared, histogram: Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(one.name, one.says, labels=one.labels)
    bounds = [*map(str, SECONDS), "+Inf"]
    for labels, cell in list(histogram.cells.items()):
        family.add_metric(labels, list(zip(bounds, accumulate(cell.counts), strict=True)), cell.sum)
    return family
