"""The text of a page is the library's, byte for byte, for every family that we can have."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from stagekeeper.service.exposition import text
from stagekeeper.service.metrics import process_registry


def assert_the_librarys(registry: Collector) -> None:
    assert text(registry.collect(), openmetrics=False) == exposition.generate_latest(registry)
    theirs = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    assert text(registry.collect(), openmetrics=True) == theirs


class Given(Collector):
    """Families as they are."""

    def __init__(self, *families: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily) -> None:
        self._families = families

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """Give them."""
        return [*self._families]


WORDS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"\n{}=,# '), max_size=12)


@given(about=WORDS, values=st.lists(st.tuples(WORDS, WORDS, st.floats() | st.integers()), max_size=4))
def test_whatever_help_labels_and_values_say(about: str, values: list[tuple[str, str, float]]) -> None:
    families = (
        GaugeMetricFamily("pods_ready", about, labels=["pod", "environment"]),
        CounterMetricFamily("probes_total", about, labels=["pod", "environment"]),
    )
    for pod, environment, value in values:
        for family in families:
            family.add_metric([pod, environment], value)
    assert_the_librarys(Given(*families))


@pytest.mark.parametrize("value", [0, 1, -1, 0.1, 1e6, 12345678.9, 1e21, 1e-7, math.inf, -math.inf, math.nan, True])
def test_numbers(value: float) -> None:
    buckets = [("0.01", value), ("+Inf", value)]
    histogram = HistogramMetricFamily("round_trip_seconds", "Of a ping.", labels=["environment"])
    histogram.add_metric(["cf"], buckets, value)
    assert_the_librarys(Given(GaugeMetricFamily("up", "Whether.", value=value), histogram))


def test_what_the_programs_register() -> None:
    registry = process_registry("exporter")
    Counter("observations", "Looks.", ["environment"], registry=registry).labels("cf").inc()
    Histogram("seconds", "Of a request.", registry=registry).observe(0.1)
    Gauge("paused", "Whether.", registry=registry).set(1)
    fixed = CollectorRegistry()
    fixed.register(Given(*(family for family in registry.collect() if not family.name.startswith("process_"))))  # type: ignore[arg-type]
    assert_the_librarys(fixed)
