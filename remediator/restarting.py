"""Restarting: one planned pod after the other, each only while nobody serves. Pure."""

from datetime import timedelta

from remediator.policy import Mode
from remediator.remediation import Phase, Reason, Remediation, Step
from remediator.situation import (
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
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.observation import BbsPod, Locket, Observation, Probe, Reply

_ACCEPTING = frozenset({Condition.STUCK_UNAVAILABLE, Condition.FROZEN, Condition.TLS_BROKEN})


def restart(remediation: Remediation, given: Inputs) -> Decision:
    """One planned pod at a time: note what has happened by itself, then stop, wait, or delete the next."""
    streaks = given.streaks
    remediation = _note_outcomes(remediation, given)
    stop = _somebody_serves(remediation, given.seen)
    if stop:
        return moved(remediation, Phase.VERIFYING, Reason.SOMEBODY_SERVES, stop, given), streaks, Continue()
    step = remediation.current_step
    if step is None:
        said = "Every planned pod has been terminated; waiting for the new ones."
        return moved(remediation, Phase.VERIFYING, Reason.DELETED, said, given), streaks, Continue()
    if given.assessment.moment.at - remediation.entered > _restart_deadline(remediation):
        said = f"The restart of {step.workload} did not finish in time. {blocking_pods(given.seen)}".strip()
        return moved(remediation, Phase.ESCALATED, Reason.STEP_LATE, said, given), streaks, Close()
    hindrance = _hindrance(remediation, step, given)
    if hindrance:
        return remediation, streaks, Wait(hindrance)
    planned = next(pod for pod in step.pods if not remediation.done(pod))
    target = pods_by_uid(given.seen)[planned.uid]
    return remediation, streaks, DeletePod(target, planned)


def _note_outcomes(remediation: Remediation, given: Inputs) -> Remediation:
    """Planned pods that are terminating or gone without a record: ours with a lost answer, or somebody else's work."""
    if not readable(given.seen):
        return remediation
    now = given.assessment.moment.at
    present = pods_by_uid(given.seen)
    names = {pod.name for pod in present.values()}
    for planned in (pod for step in (remediation.plan.steps if remediation.plan else ()) for pod in step.pods):
        pod = present.get(planned.uid)
        if pod is None:
            remediation = remediation.noted(planned, "replaced" if planned.name in names else "gone", now)
        elif pod.terminating:
            remediation = remediation.noted(planned, "terminating", now)
    return remediation


def _somebody_serves(remediation: Remediation, seen: Observation) -> str:
    """Who makes any further delete wrong; "" if nobody."""
    found = seen.serving() if _accepts_are_expected(remediation) else seen.accepting()
    if seen.service_ok:
        return "The Service answers: no further pod is deleted."
    return f"{found[0].pod.name} accepts connections ({found[0].reply}): no further pod is deleted." if found else ""


def _hindrance(remediation: Remediation, step: Step, given: Inputs) -> str:
    """Why the next pod is not deleted at this observation; "" if nothing is in the way."""
    if given.policy.mode is not Mode.ACT:
        return "The mode is observe: this plan was written in mode act, and is not carried on."
    if given.pause.paused:
        return f"Paused: {given.pause.why}"
    if not readable(given.seen):
        return f"This observation could not tell. {given.assessment.diagnosis.why}"
    return (
        _doubt(remediation, given.seen)
        or _out_of_bounds(remediation, step, given)
        or _locket_hindrance(remediation, step, given)
    )


def _doubt(remediation: Remediation, seen: Observation) -> str:
    """Why it is not certain that nobody serves; "" if it is."""
    doubtful = next((each for each in seen.known_pods if not _certainly_not_serving(each, remediation)), None)
    if doubtful is not None:
        return f"It is not certain that {doubtful.pod.name} does not serve."
    if not isinstance(seen.service, Probe):
        return "The Service could not be probed."
    if seen.service.reply.accepted and not _accepts_are_expected(remediation):
        return f"Something behind the Service listens ({seen.service.reply})."
    return ""


def _out_of_bounds(remediation: Remediation, step: Step, given: Inputs) -> str:
    """The record may have been written by somebody else: it can't choose victims; "" if it does not try."""
    owners = {workload.name for workload in given.seen.known_workloads} & set(given.environment.statefulsets)
    if given.environment.locket is not None:
        owners.add(given.environment.locket.statefulset)
    present = pods_by_uid(given.seen)
    targets = [present[planned.uid] for planned in step.pods if not remediation.done(planned)]
    stranger = next((pod for pod in targets if pod.owner not in owners), None)
    if stranger is not None:
        return f"The plan names {stranger.name}, which is not one of ours to delete."
    planned = sum(len(each.pods) for each in (remediation.plan.steps if remediation.plan else ()))
    if planned > given.policy.largest_plan:
        return f"The plan names {planned} pods, more than the largest plan of {given.policy.largest_plan}."
    return ""


def _accepts_are_expected(remediation: Remediation) -> bool:
    """Whether the plan was made for a pod that accepts and does not serve. It goes on while that lasts."""
    return remediation.plan is not None and remediation.plan.diagnosis in _ACCEPTING


def _certainly_not_serving(each: BbsPod, remediation: Remediation) -> bool:
    """A refusal on the pod's own port, or no address at all to serve on; a label that claims otherwise is a doubt."""
    if each.pod.ip is None or each.pod.terminating:
        return True
    if not isinstance(each.probe, Probe):
        return False
    if remediation.plan is not None and remediation.plan.diagnosis != Condition.NO_ACTIVE_BBS:
        return each.reply is not Reply.OK
    return each.reply is Reply.REFUSED and not each.counts_as_active


def _locket_hindrance(remediation: Remediation, step: Step, given: Inputs) -> str:
    """Between the steps: Locket must be back and have had the time that alone may be the cure.

    This observation may be from before another replica deleted Locket's pods: it must show that the old ones have
    ended.
    """
    steps = remediation.plan.steps if remediation.plan else ()
    earlier = [planned for each in steps[: steps.index(step)] for planned in each.pods]
    present = pods_by_uid(given.seen)
    leaving = next((present[each.uid] for each in earlier if each.uid in present), None)
    if leaving is not None:
        return f"Waiting until {leaving.name} has ended."
    if not earlier or not isinstance(given.seen.locket, Locket):
        return ""
    if not given.seen.locket.all_ready:
        return "Waiting until Locket is back and ready."
    since = max((pod.ready_since for pod in given.seen.locket.pods if pod.ready_since), default=None)
    if since is None or given.assessment.moment.at - since < given.policy.locket_settles:
        return "Locket is back: waiting whether that is cure enough."
    return ""


def _restart_deadline(remediation: Remediation) -> timedelta:
    steps = remediation.plan.steps if remediation.plan else ()
    return timedelta(seconds=sum(step.deadline_seconds for step in steps))
