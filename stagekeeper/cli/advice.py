"""For each diagnosis: what a restart would do, and what to type next. Pure data, and the words made of it."""

from dataclasses import dataclass

from stagekeeper.diego import observation
from stagekeeper.diego.diagnosis import Diagnosis, Name
from stagekeeper.diego.observation import Observation, Unknown
from stagekeeper.diego.profiles import Environment

_PODS = "kubectl get pods -n {namespace} -l '{selector}' -o wide"
_DESCRIBE = "kubectl describe pods -n {namespace} -l '{selector}'"
_LOGS = "kubectl logs -n {namespace} -l '{selector}' --all-containers --prefix --tail=50"
_AGAIN = "stagekeeper diagnose --environment {environment}"
_FROM_POD = f"{_AGAIN} --from-pod"
_ENDPOINTS = "kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={service}"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a restart would or would not cure, in a sentence, and the next command, a template."""

    restart: str
    command: str

    def next_command(self, environment: Environment) -> str:
        """The next command to type for `environment`."""
        return self.command.format(
            environment=environment.name,
            namespace=environment.namespace,
            selector=environment.selector,
            statefulset=environment.statefulsets[0],
            service=environment.service_name or environment.statefulsets[0],
            controllers=environment.cloud_controller_selector or "",
            locket=environment.locket.statefulset if environment.locket else "",
        )


ADVICE = {
    Name.SERVING: Advice("A restart is not needed: it would only interrupt who serves.", _AGAIN),
    Name.NO_ACTIVE_BBS: Advice(
        "A restart of all BBS pods is the cure, once this has stood for two minutes (a fail-over takes up to one).",
        "stagekeeper restart --environment {environment} --reason WHY",
    ),
    Name.NOT_APPLICABLE: Advice(
        "There is nothing to restart. If there should be a Diego, namespace or profile are wrong.",
        "kubectl get statefulsets -A",
    ),
    Name.SPLIT_BRAIN: Advice(
        "A restart would not cure it and may lose data: two BBS write at once. Call the database people.", _LOGS
    ),
    Name.ACTIVE_NOT_LABELLED: Advice(
        "A restart would take down the BBS that serves. What sets the label (the readiness probe, or the operator) "
        "does not run.",
        _DESCRIBE,
    ),
    Name.DNS_FAULT: Advice(
        "A restart would not cure it: the BBS serves, and cluster DNS does not resolve its Service.",
        "kubectl get pods -n kube-system -l k8s-app=kube-dns",
    ),
    Name.NETWORK_FAULT: Advice(
        "A restart would not cure it: the fault is in the network (kube-proxy, CNI or a NetworkPolicy).",
        "kubectl get networkpolicies,services -n {namespace}",
    ),
    Name.OBSERVER_FAULT: Advice(
        "Nobody can say whether a restart would help: this place sees too little. Look from inside the cluster.",
        _FROM_POD,
    ),
    Name.MIGRATING: Advice("A restart would do harm: the migration would begin again. Wait for its end.", _LOGS),
    Name.STUCK_UNAVAILABLE: Advice(
        "A restart is the likely cure, but only a person may decide it: a migration looks the same.",
        "stagekeeper restart --environment {environment} --reason WHY --accept stuck_unavailable",
    ),
    Name.TLS_BROKEN: Advice(
        "A restart would not cure it: renew the certificates.", "kubectl get secrets -n {namespace}"
    ),
    Name.FROZEN: Advice(
        "A restart alone is no proven cure: the BBS is overloaded, frozen or out of descriptors. Look at it first.",
        _LOGS,
    ),
    Name.SCALED_DOWN: Advice(
        "There is nothing to restart: somebody asked for 0 pods.",
        "kubectl scale statefulset -n {namespace} {statefulset} --replicas=2",
    ),
    Name.ROLLING_OUT: Advice(
        "A restart would disturb the change of pods that is under way. Wait for its end.",
        "kubectl rollout status statefulset -n {namespace} {statefulset}",
    ),
    Name.TERMINATING_STUCK: Advice(
        "A restart would not cure it and a forced deletion does harm. Look at the pod's node.", _PODS
    ),
    Name.DATABASE_DOWN: Advice("A restart would not cure it: first the database must be reachable again.", _LOGS),
    Name.NODE_DOWN: Advice("A restart would not cure it: a node is lost.", "kubectl get nodes"),
    Name.CRASH_LOOPING: Advice(
        "A restart would not cure it: the pods restart already, again and again. Read why.", _LOGS
    ),
    Name.STARTING: Advice("A restart would begin again what is under way. Wait five minutes.", _AGAIN),
    Name.PODS_NOT_READY: Advice(
        "A restart would not cure it: something keeps the pods from starting. Read their events.", _DESCRIBE
    ),
    Name.LOCKET_DOWN: Advice(
        "A restart of the BBS would not cure it: first Locket must run.",
        "kubectl describe statefulset -n {namespace} {locket}",
    ),
    Name.CLOUD_CONTROLLER_DOWN: Advice(
        "A restart of the BBS alone would not cure it: the Cloud Controller is down as well.",
        "kubectl get pods -n {namespace} -l '{controllers}'",
    ),
    Name.LABEL_CONTRADICTS: Advice(
        "A restart is not proven: the pod's own readiness probe says that it serves, our connection is refused.",
        _FROM_POD,
    ),
}

BLIND = Advice(
    "Nobody can say whether a restart would help: the Kubernetes API could not be read.",
    "kubectl auth can-i list pods -n {namespace}",
)

AMBIGUOUS = Advice(
    "Nobody can say whether a restart would help before somebody says which profile this is.",
    "kubectl get statefulsets -n {namespace} --show-labels",
)


def advise(look: Observation, diagnosis: Diagnosis) -> Advice:
    """The advice for what was seen."""
    if isinstance(look.pods, Unknown) and look.pods.word == observation.AMBIGUOUS:
        return AMBIGUOUS
    unread = isinstance(look.pods, Unknown) or isinstance(look.workloads, Unknown)
    return BLIND if unread and diagnosis.name is Name.OBSERVER_FAULT else ADVICE[diagnosis.name]
