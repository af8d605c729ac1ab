"""What the runbooks' commands meet on a real API: the chart, an environment with two BBS, and a kubelet's part."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from simulator.api_client import MERGE_PATCH
from simulator.layouts import CFEE_2
from simulator.manifests import services, statefulset
from stagekeeper.kube.objects import timestamp
from tests.chart.cluster import installed, secret
from tests.chart.helm import Helm
from tests.testbed.api import Api, ApiError
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import HANG_GUARD, until_true
from tests.testbed.pods import running
from tests.testbed.taking_up import taking_up_beside

NODE = "worker-1"
EPISODE = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": {"name": "diego-api-r1"}}
ESCALATED = {"phase": "Escalated", "reason": "RestartIsNoCure", "message": "A person is needed."}
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """`namespace` is the environment's, `release` that of the chart."""

    plane: ControlPlane
    namespace: str
    release: str

    def concerns(self, command: str) -> bool:
        """Whether a command is about the environment."""
        return self.namespace in command or "--environment prod" in command

    def set(self, *, paused: bool = True) -> None:
        """Make the scene as each command shall find it: paused, and the latest remediation escalated."""
        pause = f"/api/v1/namespaces/{self.namespace}/configmaps"
        records = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{self.namespace}/remediations"
        send = self.plane.api.request
        # Else its record may come after all others went.
        until_true(partial(self._is_gone, f"{records}/diego-api-request"))
        send("DELETE", records)
        self._without(f"{pause}/stagekeeper-pause")
        if paused:
            send("POST", pause, {"metadata": {"name": "stagekeeper-pause"}, "data": _a_pause()})
        token = self.plane.service_account_token(self.release, "stagekeeper-remediator")
        remediator = Api(self.plane.url, self.plane.ca_file, token)
        made = remediator.request("POST", records, {**EPISODE, "spec": {"environment": "prod"}})
        send("PUT", f"{records}/diego-api-r1/status", {**made, "status": ESCALATED})
        for name in ("diego-api-0", "diego-api-1"):
            until_true(partial(self._is_ready, name))

    def _without(self, path: str) -> None:
        with contextlib.suppress(ApiError):
            self.plane.api.request("DELETE", path)

    def _is_gone(self, path: str) -> bool:
        try:
            self.plane.api.request("GET", path)
        except ApiError as problem:
            return problem.status == HTTPStatus.NOT_FOUND
        return False

    def _is_ready(self, pod: str) -> bool:
        try:
            found = self.plane.api.request("GET", f"/api/v1/namespaces/{self.namespace}/pods/{pod}")
        except ApiError:
            return False
        return found["status"]["phase"] == "Running" and "deletionTimestamp" not in found["metadata"]


@dataclass(slots=True)
class Kubelet:
    """Declares pods to run, and ends those that are to end."""

    plane: ControlPlane
    namespace: str
    ended: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Look after the pods until `ended` is set."""
        while not self.ended.wait(0.25):
            with contextlib.suppress(ApiError, OSError):  # the API was busy: next time
                self._observe_after_all(f"/api/v1/namespaces/{self.namespace}/pods")

    def _observe_after_all(self, pods: str) -> None:
        for pod in self.plane.api.request("GET", pods)["items"]:
            with contextlib.suppress(ApiError):  # it changed meanwhile: next time
                self._observe_after(pod, f"{pods}/{pod['metadata']['name']}")

    def _observe_after(self, pod: Object, path: str) -> None:
        send, metadata = self.plane.api.request, pod["metadata"]
        if "deletionTimestamp" in metadata:
            send("DELETE", path, {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}})
        elif "nodeName" not in pod["spec"]:
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            send("POST", f"{path}/binding", {"metadata": {"name": metadata["name"]}, "target": target})
        elif pod["status"]["phase"] != "Running":
            active = {"skiff-role-active": "true" if metadata["name"].endswith("-0") else "false"}
            send("PATCH", path, {"metadata": {"labels": active}}, MERGE_PATCH)
            send("PATCH", f"{path}/status", {"status": running(pod)}, MERGE_PATCH)


@contextlib.contextmanager
def stage(plane: ControlPlane, helm: Helm) -> Iterator[Stage]:
    """Everything, until the block ends."""
    here = Stage(plane, plane.create_namespace("environment"), plane.create_namespace("release"))
    secret(plane, here.release, "stagekeeper-webhook", token="a-made-up-webhook-token")
    with installed(helm, here.release, values=_values(here)), _kubelet(plane, here.namespace):
        apps = f"/apis/apps/v1/namespaces/{here.namespace}/statefulsets"
        for workload in CFEE_2.workloads:
            plane.api.request("POST", apps, statefulset(workload, here.namespace))
        for each in services(CFEE_2, here.namespace):
            plane.api.request("POST", f"/api/v1/namespaces/{here.namespace}/services", each)
        for program in ("exporter", "remediator"):
            _pod_of_deployment(here, f"stagekeeper-{program}")
        with taking_up_beside(*_files(here)):
            yield here


def _files(here: Stage) -> tuple[Path, Path]:
    """A kubeconfig with the remediator's token, and a configuration."""
    kubeconfig, config = (here.plane.folder / f"{here.release}.{each}" for each in ("kubeconfig", "yaml"))
    found = json.loads(here.plane.kubeconfig.read_text())
    token = here.plane.service_account_token(here.release, "stagekeeper-remediator")
    found["users"] = [{**each, "user": {"token": token}} for each in found["users"]]
    kubeconfig.write_text(json.dumps(found))
    config.write_text(json.dumps({"environments": _values(here)["environments"]}))
    return kubeconfig, config


def _a_pause() -> Object:
    return {"by": "somebody", "reason": "a test", "until": timestamp(datetime.now(UTC) + timedelta(hours=1))}


def _values(here: Stage) -> Object:
    return {
        "environments": [{"name": "prod", "profile": "cfee-2", "namespace": here.namespace}],
        "remediator": {"mode": "act", "alertmanagers": [{"url": "http://127.0.0.1:9093"}]},
    }


def _pod_of_deployment(here: Stage, name: str) -> None:
    """No Deployment controller runs, so its pod is made by hand."""
    deployment = here.plane.api.request("GET", f"/apis/apps/v1/namespaces/{here.release}/deployments/{name}")
    template = deployment["spec"]["template"]
    pod = {"metadata": {"name": f"{name}-1", "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
    here.plane.api.request(
        "POST", f"/api/v1/namespaces/{here.release}/pods", {**pod, "spec": {**pod["spec"], "nodeName": NODE}}
    )


@contextlib.contextmanager
def _kubelet(plane: ControlPlane, namespace: str) -> Iterator[None]:
    kubelet = Kubelet(plane, namespace)
    thread = threading.Thread(target=kubelet.work, name="kubelet")
    thread.start()
    try:
        yield
    finally:
        kubelet.ended.set()
        thread.join(HANG_GUARD)
        assert not thread.is_alive(), "the kubelet's part did not end"
