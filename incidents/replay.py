"""Replays an incident: the product's own webhook, opening, worker and judgement, on an environment held in memory.

Nothing here waits: time is the agenda's. So an hour of an incident takes a fraction of a second, offline.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from incidents.agenda import Agenda, Order
from incidents.cluster import Cluster
from incidents.events import Deletions
from incidents.format import Incident, Operator, Situation, WebhookCall
from incidents.ports import Killed, Line, ModelPorts
from incidents.records import Records
from remediator import opening
from remediator.answers import GateResult
from remediator.opening import Verdict
from remediator.policy import Policy
from remediator.remediation import Remediation, Request
from remediator.settings import RemediatorSettings
from remediator.webhook import Notification, Receiver, Webhook
from remediator.worker import Rhythm, Target, Worker
from stagekeeper.diego.diagnosis import Condition, Diagnosis, diagnose
from stagekeeper.kube.errors import KubeError
from stagekeeper.kube.objects import timestamp

_RETRY = 10.0
"""Seconds until Alertmanager sends a notification again that was answered with 503, about."""
_RESTART_TAKES = 10.0
"""Seconds until a killed remediator runs again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at this moment says, and what the gates had answered last."""

    diagnosis: Diagnosis
    gates: Mapping[str, GateResult]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of an incident."""

    lines: Sequence[Line]
    remediations: Sequence[Remediation]
    """The new ones, oldest first."""
    records: Sequence[Mapping[str, Any]]
    snapshots: Mapping[float, Snapshot]
    """At the moments that the file expects something of."""
    judgements: Mapping[str, int]
    last: Snapshot

    @property
    def deleted(self) -> list[str]:
        """Names of the pods that the remediator deleted, in order."""
        return [name for line in self.lines for name in line.deleted]


async def replay(incident: Incident) -> Replayed:
    """Play an incident from its start to its `until`."""
    return await _Replay(incident).run()


def policy_of(incident: Incident) -> Policy:
    """The policy that an incident is judged by."""
    return RemediatorSettings.model_construct(mode=incident.mode, policy=incident.policy).as_policy()


