"""What a decision about a remediation is made from, and what it can be. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from remediator.policy import Policy
from remediator.remediation import GateResult, Phase, PlannedPod, Reason, Remediation
from remediator.streaks import Assessment, Streaks
from stagekeeper.diego.observation import MISSING, Locket, Observation, Unknown
from stagekeeper.diego.profiles import Environment
from stagekeeper.diego.questions import unready
from stagekeeper.diego.sentences import unlisted
from stagekeeper.kube.objects import Pod
from stagekeeper.kube.pod_status import described
from stagekeeper.kube.wording import sentence


@dataclass(frozen=True, slots=True)
class Past:
    """What the gates need to know of an earlier remediation: when its plan was made and when it ended."""

    name: str
    decided_at: datetime
    ended_at: datetime | None


def past(history: Iterable[Remediation], but: str = "") -> list[Past]:
    """The restarts by all remediations except the one named `but`. A plan that ended without a deletion was none."""
    return [
        Past(each.name, each.plan.decided_at, each.closed_at)
        for each in history
        if each.plan and each.name != but and (each.phase.open or each.deleted or each.gone)
    ]


class AlertState(StrEnum):
    """What one Alertmanager says of the alert."""

    ACTIVE = "active"
    SUPPRESSED = "suppressed"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class AlertView:
    """The alert, as one Alertmanager has it."""

    alertmanager: str
    state: AlertState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether somebody has paused the remediator in this environment."""

    paused: bool
    why: str = ""
    unread: bool = False
    """Whether it counts as a pause because nobody could read what there is."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a decision is made from, besides the remediation."""

    environment: Environment
    policy: Policy
    assessment: Assessment
    streaks: Streaks = field(default_factory=Streaks)
    pause: Pause = field(default_factory=lambda: Pause(paused=False))
    alerts: Sequence[AlertView] = ()
    past: Sequence[Past] = ()
    accept: frozenset[str] = frozenset()
    """What a named person has accepted: the conditions whose `never` is overridden, as far as that can be."""

    @property
    def seen(self) -> Observation:
        """What this observation saw."""
        return self.assessment.observation

    @property
    def at(self) -> datetime:
        """The API server's time of this observation."""
        return self.assessment.moment.at

    @property
    def elapsed(self) -> timedelta:
        """How long the remediation has been in its phase, by a clock that no server's jump can move."""
        return self.streaks.elapsed(self.assessment.moment)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until the next observation."""

    why: str
    answers: Sequence[tuple[str, GateResult]] = field(default=(), compare=False)
    """What each gate answered, with its progress, where they were asked."""


@dataclass(frozen=True, slots=True)
class Continue:
    """What was stored may have changed what is to be done next: observe again at once."""


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete exactly this pod, as it was in this observation."""

    pod: Pod
    planned: PlannedPod


@dataclass(frozen=True, slots=True)
class Close:
    """The remediation has ended."""


Action = Wait | Continue | DeletePod | Close
Decision = tuple[Remediation, Streaks, Action]
"""The remediation as it should be recorded, what to remember, and the one thing to do after recording it."""


def pods_by_uid(seen: Observation) -> dict[str, Pod]:
    """Every pod that a plan may name, by UID."""
    locket = seen.locket.pods if isinstance(seen.locket, Locket) else ()
    return {pod.uid: pod for pod in (*(each.pod for each in seen.known_pods), *locket)}


def readable(seen: Observation) -> bool:
    """Whether the observation can carry a decision about pods."""
    return not why_unreadable(seen)


def why_unreadable(seen: Observation) -> str:
    """What the observation lacks to carry such a decision; "" if nothing."""
    if isinstance(seen.locket, Unknown) and seen.locket.word != MISSING:
        return f"Locket's pods could not be read: {sentence(seen.locket.reason)}"
    return unlisted(seen)


def blocking_pods(seen: Observation) -> str:
    """Pods that hold a restart up, each with its node and state. A sidecar holds nothing up."""
    return " ".join(f"{pod.name} on node {pod.node or 'none'} is {_state(pod)}." for pod in blocking(seen))


def blocking(seen: Observation) -> list[Pod]:
    """Those pods: Terminating, or not ready where this platform's become so."""
    late = [each.pod for each in seen.known_pods if each.pod.terminating or each in unready(seen)]
    if isinstance(seen.locket, Locket):
        late += seen.locket.late
    return late


def _state(pod: Pod) -> str:
    """As kubectl's STATUS has it, with Kubernetes' own reason."""
    found = described(pod)
    return "Running, and not ready" if found == "Running" else found


def moved(remediation: Remediation, phase: Phase, reason: Reason, message: str, given: Inputs) -> Remediation:
    """The remediation in another phase, with the evidence of the observation that decided it."""
    found = given.assessment.diagnosis
    return replace(remediation.moved(phase, reason, message, given.at), diagnosis=found.name, evidence=found.evidence)
