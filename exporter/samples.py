"""The samples of each series, from what one scrape knows of one environment. Pure.

Each function yields `(label values, value)`; where something is unknown it yields nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from exporter.assessment import JudgedObservation
from exporter.counters import Counters
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.domains import CF_APPS
from stagekeeper.diego.observation import BbsPod, Domains, Observation, Probe, Reply
from stagekeeper.diego.profiles import ReadinessMeaning

Sample = tuple[tuple[str, ...], float]
MOST_PODS = 32
"""Pods of an environment that have series of their own. The field has 1 to 3 BBS; whoever may create pods with their
label could else fill Prometheus' memory."""


@dataclass(frozen=True, slots=True)
class ScrapeData:
    """What one scrape knows of one environment."""

    environment: str
    assessment: JudgedObservation | None
    """None: the observation did not end in the time that this scraper has."""
    counters: Counters
    certificates: Mapping[str, datetime]
    """Dates of the environment's own files, by `client` and `ca`."""
    applicable: bool = True
    """False: the latest observation found no Diego, so there is nothing to count."""

    @property
    def diego(self) -> Observation | None:
        """The observation, where there is one and it has a Diego in it."""
        return self.assessment.observation if self.assessment and self.assessment.applicable else None

    @property
    def pods(self) -> tuple[BbsPod, ...] | None:
        """The BBS pods; None where they are not known."""
        return self.diego.pods if self.diego and isinstance(self.diego.pods, tuple) else None

    @property
    def domains(self) -> Domains | None:
        """What the deep probe was told; None where there was none."""
        return self.diego.domains if self.diego and isinstance(self.diego.domains, Domains) else None


def reachable(data: ScrapeData) -> Iterator[Sample]:
    """1 or 0; nothing if the Service was not probed."""
    if data.diego and data.assessment and data.assessment.reachable is not None:
        yield (), float(data.assessment.reachable)


def ready(data: ScrapeData) -> Iterator[Sample]:
    """How many pods have all containers ready, as `kubectl get pods` counts (2/2)."""
    if data.pods is not None:
        yield (), sum(each.pod.all_ready for each in data.pods)


def active(data: ScrapeData) -> Iterator[Sample]:
    """How many pods count as active; nothing where the platform does not set the label."""
    if data.pods is not None and all(each.labelled_active is not None for each in data.pods):
        yield (), sum(each.counts_as_active for each in data.pods)


def desired(data: ScrapeData) -> Iterator[Sample]:
    """Replicas that are to be ready: 1 where only the active pod becomes so. Nothing if no StatefulSet was read."""
    if data.diego and data.diego.known_workloads:
        alone = data.diego.readiness is ReadinessMeaning.ACTIVE
        yield (), min(data.diego.desired, 1) if alone else data.diego.desired


def diagnosis(data: ScrapeData) -> Iterator[Sample]:
    """1 for the diagnosis that was made, 0 for all others."""
    if data.assessment:
        for name in Condition:
            yield (name.value,), float(name is data.assessment.diagnosis.name)


def pod_ready(data: ScrapeData) -> Iterator[Sample]:
    """Whether all containers are ready."""
    yield from _by_pod(data, lambda each: each.pod.all_ready)


def pod_active(data: ScrapeData) -> Iterator[Sample]:
    """Whether it counts as active; nothing where the platform does not set the label."""
    yield from _by_pod(data, lambda each: None if each.labelled_active is None else each.counts_as_active)


def pod_accepts(data: ScrapeData) -> Iterator[Sample]:
    """Whether somebody listens on its port, as far as that is known without a client certificate too."""
    yield from _by_pod(data, lambda each: None if each.reply is None else each.reply.accepted)


def pod_serving(data: ScrapeData) -> Iterator[Sample]:
    """Whether its port answered a ping; nothing for a pod that could not be asked, or only for a TCP connection."""
    yield from _by_pod(data, lambda each: None if each.reply is None or each.by_tcp else each.reply is Reply.OK)


def pods_left_out(data: ScrapeData) -> Iterator[Sample]:
    """How many pods have no series of their own, since there are too many."""
    if data.pods is not None:
        yield (), max(0, len(data.pods) - MOST_PODS)


def phases(data: ScrapeData) -> Iterator[Sample]:
    """The phases that the last probe of the Service came to."""
    if data.diego and isinstance(data.diego.service, Probe):
        for phase, seconds in data.diego.service.phases.items():
            yield (phase,), seconds


def probes(data: ScrapeData) -> Iterator[Sample]:
    """All probes of the Service."""
    if data.applicable:
        yield (), data.counters.probes


def failures(data: ScrapeData) -> Iterator[Sample]:
    """All reasons, also those that have not been met, so that a rate sees the first."""
    if data.applicable:
        for reason, count in data.counters.failures.items():
            yield (reason.value,), count


def answered(data: ScrapeData) -> Iterator[Sample]:
    """Nothing until the first success."""
    if data.applicable and data.counters.answered_at is not None:
        yield (), data.counters.answered_at


def certificates(data: ScrapeData) -> Iterator[Sample]:
    """The server's (of all that were shown, the first to end), the client's and the CA's."""
    if not data.applicable:
        return
    parts = [data.diego.service, *(each.probe for each in data.pods or ())] if data.diego else []
    shown = [part.certificate_ends for part in parts if isinstance(part, Probe) and part.certificate_ends]
    if shown:
        yield ("server",), min(shown).timestamp()
    for which, date in data.certificates.items():
        yield (which,), date.timestamp()


def kubernetes_up(data: ScrapeData) -> Iterator[Sample]:
    """Whether the observation could read what pods and StatefulSets there are."""
    if data.assessment:
        yield (), float(data.assessment.kubernetes_failure is None)


def kubernetes_failures(data: ScrapeData) -> Iterator[Sample]:
    """All reasons, also those that have not been met, so that a rate sees the first."""
    for reason, count in data.counters.kubernetes_failures.items():
        yield (reason,), count


def deep(data: ScrapeData) -> Iterator[Sample]:
    """1 or 0; nothing where no deep probe was made."""
    if data.domains:
        yield (), float(data.domains.listed)


def cf_apps(data: ScrapeData) -> Iterator[Sample]:
    """Whether the domain is among them; nothing where no list came."""
    if data.domains and data.domains.listed:
        yield (), float(CF_APPS in data.domains.names)


def observations(data: ScrapeData) -> Iterator[Sample]:
    """All observations that ended."""
    yield (), data.counters.observations


def observation_seconds(data: ScrapeData) -> Iterator[Sample]:
    """Nothing until an observation has ended."""
    if data.counters.observation_seconds is not None:
        yield (), data.counters.observation_seconds


def observed_at(data: ScrapeData) -> Iterator[Sample]:
    """Nothing until an observation has ended."""
    if data.counters.observed_at is not None:
        yield (), data.counters.observed_at


def _by_pod(data: ScrapeData, value: Callable[[BbsPod], bool | None]) -> Iterator[Sample]:
    for each in _shown(data):
        known = value(each)
        if known is not None:
            yield (each.pod.name,), float(known)


def _shown(data: ScrapeData) -> list[BbsPod]:
    """The pods that have series; if they are too many, those that belong to a StatefulSet of ours come first."""
    owners = {each.name for each in data.diego.known_workloads} if data.diego else set()
    return sorted(data.pods or (), key=lambda each: each.pod.owner not in owners)[:MOST_PODS]
