"""What a security reviewer would try with the remediator's token, and how an attempt is made.

Paths and bodies may name `{ns}` (the environment), `{other}` (a namespace that is nobody's) and `{release}`; a body's
preconditions are filled in with the UID and resourceVersion of `pod`, so that nothing but the attempt itself is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.testbed.api import Api, ApiError

RBAC = "cannot "
"""Kubernetes says `User "..." cannot VERB resource ...`."""
NOT_OURS = "is none that Stagekeeper may restart"
BY_UID = "only by its UID and resourceVersion"
GRACE = "only with its own grace period"
BACKGROUND = "only with propagationPolicy Background"
NAMED = "the name must be that of the StatefulSet, then -r and a number"
TARGET = "is none that you may open"
SMALL = "at most 16 labels, 16 annotations of 2048 characters, and no finalizer or owner"
PODS = "/api/v1/namespaces/{ns}/pods"
SETS = "/apis/apps/v1/namespaces/{ns}/statefulsets"
MAPS = "/api/v1/namespaces/{ns}/configmaps"
RECORDS = "/apis/stagekeeper.dev/v1alpha1/namespaces/{ns}/remediations"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}"
POLICIES = "/apis/admissionregistration.k8s.io/v1"
PATCH = "application/merge-patch+json"
NOBODY = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-4000-8000-000000000000"}
"""An owner that is not there: whatever names it is collected as garbage."""
WHOLE = ("uid", "resourceVersion")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that must not be possible, and what the refusal says."""

    title: str
    method: str
    path: str
    says: str = RBAC
    body: Any = None
    content_type: str = "application/json"
    pod: str = ""
    """The pod whose UID and resourceVersion become the delete's preconditions."""
    preconditions: tuple[str, ...] = WHOLE
    options: tuple[tuple[str, Any], ...] = ()


def refusal(api: Api, attempt: Attempt, names: Mapping[str, str], pod: Mapping[str, Any] | None) -> str:
    """What the API server says against it; "" where it admits it. `pod` is the attempt's, as it is now.

    A pod's delete is a dry run, said in the body: with a body the query does not count.
    """
    body = attempt.body
    if pod is not None:
        conditions = {key: pod["metadata"][key] for key in attempt.preconditions}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"], **dict(attempt.options)}
        body |= {"preconditions": conditions} if conditions else {}
    try:
        api.request(attempt.method, attempt.path.format(**names), body, attempt.content_type)
    except ApiError as refused:
        if refused.status in {403, 422}:
            return str(refused)
        raise  # that is no refusal, but a mistake in the attempt
    return ""


def _delete(title: str, name: str, says: str, **more: Any) -> Attempt:
    """A delete of a pod, which the test makes a dry run: it is admitted or refused like any other."""
    return Attempt(title, "DELETE", f"{PODS}/{name}", says, pod=name, **more)


def _open(title: str, name: str, says: str, **metadata: Any) -> Attempt:
    """A record of this name, which the test makes a dry run."""
    body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": {"name": name, **metadata}}
    return Attempt(title, "POST", f"{RECORDS}?dryRun=All", says, {**body, "spec": {"environment": "cf"}})


def _patch(title: str, path: str, body: Any) -> Attempt:
    return Attempt(title, "PATCH", path, RBAC, body, PATCH)


