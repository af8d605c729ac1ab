"""What a client asks before anything else: which groups, versions and resources there are. kubectl needs it."""

from collections.abc import Iterable
from typing import Any

from simulator.resources import PODS, SERVICES, STATEFULSETS, Resource

Document = dict[str, Any]
_VERBS = ["create", "delete", "get", "list", "patch", "update"]
_ALL = (PODS, SERVICES, STATEFULSETS)
"""What `kubectl get all` means."""


def discovery(path: str, resources: Iterable[Resource]) -> Document | None:
    """The document at a path such as `/apis` or `/apis/apps/v1`; None if there is none.

    The older form, of one document for each group and version: every kubectl falls back on it.
    """
    served = list(resources)
    match path.strip("/").split("/"):
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = list(dict.fromkeys(each.group for each in served if each.group))
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, served) for name in groups]}
        case ["apis", group] if any(each.group == group for each in served):
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, served)
        case ["api", version]:
            return _resources("", version, served)
        case ["apis", group, version]:
            return _resources(group, version, served)
    return None


def _group(name: str, served: Iterable[Resource]) -> Document:
    versions = list(dict.fromkeys(each.version for each in served if each.group == name))
    described = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": described, "preferredVersion": described[0]}


def _resources(group: str, version: str, served: Iterable[Resource]) -> Document | None:
    found = [each for each in served if (each.group, each.version) == (group, version)]
    if not found:
        return None
    listed = [document for each in found for document in _described(each)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].api_version,
        "resources": listed,
    }


def _described(resource: Resource) -> list[Document]:
    described: Document = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    status = described | {"name": f"{resource.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
    described["shortNames"] = list(resource.short_names)
    described["categories"] = ["all"] if resource in _ALL else []
    return [described, status] if resource.status else [described]
