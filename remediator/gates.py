"""May the pods be restarted now? A tuple of small questions, each answered at every observation, all of them. Pure.

An answer is `pass`, `not_yet` (ask again at the next observation), `never` (a person is needed) or `not_configured`
(passes, but is shown wherever the answers are shown). Whatever can't be read blocks. The reasons hold no figure that
changes from observation to observation, so that a record is written when an answer changes and not each time; such
figures are the answer's `progress`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from remediator import overriding
from remediator.inputs import AlertState, Inputs
from remediator.policy import Mode
from remediator.record import took
from remediator.remediation import GateResult, Outcome
from stagekeeper.config.durations import in_words
from stagekeeper.diego.conditions import Condition, Restart
from stagekeeper.diego.observation import Locket, Unknown, lockets_own
from stagekeeper.kube.objects import Pod, StatefulSet


def passes(why: str) -> GateResult:
    """The gate is open."""
    return GateResult(Outcome.PASS, why)


def not_yet(why: str, progress: str = "", not_before: datetime | None = None) -> GateResult:
    """The gate is closed for now, until `not_before` at the earliest where that is known."""
    return GateResult(Outcome.NOT_YET, why, progress, not_before)


def never(why: str) -> GateResult:
    """The gate will not open by itself."""
    return GateResult(Outcome.NEVER, why)


Gate = Callable[[Inputs], GateResult]


def mode(given: Inputs) -> GateResult:
    """Only `act` deletes pods."""
    if given.policy.mode is Mode.ACT:
        return passes("The mode is act.")
    return never("The mode is observe: a restart is only written down, never made.")


def pause(given: Inputs) -> GateResult:
    """A person may stop us at any time; what can't be read counts as a pause."""
    return not_yet(given.pause.why) if given.pause.paused else passes("Not paused.")


def alert(given: Inputs) -> GateResult:
    """The alert must still be active, silenced or inhibited or muted nowhere, and every Alertmanager must say so."""
    if not given.alerts:
        return GateResult(Outcome.NOT_CONFIGURED, "No Alertmanager is configured to be asked.")
    by = {state: next((each for each in given.alerts if each.state is state), None) for state in AlertState}
    suppressed, active, unread = by[AlertState.SUPPRESSED], by[AlertState.ACTIVE], by[AlertState.UNREADABLE]
    if suppressed is not None:
        return not_yet(f"The alert is {suppressed.detail or 'suppressed'} in {suppressed.alertmanager}.")
    if unread is not None and not (active is not None and _enough_without_it(given)):
        return not_yet(f"{unread.alertmanager} can't be asked whether the alert is silenced there: {unread.detail}")
    if active is None:
        return not_yet("The alert is not firing in any Alertmanager.")
    if unread is not None:
        waited = in_words(given.policy.alerts_unread_for)
        return passes(
            f"The alert is firing in {active.alertmanager}. {unread.alertmanager} could not be asked for {waited}."
        )
    remark = f" ({active.detail})" if active.detail else ""
    return passes(f"The alert is firing in {active.alertmanager}{remark}.")


def _enough_without_it(given: Inputs) -> bool:
    """Whether one Alertmanager has been out of reach for so long that the others' word is to be enough.

    Not where it had the alert suppressed when it was last asked: then the others' word has been wrong before.
    """
    streak, policy = given.streaks.alerts_unread, given.policy
    if any(each.alertmanager in given.streaks.suppressed for each in given.alerts):
        return False
    return policy.alerts_unread_then == "go_on" and streak is not None and streak.lasts(policy.alerts_unread_for)


