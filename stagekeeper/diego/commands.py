"""The next command to type, for what a row of the diagnosis found. Complete, ready to be pasted. Pure."""

from stagekeeper.diego.observation import Observation
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.objects import Container, Pod


def describe(seen: Observation, pod: Pod) -> str:
    """What happened to a pod, with its events."""
    return f"kubectl describe pod -n {seen.sought.namespace} {pod.name}"


def describe_set(seen: Observation, name: str) -> str:
    """Why a StatefulSet makes no pods."""
    return f"kubectl describe statefulset -n {seen.sought.namespace} {name}"


def describe_node(pod: Pod) -> str:
    """What is wrong with a pod's node."""
    return f"kubectl describe node {pod.node}"


def finalizers(seen: Observation, pod: Pod) -> str:
    """Who keeps a pod that has ended."""
    return f"kubectl get pod -n {seen.sought.namespace} {pod.name} -o jsonpath='{{.metadata.finalizers}}'"


def logs(seen: Observation, pod: Pod, container: Container | None, *, previous: bool = False) -> str:
    """What a container wrote; with `previous`, before it ended."""
    which = f" -c {container.name}" if container else " --all-containers"
    return f"kubectl logs -n {seen.sought.namespace} {pod.name}{which}{' --previous' if previous else ''} --tail=50"


def all_logs(environment: Environment) -> str:
    """What every container of the BBS pods wrote last."""
    pods = f"-n {environment.namespace} -l '{environment.selector}'"
    return f"kubectl logs {pods} --all-containers --prefix --tail=50"


def rights(environment: Environment) -> str:
    """Who may do what there, where the API refuses something."""
    return f"kubectl -n {environment.namespace} get rolebindings -o wide"


def webhooks() -> str:
    """Whom the API asks before it changes something, where one of them does not answer."""
    return "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"


def migrations(seen: Observation, pod: Pod) -> str:
    """Whether a BBS migrates: `running-migration` after the last `starting` (bbs:migration/manager.go)."""
    container = next(iter(seen.bbs_containers(pod)), None)
    which = f" -c {container.name}" if container else ""
    return f"kubectl logs -n {seen.sought.namespace} {pod.name}{which} | grep migration-manager | tail -5"


def labels(seen: Observation) -> str:
    """What the BBS's StatefulSets and pods are called and labelled here."""
    return f"kubectl get statefulsets,pods,services -n {seen.sought.namespace} --show-labels"


def services(seen: Observation) -> str:
    """What the Services are called here."""
    return f"kubectl get services,endpointslices -n {seen.sought.namespace}"
