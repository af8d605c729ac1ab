"""For each diagnosis: what a restart would do, and what to type next. Pure data, and the words made of it."""

from dataclasses import dataclass, replace

from stagekeeper.diego import observation as seen
from stagekeeper.diego.conditions import Condition, Diagnosis
from stagekeeper.diego.observation import Observation, Unknown
from stagekeeper.diego.profiles import Environment

_PODS = "kubectl get pods -n {namespace} -l '{selector}' -o wide"
_DESCRIBE = "kubectl describe pods -n {namespace} -l '{selector}'"
_LOGS = "kubectl logs -n {namespace} -l '{selector}' --all-containers --prefix --tail=50"
_AGAIN = "stagekeeper diagnose{flags} --environment {environment}"
_FROM_POD = f"{_AGAIN} --from-pod"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a restart would or would not fix, in a sentence, and the next command, a template."""

    restart: str
    command: str
    found: str = ""
    """The next command for exactly what was found, where the diagnosis knows a better one; complete."""

    def next_command(self, environment: Environment, flags: str = "") -> str:
        """The next command to type for `environment`; `flags` are those with which this program was called."""
        return self.found or self.command.format(
            environment=environment.name,
            flags=f" {flags}" if flags else "",
            namespace=environment.namespace,
            selector=environment.selector,
            statefulset=environment.statefulsets[0],
            controllers=environment.cloud_controller_selector or "",
            locket=environment.locket.statefulset if environment.locket else "",
        )


ADVICE = {
    Condition.SERVING: Advice("Not needed: it would only interrupt who serves.", _AGAIN),
    Condition.NO_ACTIVE_BBS: Advice(
        "A restart of all BBS pods is the fix, once this has lasted two minutes (a fail-over takes up to one).",
        "stagekeeper restart{flags} --environment {environment} --reason WHY",
    ),
    Condition.NOT_APPLICABLE: Advice(
        "There is nothing to restart. If there should be a Diego, namespace or profile are wrong.",
        "kubectl get statefulsets -A",
    ),
    Condition.SPLIT_BRAIN: Advice(
        "Not advised: it would not help and may lose data, since two BBS write at once. Call the database people.",
        _LOGS,
    ),
    Condition.ACTIVE_NOT_LABELLED: Advice(
        "Not advised: it would take down the BBS that serves. What sets the label (the readiness probe, or the "
        "operator) does not run.",
        _DESCRIBE,
    ),
    Condition.DNS_FAULT: Advice(
        "Not advised: it would not help, since cluster DNS does not resolve the BBS's Service.",
        "kubectl get pods -n kube-system -l k8s-app=kube-dns",
    ),
    Condition.NETWORK_FAULT: Advice(
        "Not advised: the fault is on the way to a BBS (an endpoint, kube-proxy, CNI or a NetworkPolicy).",
        "kubectl get networkpolicies,services -n {namespace}",
    ),
    Condition.OBSERVER_FAULT: Advice("Can't tell whether a restart would help.", _FROM_POD),
    Condition.MIGRATING: Advice("Harmful: the migration would begin again. Wait for its end.", _LOGS),
    Condition.STUCK_UNAVAILABLE: Advice(
        "Likely the fix, but only a person may decide it: a migration looks the same.",
        "stagekeeper restart{flags} --environment {environment} --reason WHY --accept stuck_unavailable",
    ),
    Condition.TLS_BROKEN: Advice("Not advised: renew the certificates.", "kubectl get secrets -n {namespace}"),
    Condition.LISTENING_UNKNOWN: Advice(
        "Can't tell whether it would take down a BBS that serves: configure a client certificate (`tls:`) first. A "
        "person who knows better may accept it: --accept listening_unknown.",
        "kubectl get secrets -n {namespace}",
    ),
    Condition.FROZEN: Advice(
        "Not advised before a look at the pod: it is overloaded, frozen or out of descriptors.", _LOGS
    ),
    Condition.SCALED_DOWN: Advice(
        "There is nothing to restart: somebody asked for 0 pods.",
        "kubectl scale statefulset -n {namespace} {statefulset} --replicas=COUNT",
    ),
    Condition.ROLLING_OUT: Advice(
        "Not advised: it would disturb the change of pods that is under way. Wait for its end.",
        "kubectl rollout status statefulset -n {namespace} {statefulset}",
    ),
    Condition.TERMINATING_STUCK: Advice(
        "Not advised: it would not help, and a forced deletion does harm. Look at who keeps the pod.", _PODS
    ),
    Condition.DATABASE_DOWN: Advice("Not advised: first the database must be reachable again.", _LOGS),
    Condition.NODE_DOWN: Advice("Not advised: a node is lost.", "kubectl get nodes"),
    Condition.CRASH_LOOPING: Advice("Not advised: the pods restart already, again and again. Read why.", _LOGS),
    Condition.STARTING: Advice("Not advised: it would begin again what is under way. Wait five minutes.", _AGAIN),
    Condition.PODS_NOT_READY: Advice(
        "Not advised: something keeps the pods from running. Read their events.", _DESCRIBE
    ),
    Condition.LOCKET_DOWN: Advice(
        "Not advised: first Locket must run.", "kubectl describe statefulset -n {namespace} {locket}"
    ),
    Condition.CLOUD_CONTROLLER_DOWN: Advice(
        "Not advised for the BBS alone: the Cloud Controller is down as well.",
        "kubectl get pods -n {namespace} -l '{controllers}'",
    ),
    Condition.LABEL_CONTRADICTS: Advice(
        "Not advised: the pod's own readiness probe says that it serves, and our connection is refused.", _FROM_POD
    ),
}

LISTENING = Advice(
    "Not needed, as far as a TCP connect can tell: somebody listens, and the Service leads there. With a client "
    "certificate (`tls:`) more could be told.",
    _AGAIN,
)

BLIND = Advice(
    "Can't tell whether a restart would help: the Kubernetes API could not be read.",
    "kubectl auth can-i list pods -n {namespace}",
)

AMBIGUOUS = Advice(
    "Can't tell whether a restart would help before somebody says which profile this is.",
    "kubectl get statefulsets -n {namespace} --show-labels",
)

OUTSIDE = Advice(
    "Can't tell whether a restart would help: the pods can't be reached from this machine. Ask from the cluster: "
    "--from-pod does so by kubectl, and the exporter's own pod has this command too.",
    _FROM_POD,
)


def advise(observation: Observation, diagnosis: Diagnosis) -> Advice:
    """The advice for what was seen."""
    if isinstance(observation.pods, Unknown) and observation.pods.word == seen.AMBIGUOUS:
        return AMBIGUOUS
    if isinstance(observation.service, Unknown) and observation.service.word == seen.OUTSIDE:
        return OUTSIDE
    unread = isinstance(observation.pods, Unknown) or isinstance(observation.workloads, Unknown)
    if unread and diagnosis.name is Condition.OBSERVER_FAULT:
        return BLIND
    if diagnosis.name is Condition.SERVING and any(each.by_tcp for each in observation.serving()):
        return LISTENING
    return replace(ADVICE[diagnosis.name], found=diagnosis.next)
