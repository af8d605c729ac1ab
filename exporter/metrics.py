"""The metric families of one scrape, made afresh from what was seen, so that no series lingers. Pure.

What is not known has no series: a part that could not be read yields no sample, never a 0.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporter import samples
from exporter.counters import BUCKETS
from exporter.samples import Sample, ScrapeData
from exporter.settings import Reloads

ROUND_TRIP = "bbs_probe_round_trip_seconds"


@dataclass(frozen=True, slots=True)
class Series:
    """One family: its name, what it says, its labels next to `environment`, and where its samples come from."""

    name: str
    about: str
    samples: Callable[[ScrapeData], Iterable[Sample]]
    labels: tuple[str, ...] = ()


SERIES = (
    Series(
        "bbs_reachable",
        "Whether the Service led to a BBS that serves; with TCP probes: to somebody who listens.",
        samples.reachable,
    ),
    Series("diego_api_ready", "BBS pods of which all containers are ready.", samples.ready),
    Series("active_bbs_count", "BBS pods labelled active, Ready and not terminating. Normal is 1.", samples.active),
    Series(
        "diego_api_desired",
        "BBS pods that should be ready: the replicas, or 1 where only the active one is.",
        samples.desired,
    ),
    Series(
        "diego_bbs_diagnosis",
        "What the last observation means: 1 for one of all diagnoses.",
        samples.diagnosis,
        ("diagnosis",),
    ),
    Series("diego_api_pod_ready", "Whether all containers of the pod are ready.", samples.pod_ready, ("pod",)),
    Series(
        "diego_api_pod_active",
        "Whether the pod is labelled active, Ready and not terminating.",
        samples.pod_active,
        ("pod",),
    ),
    Series(
        "diego_api_pod_accepts",
        "Whether the pod's own BBS port accepts connections.",
        samples.pod_accepts,
        ("pod",),
    ),
    Series(
        "diego_api_pod_serving",
        "Whether the pod's own BBS port answered a ping.",
        samples.pod_serving,
        ("pod",),
    ),
    Series(
        "diego_api_pods_left_out",
        "BBS pods without series of their own, since there are too many. Normal is 0.",
        samples.pods_left_out,
    ),
    Series(
        "bbs_probe_duration_seconds", "Time of the last probe of the Service, by phase.", samples.phases, ("phase",)
    ),
    Series("bbs_probes_total", "Probes of the Service.", samples.probes),
    Series(
        "bbs_probe_failures_total",
        "Probes of the Service that found no BBS that serves.",
        samples.failures,
        ("reason",),
    ),
    Series(
        "bbs_last_success_timestamp_seconds",
        "When a probe of the Service last found a BBS that serves.",
        samples.answered,
    ),
    Series(
        "bbs_certificate_expiry_timestamp_seconds",
        "NotAfter of the certificate, Unix time.",
        samples.certificates,
        ("which",),
    ),
    Series("bbs_deep_probe_success", "Whether the BBS could list its domains from its database.", samples.deep),
    Series(
        "bbs_deep_probe_cf_apps_fresh",
        "Whether the domain cf-apps is fresh: the Cloud Controller's bulk sync works.",
        samples.cf_apps,
    ),
    Series(
        "stagekeeper_kubernetes_up",
        "Whether the Kubernetes API could be read at the last check.",
        samples.kubernetes_up,
    ),
    Series(
        "stagekeeper_kubernetes_failures_total",
        "Checks in which the Kubernetes API could not be read, by reason.",
        samples.kubernetes_failures,
        ("reason",),
    ),
    Series("stagekeeper_observations_total", "Completed checks.", samples.observations),
    Series("stagekeeper_observation_duration_seconds", "Duration of the last check.", samples.observation_seconds),
    Series("stagekeeper_last_observation_timestamp_seconds", "Time of the last check, Unix time.", samples.observed_at),
)


class Scrape(Collector):
    """Everything that one answer to a scrape says: what was seen, and what `process` says of this process."""

    def __init__(self, data: tuple[ScrapeData, ...], reloads: Reloads, process: Collector) -> None:
        self._data, self._reloads, self._process = data, reloads, process

    def collect(self) -> Iterator[Metric]:
        """The families, each once."""
        yield from self._process.collect()
        yield from families(self._data)
        yield from _reloads(self._reloads)


def families(data: tuple[ScrapeData, ...]) -> Iterator[Metric]:
    """The families that speak of environments; one without samples is left out."""
    for series in SERIES:
        family = _family(series)
        for each in data:
            for labels, value in series.samples(each):
                family.add_metric([each.environment, *labels], value)
        if family.samples:
            yield family
    histogram = HistogramMetricFamily(
        ROUND_TRIP, "Round-trip time of successful BBS pings through the Service.", labels=["environment"]
    )
    for each in data:
        if each.applicable:
            histogram.add_metric(
                [each.environment], _cumulated(each.counters.round_trips.counts), each.counters.round_trips.total
            )
    if histogram.samples:
        yield histogram


def _family(series: Series) -> GaugeMetricFamily | CounterMetricFamily:
    kind = CounterMetricFamily if series.name.endswith("_total") else GaugeMetricFamily
    return kind(series.name, series.about, labels=["environment", *series.labels])


def _cumulated(counts: tuple[int, ...]) -> list[tuple[str, float]]:
    bounds = [*map(str, BUCKETS), "+Inf"]
    return [(bound, sum(counts[: index + 1])) for index, bound in enumerate(bounds)]


def _reloads(reloads: Reloads) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "stagekeeper_config_last_reload_successful",
        "Whether the last configuration reload was successful.",
        value=float(reloads.successful),
    )
    yield GaugeMetricFamily(
        "stagekeeper_config_last_reload_success_timestamp_seconds",
        "When the configuration was last reloaded successfully, Unix time.",
        value=reloads.succeeded_at,
    )
