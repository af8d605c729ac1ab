"""The parts of the sentences with which the diagnosis says what it found. Pure."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from stagekeeper.config.durations import in_words
from stagekeeper.diego import commands
from stagekeeper.diego.observation import BbsPod, Locket, Observation, Probe, Reply, Unknown
from stagekeeper.diego.questions import (
    behind,
    listens,
    on_its_way,
    overdue,
    replied,
    restarted_twice,
    service_reply,
    vital,
    youngest,
)
from stagekeeper.kube.objects import Container, Endpoints, Pod, StatefulSet
from stagekeeper.kube.pod_status import described, ending, not_ready_since, shortened
from stagekeeper.kube.wording import sentence

_NAMED = 3
_RECENT = timedelta(days=1)
"""An upgrade this recent is what a person thinks of first when a BBS goes on answering 503."""
_NEVER_RAN = ("StartError", "ContainerCannotRun")
"""How a run is said to have ended that could not begin: no such program, no such user (containerd, dockershim)."""
_NO_IMAGE = frozenset(
    {
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""The reasons with which a container waits for an image that can't be had (kubernetes:pkg/kubelet/images/types.go)."""


def names(pods: Collection[BbsPod]) -> str:
    """Pods as a sentence names them: the first three, and how many more."""
    return named([each.pod for each in pods])


def named(pods: Sequence[Pod]) -> str:
    """The same of pods that nobody asked."""
    found = [pod.name for pod in pods]
    if len(found) > _NAMED:
        return f"{', '.join(found[:_NAMED])} and {len(found) - _NAMED} more"
    return " and ".join(found)


def lost_node(seen: Observation) -> tuple[str, str] | None:
    """Pods whose nodes are lost, BBS pods that can't be reached before Locket's own; and the command for the first."""
    silent = [each for each in replied(seen, Reply.TIMEOUT) if each.pod.node_lost]
    own = seen.locket.late if isinstance(seen.locket, Locket) else []
    of_locket = [pod for pod in own if pod.node_lost and not overdue(seen, pod)]
    lost = [each.pod for each in silent] or of_locket
    if not lost:
        return None
    nodes, its = sorted({pod.node or "none" for pod in lost}), "its" if len(lost) == 1 else "their"
    have = f"{its} node ({nodes[0]}) has" if len(nodes) == 1 else f"{its} nodes ({', '.join(nodes)}) have"
    what = "can't be reached" if silent else f"{'is' if len(lost) == 1 else 'are'} Locket's"
    return f"{named(lost)} {what}, and {have} stopped reporting.", commands.describe_node(lost[0])


def every_pod(seen: Observation, does: str) -> str:
    """That all BBS pods run, and what they do all the same."""
    count = len(seen.known_pods)
    if count == 1:
        return f"The BBS pod is Running but {does}s"
    return f"{'Both' if count == 2 else f'All {count}'} BBS pods are Running but {does}"  # noqa: PLR2004 -- both


def serves(answering: Sequence[BbsPod], port: int) -> str:
    """What is known of pods that said ok: with a TCP probe only that they accept."""
    if any(each.by_tcp for each in answering):
        return f"{names(answering)} accept{'s' if len(answering) == 1 else ''} connections on {port}"
    return f"{names(answering)} {'is the active BBS' if len(answering) == 1 else 'are active BBS'}"


def no_endpoint(seen: Observation, answering: Sequence[BbsPod]) -> tuple[str, str] | None:
    """That the pod that serves is not Ready, which leaves the Service without an endpoint, and why; else None."""
    unready = next((each for each in answering if each.pod.ready != "True"), None)
    if unready is None or not isinstance(seen.endpoints, Endpoints) or seen.endpoints.ready:
        return None
    late = [f"its container {each.name} is not ready" for each in unready.pod.counted if not each.ready]
    late += [f"its readiness gate {each} is not met" for each in unready.pod.unmet_gates]
    why = f" ({' and '.join(late)})" if late else ""
    said = f"{serves([unready], seen.sought.port)} but is not Ready{why}, so the Service has no endpoint."
    return said, commands.describe(seen, unready.pod)


def unrouted(seen: Observation, answering: Sequence[BbsPod]) -> tuple[str, str]:
    """That the Service does not lead to who serves; and where a label leads it astray, to whom, and what shows it."""
    said = f"{serves(answering, seen.sought.port)}, but the Service does not route to it ({service_reply(seen)})."
    astray = [each for each in seen.known_pods if each.counts_as_active and not listens(each)]
    if not astray:
        return said, ""
    return f"{said} Ready and labelled active too, and does not listen: {names(astray)}.", commands.labels(seen)


