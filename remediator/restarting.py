"""Restarting: one planned pod after the other, each only while nobody serves. Pure."""

from datetime import timedelta

from remediator.episode import Episode, Phase, Reason, Step
from remediator.policy import Mode
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

_ACCEPTING = frozenset({Name.STUCK_UNAVAILABLE, Name.FROZEN, Name.TLS_BROKEN})


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
    """Who makes any further delete wrong; "" if nobody."""
    found = seen.serving() if _accepts_are_expected(episode) else seen.accepting()
    if seen.service_ok:
        return "The Service answers: no further pod is deleted."
    return f"{found[0].pod.name} accepts connections ({found[0].reply}): no further pod is deleted." if found else ""


def _hindrance(episode: Episode, step: Step, given: Inputs) -> str:
    """Why the next pod is not deleted at this look; "" if nothing is in the way."""
    if given.policy.mode is not Mode.ACT:
        return "The mode is observe: this plan was written in mode act, and is not carried on."
    if given.pause.paused:
        return f"Paused: {given.pause.why}"
    if not readable(given.seen):
        return f"This look could not tell. {given.look.diagnosis.why}"
    return (
        _doubt(episode, given.seen) or _out_of_bounds(episode, step, given) or _locket_hindrance(episode, step, given)
    )


def _doubt(episode: Episode, seen: Observation) -> str:
    """Why it is not certain that nobody serves; "" if it is."""
    doubtful = next((each for each in seen.known_pods if not _certainly_not_serving(each, episode)), None)
    if doubtful is not None:
        return f"It is not certain that {doubtful.pod.name} does not serve."
    if not isinstance(seen.service, Probe):
        return "The Service could not be probed."
    if seen.service.reply.accepted and not _accepts_are_expected(episode):
        return f"Something behind the Service listens ({seen.service.reply})."
    return ""


def _out_of_bounds(episode: Episode, step: Step, given: Inputs) -> str:
    """The record may have been written by somebody else: it can't choose victims; "" if it does not try."""
    owners = {workload.name for workload in given.seen.known_workloads} & set(given.environment.statefulsets)
    if given.environment.locket is not None:
        owners.add(given.environment.locket.statefulset)
    present = pods_by_uid(given.seen)
    targets = [present[planned.uid] for planned in step.pods if not episode.done(planned)]
    stranger = next((pod for pod in targets if pod.owner not in owners), None)
    if stranger is not None:
        return f"The plan names {stranger.name}, which is not one of ours to delete."
    planned = sum(len(each.pods) for each in (episode.plan.steps if episode.plan else ()))
    if planned > given.policy.largest_plan:
        return f"The plan names {planned} pods, more than the largest plan of {given.policy.largest_plan}."
    return ""


def _accepts_are_expected(episode: Episode) -> bool:
    """Whether the plan was made for a pod that accepts and does not serve. It goes on while that lasts."""
    return episode.plan is not None and episode.plan.diagnosis in _ACCEPTING


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
    """Between the steps: Locket must be back and have had the time that alone may be the cure.

    This look may be from before another replica deleted Locket's pods: it must show that the old ones have ended.
    """
    steps = episode.plan.steps if episode.plan else ()
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
    if since is None or given.look.moment.at - since < given.policy.locket_settles:
        return "Locket is back: waiting whether that is cure enough."
    return ""


def _restart_deadline(episode: Episode) -> timedelta:
    steps = episode.plan.steps if episode.plan else ()
    return timedelta(seconds=sum(step.deadline_seconds for step in steps))
