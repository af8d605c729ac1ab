"""Verifying: the pods are back with new UIDs, exactly one serves, the Service leads to it, time after time. Pure."""

from datetime import timedelta

from remediator.remediation import Phase, Reason, Remediation
from remediator.situation import Close, Decision, Inputs, Wait, blocking_pods, moved, pods_by_uid, readable
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.observation import Observation


def verify(remediation: Remediation, given: Inputs) -> Decision:
    """Recovered only when everything is proven, several looks in a row; escalated when that takes too long."""
    missing = _missing_proof(remediation, given)
    streaks = given.streaks.verified(complete=not missing)
    if streaks.serving >= given.policy.verify_observations:
        said = f"{given.assessment.diagnosis.why} {_remark(given.seen)}".strip()
        return moved(remediation, Phase.RECOVERED, Reason.SERVING, said, given), streaks, Close()
    ended = _too_late(remediation, given) if missing else None
    return (ended, streaks, Close()) if ended else (remediation, streaks, Wait(missing or "Looking again to be sure."))


def _missing_proof(remediation: Remediation, given: Inputs) -> str:
    """What is still missing to call the restart a success; "" if nothing."""
    seen = given.seen
    if not readable(seen):
        return f"This observation could not tell. {given.assessment.diagnosis.why}"
    back = _not_back(remediation, seen)
    if back:
        return back
    if given.assessment.diagnosis.name is not Condition.SERVING or len(seen.serving()) != 1:
        return f"Nobody serves yet. {given.assessment.diagnosis.why}"
    return ""


def _not_back(remediation: Remediation, seen: Observation) -> str:
    """Which pods are not back with a new UID and a ready BBS container; "" if all are."""
    present = pods_by_uid(seen)
    leaving = next((present[each.uid] for each in remediation.deletions if each.uid in present), None)
    if leaving is not None:
        return f"{leaving.name} has not ended yet."
    if len(seen.known_pods) < seen.desired:
        return f"{seen.desired - len(seen.known_pods)} of {seen.desired} pods are not back yet."
    unready = [each.pod for each in seen.known_pods if not seen.bbs_ready(each.pod) and seen.passive_is_ready]
    return f"{unready[0].name} is not ready yet." if unready else ""


def _too_late(remediation: Remediation, given: Inputs) -> Remediation | None:
    """The escalation that is due while proof is missing. A migration after the restart is waited for."""
    now, policy = given.assessment.moment.at, given.policy
    waited = now - remediation.entered
    if waited < policy.give_up_after and (not readable(given.seen) or given.streaks.serving):
        return None  # one blind or one bad look among good ones proves no failure
    back = _not_back(remediation, given.seen)
    if back:
        if waited <= _allowed(remediation):
            return None
        said = f"The pods are not back in time. {back} {blocking_pods(given.seen)}".strip()
        return moved(remediation, Phase.ESCALATED, Reason.PODS_LATE, said, given)
    if given.assessment.diagnosis.name is Condition.MIGRATING and waited < policy.give_up_after:
        return None
    ready = [each.pod.ready_since for each in given.seen.known_pods if each.pod.ready_since is not None]
    if now - max((remediation.entered, *ready)) < policy.verify_for:
        return None
    said = f"The pods are back, but the restart was no cure. {given.assessment.diagnosis.why}"
    return moved(remediation, Phase.ESCALATED, Reason.NOT_SERVING, said, given)


def _allowed(remediation: Remediation) -> timedelta:
    steps = remediation.plan.steps if remediation.plan else ()
    return timedelta(seconds=steps[-1].deadline_seconds if steps else 0)


def _remark(seen: Observation) -> str:
    unready = [
        f"container {container.name} of {each.pod.name}"
        for each in seen.known_pods
        for container in each.pod.containers
        if not container.ready
    ]
    return f"Not ready: {', '.join(unready)}." if unready else ""
