"""The chart in mode act on the real Kubernetes API, an environment for it, and the tokens of its ServiceAccounts."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.chart.cluster import RELEASE, installed, namespace_for_a_release, secret
from tests.chart.helm import Helm, Object, Rendered, parsed
from tests.testbed.api import Api
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import until_true

BBS_LABELS = {"skiff-role-name": "diego-api"}
NODE = "worker-1"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where everything is. `namespace` is the environment's, `release` that of the programs, `other` nobody's."""

    plane: ControlPlane
    rendered: Rendered
    namespace: str
    release: str
    other: str

    def token(self, program: str) -> str:
        """A token of a program's own ServiceAccount."""
        return self.plane.service_account_token(self.release, f"stagekeeper-{program}")

    def api(self, program: str) -> Api:
        """The Kubernetes API as a program sees it."""
        return Api(self.plane.url, self.plane.ca_file, self.token(program))

    def kubeconfig(self, program: str) -> Path:
        """A kubeconfig with the program's token, as our own client reads it."""
        path = self.plane.folder / f"{self.release}-{program}.json"
        config = json.loads(self.plane.kubeconfig.read_text())
        config["users"] = [{"name": "testbed", "user": {"token": self.token(program)}}]
        config["contexts"] = [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed"}}]
        path.write_text(json.dumps(config))
        return path

    def pod(self, name: str) -> Object:
        """A pod of the environment, as it is now."""
        found: Object = self.plane.api.request("GET", f"/api/v1/namespaces/{self.namespace}/pods/{name}")
        return found


@contextlib.contextmanager
def scene(plane: ControlPlane, helm: Helm) -> Iterator[Scene]:
    """An environment with two BBS pods on a node, and the chart that keeps it."""
    namespace, release = plane.create_namespace("environment"), namespace_for_a_release(plane)
    secret(plane, release, "stagekeeper-webhook", token="a-made-up-webhook-token")
    values = {
        "environments": [{"name": "cf", "namespace": namespace}],
        "remediator": {"mode": "act", "alertmanagers": [{"url": "http://127.0.0.1:9093"}]},
    }
    with installed(helm, release, values=values):
        rendered = parsed(helm.run("get", "manifest", RELEASE, "--namespace", release))
        here = Scene(plane, rendered, namespace, release, plane.create_namespace())
        _diego(here)
        for namespace in (here.namespace, here.other):
            _bystanders(plane, namespace)
        yield here


def _diego(here: Scene) -> None:
    """Both pods at once, since nobody makes the first one Ready; bound to a node, so that deletes are graceful."""
    labels = {**BBS_LABELS, "app": "diego"}
    spec = {
        "serviceName": "diego-api",
        "replicas": 2,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {**_pod_spec(), "terminationGracePeriodSeconds": 600}},
    }
    path = f"/apis/apps/v1/namespaces/{here.namespace}/statefulsets"
    here.plane.api.request("POST", path, {"metadata": {"name": "diego-api"}, "spec": spec})
    pods = f"/api/v1/namespaces/{here.namespace}/pods"
    for name in ("diego-api-0", "diego-api-1"):
        until_true(partial(here.plane.api.exists, f"{pods}/{name}"))
    target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
    here.plane.api.request(
        "POST", f"{pods}/diego-api-0/binding", {"metadata": {"name": "diego-api-0"}, "target": target}
    )


def _bystanders(plane: ControlPlane, namespace: str) -> None:
    """What must never be touched: a pod of another role, and three that only look like a BBS."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    owner = {"apiVersion": "another.example/v1", "kind": "StatefulSet", "name": "diego-api", "uid": "1"}
    lookalike = {"labels": BBS_LABELS, "ownerReferences": [{**owner, "controller": True}]}
    for name, metadata in (
        ("api-0", {"labels": {"skiff-role-name": "api"}}),
        ("diego-api-3", lookalike),
        ("diego-api-4", {"labels": BBS_LABELS}),
        ("diego-api-5", {}),
    ):
        body: dict[str, Any] = {"metadata": {"name": name, **metadata}, "spec": _pod_spec()}
        plane.api.request("POST", pods, body)
    plane.api.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "stagekeeper-pause"}})
    secret(plane, namespace, "database", password="made-up")


def _pod_spec() -> dict[str, Any]:
    return {"containers": [{"name": "bbs", "image": "registry.example/bbs"}]}
