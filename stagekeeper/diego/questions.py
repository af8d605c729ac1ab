"""What several rows ask of an observation. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from stagekeeper.diego.observation import (
    MISSING,
    BbsPod,
    Locket,
    Observation,
    Probe,
    ReadyPods,
    Reply,
    Unknown,
    is_lockets,
    lockets_own,
)
from stagekeeper.diego.profiles import ReadinessMeaning
from stagekeeper.kube.objects import Container, Pod, StatefulSet
from stagekeeper.kube.pod_status import being_made, not_ready_since
from stagekeeper.kube.wording import sentence

# What the ports said


def replied(seen: Observation, *replies: Reply) -> list[BbsPod]:
    """The pods whose own port gave one of these replies."""
    return [each for each in seen.known_pods if each.reply in replies]


def all_refused(seen: Observation) -> bool:
    """Whether there are pods, and every one of them was asked and refused."""
    return bool(seen.known_pods) and all(each.reply is Reply.REFUSED for each in seen.known_pods)


def unprobed(seen: Observation) -> list[BbsPod]:
    """The pods that have an address and could not be asked. Nobody is behind the address of one that has ended."""
    return [
        each for each in seen.known_pods if each.pod.ip and not each.pod.ended and not isinstance(each.probe, Probe)
    ]


def service_reply(seen: Observation) -> Reply | None:
    """What the Service's probe met; None where there was none."""
    return seen.service.reply if isinstance(seen.service, Probe) else None


def service_fails(seen: Observation) -> bool:
    """Whether the Service was asked and nobody there said ok."""
    return isinstance(seen.service, Probe) and seen.service.reply is not Reply.OK


def service_accepts(seen: Observation) -> bool:
    """Whether somebody listens behind the Service, perhaps a pod that we do not look at."""
    reply = service_reply(seen)
    return reply is not None and reply.accepted


def unread(seen: Observation) -> list[str]:
    """Why parts that could speak against a restart are not known. That Locket's StatefulSet is none is known."""
    parts = (seen.database, seen.locket, seen.cloud_controller)
    return [sentence(part.reason) for part in parts if isinstance(part, Unknown) and part.word != MISSING]


def no_cloud_controller(seen: Observation) -> bool:
    """Whether no Cloud Controller pod is Ready. No pod at all is a selector that finds none."""
    controllers = seen.cloud_controller
    return isinstance(controllers, ReadyPods) and controllers.ready == 0 < controllers.total


def listens(each: BbsPod) -> bool:
    """Whether a BBS, or what else is in its place, listens there: a proxy's accept in front of it proves nothing."""
    if each.reply is None or not each.reply.accepted or each.reply is Reply.CLOSED:
        return False
    return not (each.by_tcp and each.mesh_sidecar)


def labelled_apart(listening: Sequence[BbsPod]) -> bool:
    """Whether TCP alone speaks for all but one of them, and their labels against it: a mesh accepts for every pod."""
    return all(each.by_tcp for each in listening) and sum(each.labelled_active is not False for each in listening) < 2  # noqa: PLR2004 -- a second


def staying(pods: Sequence[BbsPod]) -> list[BbsPod]:
    """Without those that are Terminating: a Service drops them, whatever they answer."""
    return [each for each in pods if not each.pod.terminating]


# The pods


def age(seen: Observation, since: datetime | None) -> timedelta:
    """How long ago that was. An unknown moment counts as now: whatever is not known to be old may be new."""
    return seen.taken_at - since if since is not None else timedelta(0)


def youngest(seen: Observation, each: BbsPod) -> timedelta:
    """Age of the pod or of its BBS container's present run, whichever is less."""
    return _youngest(seen, each.pod, seen.bbs_containers(each.pod))


def _youngest(seen: Observation, pod: Pod, own: Sequence[Container]) -> timedelta:
    running = [container.started_at for container in own if container.started_at is not None]
    return min(age(seen, moment) for moment in (pod.created, *running))


def young(seen: Observation, pod: Pod, own: Sequence[Container]) -> bool:
    """Whether it may still be doing what it does at every start; `own` are the containers that it is there for."""
    return _youngest(seen, pod, own) < seen.patience.starting


def migration_possible(seen: Observation, each: BbsPod) -> bool:
    """Whether this pod is new, or its StatefulSet has two revisions. The youth of another pod says nothing."""
    return youngest(seen, each) < seen.patience.migrating or len(revisions(seen, each)) > 1


