"""Which resources the simulated API serves. One line adds one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str, str] | None]
"""Of the old and the new object: the field and what is wrong with it, or None."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type, and how the real server treats it where that differs."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    status: bool = False
    """It has the status subresource: PUT and PATCH of the object leave `status` alone, and the other way round."""
    generation: bool = False
    """`metadata.generation` counts the changes of everything but metadata and status."""
    custom: bool = False
    """Made by a CRD: list items keep their kind, PUT needs a resourceVersion, no strategic merge patch."""
    graceful: bool = False
    """Deletion first only sets a deletionTimestamp (pods)."""
    deletion_returns_object: bool = False
    """DELETE answers with the object; else with a Status."""
    short_names: tuple[str, ...] = ()
    """What kubectl calls it too."""
    fields: tuple[str, ...] = ()
    """What a field selector may ask for, besides name and namespace."""
    rules: tuple[Rule, ...] = ()
    """What a change must not do, as the CRD's validation rules say."""

    @property
    def api_version(self) -> str:
        """`v1`, or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The plural as error messages name it: `pods`, `statefulsets.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind as error messages name it: `Pod`, `StatefulSet.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


_ENDED = frozenset({"Recovered", "SelfHealed", "Observed", "Escalated"})


def _spec_stays(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    return (
        None if old.get("spec") == new.get("spec") else ("spec", "spec is immutable; open another remediation instead")
    )


def _status_stays(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    taken_away = bool(old.get("status")) and not new.get("status")
    return ("status", "a status is never taken away, since the plan stands in it") if taken_away else None


def _plan_stays(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    before, after = (item.get("status", {}).get("plan") for item in (old, new))
    return ("status", "the plan is written once") if before is not None and before != after else None


def _end_stays(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    before, after = (item.get("status", {}).get("phase") for item in (old, new))
    wrong = before in _ENDED and after != before
    return ("status", "a remediation that has ended stays ended; open another one instead") if wrong else None


_ABOUT = tuple(f"involvedObject.{field}" for field in ("apiVersion", "kind", "name", "namespace", "uid", "fieldPath"))
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False, status=True, short_names=("ns",))
NODES = Resource("", "v1", "nodes", "Node", namespaced=False, status=True, short_names=("no",))
PODS = Resource(
    "",
    "v1",
    "pods",
    "Pod",
    status=True,
    generation=True,
    graceful=True,
    deletion_returns_object=True,
    short_names=("po",),
    fields=("spec.nodeName", "status.phase"),
)
SERVICES = Resource("", "v1", "services", "Service", status=True, deletion_returns_object=True, short_names=("svc",))
ENDPOINTS = Resource("", "v1", "endpoints", "Endpoints", short_names=("ep",))
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", generation=True)
STATEFULSETS = Resource("apps", "v1", "statefulsets", "StatefulSet", status=True, generation=True, short_names=("sts",))
REMEDIATIONS = Resource(
    "stagekeeper.dev",
    "v1alpha1",
    "remediations",
    "Remediation",
    status=True,
    generation=True,
    custom=True,
    short_names=("remed",),
    rules=(_spec_stays, _status_stays, _plan_stays, _end_stays),
)
RESOURCES: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    ENDPOINT_SLICES,
    STATEFULSETS,
    REMEDIATIONS,
    Resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",)),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "events", "Event", short_names=("ev",), fields=(*_ABOUT, "reason", "type")),
    Resource("events.k8s.io", "v1", "events", "Event", short_names=("ev",), fields=("reason", "type")),
)


def by_path(resources: Iterable[Resource]) -> Mapping[tuple[str, str, str], Resource]:
    """Index resources by group, version and plural, the way a URL names them."""
    return {(resource.group, resource.version, resource.plural): resource for resource in resources}