class _Replay:
    """One replay: a world, a remediator, and what happens to both."""

    def __init__(self, incident: Incident) -> None:
        self._incident = incident
        self._agenda = Agenda(incident.start)
        self._cluster = Cluster(incident)
        self._records = Records(self._cluster.environment.statefulsets[0])
        self._records.remember(incident.past, incident.environment.name, incident.start)
        self._before = len(self._records.all())
        self._pods = Deletions(incident, self._cluster, self._agenda, self._happen)
        self._ports = ModelPorts(self._cluster, self._agenda, self._records, self._pods)
        self._policy = policy_of(incident)
        self._running = True
        self._worker = self._new_worker()
        self._turns = 0
        self._snapshots: dict[float, Snapshot] = {}
        self._judgements: Counter[str] = Counter()
        name = incident.environment.name
        self._webhook = Webhook("StagerUnavailable", {name: Receiver(self._open, self._wake)}, lambda: False)

    async def run(self) -> Replayed:
        """Play it all."""
        for entry in self._incident.timeline:
            self._agenda.after(entry.at, partial(self._enter, entry))
        for at in {*self._incident.expect.diagnosis, *self._incident.expect.gates}:
            self._agenda.after(at, partial(self._witness, at), Order.WITNESS)
        self._agenda.after(self._incident.rhythm.resync / 2, self._resync)  # between the webhooks of a tidy timeline
        self._wake()
        await self._agenda.run(self._incident.until)
        remediations = self._records.all()[self._before :]
        return Replayed(
            lines=self._ports.lines,
            remediations=remediations,
            records=self._records.raw()[self._before :],
            snapshots=self._snapshots,
            judgements=self._judgements,
            last=self._snapshot(),
        )

    # What happens -------------------------------------------------------------------------------------------------

    async def _enter(self, situation: Situation) -> None:
        self._happen(situation)

    def _happen(self, situation: Situation) -> None:
        self._agenda.jumped += situation.clock_jump
        self._cluster.apply(situation, self._agenda.now)
        self._ports.apply(situation)
        self._change_remediator(situation)
        for call in situation.webhooks:
            self._agenda.after(0, partial(self._notify, call))
        if situation.operator != Operator():
            self._agenda.after(0, partial(self._operate, situation.operator))

    def _change_remediator(self, situation: Situation) -> None:
        said = situation.model_fields_set
        if "mode" in said:
            self._policy = replace(self._policy, mode=situation.mode)
        if "remediator" in said:
            self._running = situation.remediator != "stopped"
        if {"mode", "remediator"} & said:
            self._worker = self._new_worker()
            self._wake()

    async def _notify(self, call: WebhookCall) -> None:
        """One notification; answered with 503, it comes again."""
        if self._running:
            with suppress(KubeError):
                verdicts = await self._webhook.judge(self._notification(call))
                self._judgements.update(verdict["judgement"] for verdict in verdicts)
                return
        self._agenda.after(_RETRY, partial(self._notify, call))

    def _notification(self, call: WebhookCall) -> Notification:
        labels = {"alertname": "StagerUnavailable", "environment": self._incident.environment.name, **call.labels}
        started = self._ports.firing_since
        if call.started is not None:
            started = timestamp(self._agenda.at(call.started))
        alert = {"status": call.status, "labels": labels, "startsAt": started, "fingerprint": "f1e2d3"}
        return Notification.model_validate({"version": "4", "alerts": [alert] * call.count})

    async def _operate(self, done: Operator) -> None:
        """What a person does: release the latch, ask for a restart, delete pods by hand."""
        latest = next(reversed(self._records.all()), None)
        if done.reset and latest is not None and latest.latched:
            self._records.swap(latest.released(done.reset, self._agenda.now))
        if done.restart is not None:
            asked = done.restart
            request = Request(
                environment=self._incident.environment.name,
                person=asked.person,
                why=asked.reason,
                accept=asked.accept or "",
            )
            verdict = await self._open(request)
            self._judgements[verdict.judgement.value] += 1
            self._wake()
        for name in done.delete:
            self._pods.delete(name)

    # The remediator -----------------------------------------------------------------------------------------------

    def _new_worker(self) -> Worker:
        """A worker as a new process has it: with no memory of earlier looks."""
        target = Target(self._cluster.environment, self._policy, self._ports)
        rhythm = self._incident.rhythm
        return Worker(target, Rhythm(rhythm.open, rhythm.latched, rhythm.idle))

    async def _open(self, request: Request) -> Verdict:
        return await opening.open_or_join(self._ports, request, self._policy)

    def _wake(self) -> None:
        """Take the next turn now instead of later."""
        self._schedule(0)

    def _schedule(self, seconds: float) -> None:
        self._turns += 1
        self._agenda.after(seconds, partial(self._turn, self._turns), Order.WORKER)

    async def _turn(self, number: int) -> None:
        if number != self._turns or not self._running:
            return
        pause = self._incident.rhythm.open
        try:
            pause = await self._worker.turn()
        except KubeError:
            pass  # as in `Worker.run`: trouble is tried again at the next turn
        except Killed:
            self._worker = self._new_worker()
            pause = _RESTART_TAKES
        self._schedule(pause)

    async def _resync(self) -> None:
        """As `remediator.keeper` does each minute: an alert that no webhook told of opens a remediation too."""
        self._agenda.after(self._incident.rhythm.resync, self._resync)
        if not self._running or "active" not in self._ports.alerting.values():
            return
        request = Request(
            environment=self._incident.environment.name,
            alertname="StagerUnavailable",
            starts_at=self._ports.firing_since,
        )
        with suppress(KubeError):
            verdict = await opening.open_or_join(self._ports, request, self._policy, self._unhealthy)
            if verdict.judgement is opening.Judgement.OPENED:
                self._wake()

    async def _unhealthy(self) -> bool:
        return (await self._ports.observe()).diagnosis.name is not Condition.SERVING

    # What is noted ------------------------------------------------------------------------------------------------

    async def _witness(self, at: float) -> None:
        self._snapshots[at] = self._snapshot()

    def _snapshot(self) -> Snapshot:
        latest = next(reversed(self._records.all()[self._before :]), None)
        return Snapshot(diagnose(self._cluster.observe(self._agenda.now)), dict(latest.gates) if latest else {})
