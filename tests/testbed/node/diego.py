"""Diego on a node: the simulator's processes in pods of StatefulSets like each profile's, which a real kubelet runs."""

import json
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from simulator.bbs import BBS_PORT, HEALTH_PORT
from simulator.certificates import Certificates, make_certificates
from simulator.layouts import Layout, Role, Workload
from simulator.locket import LOCKET_PORT
from simulator.manifests import services, statefulset
from simulator.pods.database import CONTROL_PORT, PORT
from simulator.programs import CC_PORT
from tests.testbed.node.node import Node

Object = dict[str, Any]
_ACCOUNT = "diego"
_CERTIFICATES = "diego-certificates"
_READINESS_PORT = {"cfee-2": LOCKET_PORT}
"""SCF 2.12 and 2.13 ask Locket's port; releases where Locket is apart, the BBS's `/ping`."""
_BACKEND = f"database:{PORT}"
_MONIT_CYCLE = "10"
_CONNECT_SECONDS = 2.0
_CPU = {Role.SIDECAR: "10m"}
"""What is not the usual request: a pod of KubeCF has four sidecars."""
_PYTHON = ("python3", "-m")


class Diego:
    """One environment's Diego on a node, and the faults that can befall it."""

    def __init__(self, node: Node, layout: Layout, image: str, certificates: Certificates, period: int) -> None:
        self.node = node
        self.layout = layout
        self.certificates = certificates
        self._image = image
        self._period = period

    def do(self, deed: str) -> Object:
        """Do something to the database (simulator/pods/database.py); what is there then."""
        service = self.node.plane.api.request("GET", f"{self._core}/services/database")
        answered: Object = self.node.within.inside(partial(_ask, service["spec"]["clusterIP"], deed))
        return answered

    def pods(self) -> list[Object]:
        """The environment's pods, of all roles."""
        found: list[Object] = self.node.plane.api.request("GET", f"{self._core}/pods")["items"]
        return found

    def install(self) -> None:
        """Make all objects. Whoever has to know waits for the pods."""
        api, namespace = self.node.plane.api, self.layout.namespace
        api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        for path, body in (
            (f"{self._core}/secrets", self._secret()),
            (f"{self._core}/serviceaccounts", {"metadata": {"name": _ACCOUNT}}),
            (f"{self._rbac}/roles", _role()),
            (f"{self._rbac}/rolebindings", _binding(namespace)),
            (f"{self._core}/services", _database_service()),
            (f"{self._core}/pods", self._database()),
            *((f"{self._core}/services", service) for service in services(self.layout, namespace)),
            *((f"{self._apps}/statefulsets", self._statefulset(each)) for each in self.layout.workloads),
        ):
            api.request("POST", path, body)

    @property
    def _core(self) -> str:
        return f"/api/v1/namespaces/{self.layout.namespace}"

    @property
    def _apps(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.layout.namespace}"

    @property
    def _rbac(self) -> str:
        return f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.layout.namespace}"

    def _secret(self) -> Object:
        folder = self.certificates.server.ca.parent
        data = {file.name: file.read_text() for file in sorted(folder.iterdir())}
        return {"metadata": {"name": _CERTIFICATES}, "stringData": data}

    def _database(self) -> Object:
        own_locket = ["--own-locket"] if self.layout.locket is not None else []
        command = [*_PYTHON, "simulator.pods.database", "--host", "$(POD_IP)", *own_locket]
        container = {"name": "database", **self._runs(command)}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
        return {"metadata": {"name": "database", "labels": {"app": "database"}}, "spec": spec}

    def _statefulset(self, workload: Workload) -> Object:
        made = statefulset(workload, self.layout.namespace)
        spec = made["spec"]["template"]["spec"]
        spec |= {
            "serviceAccountName": _ACCOUNT,
            "automountServiceAccountToken": True,
            "enableServiceLinks": False,
            "volumes": [{"name": "certificates", "secret": {"secretName": _CERTIFICATES}}],
            "containers": [self._container(name, role) for name, role in workload.containers],
        }
        return made

    def _container(self, name: str, role: Role) -> Object:
        container: Object = {
            "name": name,
            **self._runs(_command(role, monit=self.layout.monit), _CPU.get(role, "100m")),
        }
        if role in {Role.BBS, Role.BBS_AND_LOCKET}:
            container["volumeMounts"] = [{"name": "certificates", "mountPath": "/certificates", "readOnly": True}]
        if "volumeMounts" in container and not kept_by_quarks(self.layout):
            probe = {"exec": {"command": self._probe()}, "periodSeconds": self._period, "timeoutSeconds": 30}
            container["readinessProbe"] = probe
        return container

    def _probe(self) -> list[str]:
        label = self.layout.active_label
        assert label is not None
        port = _READINESS_PORT.get(self.layout.profile, HEALTH_PORT)
        # The kubelet replaces no variables in a probe's command: a shell has to.
        words = f'"$POD_NAME" "$POD_IP" {port} {label.key}={label.active},{label.passive}'
        return ["sh", "-c", f"exec python3 -m simulator.pods.readiness {words}"]

    def _runs(self, command: list[str], cpu: str = "100m") -> Object:
        fields = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP"}
        env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
        # Without a request it would get what is left over by all others on the machine.
        share = {"requests": {"cpu": cpu}}
        return {"image": self._image, "imagePullPolicy": "Never", "command": command, "env": env, "resources": share}


