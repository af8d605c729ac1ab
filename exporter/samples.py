"""The samples of each series, from what one scrape knows of one environment. Pure.

Each function yields `(label values, value)`; where something is unknown it yields nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from exporter.assessment import Assessment
from exporter.tally import Tally
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.domains import CF_APPS
from stagekeeper.diego.observation import BbsPod, Domains, Observation, Probe, Reply

Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one scrape knows of one environment."""

    environment: str
    assessment: Assessment | None
    """None: the observation did not end in the time that this scraper has."""
    tally: Tally
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


def reachable(seen: Seen) -> Iterator[Sample]:
    """1 or 0; nothing if the Service was not probed."""
    if seen.diego and seen.assessment and seen.assessment.reachable is not None:
        yield (), float(seen.assessment.reachable)


def ready(seen: Seen) -> Iterator[Sample]:
    """How many pods have all containers ready, as `kubectl get pods` counts (2/2)."""
    if seen.pods is not None:
        yield (), sum(each.pod.all_ready for each in seen.pods)


def active(seen: Seen) -> Iterator[Sample]:
    """How many pods count as active; nothing where the platform does not set the label."""
    if seen.pods is not None and all(each.labelled_active is not None for each in seen.pods):
        yield (), sum(each.counts_as_active for each in seen.pods)


def desired(seen: Seen) -> Iterator[Sample]:
    """Replicas; nothing if no StatefulSet was read."""
    if seen.diego and seen.diego.known_workloads:
        yield (), seen.diego.desired


def diagnosis(seen: Seen) -> Iterator[Sample]:
    """1 for the diagnosis that was made, 0 for all others."""
    if seen.assessment:
        for name in Condition:
            yield (name.value,), float(name is seen.assessment.diagnosis.name)


def pod_ready(seen: Seen) -> Iterator[Sample]:
    """Whether all containers are ready."""
    yield from _by_pod(seen, lambda each: each.pod.all_ready)


def pod_active(seen: Seen) -> Iterator[Sample]:
    """Whether it counts as active; nothing where the platform does not set the label."""
    yield from _by_pod(seen, lambda each: None if each.labelled_active is None else each.counts_as_active)


def pod_accepts(seen: Seen) -> Iterator[Sample]:
    """Whether somebody listens on its port, as far as that is known without a client certificate too."""
    yield from _by_pod(seen, lambda each: None if each.reply is None else each.reply.accepted)


def pod_serving(seen: Seen) -> Iterator[Sample]:
    """Whether its port answered a ping; nothing for a pod that could not be asked, or only for a TCP connection."""
    yield from _by_pod(seen, lambda each: None if each.reply is None or each.by_tcp else each.reply is Reply.OK)


def phases(seen: Seen) -> Iterator[Sample]:
    """The phases that the last probe of the Service came to."""
    if seen.diego and isinstance(seen.diego.service, Probe):
        for phase, seconds in seen.diego.service.phases.items():
            yield (phase,), seconds


def probes(seen: Seen) -> Iterator[Sample]:
    """All probes of the Service."""
    if seen.applicable:
        yield (), seen.tally.probes


def failures(seen: Seen) -> Iterator[Sample]:
    """All reasons, also those that have not been met, so that a rate sees the first."""
    if seen.applicable:
        for reason, count in seen.tally.failures.items():
            yield (reason.value,), count


def answered(seen: Seen) -> Iterator[Sample]:
    """Nothing until the first success."""
    if seen.applicable and seen.tally.answered_at is not None:
        yield (), seen.tally.answered_at


def certificates(seen: Seen) -> Iterator[Sample]:
    """The server's (of all that were shown, the first to end), the client's and the CA's."""
    if not seen.applicable:
        return
    parts = [seen.diego.service, *(each.probe for each in seen.pods or ())] if seen.diego else []
    shown = [part.certificate_ends for part in parts if isinstance(part, Probe) and part.certificate_ends]
    if shown:
        yield ("server",), min(shown).timestamp()
    for which, date in seen.certificates.items():
        yield (which,), date.timestamp()


def kubernetes_up(seen: Seen) -> Iterator[Sample]:
    """Whether the observation could read what pods and StatefulSets there are."""
    if seen.assessment:
        yield (), float(seen.assessment.kubernetes_failure is None)


def kubernetes_failures(seen: Seen) -> Iterator[Sample]:
    """All reasons, also those that have not been met, so that a rate sees the first."""
    for reason, count in seen.tally.kubernetes_failures.items():
        yield (reason,), count


def deep(seen: Seen) -> Iterator[Sample]:
    """1 or 0; nothing where no deep probe was made."""
    if seen.domains:
        yield (), float(seen.domains.listed)


def cf_apps(seen: Seen) -> Iterator[Sample]:
    """Whether the domain is among them; nothing where no list came."""
    if seen.domains and seen.domains.listed:
        yield (), float(CF_APPS in seen.domains.names)


def observations(seen: Seen) -> Iterator[Sample]:
    """All observations that ended."""
    yield (), seen.tally.observations


def observation_seconds(seen: Seen) -> Iterator[Sample]:
    """Nothing until an observation has ended."""
    if seen.tally.observation_seconds is not None:
        yield (), seen.tally.observation_seconds


def observed_at(seen: Seen) -> Iterator[Sample]:
    """Nothing until an observation has ended."""
    if seen.tally.observed_at is not None:
        yield (), seen.tally.observed_at


def _by_pod(seen: Seen, value: Callable[[BbsPod], bool | None]) -> Iterator[Sample]:
    for each in seen.pods or ():
        known = value(each)
        if known is not None:
            yield (each.pod.name,), float(known)
