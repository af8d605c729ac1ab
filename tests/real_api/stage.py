"""A BBS StatefulSet on a real API, whose pods a test declares to run: no kubelet does. Everything here blocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from simulator.api_client import MERGE_PATCH
from simulator.layouts import CFEE_2
from simulator.manifests import statefulset
from stagekeeper.diego.profiles import TlsFiles
from tests.diego.listeners import NAME
from tests.kube.api_server import kubeconfig
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import until_true
from tests.testbed.pods import running

ACCOUNT = "exporter"
RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "list"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]},
]
_RBAC = "rbac.authorization.k8s.io"


def address(ordinal: int) -> str:
    """The IP of a pod, on loopback."""
    return f"127.0.77.{ordinal + 1}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One namespace with a BBS in it, and a ServiceAccount that may read it."""

    plane: ControlPlane
    namespace: str
    pods: tuple[str, ...]

    @property
    def core(self) -> str:
        """The path of the namespace's own objects."""
        return f"/api/v1/namespaces/{self.namespace}"

    @property
    def bindings(self) -> str:
        """The path of the namespace's RoleBindings."""
        return f"/apis/{_RBAC}/v1/namespaces/{self.namespace}/rolebindings"

    def allow(self) -> None:
        """Let the exporter's ServiceAccount read."""
        role = {"apiGroup": _RBAC, "kind": "Role", "name": ACCOUNT}
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}
        binding = {"metadata": {"name": ACCOUNT}, "roleRef": role, "subjects": [subject]}
        self.plane.api.request("POST", self.bindings, binding)

    def forbid(self) -> None:
        """Take that right away."""
        self.plane.api.request("DELETE", f"{self.bindings}/{ACCOUNT}")

    def revoke(self) -> None:
        """Delete the ServiceAccount: its tokens are worth nothing from then on."""
        self.plane.api.request("DELETE", f"{self.core}/serviceaccounts/{ACCOUNT}")

    def kubeconfig(self, path: Path) -> Path:
        """How the exporter gets in, with a token of its ServiceAccount."""
        token = self.plane.service_account_token(self.namespace, ACCOUNT)
        authority = {"certificate-authority": str(self.plane.ca_file)}
        return kubeconfig(path, self.plane.url, {"token": token}, **authority)

    def configuration(self, path: Path, port: int, tls: TlsFiles, **more: Any) -> Path:
        """A configuration whose Service is pod 0's own address."""
        files = {name: str(getattr(tls, name)) for name in ("ca_file", "cert_file", "key_file")}
        entry = {
            "name": "cf",
            "namespace": self.namespace,
            "service": {"host": address(0), "port": port},
            "tls": {**files, "server_name": NAME},
        }
        path.write_text(yaml.safe_dump({"environments": [{**entry, **more}]}), encoding="utf-8")
        return path


@contextmanager
def stage(plane: ControlPlane, replicas: int = 2) -> Iterator[Stage]:
    """Pod 0 is labelled active, all are Ready; whether anybody listens is up to the test."""
    assert CFEE_2.bbs
    namespace = plane.create_namespace()
    api = plane.api
    made = Stage(plane, namespace, tuple(f"diego-api-{each}" for each in range(replicas)))
    account = {"metadata": {"name": ACCOUNT}}
    api.request("POST", f"{made.core}/serviceaccounts", account)
    api.request("POST", f"/apis/{_RBAC}/v1/namespaces/{namespace}/roles", {**account, "rules": RULES})
    made.allow()
    workload = replace(CFEE_2.bbs, replicas=replicas, ordered=False)
    sets = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
    api.request("POST", sets, statefulset(workload, namespace))
    try:
        for ordinal, pod in enumerate(made.pods):
            _declare_running(made, pod, ordinal)
        yield made
    finally:
        api.request("DELETE", f"{sets}/diego-api")


def _declare_running(made: Stage, pod: str, ordinal: int) -> None:
    api, path = made.plane.api, f"{made.core}/pods/{pod}"
    until_true(lambda: api.exists(path), f"the StatefulSet controller's pod {pod}")
    listed = api.request("GET", path)
    labels = {"skiff-role-active": "true" if ordinal == 0 else "false"}
    api.request("PATCH", path, {"metadata": {"labels": labels}}, MERGE_PATCH)
    api.request("PATCH", f"{path}/status", {"status": running(listed, address(ordinal))}, MERGE_PATCH)
