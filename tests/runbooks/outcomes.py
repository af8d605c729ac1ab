"""What a command of the runbooks is expected to answer, by the first pattern that fits it.

Whoever writes a new kind of command teaches it here; an unknown one is refused.
"""

import re
from dataclasses import dataclass

PLACEHOLDERS = {
    "<pod>": "diego-api-0",
    "<why>": "the cause is known",
    "<diagnosis>": "stuck_unavailable",
    "--timeout=30m": "--timeout=1s",
    "--timeout=2h": "--timeout=1s",
}
"""What the pages leave to the reader. Namespaces and addresses are the stage's (`Shell.names`)."""

NO_KUBELET = r'(nodes|pods) "worker-1" not found'
"""How far a command gets whose answer comes from a kubelet: the API server took it, and looks for the pod's node."""


class UntaughtError(LookupError):
    """Nobody has told us how to try a command."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What commands that match `pattern` have to answer: one of `codes`, and `says` somewhere in what they print."""

    pattern: str
    says: str = ""
    codes: tuple[int, ...] = (0,)
    endless: bool = False
    """It goes on until it is interrupted; `says` has to come before."""
    why_not: str = ""
    """Why it is not carried out to its end here, and what is tried in its place."""


# --- What is NOT carried out to its end, and why -------------------------------------------------------------------
WITHOUT_KUBELET = (
    Outcome(
        r"kubectl (-n stagekeeper )?exec\b",
        NO_KUBELET,
        codes=(1,),
        why_not="No kubelet runs. The real API server takes the request; what should run in the pod runs here "
        "and meets the simulator's BBS.",
    ),
    Outcome(
        r"kubectl logs -n cf <pod> --previous",
        NO_KUBELET,
        codes=(1,),
        why_not="No kubelet runs, and the simulator keeps no logs of earlier containers. The real API server takes it.",
    ),
    Outcome(
        r"kubectl logs -n cf\b",
        NO_KUBELET,
        codes=(1,),
        why_not="No kubelet runs. The real API server takes the request; the simulated one answers it.",
    ),
    Outcome(
        r"kubectl logs -n stagekeeper deployment/",
        NO_KUBELET,
        codes=(1,),
        why_not="No kubelet runs. kubectl finds a pod of the chart's Deployment; the real API server takes it.",
    ),
    Outcome(
        r"kubectl get remediations\b.* \| kubectl -n stagekeeper exec -i deploy/\S+ -- stagekeeper explain -$",
        NO_KUBELET,
        codes=(1,),
        why_not="No kubelet runs. kubectl finds a pod of the chart's Deployment; the real API server takes it.",
    ),
    Outcome(
        r"stagekeeper diagnose\b.* --from-pod",
        r"^4\..*: unknown$(?s:.*)failed: .*\"worker-1\" not found",
        codes=(1, 3),
        why_not="No kubelet runs, so no pod can be asked, which it has to say. Against the simulator it asks one.",
    ),
)
SERVERS = (
    Outcome(
        r"stagekeeper remediator --config\.file=\S+$",
        why_not="It would listen on every address of this machine. tests/alerts_live and tests/node run it.",
    ),
)
"""Not run at all."""
OUTCOMES = (
    *WITHOUT_KUBELET,
    *SERVERS,
    Outcome(r"kubectl get pod .* -w$", r"diego-api-0 .*\b2/2\b", endless=True),
    Outcome(
        r"kubectl get pod .*skiff-role-name=diego-api -L skiff-role-active -o wide", r"(?s)diego-api-0 .*2/2.* true\b"
    ),
    Outcome(r"kubectl get pod .*skiff-role-name=api$", r"api-0 .*2/2"),
    Outcome(r"kubectl get pod -n stagekeeper", r"stagekeeper-exporter"),
    Outcome(r"kubectl get events\b", r"SuccessfulCreate"),
    Outcome(r"kubectl get endpointslices\b", r"diego-api-\w+"),
    Outcome(r"kubectl get remediations\b", r"diego-api-r1 .*Escalated"),
    Outcome(r"kubectl get configmap .* stagekeeper-pause -o yaml", r"by: somebody"),
    Outcome(r"kubectl create configmap -n cf stagekeeper-pause\b.* \| kubectl apply", r"stagekeeper-pause configured"),
    Outcome(r"kubectl delete configmap -n cf stagekeeper-pause$", r'"stagekeeper-pause" deleted'),
    Outcome(r"kubectl get configmap .* > stagekeeper\.yaml$"),
    Outcome(r"kubectl auth can-i\b", r"^yes"),
    Outcome(r"kubectl rollout status statefulset/diego-api\b", r"2 pods|roll out complete|2/2"),
    Outcome(r"kubectl delete pod -n cf -l skiff-role-name=diego-locket", r"No resources found"),
    Outcome(r"kubectl delete pod\b", r'pod "diego-api-0" deleted'),
    Outcome(
        r"kubectl -n cf wait\b",
        r"timed out waiting for the condition on remediations/diego-api-r1",
        codes=(1,),  # the remediation of the stage has escalated: the wait ends by its timeout, which is shortened
    ),
    Outcome(r"kubectl -n cf annotate\b", r"remediation.stagekeeper.dev/diego-api-r1 annotated"),
    Outcome(r"echo .* \| kubectl -n cf create -f -$", r"remediation.stagekeeper.dev/diego-api-request created"),
    Outcome(r"kubectl -n cf create role\b", r"stagekeeper-approver created"),
    Outcome(r"kubectl -n cf create rolebinding\b", r"stagekeeper-approver created"),
    Outcome(r"kubectl label pod\b", r"diego-api-0 (not )?labeled"),
    Outcome(r"stagekeeper pause\b", r"paused the remediator in prod"),
    Outcome(r"stagekeeper resume\b", r"ended the pause of prod"),
    Outcome(r"stagekeeper restart\b", r"asks for a restart by diego-api-r2, accepting stuck_unavailable"),
    Outcome(r"stagekeeper reset\b", r"diego-api-r1"),
    Outcome(r"amtool alert query\b", r"StagerUnavailable"),
    Outcome(r"amtool config routes test\b", r"nobody"),
    Outcome(r"amtool silence query\b", r"environment=\"?prod"),
    Outcome(r"amtool silence add\b", r"[0-9a-f-]{36}"),
)


def outcome_of(command: str) -> Outcome:
    """What to expect of a command, as it stands on the page. Raises UntaughtError."""
    for outcome in OUTCOMES:
        if re.match(outcome.pattern, command):
            return outcome
    raise UntaughtError(f"`{command}`: teach tests/runbooks/outcomes.py how to try it")
