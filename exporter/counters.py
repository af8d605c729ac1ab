"""What accumulates from observation to observation.

The counters, the histogram, and when something was last so. Pure.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from exporter.assessment import JudgedObservation
from stagekeeper.diego.observation import AMBIGUOUS, Probe, Reply
from stagekeeper.kube.errors import Forbidden, MalformedResponse, RequestTimeout, Unauthorized, Unavailable, Unreachable

BUCKETS = (0.01, 0.05, 0.25, 1.0, 3.0)
"""Upper bounds in seconds. A ping takes about 6 ms and 0.25 s is slow; the alert on slow probes asks for 1 s; 3 s is
the probe's default timeout."""
FAILURES = tuple(reply for reply in Reply if reply is not Reply.OK)
OTHER = "other"
KUBERNETES_FAILURES = (
    *(each.reason for each in (RequestTimeout, Unreachable, Unavailable, Unauthorized, Forbidden, MalformedResponse)),
    AMBIGUOUS,
    OTHER,
)
"""The reasons of failed reads, few and fixed, so that each can be shown from 0 on."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """A histogram of pings that were answered well; `counts` has one more entry than `BUCKETS`, not cumulated."""

    counts: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    total: float = 0.0

    def add(self, seconds: float) -> "RoundTrips":
        """With one more ping. A bucket's bound belongs to it, as in Prometheus."""
        at = bisect_left(BUCKETS, seconds)
        counts = tuple(count + (index == at) for index, count in enumerate(self.counts))
        return RoundTrips(counts, self.total + seconds)


@dataclass(frozen=True, slots=True)
class Counters:
    """The counts of one environment since this process began. Times are Unix times in seconds."""

    observations: int = 0
    observation_seconds: float | None = None
    observed_at: float | None = None
    probes: int = 0
    failures: Mapping[Reply, int] = field(default_factory=lambda: dict.fromkeys(FAILURES, 0))
    round_trips: RoundTrips = field(default_factory=RoundTrips)
    answered_at: float | None = None
    kubernetes_failures: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KUBERNETES_FAILURES, 0))

    def add(self, assessment: JudgedObservation) -> "Counters":
        """With one more observation.

        An observation that was cut off is none: its age must grow until one ends again.
        """
        counters = self
        if assessment.complete:
            counters = replace(
                counters,
                observations=counters.observations + 1,
                observation_seconds=assessment.seconds,
                observed_at=assessment.ended_at,
            )
        if assessment.service is not None and assessment.applicable:
            counters = counters.with_probe(assessment.service, assessment.ended_at)
        if assessment.kubernetes_failure is not None:
            counts = counters.kubernetes_failures
            reason = assessment.kubernetes_failure if assessment.kubernetes_failure in counts else OTHER
            counters = replace(counters, kubernetes_failures={**counts, reason: counts[reason] + 1})
        return counters

    def with_probe(self, probe: Probe, at: float) -> "Counters":
        """With one more probe of the Service. Only good answers enter the histogram: a refusal takes no time."""
        probed = replace(self, probes=self.probes + 1)
        if probe.reply is not Reply.OK:
            return replace(probed, failures={**self.failures, probe.reply: self.failures[probe.reply] + 1})
        return replace(probed, answered_at=at, round_trips=self.round_trips.add(sum(probe.phases.values())))
