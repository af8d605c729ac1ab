"""Verifying: the pods are back with new UIDs, exactly one serves, the Service leads to it, time after time. Pure."""

from dataclasses import replace
from datetime import timedelta

from remediator.escalating import escalated
from remediator.inputs import Close, Decision, Inputs, Wait, blocking_pods, moved, pods_by_uid, readable, why_unreadable
from remediator.remediation import Phase, Reason, Remediation
from stagekeeper.config.durations import in_words
from stagekeeper.diego.conditions import Restart
from stagekeeper.diego.diagnosis import Condition, Diagnosis, diagnose
from stagekeeper.diego.observation import Locket, Observation
from stagekeeper.diego.questions import staying, unready


def verify(remediation: Remediation, given: Inputs) -> Decision:
    """Recovered only when everything is proven, several times in a row; escalated when that takes too long.

    A blind observation neither counts nor spoils, and no deadline is judged by it.
    """
    if given.assessment.blind or not readable(given.seen):
        ended = None if given.assessment.blind else _never_proven(remediation, given)
        waits = Wait(f"This check could not tell. {given.assessment.diagnosis.why}")
        return (ended, given.streaks, Close()) if ended else (remediation, given.streaks, waits)
    missing = _missing_proof(remediation, given)
    streaks = given.streaks.verified(complete=not missing)
    if streaks.complete >= given.policy.verify_observations:
        said = f"{given.assessment.diagnosis.why} {_remark(given.seen)}".strip()
        return moved(remediation, Phase.RECOVERED, Reason.SERVING, said, given), streaks, Close()
    ended = _too_late(remediation, given) if missing else None
    return (ended, streaks, Close()) if ended else (remediation, streaks, Wait(missing or "Checking again to be sure."))


def _never_proven(remediation: Remediation, given: Inputs) -> Remediation | None:
    """The escalation where something can't be read, perhaps for good, and who serves can: nobody else would tell.

    Pods that change during a check do not do so for good.
    """
    if given.seen.steady is False or given.elapsed < given.policy.give_up_after:
        return None
    said = f"That the pods are back could not be proven within {in_words(given.policy.give_up_after)}."
    said = f"{said} {why_unreadable(given.seen)}"
    return escalated(remediation, Reason.PODS_LATE, said, given)


def _missing_proof(remediation: Remediation, given: Inputs) -> str:
    """What is still missing to call the restart a success; "" if nothing."""
    _, back = not_back(remediation, given.seen)
    if back:
        return back
    found = given.assessment.diagnosis
    if found.name is not Condition.SERVING:
        return f"Not proven yet. {found.why}"
    return "" if staying(given.seen.serving()) else f"Not proven yet, since who serves is Terminating. {found.why}"


def not_back(remediation: Remediation, seen: Observation) -> tuple[str, str]:
    """Of which workload which pods are not back with a new UID and a ready BBS container; "" if all are."""
    present = pods_by_uid(seen)
    leaving = next((present[each.uid] for each in remediation.deletions if each.uid in present), None)
    if leaving is not None:
        return leaving.owner or "", f"{leaving.name} has not ended yet."
    if not readable(seen):
        return "", why_unreadable(seen)
    if isinstance(seen.locket, Locket) and not seen.locket.all_ready:
        return seen.locket.workload.name, f"Locket's pods are not all ready: {_unready_of(seen.locket)}."
    bbs = "+".join(each.name for each in seen.known_workloads)
    if len(seen.known_pods) < seen.desired:
        return bbs, f"{seen.desired - len(seen.known_pods)} of {seen.desired} pods are not back yet."
    late = unready(seen)
    return (bbs, f"{late[0].pod.name} is not ready yet.") if late else ("", "")


def _unready_of(locket: Locket) -> str:
    late = [pod.name for pod in locket.pods if pod not in locket.ready]
    missing = locket.workload.replicas - len(locket.pods)
    return ", ".join([*late, *([f"{missing} missing"] if missing > 0 else [])]) or "none"