def revisions(seen: Observation, each: BbsPod) -> set[str | None]:
    """The revisions that the pods of this one's StatefulSet have, or are being rolled to."""
    owner = next((workload for workload in seen.known_workloads if workload.name == each.pod.owner), None)
    rolled = {owner.update_revision} if owner and rolls_by_itself(owner) else set()
    return rolled | {other.pod.revision for other in seen.known_pods if other.pod.owner == each.pod.owner}


def rolls_by_itself(workload: StatefulSet) -> bool:
    """Whether its pods are brought to its newest revision: OnDelete and a partition leave old pods on purpose."""
    return workload.update_strategy == "RollingUpdate" and not workload.partition and bool(workload.update_revision)


def behind(workload: StatefulSet, pods: Iterable[Pod]) -> list[Pod]:
    """The pods that a roll-out under way will replace."""
    if not rolls_by_itself(workload):
        return []
    return [pod for pod in pods if pod.owner == workload.name and pod.revision != workload.update_revision]


def restarted_twice(seen: Observation, container: Container) -> bool:
    """With two restarts or more, the run before this one began with a restart too: both starts are in the status.

    A kubelet forgets dead containers after a while, so an unknown start here is an old one.
    """
    began = container.last_started_at
    return container.restarts > 1 and began is not None and age(seen, began) < seen.patience.restarted_twice


def pending(pod: Pod, own: Sequence[Container]) -> bool:
    """Whether the pod waits for a node, its address, or what comes before the start of its `own` containers.

    Also after a reboot of its node: then some releases leave its phase at Running (kubernetes #126650).
    """
    runs = bool(own) and all(each.runs for each in own)
    if pod.ended or pod.terminating or (pod.ip is not None and runs):
        return False  # Pending it is also while only a sidecar has not begun
    return pod.phase == "Pending" or pod.ip is None or any(map(being_made, own))


def waiting_for(seen: Observation, pod: Pod) -> timedelta:
    """How long the pod has been Pending, or has had an end without a successor."""
    return age(seen, not_ready_since(pod))


def missing_count(seen: Observation) -> int:
    """How many of the replicas there are no pods of."""
    return max(0, seen.desired - len(seen.known_pods))


def overdue(seen: Observation, pod: Pod) -> bool:
    """Whether a pod that is Terminating should have ended some time ago."""
    return pod.ends_at is not None and seen.taken_at - pod.ends_at > seen.patience.terminating


def unready(seen: Observation) -> list[BbsPod]:
    """The pods that are not Ready though they become so on this platform: a sidecar never counts."""
    owed = seen.known_pods if seen.readiness is ReadinessMeaning.EVERY else seen.serving()
    return [each for each in owed if not seen.bbs_ready(each.pod)]


def vital(seen: Observation, pod: Pod) -> tuple[Container, ...]:
    """The containers of a BBS pod, or of one of Locket's own, without which no BBS serves.

    The BBS's, and Locket's where it is in the same pod. Init containers only while they keep those from starting.
    """
    if isinstance(seen.locket, Locket):
        needed = lockets_own(pod) if pod in seen.locket.pods else seen.bbs_containers(pod)
        beside: tuple[Container, ...] = ()
    else:
        needed = seen.bbs_containers(pod)
        beside = tuple(each for each in pod.containers if each not in needed and is_lockets(each))
    waits = not any(each.runs for each in needed)
    return (*needed, *beside, *(each for each in pod.init_containers if waits and each.exit_code != 0))


# Locket in a StatefulSet of its own


def no_locket(seen: Observation) -> str:
    """That the StatefulSet which Locket should have does not exist; "" if it does, or that could not be read."""
    return seen.locket.reason if isinstance(seen.locket, Unknown) and seen.locket.word == MISSING else ""


def locket_settles(seen: Observation, locket: Locket) -> bool:
    """Whether it may soon be whole by itself, by the limits of the BBS's own pods: it is changed, moved or started."""
    late, workload = locket.late, locket.workload
    if not workload.replicas or any(overdue(seen, pod) for pod in late):
        return False
    changing = workload.observed_generation < workload.generation or bool(behind(workload, locket.pods))
    return changing or (bool(late) and all(on_its_way(seen, pod) for pod in late))


def on_its_way(seen: Observation, pod: Pod) -> bool:
    """Whether a pod of Locket's that is not ready has not had the time yet that it may take."""
    own = lockets_own(pod)
    if pod.terminating:
        return not overdue(seen, pod)
    if pending(pod, own):
        return waiting_for(seen, pod) < seen.patience.pending
    return waiting_for(seen, pod) < seen.patience.starting if pod.ended else young(seen, pod, own)
