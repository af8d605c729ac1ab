"""What a restart terminates, in which order, and what of an observation is its own doing. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from remediator.remediation import Plan, PlannedPod, Remediation, Step
from stagekeeper.diego.conditions import Condition
from stagekeeper.diego.observation import NOT_CONFIGURED, BbsPod, Locket, Observation, Part, Probe, Reply
from stagekeeper.diego.questions import migration_possible
from stagekeeper.kube.objects import Pod, StatefulSet

_BROKEN = frozenset({Reply.TLS, Reply.CERTIFICATE_REFUSED, Reply.NO_REPLY, Reply.BAD_REPLY})
"""What an answer is that nobody's youth explains."""
_REFUSED_THEN = frozenset({Condition.NO_ACTIVE_BBS, Condition.CLOUD_CONTROLLER_DOWN})
"""The diagnoses of a plan that was made while every pod refused."""


def make(seen: Observation, diagnosis: str, margin: timedelta) -> Plan:
    """Locket's pods where it has a StatefulSet of its own, then all BBS pods, without waiting between.

    The tutorial deletes all of them at once, and so it must be: Locket alone, back again, lets a passive BBS take the
    lock on database connections that died in the same cut, and it then answers 503 for ever (measured with the real
    BBS, 2 of 2). A pod that no node has taken yet is left out, unless that is what the plan is made for: nothing runs
    in it.
    """
    steps = []
    if isinstance(seen.locket, Locket):
        steps.append(_step(seen.locket.workload.name, seen.locket.pods, [seen.locket.workload], margin))
    pods = [each.pod for each in seen.known_pods if each.pod.node or diagnosis == Condition.PODS_NOT_READY]
    steps.append(_step(bbs_step(seen.known_workloads), pods, seen.known_workloads, margin))
    return Plan(seen.taken_at, diagnosis, tuple(steps))


def bbs_step(workloads: Iterable[StatefulSet]) -> str:
    """How a plan names its BBS step."""
    return "+".join(each.name for each in workloads)


def _step(name: str, pods: Iterable[Pod], workloads: Iterable[StatefulSet], margin: timedelta) -> Step:
    seconds = sum(each.grace_seconds + each.replicas * int(margin.total_seconds()) for each in workloads)
    return Step(name, tuple(PlannedPod(pod.name, pod.uid) for pod in pods), seconds)


def without_own_effects(seen: Observation, remediation: Remediation) -> Observation:
    """What would have been seen if the plan had nothing to do with it.

    Left out are the pods that the plan has dealt with, whether they are Terminating, gone or already replaced, and as
    many replicas; but not a new pod that listens and is broken, which is not its youth. A pod that the plan still names
    and that answers 503 is one that refused when the plan was made and has not started since: it hung in a migration
    that is none, which is no reason to stop. Two of them at once would hold the lock together: that is not of the
    plan's making, and nothing is excused.
    """
    broken = {each.pod.name for each in seen.known_pods if each.reply in _BROKEN and not each.pod.terminating}
    names = {each.name for each in remediation.deletions} - broken
    pods = tuple(each for each in seen.known_pods if each.pod.name not in names)
    hung = [each for each in seen.known_pods if hung_since_the_plan(each, seen, remediation)]
    alone = sum(each in pods and not each.pod.terminating for each in hung) <= 1
    # What the Service says is excused with the pod that says it.
    excused = {each.reply for each in seen.known_pods if each not in pods or each in hung}
    service = seen.service
    if alone and isinstance(service, Probe) and service.reply in excused:
        service = Probe(Reply.REFUSED)
    return replace(
        seen,
        service=service,
        pods=tuple(as_refusing(each) if alone and each in hung else each for each in pods)
        if isinstance(seen.pods, tuple)
        else seen.pods,
        workloads=_fewer(seen.known_workloads, seen, names) if isinstance(seen.workloads, tuple) else seen.workloads,
        locket=_rest_of_locket(seen.locket, names) if isinstance(seen.locket, Locket) else seen.locket,
    )


def as_refusing(each: BbsPod) -> BbsPod:
    """As if its port refused, without the label that it gets as long as its readiness probe is accepted."""
    unlabelled = None if each.labelled_active is None else False
    return replace(each, probe=Probe(Reply.REFUSED), labelled_active=unlabelled)


def hung_since_the_plan(each: BbsPod, seen: Observation, remediation: Remediation) -> bool:
    """Whether it is a pod of the plan that refused then, whose BBS has not started since, and that answers 503 now.

    Its revision is asked by the table and the gate `bounds`. What is not known to be old may be new.
    """
    plan = remediation.plan
    if plan is None or each.reply is not Reply.UNAVAILABLE:
        return False
    # While Locket was down, it may have been silent instead: then it is at least as old as a migration may be.
    old = plan.diagnosis == Condition.LOCKET_DOWN and not migration_possible(seen, each)
    if plan.diagnosis not in _REFUSED_THEN and not old:
        return False
    planned = {pod.uid for pod in plan.pods}
    started = [container.started_at for container in seen.bbs_containers(each.pod)]
    return each.pod.uid in planned and all(moment is not None and moment <= plan.decided_at for moment in started)


def _fewer(workloads: Iterable[StatefulSet], seen: Observation, names: Collection[str]) -> tuple[StatefulSet, ...]:
    """The StatefulSets with as many replicas less as pods are left out. A pod that is missing has no owner to ask."""
    return tuple(
        replace(each, replicas=max(0, each.replicas - sum(_belongs(name, each, seen) for name in names)))
        for each in workloads
    )


def _belongs(name: str, workload: StatefulSet, seen: Observation) -> bool:
    owner = next((each.pod.owner for each in seen.known_pods if each.pod.name == name), None)
    return owner == workload.name if owner else _may_be_called(name, workload)


def _may_be_called(name: str, workload: StatefulSet) -> bool:
    """Whether a pod of that StatefulSet can have this name: Locket's may begin with the BBS's own name."""
    return re.fullmatch(rf"{re.escape(workload.name)}-\d+", name) is not None


def _rest_of_locket(locket: Locket, names: Collection[str]) -> Part[Locket]:
    """Locket without the pods that the plan has dealt with; nothing to ask where none is left."""
    rest = tuple(pod for pod in locket.pods if pod.name not in names)
    own = sum(_may_be_called(name, locket.workload) for name in names)
    replicas = max(0, locket.workload.replicas - own)
    return Locket(replace(locket.workload, replicas=replicas), rest) if replicas or rest else NOT_CONFIGURED
