"""Rows 15 to 18: what the pods' own states say. Pure."""

from stagekeeper.diego.durations import spell
from stagekeeper.diego.observation import BbsPod, Observation, Reply
from stagekeeper.diego.rows.questions import age, names, replied, youngest
from stagekeeper.diego.verdicts import Name
from stagekeeper.kube.objects import Container

_LOOPING = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull"})


def node_down(look: Observation) -> tuple[Name, str] | None:
    """Row 15. The node controller marks the pods of a lost node, so nodes need not be read."""
    lost = [each for each in replied(look, Reply.TIMEOUT) if each.pod.node_lost]
    if lost:
        why = f"{names(lost)} can't be reached, and its node ({lost[0].pod.node}) has stopped reporting."
        return Name.NODE_DOWN, why
    return None


def crash_looping(look: Observation) -> tuple[Name, str] | None:
    """Row 16."""
    for each in look.known_pods:
        for container in each.pod.containers:
            if container.waiting in _LOOPING:
                return Name.CRASH_LOOPING, f"Container {container.name} of {each.pod.name} is in {container.waiting}."
            if _restarted_twice(look, container):
                within = spell(look.patience.restarted_twice)
                why = f"Container {container.name} of {each.pod.name} restarted twice within {within}."
                return Name.CRASH_LOOPING, why
    return None


def starting(look: Observation) -> tuple[Name, str] | None:
    """Row 17. Pods that are missing only wait for one that is Pending (OrderedReady), whose age then decides."""
    waiting = [each for each in look.known_pods if _pending(each)]
    young = [each for each in look.known_pods if each not in waiting and youngest(look, each) < look.patience.starting]
    if young:
        return Name.STARTING, f"{names(young)} started less than {spell(look.patience.starting)} ago."
    if waiting and all(age(look, each.pod.created) < look.patience.pending for each in waiting):
        return Name.STARTING, f"Pending: {names(waiting)}."
    if _missing(look) and not waiting and age(look, look.missing_since) < look.patience.pending:
        return Name.STARTING, f"{_missing(look)} of {look.desired} pods are missing."
    return None


def missing(look: Observation) -> tuple[Name, str] | None:
    """Row 18. What has not lasted that long was row 17."""
    waiting = [each for each in look.known_pods if _pending(each)]
    if waiting:
        return Name.PODS_NOT_READY, f"Pending for more than {spell(look.patience.pending)}: {names(waiting)}."
    if _missing(look):
        pending = spell(look.patience.pending)
        why = f"{_missing(look)} of {look.desired} pods have been missing for more than {pending}."
        return Name.PODS_NOT_READY, why
    return None


def _restarted_twice(look: Observation, container: Container) -> bool:
    """With two restarts or more, the run before this one began with a restart too: both starts are in the status.

    A kubelet forgets dead containers after a while, so an unknown start here is an old one.
    """
    began = container.last_started_at
    return container.restarts > 1 and began is not None and age(look, began) < look.patience.restarted_twice


def _pending(each: BbsPod) -> bool:
    return each.pod.phase == "Pending" or (each.pod.ip is None and not each.pod.terminating)


def _missing(look: Observation) -> int:
    return max(0, look.desired - len(look.known_pods))
