"""The worker's ports, the store of remediations and the Alertmanagers of a replay, all in memory."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.agenda import Agenda
from incidents.cluster import Cluster
from incidents.events import Deletions
from incidents.format import ALERTMANAGER, AlertWord, PauseChange, Situation
from incidents.records import Records
from incidents.words import Delete, Part
from remediator import pausing
from remediator.gates import AlertSeen, Pause, Seen
from remediator.remediation import Remediation, Request
from remediator.streaks import Assessment, Moment
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.kube.errors import Conflict, NotFound, Unavailable, Unreachable
from stagekeeper.kube.objects import Pod, timestamp

_SEEN: dict[AlertWord, tuple[Seen, str]] = {
    "active": (Seen.ACTIVE, ""),
    "absent": (Seen.ABSENT, ""),
    "unreachable": (Seen.UNREADABLE, "no answer in time"),
    "silenced": (Seen.SUPPRESSED, "silenced"),
    "inhibited": (Seen.SUPPRESSED, "inhibited"),
    "muted": (Seen.SUPPRESSED, "muted"),
}


class Killed(Exception):
    """The remediator was killed at this point."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a replay's timeline: a transition, or a deletion that was carried out."""

    seconds: float
    time: datetime
    remediation: str
    phase: str
    reason: str
    deleted: tuple[str, ...]
    message: str


class ModelPorts:
    """Implements `remediator.ports.Ports` and `remediator.opening.Store`."""

    def __init__(self, cluster: Cluster, agenda: Agenda, records: Records, pods: Deletions) -> None:
        self.lines: list[Line] = []
        self.next_deletes: deque[Delete] = deque()
        self.alerting: dict[str, AlertWord] = {ALERTMANAGER: "absent"}
        self._cluster, self._agenda, self._records, self._pods = cluster, agenda, records, pods
        self._paused: PauseChange | None = None
        self._firing_since = agenda.start

    def apply(self, situation: Situation) -> None:
        """What a situation changes around the cluster."""
        if "pause" in situation.model_fields_set:
            self._paused = situation.pause
        self.next_deletes.extend(situation.next_deletes)
        if situation.alert:
            was_firing = self.firing
            self.alerting = dict(situation.alert)
            self._firing_since = self._firing_since if was_firing else self._agenda.now

    @property
    def firing(self) -> bool:
        """Whether some Alertmanager has the alert."""
        return any(word not in {"absent", "unreachable"} for word in self.alerting.values())

    @property
    def firing_since(self) -> str:
        """`startsAt` of the alert."""
        return timestamp(self._firing_since)

    # What the worker asks -----------------------------------------------------------------------------------------

    async def observe(self) -> Assessment:
        """A fresh observation."""
        seen = self._cluster.observe(self._agenda.now)
        return Assessment(seen, diagnose(seen), Moment(seen.taken_at, self.monotonic()))

    async def remediations(self) -> Sequence[Remediation]:
        """Every record, oldest first."""
        self._reachable()
        return self._records.all()

    async def load(self, name: str) -> Remediation:
        """One record."""
        self._reachable()
        return self._records.load(name)

    async def swap(self, remediation: Remediation) -> Remediation:
        """Store the status if nobody else has since it was read."""
        self._reachable()
        return self._records.swap(remediation)

    async def delete_pod(self, pod: Pod) -> None:
        """Delete this pod if it is still exactly the one that was looked at, or fail as the incident says."""
        self._reachable()
        fate = self.next_deletes.popleft() if self.next_deletes else None
        _fail_before(fate, pod.name)
        present = self._cluster.group(pod.name).get(pod.name)
        if present is None:
            raise NotFound(f"{pod.name} is not there.")
        if (present.pod.uid, present.pod.resource_version) != (pod.uid, pod.resource_version):
            raise Conflict(f"{pod.name} changed since the observation.")
        self._pods.delete(pod.name)
        latest = self._records.all()[-1]
        self._tell(latest, f"{pod.name} is deleted.", deleted=(pod.name,))
        _fail_after(fate, pod.name)

    async def pause(self) -> Pause:
        """The pause, as the ConfigMap has it."""
        given = self._paused
        if Part.API in self._cluster.around.unreadable or (given is not None and given.unreadable):
            return Pause(paused=True, why=f"ConfigMap {pausing.NAME} can't be read, which counts as a pause.")
        return pausing.read(None if given is None else {"data": self._pause_data(given)}, self._agenda.now)

    def _pause_data(self, given: PauseChange) -> dict[str, str]:
        until = given.until
        if isinstance(until, int | float):
            until = timestamp(self._agenda.start + timedelta(seconds=until))
        found = {"by": given.by, "reason": given.reason, "until": until or ""}
        return {key: value for key, value in found.items() if value}

    async def alerts(self) -> Sequence[AlertSeen]:
        """What each Alertmanager says."""
        return [AlertSeen(name, *_SEEN[word]) for name, word in self.alerting.items()]

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._agenda.seconds

    # What people are told -----------------------------------------------------------------------------------------

    async def announce(self, before: Remediation, after: Remediation) -> None:  # noqa: ARG002 -- the protocol's signature
        """One line of the timeline."""
        self._tell(after, after.message)

    def observed(self, remediation: Remediation) -> None:
        """No metrics here."""

    def failed(self, reason: str) -> None:
        """No metrics here."""

    def deletion(self, result: str) -> None:
        """No metrics here."""

    def _tell(self, remediation: Remediation, message: str, deleted: tuple[str, ...] = ()) -> None:
        phase, reason = remediation.phase.value, remediation.reason.value
        line = Line(self._agenda.seconds, self._agenda.now, remediation.name, phase, reason, deleted, message)
        self.lines.append(line)

    # The store of `opening` ---------------------------------------------------------------------------------------

    async def listing(self) -> tuple[Sequence[Remediation], datetime]:
        """Every record, oldest first, and the API server's time."""
        return await self.remediations(), self._agenda.now

    async def create(self, ordinal: int, request: Request) -> str:
        """A new record."""
        self._reachable()
        name = self._records.create(ordinal, request, self._agenda.now)
        who = f"{request.person} asks for a restart: {request.why}" if request.person else "The alert fires."
        self._tell(self._records.load(name), who)
        return name

    def _reachable(self) -> None:
        if Part.API in self._cluster.around.unreadable:
            raise Unavailable("HTTP 503: the Kubernetes API can't answer at this moment of the incident.")


def _fail_before(fate: Delete | None, name: str) -> None:
    """Failures before anything was done."""
    match fate:
        case Delete.REFUSED:
            raise Unavailable(f"DELETE {name}: HTTP 503.")
        case Delete.LOST_BEFORE:
            raise Unreachable(f"DELETE {name}: no answer.")
        case Delete.CONFLICT:
            raise Conflict(f"{name} changed since the observation.")
        case Delete.KILLED_BEFORE:
            raise Killed


def _fail_after(fate: Delete | None, name: str) -> None:
    """Failures after the deletion was carried out."""
    match fate:
        case Delete.LOST:
            raise Unreachable(f"DELETE {name}: no answer.")
        case Delete.KILLED_AFTER:
            raise Killed
