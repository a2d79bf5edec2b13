"""Every metric of the gateway, declared in one table, and the cells that hold their values.

A cell is a plain number behind a tuple of label values: adding to it is one dictionary look-up, where the client
library takes a lock and a call per label. The library still keeps the registry and writes the exposition.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
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
        "fleetgate_request_duration_seconds", "histogram", "From the head of the request to its settlement.", ("operation", "target")
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
    Declared("fleetgate_config_reloads_total", "counter", "Attempts to load a changed configuration.", ("result",)),
)


class Counter:
    """A sum for each tuple of label values."""

    def __init__(self) -> None:
        self.cells: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Adds `amount` (not negative) to the cell of these label values."""
        self.cells[labels] = self.cells.get(labels, 0) + amount


class Histogram:
    """A distribution for each tuple of label values, in buckets of `SECONDS`."""

    def __init__(self) -> None:
        self.cells: dict[Labels, list[float]] = {}

    def observe(self, labels: Labels, seconds: float) -> None:
        """Counts one observation. A cell holds the count of each bucket, then the sum."""
        cell = self.cells.get(labels)
        if cell is None:
            cell = self.cells[labels] = [0] * (len(SECONDS) + 2)
        cell[bisect_left(SECONDS, seconds)] += 1
        cell[-1] += seconds


class Metrics(Collector):
    """The metrics of one process."""

    def __init__(self, table: Sequence[Declared] = METRICS) -> None:
        self._declared = {one.name: one for one in table}
        self._counters = {one.name: Counter() for one in table if one.kind == "counter"}
        self._histograms = {one.name: Histogram() for one in table if one.kind == "histogram"}
        self._gauges: dict[str, Callable[[], float]] = {}
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
                    read = self._gauges.get(one.name)
                    yield GaugeMetricFamily(one.name, one.says, read() if read is not None else 0)


def _counted(one: Declared, counter: Counter) -> CounterMetricFamily:
    family = CounterMetricFamily(one.name, one.says, labels=one.labels)
    for labels, value in list(counter.cells.items()):  # in one piece: a scrape runs in a thread
        family.add_metric(labels, value)
    return family


def _distributed(one: Declared, histogram: Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(one.name, one.says, labels=one.labels)
    bounds = [*map(str, SECONDS), "+Inf"]
    for labels, cell in list(histogram.cells.items()):
        family.add_metric(labels, list(zip(bounds, accumulate(cell[:-1]), strict=True)), cell[-1])
    return family
