"""Which pods a restart would terminate, and whether that is within bounds. Pure."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from remediator.answers import GateResult, never, not_yet, passes
from remediator.remediation import Plan, PlannedPod, Step
from stagekeeper.diego.observation import Locket, Observation
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.objects import Pod, StatefulSet


def make(assessment: Observation, diagnosis: str, margin: timedelta) -> Plan:
    """All BBS pods at once, as the tutorial does; Locket's first where it has a StatefulSet of its own.

    A BBS whose lock's owner is gone is refused for ever until Locket restarts (locket:lock/lock.go), so Locket first.
    """
    steps = []
    if isinstance(assessment.locket, Locket):
        steps.append(
            _step(assessment.locket.workload.name, assessment.locket.pods, [assessment.locket.workload], margin)
        )
    pods = [each.pod for each in assessment.known_pods]
    steps.append(_step(bbs_step(assessment.known_workloads), pods, assessment.known_workloads, margin))
    return Plan(assessment.taken_at, diagnosis, tuple(steps))


def bbs_step(workloads: Iterable[StatefulSet]) -> str:
    """How a plan names its BBS step."""
    return "+".join(each.name for each in workloads)


def bounds(assessment: Observation, environment: Environment, largest: int) -> GateResult:
    """Few pods, of the configured owners only, as many as asked for, that come back with the same revision."""
    if not isinstance(assessment.workloads, tuple) or not isinstance(assessment.pods, tuple):
        return not_yet("The pods and their StatefulSet could not be read.")
    workloads = {each.name: each for each in assessment.known_workloads}
    missing = [name for name in environment.statefulsets if name not in workloads]
    if missing:
        return never(f"The configured StatefulSet {missing[0]} is not there.")
    pods = [each.pod for each in assessment.known_pods]
    groups = [(pods, [*workloads.values()])]
    if environment.locket is not None:
        if not isinstance(assessment.locket, Locket):
            return not_yet("Locket's own StatefulSet could not be read.")
        groups.append(([*assessment.locket.pods], [assessment.locket.workload]))
    for members, owners in groups:
        problem = _strangers(members, owners) or _count(members, owners) or _revisions(members, owners)
        if problem is not None:
            return problem
    total = sum(len(members) for members, _ in groups)
    if total > largest:
        return never(f"A restart would terminate {total} pods, more than the largest plan of {largest}.")
    return passes("The pods are the configured ones and come back as they were.")


def _strangers(pods: Sequence[Pod], owners: Sequence[StatefulSet]) -> GateResult | None:
    names = {each.name for each in owners}
    found = next((pod for pod in pods if pod.owner not in names), None)
    return never(f"{found.name} does not belong to a configured StatefulSet.") if found else None


def _count(pods: Sequence[Pod], owners: Sequence[StatefulSet]) -> GateResult | None:
    wanted = sum(each.replicas for each in owners)
    return not_yet(f"{wanted} pods are asked for, and {len(pods)} are seen.") if len(pods) != wanted else None


def _revisions(pods: Sequence[Pod], owners: Sequence[StatefulSet]) -> GateResult | None:
    """Every pod must come back with the revision that it has. A plain RollingUpdate gets there by itself."""
    by_name = {each.name: each for each in owners}
    found = next((pod for pod in pods if pod.revision != by_name[pod.owner or ""].update_revision), None)
    if found is None:
        return None
    owner = by_name[found.owner or ""]
    if owner.update_strategy == "RollingUpdate" and not owner.partition:
        return not_yet(f"StatefulSet {owner.name} is being rolled out: {found.name} is still of an older revision.")
    return never(f"{found.name} would come back with another revision of its StatefulSet.")


def _step(name: str, pods: Iterable[Pod], workloads: Iterable[StatefulSet], margin: timedelta) -> Step:
    seconds = sum(each.grace_seconds + each.replicas * int(margin.total_seconds()) for each in workloads)
    return Step(name, tuple(PlannedPod(pod.name, pod.uid) for pod in pods), seconds)
