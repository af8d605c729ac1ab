"""Whole lives of one remediator, from a list of what happens: the production loop, over a cluster that is a value.

Everything outside is judged here without the code under test: what a DELETE may rest on, whether a person has heard of
what stays open, whether an escalation's sentence fits what was seen when it was written.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from remediator import record
from remediator.alertmanager import AlertmanagerView
from remediator.approval import ANNOTATION
from remediator.cluster import Cluster, TargetRecords
from remediator.inputs import AlertState, AlertView, Pause
from remediator.remediation import Phase, Reason, Remediation, Request
from remediator.streaks import Assessment, Moment
from stagekeeper.diego.conditions import Condition, Restart
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observation import Observation, Probe, ReadyPods, Reply
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import Conflict, Forbidden, NotFound, Unreachable
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Pod
from tests.diego.observations import NOW
from tests.interleaving.cluster import FakePod, blind_observation, observation
from tests.interleaving.replicas import Quiet
from tests.remediator.builders import ACT, CF, CF_LOCKET

START = 1000.0
"""What our own clock says at NOW."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens, and how often the remediator comes round after it, so many seconds apart."""

    event: str = "nothing"
    pod: int = 0
    times: int = 1
    gap: float = 15.0


@dataclass(slots=True)
class World:
    """What is there."""

    pods: tuple[FakePod, ...]
    clock: float = 0.0
    """Seconds after NOW, by our own clock."""
    jump: float = 0.0
    """By how much the API server's clock is ahead of it."""
    database: bool | None = None
    controllers: ReadyPods = field(default_factory=lambda: ReadyPods(2, 2))
    blind: bool = False
    paused: bool = False
    alert: AlertState = AlertState.ACTIVE
    deletes: str = "accepted"

    @property
    def now(self) -> int:
        """The API server's time, in seconds after NOW."""
        return int(self.clock + self.jump)

    def seen(self, pods: tuple[FakePod, ...] | None = None) -> Observation:
        """What an observation of these pods finds, of all of them unless told otherwise."""
        if self.blind:
            return blind_observation(self.now + 7200)
        found = observation(self.pods if pods is None else pods, self.now, self.database)
        labelled = [each.reply for each in found.known_pods if each.labelled_active]
        service = found.service if not labelled or labelled[0] is None else Probe(labelled[0])
        return replace(found, service=service, cloud_controller=self.controllers)

    def serve(self, number: int, *, labelled: bool) -> None:
        """One pod takes the lock, and no other has it."""
        self.pods = tuple(replace(each, reply=Reply.REFUSED, labelled=False) for each in self.pods)
        self.change(number, reply=Reply.OK, labelled=labelled)

    def end(self) -> None:
        """Pods that are Terminating end, and come back."""
        self.pods = tuple(_next_life(each, self.now) if each.terminating else each for each in self.pods)

    def change(self, number: int, **changes: Any) -> None:
        """One BBS pod is changed."""
        chosen = [each for each in self.pods if not each.is_locket][number % 2]
        self.pods = tuple(
            replace(each, version=each.version + 1, **changes) if each is chosen else each for each in self.pods
        )

    def turn(self, what: str, between: tuple[object, object]) -> None:
        """From one of two values to the other."""
        setattr(self, what, between[1] if getattr(self, what) == between[0] else between[0])


