"""One remediation of one target: a frozen value.

Questions are properties; a transition returns the next value. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from remediator.approval import Approval

LONGEST_LOGBOOK, KEPT_FROM_THE_BEGINNING = 30, 5
"""Lines kept in a record; a remediation has rarely more than ten."""

SERVING = "serving"
"""Who releases a remediation once its BBS serves again."""
NOT_ALL_BACK = "serving, while not all pods are back"
"""Who releases one whose BBS serves again, and whose pods a person still has to look for."""
ALERT_GONE = "the alert is gone"
"""Who releases a remediation whose alert no Alertmanager has any more."""
LONGEST_FIELD = 64
"""Characters that are kept of what an alert says of itself."""


class Phase(StrEnum):
    """Where a remediation stands."""

    WATCHING = "Watching"
    RESTARTING = "Restarting"
    VERIFYING = "Verifying"
    RECOVERED = "Recovered"
    SELF_HEALED = "SelfHealed"
    OBSERVED = "Observed"
    ESCALATED = "Escalated"

    @property
    def open(self) -> bool:
        """Whether there is something left to do."""
        return self in _OPEN


_OPEN = frozenset({Phase.WATCHING, Phase.RESTARTING, Phase.VERIFYING})


class Reason(StrEnum):
    """Why a remediation is in its phase: a fixed list, fit for a metric label and a printer column."""

    ALERT = "AlertFired"
    PERSON = "PersonAsked"
    GATES_OPEN = "GatesOpen"
    DELETED = "PodsDeleted"
    SOMEBODY_SERVES = "SomebodyServes"
    SERVING = "Serving"
    WOULD_RESTART = "WouldRestart"
    NEVER = "RestartIsNoCure"
    AWAITING_APPROVAL = "AwaitingApproval"
    OUT_OF_BOUNDS = "OutOfBounds"
    ALERT_GONE = "ResolvedButNotServing"
    GAVE_UP = "GaveUpWatching"
    INTERRUPTED = "RestartInterrupted"
    PODS_LATE = "PodsNotBack"
    NOT_SERVING = "StillNotServing"


class Outcome(StrEnum):
    """The four answers."""

    PASS = "pass"  # noqa: S105 -- no password
    NOT_YET = "not_yet"
    NEVER = "never"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer, with its reason in a sentence."""

    outcome: Outcome
    why: str
    progress: str = field(default="", compare=False)
    """How far it has come, in figures that change from observation to observation."""
    not_before: datetime | None = field(default=None, compare=False)
    """The moment before which it can't open, where it knows one."""

    @property
    def opens(self) -> bool:
        """Whether this gate lets a restart through."""
        return self.outcome in {Outcome.PASS, Outcome.NOT_CONFIGURED}


@dataclass(frozen=True, slots=True)
class PlannedPod:
    """One pod that a plan terminates: exactly this one, by UID."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Step:
    """Pods of one StatefulSet or of all BBS StatefulSets, deleted one right after the other."""

    workload: str
    pods: tuple[PlannedPod, ...]
    deadline_seconds: int
    """Their grace period and a margin per replica."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be restarted, in order. Written once, before the first delete."""

    decided_at: datetime
    diagnosis: str
    steps: tuple[Step, ...]

    @property
    def pods(self) -> tuple[PlannedPod, ...]:
        """Every pod that it names, in the order of its steps."""
        return tuple(pod for step in self.steps for pod in step.pods)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of one planned pod: `deleted` by us, or `gone`, `terminating` or `replaced` when we came.

    Or `refused`, since no pod of ours can have that name.
    """

    name: str
    uid: str
    result: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the logbook."""

    at: datetime
    phase: Phase
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Request:
    """Why the remediation exists: data of the alert, or the person who asked.

    Immutable; nothing here chooses targets.
    """

    environment: str
    alertname: str = ""
    fingerprint: str = ""
    starts_at: str = ""
    person: str = ""
    why: str = ""
    accept: str = ""
    """The one `never` of the diagnosis gate that this person overrides."""
    mode: str = ""
    """The mode of whoever opened it: a replica in mode observe leaves alone what one in mode act has opened."""
    asked_uid: str = ""
    """UID of the person's request that it was opened for, so that none is taken up twice."""
    approves: str = ""
    """The record whose approval opened it: what is taken away there is not accepted here any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A person's request for a restart, as it stands in the API until a remediator has taken it up.

    Its name is fixed, so there is one at most, whoever may create such objects.
    """

    name: str
    uid: str
    created: datetime
    request: Request


