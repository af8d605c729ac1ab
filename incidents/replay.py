"""Replays an incident: the product's own remediator, on an environment held in memory, in time that waits for nobody.

Observation, judgement, webhook, records, loop and resync are the product's own. Only what it stands on is made up: the
Kubernetes API, what probes meet, what Alertmanager has, and the clock.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from incidents.api import Server
from incidents.clock import Clock, play
from incidents.deletions import Deletions
from incidents.format import Entry, Incident, Operator, PastRemediation, Situation, WebhookCall
from incidents.journal import Journal, Replayed, Snapshot
from incidents.process import ALERT, Alerting, Process, client
from incidents.world import World
from remediator import intake, record
from remediator.remediation import Deletion, Phase, Plan, Reason, Request
from remediator.webhook import Alert, Notification
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.kube.errors import KubeError
from stagekeeper.kube.objects import timestamp

_RETRY = 10.0
"""Seconds until Alertmanager sends a notification again that was answered with 503, about."""
_RESTART_TOOK = timedelta(minutes=2)
_PAST_REASONS = {
    Phase.RECOVERED: Reason.SERVING,
    Phase.SELF_HEALED: Reason.SERVING,
    Phase.ESCALATED: Reason.NOT_SERVING,
    Phase.OBSERVED: Reason.WOULD_RESTART,
}


def replay(incident: Incident) -> Replayed:
    """Play an incident from its start to its `until`."""
    a_half = incident.rhythm.resync.total_seconds() / 2  # a resync falls between the webhooks of a tidy timeline
    return play(_Replay(incident).run(), -a_half)


class _Replay:
    """One replay: a world, its remediators, and what happens to both."""

    def __init__(self, incident: Incident) -> None:
        self._incident = incident
        self._clock = Clock(incident.start)
        self._world = World(incident)
        self._happening: set[asyncio.Task[None]] = set()
        pods = Deletions(incident, self._world, self._clock, self._happen, self._spawn)
        self._journal = Journal(self._clock)
        self._server = Server(self._world, self._clock, pods, self._journal)
        self._alerting = Alerting(timestamp(incident.start))
        self._processes = [Process(incident, self._server, self._alerting, mode) for mode in incident.modes]
        self._person = client(incident, self._server, self._alerting, lambda: None)
        """A person's way to the API, who has the product's command."""
        self._past: frozenset[str] = frozenset()
        self._snapshots: dict[float, Snapshot] = {}
        self._judgements: Counter[str] = Counter()
        self._started = False

    async def run(self) -> Replayed:
        """Play it all."""
        incident = self._incident
        await self._remember(incident.past)
        self._journal.silent = False
        if incident.watched or not any(map(_calls, incident.timeline)):
            self._start()
        for entry in incident.timeline:
            self._spawn(self._enter(entry))
        expect = incident.expect
        for at in {*expect.diagnosis, *expect.gates, *expect.overdue}:
            self._spawn(self._witness(at))
        await self._clock.until(incident.until, last=True)
        last = await self._snapshot()
        for process in self._processes:
            process.check()
            process.stop()
        for task in self._happening:
            task.cancel()
        return Replayed(
            lines=self._journal.lines,
            remediations=[record.load(each) for each in self._new_records()],
            records=self._new_records(),
            snapshots=self._snapshots,
            judgements=self._judgements,
            last=last,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._happening.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._happening.discard(task)
        if not task.cancelled():
            task.result()

    # What happens -------------------------------------------------------------------------------------------------

    async def _enter(self, entry: Entry) -> None:
        ends = self._incident.until if entry.until is None else entry.until
        at = entry.at
        await self._clock.until(at)
        self._happen(entry)
        while entry.every is not None and (at := at + entry.every) <= ends:
            await self._clock.until(at)
            self._happen(entry)

    def _start(self) -> None:
        self._started = True
        for process in self._processes:
            process.start()

    def _happen(self, situation: Situation) -> None:
        if not self._started and _calls(situation):
            self._start()
        self._clock.jumped += situation.clock_jump
        self._world.apply(situation, self._clock.now)
        said = situation.model_fields_set
        if "pause" in said:
            self._server.pause = situation.pause
        self._server.next_deletes.extend(situation.next_deletes)
        if situation.alert:
            self._alerting.change(situation.alert, timestamp(self._clock.now))
        for name, status in situation.records.items():
            self._server.forge(name, status)
        self._change_remediators(situation)
        for call in situation.webhooks:
            self._spawn(self._notify(call))
        if situation.operator != Operator():
            self._spawn(self._operate(situation.operator))

    def _change_remediators(self, situation: Situation) -> None:
        said = situation.model_fields_set
        given = situation.remediator
        words = given if isinstance(given, dict) else dict.fromkeys(range(1, len(self._processes) + 1), given)
        for number, process in enumerate(self._processes, 1):
            word = words.get(number, "running") if "remediator" in said else "running"
            if word == "stopped":
                process.stop()
            elif "mode" in said or (number in words and "remediator" in said):
                process.start(situation.mode if "mode" in said else None)

    async def _notify(self, call: WebhookCall) -> None:
        """One notification; answered with 503, or not at all, it comes again."""
        while True:
            try:
                process = self._receiver(call)
                if process is not None:
                    verdicts = await process.judge(self._notification(call))
                    self._judgements.update(verdict["judgement"] for verdict in verdicts)
                    for verdict in verdicts[:1]:
                        self._journal.judged(verdict["judgement"], verdict["why"])
                    return
            except KubeError:
                pass
            await asyncio.sleep(_RETRY)

    def _receiver(self, call: WebhookCall) -> Process | None:
        """The remediator that a notification reaches."""
        if call.to:
            chosen = self._processes[min(call.to, len(self._processes)) - 1]
            return chosen if chosen.running else None
        return next((process for process in self._processes if process.running), None)

    def _notification(self, call: WebhookCall) -> Notification:
        labels = {"alertname": ALERT, "environment": self._world.environment.name, **call.labels}
        started = self._alerting.since
        if call.started is not None:
            started = timestamp(self._clock.at(call.started))
        alert = {"status": call.status, "labels": labels, "startsAt": started, "fingerprint": "f1e2d3"}
        return Notification("", (Alert.model_validate(alert),) * call.count)

    async def _operate(self, done: Operator) -> None:
        """What a person does: release the latch, ask for a restart, delete pods by hand."""
        cluster = self._person
        if done.reset or done.restart is not None:
            latest = (await cluster.listing()).latest
            by = done.reset or (done.restart.person if done.restart else "")
            if latest is not None and latest.latched:
                await cluster.swap(latest.released(by, self._clock.now))
        if done.restart is not None:
            asked = done.restart
            request = Request(
                environment=self._world.environment.name,
                person=asked.person,
                why=asked.reason,
                accept=asked.accept or "",
            )
            verdict = await intake.open_or_join(cluster, request, self._incident.policy_in(self._incident.mode))
            self._judgements[verdict.judgement.value] += 1
            self._journal.judged(verdict.judgement, verdict.why)
        for name in done.delete:
            self._server.pods.delete(name)

    # What is noted ------------------------------------------------------------------------------------------------

    async def _remember(self, past: Sequence[PastRemediation]) -> None:
        """Put in the records of before, as the product would have written them."""
        cluster = self._person
        for ordinal, each in enumerate(sorted(past, key=lambda one: -one.ago), 1):
            self._server.back_dated = created = self._incident.start - timedelta(seconds=each.ago)
            name = (await cluster.create(ordinal, Request(environment=self._world.environment.name))).name
            remediation = await cluster.load(name)
            phase, ended = Phase(each.phase), created + _RESTART_TOOK
            if each.restarted:
                plan, pod = Plan(created, Condition.NO_ACTIVE_BBS, ()), Deletion("before", "before", "deleted", created)
                remediation = replace(remediation, plan=plan, deletions=(pod,))
            remediation = remediation.moved(phase, _PAST_REASONS[phase], "Before this timeline.", ended)
            await cluster.swap(remediation.released("an operator", ended) if each.released else remediation)
        self._server.back_dated = None
        self._past = frozenset(self._server.records)

    async def _witness(self, at: float) -> None:
        await self._clock.until(at, last=True)
        self._snapshots[at] = await self._snapshot()

    async def _snapshot(self) -> Snapshot:
        newest = next(reversed(self._new_records()), None)
        late = any(process.late for process in self._processes)
        return Snapshot(await self._processes[0].observe(), record.load(newest) if newest else None, late)

    def _new_records(self) -> list[Mapping[str, Any]]:
        return [each for name, each in self._server.records.items() if name not in self._past]


def _calls(situation: Situation) -> bool:
    """Whether somebody first needs the remediator at this moment: an alert, a call, or a person."""
    asked = situation.operator.restart is not None or bool(situation.operator.reset)
    said = bool({"remediator", "mode"} & situation.model_fields_set)
    return bool(situation.webhooks) or any(word != "absent" for word in situation.alert.values()) or asked or said