def each_described(pods: Sequence[Pod], running: str = "Running") -> str:
    """Each pod's state as kubectl has it, and why; of one in which kubectl sees nothing ill, `running`."""
    states = [(pod.name, described(pod)) for pod in pods[:_NAMED]]
    return "; ".join(f"{name} is {running if state == 'Running' else state}" for name, state in states)


def stuck(seen: Observation, pod: Pod) -> tuple[str, str]:
    """Who keeps a pod that does not end, its node or a finalizer, and the command that shows it."""
    said = f"{pod.name} on node {pod.node or 'none'} should have ended at {pod.ends_at:%H:%M:%S} UTC"
    if pod.finalizers and not any(each.runs for each in pod.containers):
        keeps = " and ".join(pod.finalizers)
        return f"{said}. Its containers have: the finalizer {keeps} keeps it.", commands.finalizers(seen, pod)
    lost = " (it has stopped reporting)" if pod.node_lost else ""
    said = f"{said} and is still Terminating: look at its node{lost}; do not force it, the old process may live on."
    return said, commands.describe_node(pod) if pod.node else ""


def changing(workload: StatefulSet, pods: Sequence[Pod]) -> str:
    """What of a change of the StatefulSet is not through yet; "" if there is none."""
    if workload.observed_generation < workload.generation:
        return f"StatefulSet {workload.name} has a change that its controller has not seen yet."
    older = behind(workload, pods)
    return f"Still of an older revision of StatefulSet {workload.name}: {named(older)}." if older else ""


def rolled(seen: Observation, workload: StatefulSet, pods: Sequence[Pod]) -> tuple[str, str]:
    """The same, and of a new pod that loops or is late that it does: such a roll-out does not go on by itself."""
    older = behind(workload, pods)
    new = [pod for pod in pods if pod.owner == workload.name and pod not in older]
    hangs, command = first_loop(seen, new) or _late(seen, new) or ("", "")
    return f"{changing(workload, pods)} {hangs}".strip(), command


def _late(seen: Observation, new: Sequence[Pod]) -> tuple[str, str] | None:
    """The first new pod that has had its time and is not ready, and the command for it."""
    for pod in new:
        since = None if pod.terminating or pod.ready == "True" else not_ready_since(pod)
        if since is not None and seen.taken_at - since >= seen.patience.pending:
            said = f"It does not go on: {each_described([pod], 'Running, and not ready')}."
            return said, commands.describe(seen, pod)
    return None


def too_many(seen: Observation) -> tuple[str, str]:
    """That there are more pods than replicas, and the command that shows the one that is nobody's."""
    said = f"There are {len(seen.known_pods)} pods for {seen.desired} replicas."
    owners = {each.name for each in seen.known_workloads}
    stranger = next((each.pod for each in seen.known_pods if each.pod.owner not in owners), None)
    if stranger is None:
        return said, ""
    said = f"{said} {stranger.name} belongs to none of the StatefulSets ({sets(seen)})."
    return said, commands.describe(seen, stranger)


def unavailable(seen: Observation, answering: Sequence[BbsPod]) -> tuple[str, str]:
    """What a 503 from a pod that is not new means, and the command that rules a migration out."""
    first = answering[0]
    since = seen.taken_at - youngest(seen, first)
    said = f"503 from {names(answering)}, which has run since {since:%Y-%m-%d %H:%M} UTC"
    dead = "its database connections are probably dead"
    if youngest(seen, first) < _RECENT:
        first_of_all = "Find out first whether it still migrates after an upgrade (`running-migration` in its log)"
        return f"{said}. {first_of_all}; if not, {dead}.", commands.migrations(seen, first.pod)
    return f"{said} and so migrates nothing: {dead}, and a restart is the likely fix.", ""


def behind_a_proxy(seen: Observation, opaque: Sequence[BbsPod]) -> tuple[str, str]:
    """That somebody accepts in front of the BBS, and the command that shows who."""
    sidecar = opaque[0].mesh_sidecar
    who = f"the mesh sidecar {sidecar}" if sidecar else "a proxy in front of it, such as a mesh sidecar,"
    how = "" if opaque[0].by_tcp else " and closes them before a byte of TLS"
    said = f"Somebody accepts connections to {names(opaque)}{how}: {who} does that for a BBS that does not listen."
    return f"{said} Exclude port {seen.sought.port} from the mesh.", commands.describe(seen, opaque[0].pod)