@dataclass(frozen=True, slots=True)
class Remediation:
    """One record, as read from the API."""

    name: str
    request: Request
    created: datetime
    phase: Phase = Phase.WATCHING
    reason: Reason = Reason.ALERT
    message: str = ""
    since: datetime | None = None
    """When it entered its phase; None: when it was created."""
    plan: Plan | None = None
    would_restart: Plan | None = None
    """In mode observe: the plan that nobody executes."""
    deletions: tuple[Deletion, ...] = ()
    approval: Approval | None = None
    """What a person has approved since it was opened; anew at each reading, since it is no part of the status."""
    withdrawn: bool = False
    """Whether the approval that opened it has been taken away; anew at each reading."""
    approved_by: str = ""
    """The approval that was noted while it was open, as `alice for frozen`: it is spent with this remediation."""
    gates: tuple[tuple[str, GateResult], ...] = ()
    diagnosis: str = ""
    evidence: tuple[str, ...] = ()
    plan_evidence: tuple[str, ...] = ()
    """What was seen when the plan was made; never overwritten."""
    transitions: tuple[Transition, ...] = ()
    overdue: bool = False
    refused: str = ""
    """How the API refused the last DELETE, in its own words; "" where it did not."""
    released_at: datetime | None = None
    """When the latch of an escalated or observed remediation was opened."""
    released_by: str = ""
    extra: dict[str, object] = field(default_factory=dict, compare=False)
    """What the stored object holds besides: kept, so that a newer version's fields survive ours."""

    @property
    def uid(self) -> str:
        """The stored object's; "" for one that is not stored."""
        metadata = self.extra.get("metadata")
        return str(metadata.get("uid", "")) if isinstance(metadata, dict) else ""

    @property
    def ordinal(self) -> int:
        """The number at the end of its name."""
        return int(self.name.rpartition("-r")[2])

    @property
    def entered(self) -> datetime:
        """When it entered its phase."""
        return self.since or self.created

    @property
    def latched(self) -> bool:
        """Whether it keeps its target from a new remediation until the BBS serves or a person resets it."""
        return self.phase in {Phase.ESCALATED, Phase.OBSERVED} and self.released_at is None

    @property
    def waits(self) -> bool:
        """Whether a person is called by it: also where the alert had gone, or it serves with too few pods."""
        still = self.released_at is None or self.released_by in {ALERT_GONE, NOT_ALL_BACK}
        return self.phase is Phase.ESCALATED and still

    @property
    def releasable(self) -> bool:
        """Whether a person, or a BBS that serves again, has something to release: its target, or who was called."""
        return self.latched or self.waits

    @property
    def planned_pods(self) -> tuple[PlannedPod, ...]:
        """The pods that its plan names; none without a plan."""
        return self.plan.pods if self.plan else ()

    @property
    def closed_at(self) -> datetime | None:
        """When it ended; None while it is open."""
        return None if self.phase.open else self.entered

    def done(self, pod: PlannedPod) -> bool:
        """Whether this planned pod has been dealt with."""
        return any(each.uid == pod.uid for each in self.deletions)

    @property
    def deleted(self) -> list[str]:
        """Names of the planned pods whose deletion was accepted, or that were Terminating when we came."""
        return [each.name for each in self.deletions if each.result in {"deleted", "terminating"}]

    @property
    def refusals(self) -> list[str]:
        """Names in the plan that no pod of ours can have."""
        return [each.name for each in self.deletions if each.result == "refused"]

    @property
    def left(self) -> list[str]:
        """Names of the planned pods that are as they were: not dealt with, or none of ours."""
        return [*(pod.name for pod in self.planned_pods if not self.done(pod)), *self.refusals]

    @property
    def gone(self) -> list[str]:
        """Names of the planned pods that were gone or replaced when we came, perhaps by a DELETE of an unknown end."""
        return [each.name for each in self.deletions if each.result in {"gone", "replaced"}]

    @property
    def current_step(self) -> Step | None:
        """The first step with a pod that has not been dealt with; None without a plan or when all is done."""
        steps = self.plan.steps if self.plan else ()
        return next((step for step in steps if not all(self.done(pod) for pod in step.pods)), None)

    def moved(self, phase: Phase, reason: Reason, message: str, at: datetime) -> "Remediation":
        """The remediation in another phase, with a line in its logbook."""
        next_ = replace(self, phase=phase, reason=reason, message=message, since=at)
        return next_.with_line(message, at)

    def with_line(self, message: str, at: datetime) -> "Remediation":
        """With a line in its logbook; of a long one the beginning and the end are kept."""
        line = Transition(at, self.phase, self.reason, message)
        logbook = (*self.transitions, line)
        if len(logbook) > LONGEST_LOGBOOK:
            logbook = (*logbook[:KEPT_FROM_THE_BEGINNING], *logbook[KEPT_FROM_THE_BEGINNING - LONGEST_LOGBOOK :])
        return replace(self, transitions=logbook)

    def noted(self, pod: PlannedPod, result: str, at: datetime) -> "Remediation":
        """The remediation with the fate of one planned pod noted; noting it twice changes nothing."""
        if self.done(pod):
            return self
        return replace(self, deletions=(*self.deletions, Deletion(pod.name, pod.uid, result, at)))

    def released(self, by: str, at: datetime) -> "Remediation":
        """The remediation with its latch opened."""
        return replace(self, released_by=by, released_at=at)


# The records of one target. Whoever may create records may give one any ordinal, and one while another is open.

LAST_ORDINAL = 999_999_999
"""What the custom resource's schema lets a name end in."""


def in_order(records: Iterable[Remediation]) -> list[Remediation]:
    """The oldest first: by ordinal, and where the last one was used up, those that were created after it."""
    found = sorted(records, key=lambda each: each.ordinal)
    if not found or found[-1].ordinal < LAST_ORDINAL:
        return found
    *others, last = found
    later = [each for each in others if each.created > last.created]
    return [*(each for each in others if each not in later), last, *later]


def current(records: Sequence[Remediation]) -> Remediation | None:
    """The one that is worked on, of records in their order: the first that is open, else the newest."""
    return next((each for each in records if each.phase.open), records[-1] if records else None)


def next_ordinal(records: Sequence[Remediation]) -> int:
    """The ordinal for the next one, of records in their order: one more than the newest's, and not taken."""
    taken = {each.ordinal for each in records}
    ordinal = records[-1].ordinal if records else 0
    while True:
        ordinal = ordinal % LAST_ORDINAL + 1
        if ordinal not in taken:
            return ordinal