def make_diego(node: Node, layout: Layout, image: str, folder: Path, *, period: int = 10) -> Diego:
    """A Diego whose objects are made; `period` is its readiness probe's, in seconds."""
    names = (layout.bbs_service, "diego-api")
    certificates = make_certificates(folder, layout.namespace, (*names, layout.tls_server_name), "127.0.0.1")
    diego = Diego(node, layout, image, certificates, period)
    diego.install()
    return diego


def listens(address: str) -> bool:
    """Whether a BBS accepts connections at this address of a pod. Asked from within the node's network."""
    try:
        socket.create_connection((address, BBS_PORT), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def kept_by_quarks(layout: Layout) -> bool:
    """Whether an operator keeps the active label, and takes it from a passive pod; else each pod's own probe does."""
    return layout.active_label is not None and layout.active_label.passive is None


def _command(role: Role, *, monit: bool) -> list[str]:
    me = ["--owner", "$(POD_NAME)", "--host", "$(POD_IP)", "--backend", _BACKEND]
    bbs = [*_PYTHON, "simulator.bbs", *me, "--certificates", "/certificates"]
    locket = [*_PYTHON, "simulator.pods.locket", *me]
    supervisor = [*_PYTHON, "simulator.pods.supervisor", _MONIT_CYCLE] if monit else []
    commands: Mapping[Role, list[str]] = {
        Role.BBS: [*supervisor, *bbs],
        Role.BBS_AND_LOCKET: [*supervisor, *locket, "--", *bbs],
        Role.LOCKET: [*supervisor, *locket],
        Role.CLOUD_CONTROLLER: [*_PYTHON, "simulator.pods.listen", "$(POD_IP)", str(CC_PORT)],
        Role.SIDECAR: [*_PYTHON, "simulator.pods.listen"],
    }
    return commands[role]


def _role() -> Object:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}
    return {"metadata": {"name": _ACCOUNT}, "rules": [rule]}


def _binding(namespace: str) -> Object:
    subject = {"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _ACCOUNT}
    return {"metadata": {"name": _ACCOUNT}, "subjects": [subject], "roleRef": role}


def _database_service() -> Object:
    ports = [{"name": "database", "port": PORT}, {"name": "control", "port": CONTROL_PORT}]
    return {"metadata": {"name": "database"}, "spec": {"selector": {"app": "database"}, "ports": ports}}


def _ask(host: str, deed: str) -> Object:
    with socket.create_connection((host, CONTROL_PORT), 10) as connection:
        connection.sendall(json.dumps({"do": deed}).encode() + b"\n")
        answered: Object = json.loads(connection.makefile().readline())
    assert "error" not in answered, answered
    return answered
