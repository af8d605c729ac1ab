"""What people are told of one environment: log lines, Kubernetes Events, and what the metrics count."""

from dataclasses import replace
from datetime import datetime

import structlog

from remediator.cluster import Cluster
from remediator.remediation import Phase, Remediation
from remediator.state import ReconcilerState
from stagekeeper.diego.observation import Observation
from stagekeeper.kube import events
from stagekeeper.kube.errors import KubeError
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Pod

_WARNINGS = {Phase.ESCALATED, Phase.RESTARTING}


class Telling:
    """Told by the replica that did it, or whose swap was stored; no decision looks at it."""

    def __init__(self, cluster: Cluster, state: ReconcilerState) -> None:
        self._log = structlog.get_logger("remediator").bind(environment=cluster.environment.name)
        self._cluster, self._state = cluster, state
        self._events: list[Event] = []

    def say(self, said: str, *, warning: bool = False, **fields: str) -> None:
        """A log line."""
        (self._log.warning if warning else self._log.info)(said, **fields)

    async def changed(self, before: Remediation, after: Remediation) -> None:
        """What a swap has stored: gates whose answer is another, an approval, a phase."""
        self._gates(before, after)
        if after.approved_by != before.approved_by and after.approval is not None:
            said = f"{after.approval.person} approved a restart for {after.approval.condition}."
            self.say(said, remediation=after.name)
            self.event(after, "Approved", said, after.transitions[-1].at if after.transitions else after.entered)
        if before.approved_by and not after.approved_by:
            self.say("The approval was taken away.", remediation=after.name)
        if before.phase is not after.phase:
            self._phase(before, after)
            await self.send()

    def _gates(self, before: Remediation, after: Remediation) -> None:
        known = dict(before.gates)
        for name, answer in after.gates:
            if known.get(name) != answer:
                progress = f" ({answer.progress})" if answer.progress else ""
                said = f"Gate {name}: {answer.outcome}{progress}. {answer.why}"
                self.say(said, remediation=after.name, gate=name, answer=answer.outcome.value)

    def _phase(self, before: Remediation, after: Remediation) -> None:
        self._state.transitions[after.phase.value, after.reason.value] += 1
        until = {
            Phase.RESTARTING: "plan",
            Phase.VERIFYING: "last_delete" if after.deletions else "",
            Phase.RECOVERED: "recovered",
        }.get(after.phase)
        if until and before.phase.open:
            self._state.durations.append((until, (after.entered - after.created).total_seconds()))
        warning = after.phase in _WARNINGS
        known = {"phase": after.phase.value, "reason": after.reason.value, "diagnosis": after.diagnosis}
        self.say(after.message, warning=warning, remediation=after.name, **known)
        self.event(after, after.reason, f"{after.phase}. {after.message}", after.entered, warning=warning)

    def event(self, remediation: Remediation, reason: str, note: str, at: datetime, *, warning: bool = False) -> None:
        """Keep an Event about the record until `send`: nothing that is urgent waits for it."""
        seen = self._state.assessment.observation if self._state.assessment else None
        self._events.append(replace(of_record(remediation, reason, note, at, seen), warning=warning))

    def deleted(self, remediation: Remediation, pod: Pod, at: datetime) -> None:
        """Keep an Event about the pod until `send`."""
        self._events.append(of_deletion(remediation, pod, at))

    async def send(self) -> None:
        """Emit the Events that are kept."""
        while self._events:
            await self._cluster.tell(self._events.pop(0))

    def works(self) -> None:
        """The API could be used."""
        if self._state.failure:
            self.say("Kubernetes API available again.")
        self._state.failure = ""

    def fails(self, problem: KubeError) -> None:
        """The API could not be used. Said once for each reason, however often it is tried."""
        self._state.failures[problem.reason] += 1
        if problem.reason != self._state.failure:
            self.say(f"Kubernetes API unavailable, retrying: {problem}", warning=True, reason=problem.reason)
        self._state.failure = problem.reason


def of_record(remediation: Remediation, reason: str, note: str, at: datetime, seen: Observation | None) -> Event:
    """An Event about the record; the BBS StatefulSet has to do with it, where it is known."""
    known = seen.known_workloads if seen else ()
    about = events.remediation(remediation.name, remediation.uid)
    return Event(about, reason, note, "Remediate", at, events.statefulset(known[0]) if known else None)


def of_deletion(remediation: Remediation, pod: Pod, at: datetime) -> Event:
    """An Event about a pod, so that `kubectl describe pod` says who deleted it, and why."""
    cause = remediation.plan.diagnosis if remediation.plan else remediation.diagnosis
    note = f"Deleted by Stagekeeper's remediator ({remediation.name}, {cause}); the StatefulSet makes a new one."
    return Event(
        events.pod(pod), "Restarted", note, "Delete", at, events.remediation(remediation.name, remediation.uid)
    )
