"""What several rows ask of an observation. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta

from stagekeeper.diego.observation import BbsPod, Observation, Probe, Reply
from stagekeeper.kube.objects import Container, StatefulSet

_NAMED = 3


def replied(seen: Observation, *replies: Reply) -> list[BbsPod]:
    """The pods whose own port gave one of these replies."""
    return [each for each in seen.known_pods if each.reply in replies]


def all_refused(seen: Observation) -> bool:
    """Whether there are pods, and every one of them was asked and refused."""
    return bool(seen.known_pods) and all(each.reply is Reply.REFUSED for each in seen.known_pods)


def unprobed(seen: Observation) -> list[BbsPod]:
    """The pods that have an address and could not be asked."""
    return [each for each in seen.known_pods if each.pod.ip and not isinstance(each.probe, Probe)]


def service_reply(seen: Observation) -> Reply | None:
    """What the Service's probe met; None where there was none."""
    return seen.service.reply if isinstance(seen.service, Probe) else None


def names(pods: Collection[BbsPod]) -> str:
    """Pods as a sentence names them: the first three, and how many more."""
    found = [each.pod.name for each in pods]
    if len(found) > _NAMED:
        return f"{', '.join(found[:_NAMED])} and {len(found) - _NAMED} more"
    return " and ".join(found)


def age(seen: Observation, since: datetime | None) -> timedelta:
    """How long ago that was. An unknown moment counts as now: whatever is not known to be old may be new."""
    return seen.taken_at - since if since is not None else timedelta(0)


def youngest(seen: Observation, each: BbsPod) -> timedelta:
    """Age of the pod or of its BBS container's present run, whichever is less."""
    running = [container.started_at for container in seen.bbs_containers(each.pod) if container.started_at is not None]
    return min(age(seen, moment) for moment in (each.pod.created, *running))


def migration_possible(seen: Observation) -> bool:
    """Whether anything is new: a young pod, a young BBS container, or pods of different revisions."""
    revisions = {each.pod.revision for each in seen.known_pods}
    return len(revisions) > 1 or any(youngest(seen, each) < seen.patience.migrating for each in seen.known_pods)


def restarted_twice(seen: Observation, container: Container) -> bool:
    """With two restarts or more, the run before this one began with a restart too: both starts are in the status.

    A kubelet forgets dead containers after a while, so an unknown start here is an old one.
    """
    began = container.last_started_at
    return container.restarts > 1 and began is not None and age(seen, began) < seen.patience.restarted_twice


def pending(each: BbsPod) -> bool:
    """Whether the pod waits for a node or for its address."""
    return each.pod.phase == "Pending" or (each.pod.ip is None and not each.pod.terminating)


def missing_count(seen: Observation) -> int:
    """How many of the replicas there are no pods of."""
    return max(0, seen.desired - len(seen.known_pods))


def overdue(seen: Observation, each: BbsPod) -> bool:
    """Whether a pod that is Terminating should have ended some time ago."""
    return each.pod.ends_at is not None and seen.taken_at - each.pod.ends_at > seen.patience.terminating


def behind(seen: Observation, workload: StatefulSet) -> list[BbsPod]:
    """The pods that a roll-out under way will replace. OnDelete and a partition leave old pods on purpose."""
    if workload.update_strategy != "RollingUpdate" or workload.partition or not workload.update_revision:
        return []
    own = (each for each in seen.known_pods if each.pod.owner == workload.name)
    return [each for each in own if each.pod.revision != workload.update_revision]
