"""Verifying: the pods are back with new UIDs, exactly one serves, the Service leads to it, look after look. Pure."""

from datetime import timedelta

from remediator.episode import Episode, Phase, Reason
from remediator.situation import Close, Decision, Inputs, Wait, holdups, moved, pods_by_uid, readable
from stagekeeper.diego.diagnosis import Name
from stagekeeper.diego.observation import Observation


def verify(episode: Episode, given: Inputs) -> Decision:
    """Recovered only when everything is proven, several looks in a row; escalated when that takes too long."""
    missing = _missing_proof(episode, given)
    course = given.course.verified(complete=not missing)
    if course.serving >= given.policy.verify_looks:
        said = f"{given.look.diagnosis.why} {_remark(given.seen)}".strip()
        return moved(episode, Phase.RECOVERED, Reason.SERVING, said, given), course, Close()
    ended = _too_late(episode, given) if missing else None
    return (ended, course, Close()) if ended else (episode, course, Wait(missing or "Looking again to be sure."))


def _missing_proof(episode: Episode, given: Inputs) -> str:
    """What is still missing to call the restart a success; "" if nothing."""
    seen = given.seen
    if not readable(seen):
        return f"This look could not tell. {given.look.diagnosis.why}"
    back = _not_back(episode, seen)
    if back:
        return back
    if given.look.diagnosis.name is not Name.SERVING or len(seen.serving()) != 1:
        return f"Nobody serves yet. {given.look.diagnosis.why}"
    return ""


def _not_back(episode: Episode, seen: Observation) -> str:
    """Which pods are not back with a new UID and a ready BBS container; "" if all are."""
    present = pods_by_uid(seen)
    leaving = next((present[each.uid] for each in episode.deletions if each.uid in present), None)
    if leaving is not None:
        return f"{leaving.name} has not ended yet."
    if len(seen.known_pods) < seen.desired:
        return f"{seen.desired - len(seen.known_pods)} of {seen.desired} pods are not back yet."
    unready = [each.pod for each in seen.known_pods if not seen.bbs_ready(each.pod) and seen.passive_is_ready]
    return f"{unready[0].name} is not ready yet." if unready else ""


def _too_late(episode: Episode, given: Inputs) -> Episode | None:
    """The escalation that is due while proof is missing. A migration after the restart is waited for."""
    now, policy = given.look.moment.at, given.policy
    waited = now - episode.entered
    if waited < policy.give_up_after and (not readable(given.seen) or given.course.serving):
        return None  # one blind or one bad look among good ones proves no failure
    back = _not_back(episode, given.seen)
    if back:
        if waited <= _allowed(episode):
            return None
        said = f"The pods are not back in time. {back} {holdups(given.seen)}".strip()
        return moved(episode, Phase.ESCALATED, Reason.PODS_LATE, said, given)
    if given.look.diagnosis.name is Name.MIGRATING and waited < policy.give_up_after:
        return None
    ready = [each.pod.ready_since for each in given.seen.known_pods if each.pod.ready_since is not None]
    if now - max((episode.entered, *ready)) < policy.verify_for:
        return None
    said = f"The pods are back, but the restart was no cure. {given.look.diagnosis.why}"
    return moved(episode, Phase.ESCALATED, Reason.NOT_SERVING, said, given)


def _allowed(episode: Episode) -> timedelta:
    steps = episode.plan.steps if episode.plan else ()
    return timedelta(seconds=steps[-1].deadline_seconds if steps else 0)


def _remark(seen: Observation) -> str:
    unready = [
        f"container {container.name} of {each.pod.name}"
        for each in seen.known_pods
        for container in each.pod.containers
        if not container.ready
    ]
    return f"Not ready: {', '.join(unready)}." if unready else ""