def looping(seen: Observation, pod: Pod, container: Container) -> tuple[str, str] | None:
    """That a container starts again and again or can't get its image, and the command that shows why; else None."""
    which = f"{'Init container' if container in pod.init_containers else 'Container'} {container.name} of {pod.name}"
    if container.waiting in _NO_IMAGE:
        message = shortened(container.waiting_message)
        said = f"{which} is in {container.waiting}{f': {message}' if message else ''}."
        return said, commands.describe(seen, pod)
    last = f" (last: {ending(container)})" if ending(container) else ""
    why = commands.logs(seen, pod, container, previous=True)
    if ending(container).startswith(_NEVER_RAN):  # it has written nothing, and the kubelet says why
        last = f"{last[:-1]}: {shortened(container.last_message)})" if container.last_message else last
        why = commands.describe(seen, pod)
    if container.waiting == "CrashLoopBackOff":
        return f"{which} is in CrashLoopBackOff{last}.", why
    if restarted_twice(seen, container):
        return f"{which} restarted twice within {in_words(seen.patience.restarted_twice)}{last}.", why
    return None


def first_loop(seen: Observation, pods: Sequence[Pod]) -> tuple[str, str] | None:
    """The first container that is needed and loops, of pods that have not ended; None if none does."""
    loops = (looping(seen, pod, each) for pod in pods if not pod.ended for each in vital(seen, pod))
    return next((found for found in loops if found), None)


def nothing_found(seen: Observation) -> str:
    """What was looked for, where there is neither."""
    sought = seen.sought
    return f"no StatefulSet {sets(seen)} and no pod with {sought.selector} (selector) in namespace {sought.namespace}"


def unowned(seen: Observation) -> str:
    """That pods are there, and what should own them is not."""
    owner = seen.known_pods[0].pod.controller or "nothing"
    said = f"{names(seen.known_pods)} match the selector, but there is no StatefulSet {sets(seen)}"
    return f"{said}; {owner} controls them."


def not_whole(seen: Observation, locket: Locket) -> tuple[str, str]:
    """In how many of its pods Locket is ready, what the others are at, and the command that shows why."""
    ready, asked, name = len(locket.ready), locket.workload.replicas, locket.workload.name
    said = f"Locket is ready in {ready} of {asked} pods of StatefulSet {name}"
    said = said if ready else f"{said}, so no BBS can take the lock"
    late = sorted(locket.late, key=lambda pod: on_its_way(seen, pod))  # first the one that does not come by itself
    if late and overdue(seen, late[0]):
        why, command = stuck(seen, late[0])
        return f"{said}. {why}", command
    if not late:
        said, command = f"{said}.", commands.describe_set(seen, name)
    else:
        others = each_described(late, "Running, and not ready")
        said, command = f"{said}: {others}.", commands.describe(seen, late[0])
    return f"{said} {changing(locket.workload, locket.pods)}".strip(), command


def unlisted(seen: Observation) -> str:
    """Why it is not known which pods there are, and what should be; "" if it is."""
    for what, part in (("pods", seen.pods), ("StatefulSet", seen.workloads), ("second list", seen.steady)):
        if not isinstance(part, tuple | bool):
            return f"The {what} could not be read: {reason(part)}"
    return "" if seen.steady is True else "The pods changed during the check."


def sets(seen: Observation) -> str:
    """The StatefulSets that were looked for."""
    return " or ".join(seen.sought.statefulsets)


def details(pods: Sequence[BbsPod]) -> str:
    """Why handshakes failed, each reason once, with the date that whoever is woken wants to know."""
    probes = [each.probe for each in pods if isinstance(each.probe, Probe)]
    ends = [f", certificate ends {each.certificate_ends:%Y-%m-%d}" if each.certificate_ends else "" for each in probes]
    return "; ".join(
        dict.fromkeys(f"{each.detail or 'no detail'}{end}" for each, end in zip(probes, ends, strict=True))
    )


def reason(part: object) -> str:
    """Why a part of the observation is not known."""
    return sentence(part.reason) if isinstance(part, Unknown) else "it was not looked at."