APPROVES = "somebody approves a restart for what was seen last"
EVENTS: Mapping[str, Callable[[World, int], None]] = {
    "nothing": lambda _world, _pod: None,
    "a webhook comes": lambda _world, _pod: None,
    "a pod serves": lambda world, pod: world.serve(pod, labelled=True),
    "a pod serves without its label": lambda world, pod: world.serve(pod, labelled=False),
    "a pod answers 503": lambda world, pod: world.change(pod, reply=Reply.UNAVAILABLE),
    "a pod is silent": lambda world, pod: world.change(pod, reply=Reply.TIMEOUT),
    "a pod does not answer as a BBS does": lambda world, pod: world.change(pod, reply=Reply.NO_REPLY),
    "a pod's BBS starts again": lambda world, pod: world.change(
        pod, reply=Reply.REFUSED, labelled=False, started=world.now
    ),
    "a pod refuses": lambda world, pod: world.change(pod, reply=Reply.REFUSED, labelled=False),
    "a stranger deletes a pod": lambda world, pod: world.change(pod, terminating=True),
    "the pods end": lambda world, _pod: world.end(),
    "the database goes down, or comes back": lambda world, _pod: world.turn("database", (None, False)),
    "the Cloud Controller goes down, or comes back": lambda world, _pod: world.turn(
        "controllers", (ReadyPods(2, 2), ReadyPods(0, 2))
    ),
    "observations become blind, or see again": lambda world, _pod: world.turn("blind", (False, True)),
    "somebody pauses, or resumes": lambda world, _pod: world.turn("paused", (False, True)),
    "the alert goes, or comes back": lambda world, _pod: world.turn("alert", (AlertState.ACTIVE, AlertState.ABSENT)),
    "the API server's clock jumps, or jumps back": lambda world, _pod: world.turn("jump", (0.0, 4000.0)),
    "deletes are refused": lambda world, _pod: setattr(world, "deletes", "refused"),
    "answers to deletes are lost": lambda world, _pod: setattr(world, "deletes", "lost"),
    "deletes are accepted": lambda world, _pod: setattr(world, "deletes", "accepted"),
    APPROVES: lambda _world, _pod: None,
}


def _next_life(pod: FakePod, now: int) -> FakePod:
    return replace(
        pod,
        version=pod.version + 1,
        life=pod.life + 1,
        born=now,
        terminating=False,
        reply=Reply.REFUSED,
        labelled=False,
        started=None,
    )