def _too_late(remediation: Remediation, given: Inputs) -> Remediation | None:
    """The escalation that is due while proof is missing."""
    if given.streaks.complete and given.elapsed < given.policy.give_up_after:
        return None  # one bad observation among good ones proves no failure
    workload, back = not_back(remediation, given.seen)
    if back:
        allowed = _allowed(remediation, workload)
        if given.elapsed <= allowed:
            return None
        late = f"{back} {blocking_pods(given.seen)} That is later than {in_words(allowed)} after the deletion."
        if given.assessment.diagnosis.name not in _SAID_BY_THE_PODS:
            late += f" {given.assessment.diagnosis.why}"
        return escalated(remediation, Reason.PODS_LATE, f"The pods are not back in time. {late}", given)
    found = _settled(given)
    if found.name is Condition.SERVING:
        return None  # whoever leaves is followed by another; it is overdue, and no failure, while somebody serves
    if given.elapsed < given.policy.give_up_after and not _had_its_time(remediation, given):
        return None
    why = "" if found.name is Condition.NO_ACTIVE_BBS else f" {found.why}"
    return escalated(remediation, Reason.NOT_SERVING, f"{_outcome(remediation, given.seen, found)}{why}", given, found)


_SAID_BY_THE_PODS = frozenset(
    {Condition.SERVING, Condition.STARTING, Condition.PODS_NOT_READY, Condition.LOCKET_DOWN, Condition.NO_ACTIVE_BBS}
)
"""What adds nothing to the names and states of the pods that are late."""


def _settled(given: Inputs) -> Diagnosis:
    """The diagnosis; that the pods are young is our own doing and explains nothing, so the table is asked past it."""
    if given.assessment.diagnosis.name is not Condition.STARTING:
        return given.assessment.diagnosis
    patience = given.seen.patience.model_copy(update={"starting": timedelta(0)})
    return diagnose(replace(given.seen, patience=patience))


def _outcome(remediation: Remediation, seen: Observation, found: Diagnosis) -> str:
    """What became of the restart; a BBS that came back by itself may have stopped it before its first deletion."""
    if not remediation.deletions:
        return "No pod was restarted, and the stager does not work."
    if remediation.left and not seen.serving():
        return "The restart was stopped halfway, since a BBS served; now none does."
    if found.name is Condition.NO_ACTIVE_BBS:
        return "The pods are back, but the restart did not fix it."
    return "After the restart the stager does not work."


def _had_its_time(remediation: Remediation, given: Inputs) -> bool:
    """Whether somebody should serve by now: some time after the last pod is ready, Locket's included.

    A migration after the restart is waited for, and somebody's roll-out.
    """
    found = given.assessment.diagnosis
    if found.name in {Condition.MIGRATING, Condition.ROLLING_OUT} and found.restart is Restart.NOT_YET:
        return False
    ready = [pod.ready_since for pod in pods_by_uid(given.seen).values() if pod.ready_since is not None]
    since_ready = given.at - max((remediation.entered, *ready))
    return min(since_ready, given.elapsed) >= given.policy.verify_for


def _allowed(remediation: Remediation, workload: str) -> timedelta:
    """How long the pods of that workload may take to be back; the longest of all where it is not known."""
    steps = remediation.plan.steps if remediation.plan else ()
    own = [step.deadline_seconds for step in steps if workload in step.workload.split("+")]
    return timedelta(seconds=max(own or [step.deadline_seconds for step in steps] or [0]))


def _remark(seen: Observation) -> str:
    """What is not as it should be, though the stager works."""
    pods = pods_by_uid(seen).values()
    unready = [
        f"container {container.name} of {pod.name}"
        for pod in pods
        for container in pod.containers
        if not container.ready
    ]
    unready += [f"{pod.name}, whose node {pod.node} is lost" for pod in pods if pod.node_lost]
    return f"Not ready: {', '.join(unready)}." if unready else ""
