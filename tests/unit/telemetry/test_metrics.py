"""The metrics' cells, as a scrape sees them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.metrics import METRICS, Declared, Metrics

TABLE = (
    Declared("a_total", "counter", "A.", ("who",)),
    Declared("b_seconds", "histogram", "B.", ("who",)),
    Declared("c", "gauge", "C."),
)


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, sample.labels.get("le", sample.labels.get("who", ""))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_histograms_and_gauges_are_exposed() -> None:
    metrics = Metrics(TABLE)
    metrics.counter("a_total").at("x").add()
    metrics.counter("a_total").at("x").add(2)
    for seconds in (0.005, 0.3, 9999.0):
        metrics.histogram("b_seconds").at("x").observe(seconds)
    metrics.gauge("c", lambda: 5)
    seen = samples(metrics)
    assert seen["a_total", "x"] == 3
    assert seen["b_seconds_bucket", "0.005"] == 1
    assert seen["b_seconds_bucket", "0.25"] == 1
    assert seen["b_seconds_bucket", "0.5"] == 2
    assert seen["b_seconds_bucket", "600.0"] == 2
    assert seen["b_seconds_bucket", "+Inf"] == 3
    assert seen["b_seconds_count", "x"] == 3
    assert seen["b_seconds_sum", "x"] == pytest.approx(9999.305)
    assert seen["c", ""] == 5


def test_what_is_not_declared_cannot_be_counted() -> None:
    metrics = Metrics(TABLE)
    with pytest.raises(KeyError):
        metrics.counter("b_seconds")
    with pytest.raises(KeyError):
        metrics.gauge("a_total", lambda: 1)


def test_every_declared_metric_says_what_it_is_and_has_its_unit_in_its_name() -> None:
    for one in METRICS:
        assert one.name.startswith("fleetgate_")
        assert one.says.endswith(".")
        assert one.kind != "counter" or one.name.endswith("_total")
        assert one.kind != "histogram" or one.name.endswith("_seconds")
