"""Rows 1, 10 to 14 and 19: what the StatefulSets, Locket and the database say. Pure."""

from stagekeeper.diego.observation import BbsPod, Locket, Observation, Probe, Unknown
from stagekeeper.diego.rows.questions import names, unprobed
from stagekeeper.diego.verdicts import Name
from stagekeeper.kube.objects import StatefulSet


def absent(look: Observation) -> tuple[Name, str] | None:
    """Row 1. Pods without their StatefulSet are no absence: then the name that we look for is wrong (row 10)."""
    if look.workloads == () and look.pods == ():
        return Name.NOT_APPLICABLE, "There is no Diego here: no such StatefulSet and no such pods."
    return None


def unreadable(look: Observation) -> tuple[Name, str] | None:
    """Row 10."""
    for what, part in (("pods", look.pods), ("StatefulSet", look.workloads), ("second list", look.steady)):
        if not isinstance(part, tuple | bool):
            return Name.OBSERVER_FAULT, f"The {what} could not be read: {_reason(part)}"
    if look.steady is not True:
        return Name.OBSERVER_FAULT, "The pods changed while we looked."
    if unprobed(look):
        return Name.OBSERVER_FAULT, f"{names(unprobed(look))} could not be probed."
    if not isinstance(look.service, Probe):
        return Name.OBSERVER_FAULT, f"The Service could not be probed: {_reason(look.service)}"
    if look.workloads == ():
        return Name.OBSERVER_FAULT, f"{names(look.known_pods)} match the selector, but the StatefulSet does not exist."
    return None


def scaled_down(look: Observation) -> tuple[Name, str] | None:
    """Row 11."""
    return (Name.SCALED_DOWN, "The StatefulSet asks for 0 replicas.") if look.desired == 0 else None


def terminating(look: Observation) -> tuple[Name, str] | None:
    """Row 12."""
    leaving = [each for each in look.known_pods if each.pod.terminating]
    stuck = next((each for each in leaving if _overdue(look, each)), None)
    if stuck is not None:
        return Name.TERMINATING_STUCK, (
            f"{stuck.pod.name} on node {stuck.pod.node or 'none'} should have ended at {stuck.pod.ends_at:%H:%M:%S} "
            "UTC and is still Terminating: look at its node; do not force it, the old process may live on."
        )
    if leaving:
        return Name.ROLLING_OUT, f"Terminating: {names(leaving)}."
    if len(look.known_pods) > look.desired:
        return Name.ROLLING_OUT, f"There are {len(look.known_pods)} pods for {look.desired} replicas."
    return None


def rolling_out(look: Observation) -> tuple[Name, str] | None:
    """Row 13. The StatefulSet's `currentRevision` is not asked: it can lag for ever (kubernetes #73492)."""
    for workload in look.known_workloads:
        if workload.observed_generation < workload.generation:
            return Name.ROLLING_OUT, f"StatefulSet {workload.name} has a change that its controller has not seen yet."
        behind = _behind(look, workload)
        if behind:
            return Name.ROLLING_OUT, f"Still of an older revision of StatefulSet {workload.name}: {names(behind)}."
    return None


def database_down(look: Observation) -> tuple[Name, str] | None:
    """Row 14."""
    return (Name.DATABASE_DOWN, "The database can't be reached.") if look.database is False else None


def locket_down(look: Observation) -> tuple[Name, str] | None:
    """Row 19."""
    if isinstance(look.locket, Locket) and not look.locket.all_ready:
        why = f"Not all pods of StatefulSet {look.locket.workload.name} are Ready: no BBS can take the lock."
        return Name.LOCKET_DOWN, why
    return None


def _overdue(look: Observation, each: BbsPod) -> bool:
    return each.pod.ends_at is not None and look.taken_at - each.pod.ends_at > look.patience.terminating


def _behind(look: Observation, workload: StatefulSet) -> list[BbsPod]:
    """The pods that a roll-out under way will replace. OnDelete and a partition leave old pods on purpose."""
    if workload.update_strategy != "RollingUpdate" or workload.partition or not workload.update_revision:
        return []
    own = (each for each in look.known_pods if each.pod.owner == workload.name)
    return [each for each in own if each.pod.revision != workload.update_revision]


def _reason(part: object) -> str:
    return part.reason if isinstance(part, Unknown) else "it was not looked at."