class InMemory(Cluster):
    """The cluster of a history. Every DELETE is judged when it comes."""

    def __init__(self, *, locket: bool) -> None:
        environment = CF_LOCKET if locket else CF
        super().__init__(environment, cast("Kube", None), observer=cast("Observer", None))
        names = ("diego-locket-0", "diego-api-0", "diego-api-1")[0 if locket else 1 :]
        self.world = World(tuple(FakePod(name, version=10 * index) for index, name in enumerate(names, 1)))
        self.records: dict[str, dict[str, Any]] = {}
        self.assessment: Assessment | None = None
        self.deletes = 0
        self.approvals = 0
        self.wrong: list[str] = []
        """What no history may hold."""

    def monotonic(self) -> float:
        """Our own clock."""
        return START + self.world.clock

    async def observe(self) -> Assessment:
        """What is there now."""
        seen = self.world.seen()
        self.assessment = Assessment(seen, diagnose(seen), Moment(seen.taken_at, self.monotonic()))
        return self.assessment

    def approve(self) -> None:
        """By an annotation of the newest record."""
        if self.assessment is not None:
            self.approvals += 1
            annotations = {ANNOTATION: f"{self.assessment.diagnosis.name} by alice{self.approvals}"}
            newest = [*self.records.values()][-1]
            newest["metadata"] = {**newest["metadata"], "annotations": annotations}

    async def listing(self) -> TargetRecords:
        """All records."""
        return TargetRecords([record.load(each) for each in self.records.values()], _time(self.world.now))

    async def load(self, name: str) -> Remediation:
        """One record."""
        return record.load(self.records[name])

    async def create(self, ordinal: int, request: Request) -> Remediation:
        """One more."""
        name = record.name_of(self.target, ordinal)
        metadata = {"name": name, "resourceVersion": "1", "creationTimestamp": f"{_time(self.world.now).isoformat()}"}
        self.records[name] = {"metadata": metadata, "spec": record.spec(request)}
        return record.load(self.records[name])

    async def swap(self, remediation: Remediation) -> Remediation:
        """Stored; an escalation is judged by the observation in which it is written."""
        before, stored = record.load(self.records[remediation.name]), record.store(remediation)
        self.records[remediation.name] = stored
        if before.phase.open and remediation.phase is Phase.ESCALATED and self.assessment is not None:
            self.wrong += contradictions(remediation, self.assessment, self.world)
        plans = [each.plan.diagnosis for each in map(record.load, self.records.values()) if each.plan]
        if sum(each != Condition.NO_ACTIVE_BBS for each in plans) > self.approvals:
            self.wrong.append(f"{plans} were planned by {self.approvals} approvals.")
        return record.load(stored)

    async def pause(self) -> Pause:
        """Whether somebody has paused."""
        return Pause(self.world.paused, "somebody paused it: I am looking" if self.world.paused else "")

    async def alerts(self, within: float = 0) -> Sequence[AlertmanagerView]:  # noqa: ARG002 -- it answers at once
        """One Alertmanager."""
        return [AlertmanagerView(AlertView("http://alertmanager:9093", self.world.alert))]

    async def tell(self, event: Event) -> None:
        """Nobody listens."""

    async def delete_pod(self, pod: Pod) -> None:
        """Graceful; judged by what is there, which is what was just seen."""
        world = self.world
        self.wrong += self._forbidden(pod)
        if world.deletes == "refused":
            raise Forbidden("pods is forbidden")
        found = next((each for each in world.pods if each.name == pod.name), None)
        if found is None:
            raise NotFound("no such pod")
        if (found.uid, str(found.version)) != (pod.uid, pod.resource_version):
            raise Conflict("the pod is another one")
        world.pods = tuple(
            replace(each, terminating=True, version=each.version + 1) if each is found else each for each in world.pods
        )
        self.deletes += 1
        if world.deletes == "lost":
            raise Unreachable("no answer")

    def _forbidden(self, pod: Pod) -> Iterator[str]:
        """Why this DELETE may not be sent.

        A 503 is excused only of a pod that the plan names, that refused when the plan was made, and whose BBS has not
        started since: whatever answers otherwise may be a migration, or a BBS that serves. Where the plan is for what a
        person accepted, the same is excused of what only claims by its label that it serves; and nothing else.
        """
        world, latest = self.world, record.load([*self.records.values()][-1])
        planned = {each.uid for step in (latest.plan.steps if latest.plan else ()) for each in step.pods}
        decided = (latest.plan.decided_at - NOW).total_seconds() if latest.plan else 0.0
        words = {latest.request.accept, latest.approval.condition if latest.approval else ""}
        accepted = latest.plan.diagnosis if latest.plan and latest.plan.diagnosis in words else ""
        if world.paused:
            yield f"{pod.name} is deleted during a pause."
        if pod.uid not in planned:
            yield f"{pod.name} is deleted, and no plan names it."
        served = [each.name for each in world.pods if each.reply is Reply.OK]
        if served:
            yield f"{pod.name} is deleted though {served[0]} answers ok."
        fresh = [each for each in world.pods if each.uid not in planned and not each.is_locket]
        may_migrate = [each.name for each in fresh if each.reply is Reply.UNAVAILABLE]
        if may_migrate:
            yield f"{pod.name} is deleted though {may_migrate[0]}, made after the plan, may be migrating."
        untouched = [each for each in world.pods if each.uid in planned and not each.terminating]
        as_planned = tuple(
            replace(each, reply=Reply.REFUSED, labelled=False)
            if (each.reply is Reply.UNAVAILABLE and each.began <= decided) or (accepted and not each.labelled)
            else each
            for each in untouched
        )
        found = diagnose(world.seen(as_planned))
        if found.restart is not Restart.CURES and found.name != accepted:
            yield f"{pod.name} is deleted though its observation says {found.name}: {found.why}"


_NOBODY_SERVES = "no BBS serves|[Nn]obody serves|did not fix it|refuse connections"


