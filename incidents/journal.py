"""What a replay tells: every transition, deletion and change of what is waited for, as the records show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.clock import Clock
from remediator import record
from remediator.intake import Judgement
from remediator.remediation import GateResult, Remediation, Request
from stagekeeper.diego.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a replay's timeline."""

    seconds: float
    time: datetime
    remediation: str
    phase: str
    reason: str
    message: str
    deleted: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """What was seen in the observation that decided a transition."""
    kind: str = "transition"
    """`transition`, `deleted`, `waiting` (the first closed gate changed), `overdue` or `alert` (it opened nothing)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one observation at this moment says, and the newest remediation as it is stored then."""

    diagnosis: Diagnosis
    remediation: Remediation | None

    late: bool = False
    """Whether a remediator says that it has been open for too long, whatever the record says."""

    @property
    def overdue(self) -> bool:
        """Whether a person is paged because the remediation is still open."""
        return self.late or (self.remediation is not None and self.remediation.overdue)

    @property
    def gates(self) -> Mapping[str, GateResult]:
        """What the gates had answered last."""
        return dict(self.remediation.gates) if self.remediation else {}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of an incident."""

    lines: Sequence[Line]
    remediations: Sequence[Remediation]
    """The new ones, oldest first."""
    records: Sequence[Mapping[str, Any]]
    """The same, as they are stored."""
    snapshots: Mapping[float, Snapshot]
    """At the moments that the file expects something of."""
    judgements: Mapping[str, int]
    last: Snapshot

    @property
    def deleted(self) -> list[str]:
        """Names of the pods that the remediators deleted, in order."""
        return [name for line in self.lines for name in line.deleted]


class Journal:
    """The lines, in order."""

    def __init__(self, clock: Clock) -> None:
        self.lines: list[Line] = []
        self.silent = True
        """Before the timeline begins nothing is told."""
        self._clock = clock
        self._waiting: dict[str, str] = {}
        self._verdict = ("", "")

    def opened(self, source: Mapping[str, Any]) -> None:
        """A record was created."""
        found = record.load(source)
        self._tell(found, _why(found.request))

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A record's status was stored."""
        old, new = record.load(before), record.load(after)
        if old.phase is not new.phase:
            self._tell(new, new.message, evidence=new.evidence)
        if new.overdue and not old.overdue:
            self._tell(new, "It has been open for long: a person is paged.", kind="overdue")
        closed = next(((name, each) for name, each in new.gates if not each.opens and name != "mode"), None)
        if new.phase.open and new.gates != old.gates and closed is not None:
            self._wait(new, closed[0], f"Gate {closed[0]}: {closed[1].outcome}. {closed[1].why}")

    def deleted(self, source: Mapping[str, Any] | None, pod: str) -> None:
        """A pod was deleted by a remediator, while this record was the newest."""
        if source is not None:
            self._tell(record.load(source), f"{pod} is deleted.", deleted=(pod,), kind="deleted")

    def judged(self, judgement: str, why: str) -> None:
        """An alert or a wish came; told where it opened nothing and joined nothing, and not twice in a row."""
        if judgement not in _EXPECTED and (judgement, why) != self._verdict:
            self._line("", "", judgement, why, kind="alert")
        self._verdict = (judgement, why)

    def _wait(self, remediation: Remediation, gate: str, said: str) -> None:
        if self._waiting.get(remediation.name) != gate:
            self._waiting[remediation.name] = gate
            self._tell(remediation, said, kind="waiting")

    def _tell(self, remediation: Remediation, message: str, **more: Any) -> None:
        self._line(remediation.name, remediation.phase.value, remediation.reason.value, message, **more)

    def _line(self, remediation: str, phase: str, reason: str, message: str, **more: Any) -> None:
        if not self.silent:
            self.lines.append(Line(self._clock.seconds, self._clock.now, remediation, phase, reason, message, **more))


_EXPECTED = {Judgement.OPENED, Judgement.JOINED, Judgement.LOOKED}
"""Judgements of an alert that need no line of their own."""


def _why(request: Request) -> str:
    return f"{request.person} asks for a restart: {request.why}" if request.person else "The alert fires."
