"""Restarting: one planned pod after the other, each only while nobody serves and the whole table agrees. Pure.

What forbids a plan forbids the rest of it. Before each delete a fresh observation is diagnosed as if the plan had
nothing to do with it, and the gates of the diagnosis and the bounds must be open; so what a person accepted, what the
plan was made for and what is seen now are the same thing.
"""

from dataclasses import replace
from datetime import timedelta

from remediator import gates, overriding
from remediator.escalating import escalated, names
from remediator.inputs import (
    Close,
    Continue,
    Decision,
    DeletePod,
    Inputs,
    Wait,
    blocking_pods,
    moved,
    pods_by_uid,
    readable,
)
from remediator.plan import hung_since_the_plan, without_own_effects
from remediator.policy import Mode
from remediator.remediation import GateResult, Outcome, Phase, Reason, Remediation, Step
from remediator.streaks import Assessment, Streak, Streaks
from stagekeeper.diego.diagnosis import Condition, Diagnosis, diagnose
from stagekeeper.diego.observation import BbsPod, Locket, Observation, Probe, Reply
from stagekeeper.diego.sentences import serves


def restart(remediation: Remediation, given: Inputs) -> Decision:
    """One planned pod at a time: note what has happened by itself, then stop, wait, or delete the next."""
    remediation = _note_outcomes(remediation, given)
    stop = _somebody_serves(given.seen)
    if stop:
        return moved(remediation, Phase.VERIFYING, Reason.SOMEBODY_SERVES, stop, given), given.streaks, Continue()
    step = remediation.current_step
    if step is None:
        said = f"Deletion accepted for {names(remediation.deleted)}; waiting for the replacement pods."
        if remediation.refusals:
            said += f" Refused, since they are not ours to delete: {names(remediation.refusals)}."
        return moved(remediation, Phase.VERIFYING, Reason.DELETED, said, given), given.streaks, Continue()
    excused = _excused(remediation, given)
    answers = _answers(remediation, excused, given) if excused else ()
    closed = next((each.why for each in answers if not each.opens), "")
    held = _hindrance(remediation, step, given, excused)
    hindrance = held or closed
    # The plan's own effects hold no delete by themselves; where a doubt does, what they are is the reason for it.
    table = gates.by_the_table(given)
    forbidden = bool(held) and not given.pause.paused and table.outcome is Outcome.NEVER
    streaks = _remember((*answers, table) if forbidden else answers, excused, given)
    ended = None
    if excused is not None and not excused.assessment.blind:
        first = overriding.to_deal_with(given if held or forbidden else excused)
        ended = _too_late(remediation, step, replace(given, streaks=streaks), hindrance, first)
    if ended is not None:
        return ended, streaks, Close()
    if hindrance:
        return remediation, streaks, Wait(hindrance)
    planned = next(pod for pod in step.pods if not remediation.done(pod))
    return remediation, streaks, DeletePod(pods_by_uid(given.seen)[planned.uid], planned)


def _note_outcomes(remediation: Remediation, given: Inputs) -> Remediation:
    """Planned pods that are terminating or gone without a record: ours with a lost answer, or somebody else's work.

    A name that no pod of ours can have stands in a plan that somebody else wrote: nothing is known of such a pod, and
    it is refused. A pod that is there and is none of ours is left to `_out_of_bounds`.
    """
    if not readable(given.seen):
        return remediation
    present = pods_by_uid(given.seen)
    present_names, owners = {pod.name for pod in present.values()}, _owners(given)
    for planned in remediation.planned_pods:
        pod = present.get(planned.uid)
        if pod is None and planned.name.rpartition("-")[0] not in owners:
            remediation = remediation.noted(planned, "refused", given.at)
        elif pod is None:
            remediation = remediation.noted(planned, "replaced" if planned.name in present_names else "gone", given.at)
        elif pod.terminating and pod.owner in owners:
            remediation = remediation.noted(planned, "terminating", given.at)
    return remediation


def _somebody_serves(seen: Observation) -> str:
    """Who makes any further delete wrong; "" if nobody. A 503 is no service."""
    if seen.service_ok:
        return "The Service answers: no further pod is deleted."
    found = seen.serving()
    return f"{serves(found, seen.sought.port)}: no further pod is deleted." if found else ""


def _excused(remediation: Remediation, given: Inputs) -> Inputs | None:
    """The inputs as if the plan had nothing to do with them; None for an observation that shows too little."""
    if not readable(given.seen):
        return None
    seen = without_own_effects(given.seen, remediation)
    return replace(given, assessment=Assessment(seen, diagnose(seen), given.assessment.moment))


def _answers(remediation: Remediation, excused: Inputs, given: Inputs) -> tuple[GateResult, ...]:
    """What the gates of the diagnosis and the bounds say. An override holds only for what the plan was made for."""
    planned_for = remediation.plan.diagnosis if remediation.plan else ""
    agreed = excused.assessment.diagnosis.name == planned_for and overriding.overridden(excused)
    diagnosis = gates.diagnosis(excused) if agreed else gates.by_the_table(excused)
    return _as_planned(remediation, excused, given), diagnosis, gates.bounds(excused)


