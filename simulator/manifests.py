"""A layout's objects as JSON manifests, for the simulated API and for a real one. Pure."""

from typing import Any

from simulator.bbs import BBS_PORT
from simulator.layouts import Layout, Role, Workload
from simulator.programs import CC_PORT

Manifest = dict[str, Any]
_IMAGES = "simulated.invalid"


def image_of(role: Role) -> str:
    """Name the image that stands for a role."""
    return f"{_IMAGES}/{role}:1"


def role_of(image: str) -> Role:
    """Read the role back from an image's name; what is not ours is a sidecar."""
    name = image.removeprefix(f"{_IMAGES}/").partition(":")[0]
    return Role(name) if name in set(Role) else Role.SIDECAR


def statefulset(workload: Workload, namespace: str) -> Manifest:
    """Render a StatefulSet."""
    labels = dict(workload.labels)
    containers: list[Manifest] = [{"name": name, "image": image_of(role)} for name, role in workload.containers]
    if workload.readiness is not None:
        containers[0]["readinessProbe"] = {"tcpSocket": {"port": workload.readiness}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": workload.name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": workload.replicas,
            "serviceName": f"{workload.name}-set",
            "podManagementPolicy": "OrderedReady" if workload.ordered else "Parallel",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": workload.grace,
                    "automountServiceAccountToken": False,
                    "containers": containers,
                },
            },
        },
    }


def service(name: str, namespace: str, selector: dict[str, str], port: int) -> Manifest:
    """Render a ClusterIP Service of one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": selector,
            "ports": [{"name": "main", "port": port, "targetPort": port, "protocol": "TCP"}],
        },
    }


def services(layout: Layout, namespace: str) -> list[Manifest]:
    """Render a layout's Services: the BBS's, which selects the active pod, and the Cloud Controller's."""
    rendered = [service(layout.cloud_controller_service, namespace, dict(layout.cloud_controller.labels), CC_PORT)]
    if layout.bbs is not None:
        selector = dict(layout.bbs.labels)
        if layout.active_label is not None:
            selector[layout.active_label.key] = layout.active_label.active
        rendered.append(service(layout.bbs_service, namespace, selector, BBS_PORT))
    return rendered


def manifests(layout: Layout, namespace: str | None = None) -> list[tuple[str, Manifest]]:
    """Render everything of a layout but its namespace: (path of the collection to POST to, object) in order."""
    namespace = namespace or layout.namespace
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    return [
        *((f"{core}/services", each) for each in services(layout, namespace)),
        *((f"{apps}/statefulsets", statefulset(each, namespace)) for each in layout.workloads),
    ]
