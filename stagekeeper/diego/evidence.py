"""What an observation found, in sentences for a person. Pure."""

from datetime import timedelta

from stagekeeper.diego.observation import BbsPod, Domains, Locket, NotConfigured, Observation, Probe, ReadyPods, Unknown
from stagekeeper.kube.objects import Endpoints
from stagekeeper.kube.pod_status import described, status


def evidence(observation: Observation) -> tuple[str, ...]:
    """Everything that was seen, one sentence for each part; parts that are not configured are left out."""
    lines = [f"Profile: {observation.picked}."] if observation.picked else []
    lines += [f"Service: {probe(observation.service)}.", *_workloads(observation), *_pods(observation)]
    lines += [*_unnamed_containers(observation), *observation.notes]
    for what, part in (
        ("Endpoints", observation.endpoints),
        ("Cloud Controller", observation.cloud_controller),
        ("Locket", observation.locket),
        ("Database", observation.database),
        ("Control", observation.control),
        ("Witness", observation.witness),
        ("Deep probe", observation.domains),
    ):
        if not isinstance(part, NotConfigured):
            lines.append(f"{what}: {_domains(part) if isinstance(part, Domains) else _value(part)}.")
    return tuple(lines)


def probe(part: object) -> str:
    """The result of a probe in a few words."""
    if isinstance(part, Probe):
        ends = f", certificate ends {part.certificate_ends:%Y-%m-%d}" if part.certificate_ends else ""
        return f"{part.reply}{f' ({part.detail})' if part.detail else ''}{ends}"
    return f"not known ({_within(part.reason)})" if isinstance(part, Unknown) else "not asked"


def pod(observation: Observation, each: BbsPod) -> str:
    """One pod in one sentence: what its port said, its containers, label, age, node."""
    seen = each.pod
    ready = sum(container.ready for container in seen.counted)
    restarts = sum(container.restarts for container in seen.counted)
    words = [
        probe(each.probe),
        f"{ready}/{len(seen.counted)} ready",
        {True: "labelled active", False: "not labelled active", None: "without an active label"}[each.labelled_active],
        f"{elapsed(observation.taken_at - seen.created) if seen.created else '? s'} old",
        f"on node {seen.node}" if seen.node else "on no node",
    ]
    if status(seen) != "Running":
        words.append(described(seen))
    words += [f"{container.name} in {container.waiting}" for container in seen.containers if container.waiting]
    if restarts:
        words.append(f"{restarts} restart{'s' if restarts > 1 else ''}")
    if seen.terminating:
        words.append(f"until {seen.ends_at:%H:%M:%S} UTC")
    words += [f"readiness gate {gate} is not met" for gate in seen.unmet_gates]
    words += [f"finalizer {name}" for name in seen.finalizers]
    if each.mesh_sidecar:
        words.append(f"with the mesh sidecar {each.mesh_sidecar}")
    return f"{seen.name}: {', '.join(words)}."


def _unnamed_containers(observation: Observation) -> list[str]:
    """The pods that have no container of the BBS's name."""
    name = observation.bbs_container
    found = [each.pod for each in observation.known_pods if name and each.pod.containers]
    without = [pod.name for pod in found if all(container.name != name for container in pod.containers)]
    return [f"No container of {', '.join(without)} is called {name}: all of them count."] if without else []


def _pods(observation: Observation) -> list[str]:
    if isinstance(observation.pods, Unknown):
        return [f"Pods: not known ({_within(observation.pods.reason)})."]
    return [pod(observation, each) for each in observation.known_pods] or ["Pods: there are none."]


def _workloads(observation: Observation) -> list[str]:
    if isinstance(observation.workloads, Unknown):
        return [f"StatefulSet: not known ({_within(observation.workloads.reason)})."]
    found = [f"StatefulSet {each.name}: {each.replicas} replicas." for each in observation.known_workloads]
    return found or ["StatefulSet: there is none."]


def _value(part: object) -> str:
    match part:
        case Unknown(reason):
            said = f"not known ({_within(reason)})"
        case ReadyPods(0, 0):
            said = "its selector finds no pod"
        case ReadyPods(ready, total):
            said = f"{ready} of {total} pods Ready"
        case Locket(workload):
            said = f"ready in {len(part.ready)} of {workload.replicas} pods"
        case bool():
            said = "reachable" if part else "not reachable"
        case Endpoints(slices, ready):
            said = f"{ready} ready addresses" if slices else "there is no such Service (no EndpointSlice)"
        case _:
            said = str(part) or "none answered"
    return said


def _within(reason: str) -> str:
    """A reason in brackets: without the full stop that the sentence around it brings."""
    return reason.strip().removesuffix(".")


def _domains(part: Domains) -> str:
    if not part.listed:
        return f"no list of domains ({part.detail})"
    return f"the domains are {', '.join(part.names)}" if part.names else "the list of domains is empty"


def elapsed(duration: timedelta) -> str:
    """A time that has passed, in its one or two largest units."""
    age = max(duration, timedelta(0))
    if age >= timedelta(days=1):
        return f"{age.days} d"
    hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{int(age.total_seconds())} s"