ATTEMPTS = (
    _delete("delete a pod of another role", "api-0", RBAC),
    _delete("delete a pod of a fitting name without the labels", "diego-api-5", NOT_OURS),
    _delete("delete a pod of a fitting name and labels without the StatefulSet", "diego-api-4", NOT_OURS),
    _delete("delete without preconditions", "diego-api-0", BY_UID, preconditions=()),
    _delete("delete without the UID", "diego-api-0", BY_UID, preconditions=("resourceVersion",)),
    _delete("delete without the resourceVersion", "diego-api-0", BY_UID, preconditions=("uid",)),
    _delete("force a delete", "diego-api-0", GRACE, options=(("gracePeriodSeconds", 0),)),
    _delete("hurry a delete", "diego-api-0", GRACE, options=(("gracePeriodSeconds", 1),)),
    _delete("draw out a delete", "diego-api-0", GRACE, options=(("gracePeriodSeconds", 86400),)),
    _delete("delete in the foreground", "diego-api-0", BACKGROUND, options=(("propagationPolicy", "Foreground"),)),
    _delete("delete and orphan", "diego-api-0", BACKGROUND, options=(("propagationPolicy", "Orphan"),)),
    _delete("delete and orphan, as of old", "diego-api-0", BACKGROUND, options=(("orphanDependents", True),)),
    _delete("delete a pod of another kind of StatefulSet", "diego-api-3", NOT_OURS),
    Attempt("delete all pods at once", "DELETE", f"{PODS}?labelSelector=skiff-role-name=diego-api"),
    Attempt("delete a pod of another namespace", "DELETE", "/api/v1/namespaces/{other}/pods/diego-api-4"),
    Attempt("evict a pod", "POST", f"{PODS}/diego-api-0/eviction", body={"metadata": {"name": "diego-api-0"}}),
    Attempt("read one pod", "GET", f"{PODS}/diego-api-0"),
    Attempt("watch pods", "GET", f"{PODS}?watch=1&timeoutSeconds=1"),
    Attempt("list pods of another namespace", "GET", "/api/v1/namespaces/{other}/pods"),
    Attempt("list pods of the whole cluster", "GET", "/api/v1/pods"),
    Attempt("make a pod", "POST", PODS, body={"metadata": {"name": "mine"}, "spec": {"containers": []}}),
    _patch("label a pod active", f"{PODS}/diego-api-0", {"metadata": {"labels": {"skiff-role-active": "true"}}}),
    _patch("write a pod's status", f"{PODS}/diego-api-0/status", {"status": {"phase": "Failed"}}),
    _patch("add a debug container", f"{PODS}/diego-api-0/ephemeralcontainers", {"spec": {}}),
    Attempt("bind a pod", "POST", f"{PODS}/diego-api-1/binding", body={"target": {"name": "worker-1"}}),
    Attempt("run a command in a pod", "POST", f"{PODS}/diego-api-0/exec?command=sh"),
    Attempt("attach to a pod", "POST", f"{PODS}/diego-api-0/attach"),
    Attempt("forward a port of a pod", "POST", f"{PODS}/diego-api-0/portforward?ports=8889"),
    Attempt("go through a pod as a proxy", "GET", f"{PODS}/diego-api-0/proxy/"),
    Attempt("read a pod's log", "GET", f"{PODS}/diego-api-0/log"),
    Attempt("list StatefulSets", "GET", SETS),
    Attempt("read another StatefulSet", "GET", f"{SETS}/database"),
    _patch("change the StatefulSet", f"{SETS}/diego-api", {"spec": {"replicas": 0}}),
    _patch("scale the StatefulSet", f"{SETS}/diego-api/scale", {"spec": {"replicas": 0}}),
    Attempt("delete the StatefulSet", "DELETE", f"{SETS}/diego-api"),
    Attempt("list Deployments", "GET", "/apis/apps/v1/namespaces/{ns}/deployments"),
    Attempt("make a Job", "POST", "/apis/batch/v1/namespaces/{ns}/jobs", body={"metadata": {"name": "mine"}}),
    Attempt("list Secrets", "GET", "/api/v1/namespaces/{ns}/secrets"),
    Attempt("read a Secret", "GET", "/api/v1/namespaces/{ns}/secrets/database"),
    Attempt("read its own webhook token", "GET", "/api/v1/namespaces/{release}/secrets/stagekeeper-webhook"),
    Attempt("list ConfigMaps", "GET", MAPS),
    Attempt("read another ConfigMap", "GET", f"{MAPS}/kube-root-ca.crt"),
    Attempt("end a pause", "DELETE", f"{MAPS}/stagekeeper-pause"),
    _patch("change a pause", f"{MAPS}/stagekeeper-pause", {"data": {}}),
    Attempt("read Services", "GET", "/api/v1/namespaces/{ns}/services"),
    Attempt("change endpoints", "POST", "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices", body={}),
    Attempt("list nodes", "GET", "/api/v1/nodes"),
    Attempt("list namespaces", "GET", "/api/v1/namespaces"),
    Attempt("read Events", "GET", "/api/v1/namespaces/{ns}/events"),
    Attempt("delete Events", "DELETE", "/api/v1/namespaces/{ns}/events"),
    Attempt(
        "keep a record in another namespace", "GET", "/apis/stagekeeper.dev/v1alpha1/namespaces/{other}/remediations"
    ),
    _patch("change a record's spec", f"{RECORDS}/diego-api-r1", {"spec": {"person": "somebody"}}),
    _patch("change a record's status by a patch", f"{RECORDS}/diego-api-r1/status", {"status": {"phase": "Recovered"}}),
    _open("open a record of a pod's name", "diego-api-1", NAMED),
    _open("open a record with a leading zero", "diego-api-r01", NAMED),
    _open("open a record with no number", "diego-api-r0", NAMED),
    _open("open a record of a number too large", "diego-api-r1000000000", NAMED),
    _open("open a record of another name", "mine", NAMED),
    _open("open a record of another StatefulSet", "database-r1", TARGET),
    _open("open a record that is mostly annotation", "diego-api-r3", SMALL, annotations={"a": "x" * 2049}),
    _open("open one of many labels", "diego-api-r3", SMALL, labels={f"a{each}": "b" for each in range(17)}),
    _open("open one that never goes", "diego-api-r3", SMALL, finalizers=["a.b/c"]),
    _open("open one that goes by itself", "diego-api-r3", SMALL, ownerReferences=[NOBODY]),
    _open("ask in another name", "diego-api-request-1", NAMED),
    _open("ask for another StatefulSet", "database-request", TARGET),
    Attempt("delete all records at once", "DELETE", RECORDS),
    Attempt("watch records", "GET", f"{RECORDS}?watch=1&timeoutSeconds=1"),
    Attempt("make a Role", "POST", f"{ROLES}/roles", body={"metadata": {"name": "mine"}, "rules": []}),
    _patch("widen its own Role", f"{ROLES}/roles/stagekeeper-keeps-diego-api", {"rules": []}),
    Attempt("bind a Role", "POST", f"{ROLES}/rolebindings", body={"metadata": {"name": "mine"}}),
    Attempt(
        "become an admin",
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        body={"metadata": {"name": "mine"}},
    ),
    Attempt("take another's token", "POST", "/api/v1/namespaces/{ns}/serviceaccounts/default/token", body={"spec": {}}),
    Attempt(
        "make a ServiceAccount",
        "POST",
        "/api/v1/namespaces/{release}/serviceaccounts",
        body={"metadata": {"name": "mine"}},
    ),
    Attempt("delete its guard", "DELETE", f"{POLICIES}/validatingadmissionpolicies/{{release}}-stagekeeper-deletes"),
    Attempt(
        "unbind its guard", "DELETE", f"{POLICIES}/validatingadmissionpolicybindings/{{release}}-stagekeeper-deletes"
    ),
    Attempt("make a webhook", "POST", f"{POLICIES}/mutatingwebhookconfigurations", body={"metadata": {"name": "mine"}}),
    _patch(
        "change what a record is",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/remediations.stagekeeper.dev",
        {"spec": {"scope": "Cluster"}},
    ),
    Attempt(
        "change its own Deployment",
        "PATCH",
        "/apis/apps/v1/namespaces/{release}/deployments/stagekeeper-remediator",
        body={},
        content_type=PATCH,
    ),
    Attempt(
        "take a lease",
        "POST",
        "/apis/coordination.k8s.io/v1/namespaces/{release}/leases",
        body={"metadata": {"name": "mine"}},
    ),
)

READ_ONLY = (
    _delete("delete a BBS pod", "diego-api-0", RBAC),
    Attempt("list records", "GET", RECORDS),
    Attempt("open a record", "POST", RECORDS, body={"metadata": {"name": "mine"}, "spec": {"environment": "cf"}}),
    Attempt("read the pause", "GET", f"{MAPS}/stagekeeper-pause"),
    Attempt(
        "emit an Event", "POST", "/apis/events.k8s.io/v1/namespaces/{ns}/events", body={"metadata": {"name": "mine"}}
    ),
)
"""What the exporter, which only reads, must not be able to do besides."""
