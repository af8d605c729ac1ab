"""For each diagnosis: what a restart would do, and what to type next. Pure data, and the words made of it."""

from dataclasses import dataclass

from stagekeeper.diego.diagnosis import Condition, Diagnosis
from stagekeeper.diego.observation import AMBIGUOUS as AMBIGUOUS_PROFILE
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
    Condition.SERVING: Advice("A restart is not needed: it would only interrupt who serves.", _AGAIN),
    Condition.NO_ACTIVE_BBS: Advice(
        "A restart of all BBS pods is the cure, once this has stood for two minutes (a fail-over takes up to one).",
        "stagekeeper restart --environment {environment} --reason WHY",
    ),
    Condition.NOT_APPLICABLE: Advice(
        "There is nothing to restart. If there should be a Diego, namespace or profile are wrong.",
        "kubectl get statefulsets -A",
    ),
    Condition.SPLIT_BRAIN: Advice(
        "A restart would not cure it and may lose data: two BBS write at once. Call the database people.", _LOGS
    ),
    Condition.ACTIVE_NOT_LABELLED: Advice(
        "A restart would take down the BBS that serves. What sets the label (the readiness probe, or the operator) "
        "does not run.",
        _DESCRIBE,
    ),
    Condition.DNS_FAULT: Advice(
        "A restart would not cure it: the BBS serves, and cluster DNS does not resolve its Service.",
        "kubectl get pods -n kube-system -l k8s-app=kube-dns",
    ),
    Condition.NETWORK_FAULT: Advice(
        "A restart would not cure it: the fault is in the network (kube-proxy, CNI or a NetworkPolicy).",
        "kubectl get networkpolicies,services -n {namespace}",
    ),
    Condition.OBSERVER_FAULT: Advice(
        "Nobody can say whether a restart would help: this place sees too little. Look from inside the cluster.",
        _FROM_POD,
    ),
    Condition.MIGRATING: Advice("A restart would do harm: the migration would begin again. Wait for its end.", _LOGS),
    Condition.STUCK_UNAVAILABLE: Advice(
        "A restart is the likely cure, but only a person may decide it: a migration looks the same.",
        "stagekeeper restart --environment {environment} --reason WHY --accept stuck_unavailable",
    ),
    Condition.TLS_BROKEN: Advice(
        "A restart would not cure it: renew the certificates.", "kubectl get secrets -n {namespace}"
    ),
    Condition.FROZEN: Advice(
        "A restart alone is no proven cure: the BBS is overloaded, frozen or out of descriptors. Look at it first.",
        _LOGS,
    ),
    Condition.SCALED_DOWN: Advice(
        "There is nothing to restart: somebody asked for 0 pods.",
        "kubectl scale statefulset -n {namespace} {statefulset} --replicas=2",
    ),
    Condition.ROLLING_OUT: Advice(
        "A restart would disturb the change of pods that is under way. Wait for its end.",
        "kubectl rollout status statefulset -n {namespace} {statefulset}",
    ),
    Condition.TERMINATING_STUCK: Advice(
        "A restart would not cure it and a forced deletion does harm. Look at the pod's node.", _PODS
    ),
    Condition.DATABASE_DOWN: Advice("A restart would not cure it: first the database must be reachable again.", _LOGS),
    Condition.NODE_DOWN: Advice("A restart would not cure it: a node is lost.", "kubectl get nodes"),
    Condition.CRASH_LOOPING: Advice(
        "A restart would not cure it: the pods restart already, again and again. Read why.", _LOGS
    ),
    Condition.STARTING: Advice("A restart would begin again what is under way. Wait five minutes.", _AGAIN),
    Condition.PODS_NOT_READY: Advice(
        "A restart would not cure it: something keeps the pods from starting. Read their events.", _DESCRIBE
    ),
    Condition.LOCKET_DOWN: Advice(
        "A restart of the BBS would not cure it: first Locket must run.",
        "kubectl describe statefulset -n {namespace} {locket}",
    ),
    Condition.CLOUD_CONTROLLER_DOWN: Advice(
        "A restart of the BBS alone would not cure it: the Cloud Controller is down as well.",
        "kubectl get pods -n {namespace} -l '{controllers}'",
    ),
    Condition.LABEL_CONTRADICTS: Advice(
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


def advise(observation: Observation, diagnosis: Diagnosis) -> Advice:
    """The advice for what was seen."""
    if isinstance(observation.pods, Unknown) and observation.pods.word == AMBIGUOUS_PROFILE:
        return AMBIGUOUS
    unread = isinstance(observation.pods, Unknown) or isinstance(observation.workloads, Unknown)
    return BLIND if unread and diagnosis.name is Condition.OBSERVER_FAULT else ADVICE[diagnosis.name]
