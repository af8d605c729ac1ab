"""Everything that a cluster holds, to see what something has left behind."""

from tests.testbed.control_plane import ControlPlane

_ITEM = '{range .items[*]}{.kind}{"/"}{.metadata.namespace}{"/"}{.metadata.name}{"\\n"}{end}'
_COME_AND_GO = frozenset({"events", "events.events.k8s.io", "leases.coordination.k8s.io"})


def everything(plane: ControlPlane) -> set[str]:
    """Each object that can be listed, as `Kind/namespace/name`, but Events and leases."""
    kinds = set(plane.kubectl("api-resources", "--verbs=list", "--output=name").split()) - _COME_AND_GO
    found = plane.kubectl("get", ",".join(sorted(kinds)), "--all-namespaces", f"--output=jsonpath={_ITEM}")
    return set(found.split())
