"""What tests do on the real Kubernetes API besides what Helm does there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chart.helm import FOLDER, Helm, Object
from tests.testbed.api import ApiError
from tests.testbed.control_plane import ControlPlane

RELEASE = "stagekeeper"
CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/remediations.stagekeeper.dev"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def namespace_for_a_release(plane: ControlPlane) -> str:
    """A new namespace that admits only pods of Pod Security "restricted"."""
    name = plane.create_namespace("release")
    label(plane, name, RESTRICTED)
    return name


def ensure_namespace(plane: ControlPlane, name: str) -> None:
    """Make a namespace if it is not there; others may have made it."""
    try:
        plane.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    except ApiError as error:
        if error.status != 409:
            raise


def label(plane: ControlPlane, namespace: str, labels: dict[str, str]) -> None:
    """Put labels on a namespace."""
    patch = {"metadata": {"labels": labels}}
    plane.api.request("PATCH", f"/api/v1/namespaces/{namespace}", patch, "application/merge-patch+json")


def secret(plane: ControlPlane, namespace: str, name: str, **data: str) -> None:
    """Make a Secret of texts."""
    body = {"metadata": {"name": name}, "stringData": data}
    plane.api.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body)


def path_of(item: Object) -> str:
    """Where the API has an object."""
    version, kind, metadata = item["apiVersion"], item["kind"].lower(), item["metadata"]
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    place = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{'/apis' if '/' in version else '/api'}/{version}{place}/{plural}/{metadata['name']}"


def admit(plane: ControlPlane, namespace: str, pod: Object) -> None:
    """Have the API server judge a pod without making it; raises ApiError if it would be refused."""
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "judged-", **pod["metadata"]},
        "spec": pod["spec"],
    }
    body["metadata"].pop("namespace", None)
    plane.api.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict", body)


@contextlib.contextmanager
def installed(
    helm: Helm, namespace: str, *arguments: str | Path, values: dict[str, Any] | None = None
) -> Iterator[None]:
    """A release for the time of the block."""
    helm.run("install", RELEASE, FOLDER, "--namespace", namespace, *arguments, values=values)
    try:
        yield
    finally:
        helm.run("uninstall", RELEASE, "--namespace", namespace)
