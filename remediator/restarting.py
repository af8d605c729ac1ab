"""Restarting: one planned pod after the other, each only while nobody serves. Pure."""

from datetime import timedelta

from remediator.episode import Episode, Phase, Reason, Step
from remediator.situation import (
    Close,
    Continue,
    Decision,
    DeletePod,
    Inputs,
    Wait,
    holdups,
    moved,
    pods_by_uid,
    readable,
)
from stagekeeper.diego.diagnosis import Name
from stagekeeper.diego.observation import BbsPod, Locket, Observation, Probe, Reply


def restart(episode: Episode, given: Inputs) -> Decision:
    """One planned pod at a time: note what has happened by itself, then stop, wait, or delete the next."""
    course = given.course
    episode = _note_fates(episode, given)
    stop = _somebody_serves(episode, given.seen)
    if stop:
        return moved(episode, Phase.VERIFYING, Reason.SOMEBODY_SERVES, stop, given), course, Continue()
    step = episode.current_step
    if step is None:
        said = "Every planned pod has been terminated; waiting for the new ones."
        return moved(episode, Phase.VERIFYING, Reason.DELETED, said, given), course, Continue()
    if given.look.moment.at - episode.entered > _restart_deadline(episode):
        said = f"The restart of {step.workload} did not finish in time. {holdups(given.seen)}".strip()
        return moved(episode, Phase.ESCALATED, Reason.STEP_LATE, said, given), course, Close()
    hindrance = _hindrance(episode, step, given)
    if hindrance:
        return episode, course, Wait(hindrance)
    planned = next(pod for pod in step.pods if not episode.done(pod))
    target = pods_by_uid(given.seen)[planned.uid]
    return episode, course, DeletePod(target, planned)


def _note_fates(episode: Episode, given: Inputs) -> Episode:
    """Planned pods that are terminating or gone without a record: ours with a lost answer, or somebody else's work."""
    if not readable(given.seen):
        return episode
    now = given.look.moment.at
    present = pods_by_uid(given.seen)
    names = {pod.name for pod in present.values()}
    for planned in (pod for step in (episode.plan.steps if episode.plan else ()) for pod in step.pods):
        pod = present.get(planned.uid)
        if pod is None:
            episode = episode.dealt_with(planned, "replaced" if planned.name in names else "gone", now)
        elif pod.terminating:
            episode = episode.dealt_with(planned, "terminating", now)
    return episode


def _somebody_serves(episode: Episode, seen: Observation) -> str:
    """Who makes any further delete wrong; "" if nobody. A plan for a 503 goes on while the 503 lasts."""
    against_accepts = episode.plan is not None and episode.plan.diagnosis == Name.NO_ACTIVE_BBS
    found = seen.accepting() if against_accepts else seen.serving()
    if seen.service_ok:
        return "The Service answers: no further pod is deleted."
    return f"{found[0].pod.name} accepts connections ({found[0].reply}): no further pod is deleted." if found else ""


def _hindrance(episode: Episode, step: Step, given: Inputs) -> str:
    """Why the next pod is not deleted at this look; "" if nothing is in the way."""
    if given.pause.paused:
        return f"Paused: {given.pause.why}"
    if not readable(given.seen):
        return f"This look could not tell. {given.look.diagnosis.why}"
    doubtful = [each for each in given.seen.known_pods if not _certainly_not_serving(each, episode)]
    if doubtful:
        return f"It is not certain that {doubtful[0].pod.name} does not serve."
    owners = {workload.name for workload in given.seen.known_workloads} & set(given.environment.statefulsets)
    if given.environment.locket is not None:
        owners.add(given.environment.locket.statefulset)
    present = pods_by_uid(given.seen)
    targets = [present[planned.uid] for planned in step.pods if not episode.done(planned)]
    stranger = next((pod for pod in targets if pod.owner not in owners), None)
    if stranger is not None or len(step.pods) > given.policy.largest_plan:
        return "The plan names a pod that is not one of ours to delete."
    return _locket_hindrance(episode, step, given)


def _certainly_not_serving(each: BbsPod, episode: Episode) -> bool:
    """A refusal on the pod's own port, or no address at all to serve on; a label that claims otherwise is a doubt."""
    if each.pod.ip is None or each.pod.terminating:
        return True
    if not isinstance(each.probe, Probe):
        return False
    if episode.plan is not None and episode.plan.diagnosis != Name.NO_ACTIVE_BBS:
        return each.reply is not Reply.OK
    return each.reply is Reply.REFUSED and not each.counts_as_active


def _locket_hindrance(episode: Episode, step: Step, given: Inputs) -> str:
    """Between the steps: Locket must be back and have had the time that alone may be the cure."""
    if episode.plan is None or step == episode.plan.steps[0] or not isinstance(given.seen.locket, Locket):
        return ""
    if not given.seen.locket.all_ready:
        return "Waiting until Locket is back and ready."
    since = max((pod.ready_since for pod in given.seen.locket.pods if pod.ready_since), default=None)
    if since is None or given.look.moment.at - since < given.policy.locket_settles:
        return "Locket is back: waiting whether that is cure enough."
    return ""


def _restart_deadline(episode: Episode) -> timedelta:
    steps = episode.plan.steps if episode.plan else ()
    return timedelta(seconds=sum(step.deadline_seconds for step in steps))