def cooldown(given: Inputs) -> GateResult:
    """Time for the last restart to take effect; the pods' age speaks where a record was deleted.

    Locket's restarts by itself count too where it has its own StatefulSet, also those of its container in a pod that
    stays, and are given the time that they take to be the cure.
    """
    ended = [(each.ended_at or each.decided_at, f"the restart by {each.name}") for each in given.past]
    born = [
        (pod.created, f"the start of {pod.name}")
        for pod in (*(each.pod for each in given.seen.known_pods), *_locket_pods(given))
        if pod.created is not None
    ]
    began = [
        (each.started_at, f"the start of Locket in {pod.name}")
        for pod in _locket_pods(given)
        for each in lockets_own(pod)
        if each.started_at is not None and each.restarts
    ]
    at, what = max((*ended, *born, *began), default=(None, ""))
    if at is not None and given.at - at < given.policy.cooldown:
        until = min(at, given.at) + given.policy.cooldown
        return not_yet(f"The cooldown after {what} lasts until {until:%H:%M:%S} UTC.", not_before=until)
    ready = [(pod.ready_since, pod.name) for pod in _locket_pods(given) if pod.ready_since is not None]
    back, name = max(ready, default=(None, ""))
    if back is not None and given.at - back < given.policy.locket_settles:
        until = min(back, given.at) + given.policy.locket_settles
        return not_yet(
            f"{name} came back by itself: it has until {until:%H:%M:%S} UTC to be the fix.", not_before=until
        )
    return passes(f"No restart within the cooldown ({in_words(given.policy.cooldown)}).")


def _locket_pods(given: Inputs) -> Sequence[Pod]:
    return given.seen.locket.pods if isinstance(given.seen.locket, Locket) else ()


def budget(given: Inputs) -> GateResult:
    """Restarts that do not last must reach a person."""
    policy = given.policy
    spent = sorted(each.decided_at for each in given.past if each.decided_at > given.at - policy.budget_window)
    used = f"{len(spent)} of {policy.budget} restarts used in the last {in_words(policy.budget_window)}"
    if len(spent) >= policy.budget:
        free = spent[-policy.budget] + policy.budget_window
        return not_yet(f"{used}: no further one before {free:%H:%M:%S} UTC.", not_before=free)
    return passes(f"{used}.")


def diagnosis(given: Inputs) -> GateResult:
    """What a restart fixes, by the table of docs/diagnosis.md; a named person may override one `never`."""
    found = given.assessment.diagnosis
    if overriding.overridden(given):
        other = overriding.hindering(given)
        if other is None:
            return passes(f"{found.name}: {found.why}")
        return GateResult(
            _OUTCOME[other.answer], f"{found.name} would be restarted, but {other.condition}: {other.why}"
        )
    answer, doubt = by_the_table(given), overriding.in_doubt(given.seen)
    if answer.opens or found.name not in overriding.accepted(given) or not doubt:
        return answer
    return replace(answer, why=f"{answer.why} That it was accepted does not count: {doubt}.")


_OUTCOME = {Restart.CURES: Outcome.PASS, Restart.NOT_YET: Outcome.NOT_YET, Restart.NEVER: Outcome.NEVER}


def by_the_table(given: Inputs) -> GateResult:
    """What the table says, whoever has accepted what."""
    found = given.assessment.diagnosis
    return GateResult(_OUTCOME[found.restart], f"{found.name}: {found.why}")


def confirmation(given: Inputs) -> GateResult:
    """The diagnosis must have persisted in every observation for long enough; blind ones neither count nor spoil it."""
    if given.assessment.blind:
        return not_yet("This check could not tell.")
    if not diagnosis(given).opens:
        return not_yet("It is asked once the diagnosis gate is open.")
    streak, policy = given.streaks.diagnosis, given.policy
    name = given.assessment.diagnosis.name
    patient = name is Condition.STUCK_UNAVAILABLE and name not in overriding.accepted(given)
    needed = policy.confirm_stuck_for if patient else policy.confirm_for
    asked_for = f"{policy.confirm_observations} checks over {needed.total_seconds():.0f} s"
    if streak is None:
        return not_yet(f"{name} must persist for {asked_for}.")
    if streak.lasts(needed) and streak.observations >= policy.confirm_observations:
        return passes(f"{name} has persisted in every check, at least {asked_for}.")
    opens = streak.first.at + needed
    return not_yet(
        f"{name} must persist for {asked_for}: no restart before {opens:%H:%M:%S} UTC.",
        f"{min(streak.observations, policy.confirm_observations)} of {policy.confirm_observations} checks, "
        f"{max(0.0, streak.length.total_seconds()):.0f} of {needed.total_seconds():.0f} s",
        opens,
    )