def _as_planned(remediation: Remediation, excused: Inputs, given: Inputs) -> GateResult:
    """Whether as many replicas are wanted as the plan was made for, and Locket's StatefulSet is as it was."""
    step = remediation.plan.steps[-1] if remediation.plan else None
    left = sum(not remediation.done(pod) for pod in step.pods) if step else 0
    lockets = [given.seen.locket.workload] if isinstance(given.seen.locket, Locket) else []
    off = next((each.name for each in lockets if not each.replicas), None)
    if off is not None:
        return gates.never(f"StatefulSet {off} asks for 0 replicas: no BBS could take the lock.")
    change = gates.unseen_change(lockets)
    if change is not None:
        return change
    if excused.seen.desired < left:
        return gates.never(f"StatefulSet {step.workload if step else ''} was scaled down since the plan was made.")
    return gates.passes("As many replicas as planned.")


def _remember(answers: tuple[GateResult, ...], excused: Inputs | None, given: Inputs) -> Streaks:
    refusals = tuple(answer.why for answer in answers if answer.outcome is Outcome.NEVER)
    if excused is None or excused.assessment.blind:
        return given.streaks
    return given.streaks.refused(refusals, given.assessment.moment, given.policy.tolerance)


def _hindrance(remediation: Remediation, step: Step, given: Inputs, excused: Inputs | None) -> str:
    """Why the next pod is not deleted at this observation, whatever the gates say; "" if nothing is in the way."""
    if given.policy.mode is not Mode.ACT:
        return "The mode is observe: this plan was written in mode act, and is not carried on."
    if given.pause.paused:
        return f"Paused: {given.pause.why}"
    if excused is None:
        return f"This check could not tell. {given.assessment.diagnosis.why}"
    return _doubt(remediation, given.seen, excused) or _out_of_bounds(remediation, step, given)


def _doubt(remediation: Remediation, seen: Observation, excused: Inputs) -> str:
    """Why it is not certain that nobody serves; "" if it is."""
    doubtful = next((each for each in seen.known_pods if not _certainly_not_serving(each, remediation, excused)), None)
    if doubtful is not None:
        return f"It is not certain that {doubtful.pod.name} does not serve ({doubtful.reply or 'not probed'})."
    if not isinstance(seen.service, Probe):
        return "The Service could not be probed."
    if seen.service.reply.accepted and seen.service.reply not in {each.reply for each in seen.known_pods}:
        return f"Something behind the Service listens ({seen.service.reply})."
    return ""


def _certainly_not_serving(each: BbsPod, remediation: Remediation, excused: Inputs) -> bool:
    """A refusal on the pod's own port, or no address to serve on; a 503 of a pod that hung since the plan was made.

    A pod that its own readiness probe calls active is a doubt, unless it told us itself, by a 503, that it serves
    nobody. Any other answer is certain only where a person, the plan and this observation agree on what it means.
    """
    if each.pod.ip is None or each.pod.terminating or each.pod.ended:
        return True
    made_since = each.pod.uid not in {pod.uid for pod in remediation.planned_pods}
    if not isinstance(each.probe, Probe) or (each.reply is Reply.UNAVAILABLE and made_since):
        return False  # such a 503 may be a migration
    if each.reply is Reply.REFUSED:
        return not each.counts_as_active
    if hung_since_the_plan(each, excused.seen, remediation):
        return True
    planned_for = remediation.plan.diagnosis if remediation.plan else ""
    found = excused.assessment.diagnosis.name
    if each in excused.seen.serving() or found != planned_for or not overriding.overridden(excused):
        return False
    return each.reply is Reply.UNAVAILABLE or not each.counts_as_active


def _out_of_bounds(remediation: Remediation, step: Step, given: Inputs) -> str:
    """The record may have been written by somebody else: it can't choose victims; "" if it does not try."""
    if remediation.plan is None or remediation.plan.diagnosis not in set(Condition):
        return "The plan's diagnosis is none that is known: nothing is deleted by it."
    owners = _owners(given)
    present = pods_by_uid(given.seen)
    targets = [present[planned.uid] for planned in step.pods if not remediation.done(planned)]
    stranger = next((pod for pod in targets if pod.owner not in owners), None)
    if stranger is not None:
        return f"The plan names {stranger.name}, which is not one of ours to delete."
    planned = len(remediation.planned_pods)
    if planned > given.policy.largest_plan:
        return f"The plan names {planned} pods, more than the largest plan of {given.policy.largest_plan}."
    return ""


def _owners(given: Inputs) -> set[str]:
    """The StatefulSets whose pods a plan may name."""
    owners = {workload.name for workload in given.seen.known_workloads} & set(given.environment.statefulsets)
    return owners | ({given.environment.locket.statefulset} if given.environment.locket else set())


def _too_late(
    remediation: Remediation, step: Step, given: Inputs, hindrance: str, first: Diagnosis
) -> Remediation | None:
    """The escalation that is due: a `never` that persists, or a step that is past its deadline.

    `first` is what a person is to deal with then.
    """
    streaks = given.streaks
    lasting = next((each for each in (streaks.delete_refused, streaks.never) if each and _lasts(each, given)), None)
    if lasting is not None:
        why = " ".join(lasting.names)
    elif given.elapsed > timedelta(seconds=step.deadline_seconds):
        why = f"{hindrance or streaks.delete_failed} {blocking_pods(given.seen)}".strip()
    else:
        return None
    said = f"The restart was interrupted at {step.workload}. {why}"
    return escalated(remediation, Reason.INTERRUPTED, said, given, first)


def _lasts(streak: Streak, given: Inputs) -> bool:
    return streak.lasts(given.policy.never_for)