def contradictions(ended: Remediation, assessment: Assessment, world: World) -> Iterator[str]:
    """What an escalation says that its own observation does not."""
    seen, said = assessment.observation, ended.message
    if assessment.blind:
        yield f"A blind observation ended it: {said}"
    yield from _about_who_serves(ended, assessment)
    if ended.diagnosis != assessment.diagnosis.name or ended.evidence != assessment.diagnosis.evidence:
        yield f"Its diagnosis or evidence is of another observation: {said}"
    if "Paused:" in said and not world.paused:
        yield f"It names a pause, and there is none: {said}"
    if ended.reason is Reason.ALERT_GONE and world.alert is not AlertState.ABSENT:
        yield f"It says that the alert is gone, which it is not: {said}"
    if ended.plan is None and "Nothing was deleted." not in said:
        yield f"It does not say that nothing was deleted: {said}"
    if ended.plan is not None:
        yield from _misnamed(ended, said)
    replies = {each.pod.name: each.reply for each in seen.known_pods}
    for name, told in re.findall(r"(diego-api-\d) (ok|refused|unavailable|timeout|no_reply)\b", said):
        if replies.get(name) != told:
            yield f"It says that {name} answers {told}, which answers {replies.get(name)}: {said}"


def _about_who_serves(ended: Remediation, assessment: Assessment) -> Iterator[str]:
    """Where it serves, the one thing that may be told is that pods are not back: the stager works without them."""
    seen, said, found = assessment.observation, ended.message, assessment.diagnosis.name
    healthy = found is Condition.SERVING and ended.reason is not Reason.PODS_LATE
    if healthy or (seen.serving() and re.search(_NOBODY_SERVES, said)):
        yield f"Somebody serves in the observation that ended it: {said}"
    if seen.serving() and not any(f"{each.pod.name} ok" in said for each in seen.serving()):
        yield f"It does not say who serves: {said}"
    answers = isinstance(seen.service, Probe) and seen.service.reply is Reply.OK
    if answers and ended.reason is Reason.NEVER and found is not Condition.SPLIT_BRAIN:
        yield f"It says that no restart helps while the Service answers: {said}"
    if ended.reason is Reason.PODS_LATE and not ended.deletions:
        yield f"It waits for pods that nobody deleted: {said}"


def _misnamed(ended: Remediation, said: str) -> Iterator[str]:
    planned = [pod for step in (ended.plan.steps if ended.plan else ()) for pod in step.pods]
    told = re.search(r"Deleted: (.*?)\..* Not deleted: (.*?)\.", said)
    deleted = ", ".join(ended.deleted) or "none"
    left = ", ".join(pod.name for pod in planned if not ended.done(pod)) or "none"
    if told is None or told.groups() != (deleted, left):
        yield f"Deleted were {deleted}, not deleted {left}; it says: {said}"
    untold = [pod.name for pod in planned if f"{pod.name}," not in f"{said}," and f"{pod.name}." not in said]
    if untold:
        yield f"What became of {untold[0]} is not told: {said}"


def play(steps: Sequence[Step], *, locket: bool = False) -> InMemory:
    """Live through it from the first alert on; what came of it, and what went wrong."""
    cluster = InMemory(locket=locket)
    reconciler = Quiet(cluster, ACT)
    _now(reconciler.open(Request("cf", alertname="StagerUnavailable")))
    opened: Mapping[str, float] = {}
    for step in steps:
        EVENTS[step.event](cluster.world, step.pod)
        if step.event == APPROVES:
            cluster.approve()
        if step.event == "a webhook comes":
            _now(reconciler.open(Request("cf", alertname="StagerUnavailable")))
        for _ in range(step.times):
            while _now(reconciler.reconcile()) == 0:
                pass  # as the loop does: it goes on at once
            latest = record.load([*cluster.records.values()][-1])
            opened = {latest.name: opened.get(latest.name, cluster.monotonic())}
            open_for = timedelta(seconds=cluster.monotonic() - opened[latest.name])
            if latest.phase.open and open_for > ACT.bound(latest) and not (latest.overdue or reconciler.state.late):
                cluster.wrong.append(f"{latest.name} is {latest.phase} for {open_for}, and nobody was told.")
            cluster.world.clock += step.gap
    return cluster


def _now(work: Any) -> Any:
    """The result of a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("Nothing here waits.")


def _time(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)