def bounds(given: Inputs) -> GateResult:
    """Few pods, of the configured owners only, as many as asked for, that come back with the same revision."""
    seen, environment = given.seen, given.environment
    if not isinstance(seen.workloads, tuple) or not isinstance(seen.pods, tuple):
        return not_yet("The pods and their StatefulSet could not be read.")
    workloads = {each.name: each for each in seen.known_workloads}
    missing = [name for name in environment.statefulsets if name not in workloads]
    if missing:
        return never(f"The configured StatefulSet {missing[0]} does not exist.")
    groups = [([each.pod for each in seen.known_pods], [*workloads.values()])]
    if isinstance(seen.locket, Locket):
        groups.append(([*seen.locket.pods], [seen.locket.workload]))
    elif isinstance(seen.locket, Unknown):
        return not_yet("Locket's own StatefulSet could not be read.")
    for members, owners in groups:
        problem = _strangers(members, owners) or _count(members, owners) or _revisions(members, owners)
        if problem is not None:
            return problem
    total = sum(len(members) for members, _ in groups)
    if total > given.policy.largest_plan:
        return never(f"A restart would terminate {total} pods; the largest plan has {given.policy.largest_plan}.")
    return passes("Pods match the configured StatefulSet; their revision is current.")


def _strangers(pods: Sequence[Pod], owners: Sequence[StatefulSet]) -> GateResult | None:
    names = {each.name for each in owners}
    found = next((pod for pod in pods if pod.owner not in names), None)
    return never(f"{found.name} does not belong to a configured StatefulSet.") if found else None


def _count(pods: Sequence[Pod], owners: Sequence[StatefulSet]) -> GateResult | None:
    wanted = sum(each.replicas for each in owners)
    return not_yet(f"{wanted} pods are asked for, and {len(pods)} are seen.") if len(pods) != wanted else None


def unseen_change(owners: Sequence[StatefulSet]) -> GateResult | None:
    """Whether one of them was changed, and nobody knows yet which revision its pods are to have."""
    found = next((each for each in owners if each.observed_generation < each.generation), None)
    return not_yet(f"StatefulSet {found.name} has a change that its controller has not seen yet.") if found else None


def _revisions(pods: Sequence[Pod], owners: Sequence[StatefulSet]) -> GateResult | None:
    """Every pod must come back with the revision that it has. A plain RollingUpdate gets there by itself."""
    change = unseen_change(owners)
    if change is not None:
        return change
    by_name = {each.name: each for each in owners}
    found = next((pod for pod in pods if pod.revision != by_name[pod.owner or ""].update_revision), None)
    if found is None:
        return None
    owner = by_name[found.owner or ""]
    if owner.update_strategy == "RollingUpdate" and not owner.partition:
        return not_yet(f"StatefulSet {owner.name} is being rolled out: {found.name} is still of an older revision.")
    kept = f"partition {owner.partition}" if owner.update_strategy == "RollingUpdate" else owner.update_strategy
    said = f"{found.name} is of another revision than the newest of StatefulSet {owner.name} ({kept})"
    return never(f"{said}: a restart might change what runs there.")


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


def ask(given: Inputs) -> tuple[tuple[str, GateResult], ...]:
    """Every gate's answer, in their fixed order."""
    return tuple((name, gate(given)) for name, gate in GATES)


def closed(answers: Sequence[tuple[str, GateResult]]) -> Sequence[tuple[str, GateResult]]:
    """Those that hold a restart up, in their order."""
    return [(name, answer) for name, answer in answers if not answer.opens]


def earliest(answers: Sequence[tuple[str, GateResult]]) -> datetime | None:
    """The moment before which no restart is possible; None where a closed gate does not know one, or none is closed."""
    known = [answer.not_before for _, answer in closed(answers)]
    moments = [each for each in known if each is not None]
    return max(moments) if moments and len(moments) == len(known) else None


def earliest_sentence(answers: Sequence[tuple[str, GateResult]], now: datetime) -> str:
    """When a restart is possible at the earliest, as far as the gates know."""
    shut, at = closed(answers), earliest(answers)
    if at is not None and at > now:
        return f"at {at:%H:%M:%S} UTC at the earliest, in {took(at - now)}"
    if at is not None or not shut:
        return "with the next observation in which every gate is open"
    return f"not before the gate {shut[0][0]} opens"
