"""May the pods be restarted now? A tuple of small questions, each answered at every observation, all of them. Pure.

An answer is `pass`, `not_yet` (ask again at the next observation), `never` (a person is needed) or `not_configured`
(passes, but is shown wherever the answers are shown). Whatever can't be read blocks. The reasons hold no figure that
changes from observation to observation, so that a record is written when an answer changes and not each time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remediator import plan
from remediator.answers import GateResult, Outcome, never, not_yet, passes
from remediator.policy import Mode, Policy
from remediator.streaks import Assessment, Streaks, could_not_tell
from stagekeeper.diego.diagnosis import Condition, Restart
from stagekeeper.diego.durations import spell
from stagekeeper.diego.profiles import Environment


@dataclass(frozen=True, slots=True)
class Past:
    """What the gates need to know of an earlier remediation: when its plan was made and when it ended."""

    name: str
    decided_at: datetime
    ended_at: datetime | None


class Seen(StrEnum):
    """What one Alertmanager says of the alert."""

    ACTIVE = "active"
    SUPPRESSED = "suppressed"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """The alert, as one Alertmanager has it."""

    alertmanager: str
    seen: Seen
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether somebody has paused the remediator in this environment."""

    paused: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the gates are asked about."""

    environment: Environment
    policy: Policy
    assessment: Assessment
    streaks: Streaks
    pause: Pause
    alerts: Sequence[AlertSeen]
    past: Sequence[Past]
    accept: str = ""
    """The diagnosis that a named person overrides, if any."""


Gate = Callable[[Situation], GateResult]


def mode(asked: Situation) -> GateResult:
    """Only `act` deletes pods."""
    if asked.policy.mode is Mode.ACT:
        return passes("The mode is act.")
    return never("The mode is observe: a restart is only written down, never made.")


def pause(asked: Situation) -> GateResult:
    """A person may stop us at any time; what can't be read counts as a pause."""
    return not_yet(asked.pause.why) if asked.pause.paused else passes("Nobody has paused it.")


def alert(asked: Situation) -> GateResult:
    """The alert must still be active, and silenced or inhibited nowhere."""
    if not asked.alerts:
        return GateResult(Outcome.NOT_CONFIGURED, "No Alertmanager is configured to be asked.")
    by = {seen: next((each for each in asked.alerts if each.seen is seen), None) for seen in Seen}
    if (one := by[Seen.SUPPRESSED]) is not None:
        return not_yet(f"{one.alertmanager} has the alert {one.detail or 'suppressed'}.")
    if (one := by[Seen.ACTIVE]) is not None:
        return passes(f"The alert is active in {one.alertmanager}.")
    if (one := by[Seen.UNREADABLE]) is not None:
        return not_yet(f"{one.alertmanager} can't be asked whether the alert is still active: {one.detail}")
    return not_yet("No Alertmanager has the alert (any more).")


def cooldown(asked: Situation) -> GateResult:
    """Time for the last restart to take effect; the pods' age speaks where a record was deleted."""
    now = asked.assessment.moment.at
    made = [(each.ended_at or each.decided_at, f"the restart of {each.name}") for each in asked.past]
    born = [
        (each.pod.created, f"the start of {each.pod.name}")
        for each in asked.assessment.observation.known_pods
        if each.pod.created is not None
    ]
    at, what = max((*made, *born), default=(None, ""))
    if at is None or now - at >= asked.policy.cooldown:
        return passes("Nothing was restarted lately.")
    until = min(at, now) + asked.policy.cooldown
    return not_yet(f"The cooldown after {what} lasts until {until:%H:%M:%S} UTC.")


def budget(asked: Situation) -> GateResult:
    """Restarts that do not last must reach a person."""
    now = asked.assessment.moment.at
    window = asked.policy.budget_window
    spent = sorted(each.decided_at for each in asked.past if each.decided_at > now - window)
    if len(spent) >= asked.policy.budget:
        free = spent[-asked.policy.budget] + window
        return not_yet(f"{len(spent)} restarts within {spell(window)} use up the budget until {free:%H:%M:%S} UTC.")
    return passes(f"The budget of {asked.policy.budget} restarts within {spell(window)} is not used up.")


def diagnosis(asked: Situation) -> GateResult:
    """What a restart cures, by the table of docs/diagnosis.md; a named person may override one `never`."""
    found = asked.assessment.diagnosis
    if overridden(asked):
        return passes(f"{found.name}: {found.why}")
    word = {Restart.CURES: Outcome.PASS, Restart.NOT_YET: Outcome.NOT_YET, Restart.NEVER: Outcome.NEVER}[found.restart]
    return GateResult(word, f"{found.name}: {found.why}")


def confirmation(asked: Situation) -> GateResult:
    """The diagnosis must have stood in every look for long enough; blind observations neither count nor spoil it."""
    run, policy = asked.streaks.diagnosis, asked.policy
    name = run.what if run else ""
    patient = name == Condition.STUCK_UNAVAILABLE and not asked.accept
    needed = policy.confirm_stuck_for if patient else policy.confirm_for
    asked_for = f"{policy.confirm_observations} observations over {needed.total_seconds():.0f} s"
    if could_not_tell(asked.assessment.diagnosis):
        return not_yet("This observation could not tell.")
    if run is None or run.length < needed or run.observations < policy.confirm_observations:
        return not_yet(f"{asked.assessment.diagnosis.name} has not stood in {asked_for} yet.")
    return passes(f"{name} has stood in every observation, at least {asked_for}.")


def bounds(asked: Situation) -> GateResult:
    """The plan must name few pods, of the configured owners only, that come back the same."""
    return plan.bounds(asked.assessment.observation, asked.environment, asked.policy.largest_plan)


GATES: tuple[tuple[str, Gate], ...] = (
    ("mode", mode),
    ("pause", pause),
    ("alert", alert),
    ("cooldown", cooldown),
    ("budget", budget),
    ("diagnosis", diagnosis),
    ("confirmation", confirmation),
    ("bounds", bounds),
)


def ask(situation: Situation) -> tuple[tuple[str, GateResult], ...]:
    """Every gate's answer, in their fixed order."""
    return tuple((name, gate(situation)) for name, gate in GATES)


OVERRIDABLE = frozenset(
    {
        Condition.STUCK_UNAVAILABLE,
        Condition.FROZEN,
        Condition.TLS_BROKEN,
        Condition.NETWORK_FAULT,
        Condition.CRASH_LOOPING,
        Condition.PODS_NOT_READY,
        Condition.LOCKET_DOWN,
        Condition.CLOUD_CONTROLLER_DOWN,
        Condition.LABEL_CONTRADICTS,
    }
)
"""What `--accept` may name: a `never` with which nobody serves. No person can have a serving BBS restarted by us."""


def overridden(asked: Situation) -> bool:
    """Whether a `never` of this diagnosis was turned into a pass, by a person or by the one setting."""
    name = asked.assessment.diagnosis.name
    if name is Condition.STUCK_UNAVAILABLE and asked.policy.restart_stuck_unavailable:
        return True
    return name in OVERRIDABLE and asked.accept == name and not asked.assessment.observation.serving()
