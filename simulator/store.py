"""The objects behind the simulated API: versions, conditional changes, graceful deletion.

Stored objects are never mutated: each change stores a new one, so readers need no copy and must not write into what
they get. What is checked here is what the remediator's safety rests on; tests/contract holds it against a real server.
"""

import copy
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from simulator import errors
from simulator.clock import Clock, parse_timestamp, timestamp
from simulator.resources import NAMESPACES, Resource

Object = dict[str, Any]
Key = tuple[str, str, str, str]

DEFAULT_GRACE = 30
"""Seconds a pod gets to end when it says nothing itself (the API's own default)."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_OWNED = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_FINISHED = ("Succeeded", "Failed")


class Store:
    """All objects of one API. Every method raises ApiError for what the real server refuses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._objects: dict[Key, Object] = {}
        self._version = 1
        self._listeners: list[Callable[[], None]] = []

    @property
    def version(self) -> str:
        """The resourceVersion of the newest change."""
        return str(self._version)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change until the function that this returns is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Give one object."""
        try:
            return self._objects[_key(resource, namespace, name)]
        except KeyError:
            raise errors.not_found(resource, name) from None

    def select(
        self,
        resource: Resource,
        namespace: str = "",
        labels: Callable[[Mapping[str, str]], bool] = lambda _: True,
        fields: Callable[[Mapping[str, Any]], bool] = lambda _: True,
    ) -> list[Object]:
        """Give the objects of one type in the order of their names; an empty namespace means all of them."""
        found = [item for item in self._of(resource, namespace) if labels(labels_of(item)) and fields(item)]
        return sorted(found, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def create(self, resource: Resource, namespace: str, body: Object) -> Object:
        """Store a new object; name taken: AlreadyExists."""
        item = copy.deepcopy(body)
        metadata = item.setdefault("metadata", {})
        self._check_new(resource, namespace, metadata)
        name = metadata["name"]
        if _key(resource, namespace, name) in self._objects:
            raise errors.already_exists(resource, name)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp(self._clock.now())}
        if resource.namespaced:
            metadata["namespace"] = namespace
        if resource.generation:
            metadata["generation"] = 1
        if resource.status:
            item.pop("status", None)
        if resource.graceful:
            item["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
        return self._put(resource, {"apiVersion": resource.api_version, "kind": resource.kind} | item)

    def replace(self, resource: Resource, namespace: str, name: str, body: Object, *, status: bool = False) -> Object:
        """PUT: a resourceVersion in the body must be the current one (custom resources must send one)."""
        old = self.get(resource, namespace, name)
        sent = body.get("metadata", {})
        if sent.get("name", name) != name:
            problem = f"the name of the object ({sent['name']}) does not match the name on the URL ({name})"
            raise errors.bad_request(problem)
        if resource.custom and not sent.get("resourceVersion"):
            problem = "Invalid value: 0: must be specified for an update"
            raise errors.invalid(resource, name, "metadata.resourceVersion", problem)
        uid = old["metadata"]["uid"]
        if sent.get("uid", uid) != uid:
            raise errors.other_uid(resource, name, sent["uid"], uid)
        return self._update(resource, old, body, status=status)

    def patch(self, resource: Resource, namespace: str, name: str, patch: Object, *, status: bool = False) -> Object:
        """Merge patch (RFC 7386); one that changes nothing keeps the resourceVersion."""
        old = self.get(resource, namespace, name)
        merged = merge(old, patch)
        if merged["metadata"].get("uid") != old["metadata"]["uid"]:
            raise errors.invalid(resource, name, "metadata.uid", "field is immutable")
        return self._update(resource, old, merged, status=status)

    def delete(self, resource: Resource, namespace: str, name: str, options: Mapping[str, Any]) -> Object:
        """DELETE under the preconditions of `options`; a pod that runs on a node is only marked, unless forced."""
        item = self.get(resource, namespace, name)
        self._check_preconditions(resource, item, options.get("preconditions") or {})
        grace = self._grace(resource, item, options.get("gracePeriodSeconds"))
        if not grace:
            return self._remove(resource, item)
        marked = self._marked(item, grace)
        return item if marked is item else self._put(resource, marked)

    def bind(self, resource: Resource, namespace: str, name: str, node: str) -> None:
        """Assign a pod to a node, as a scheduler does by the binding subresource. 409 if it has one already."""
        pod = self.get(resource, namespace, name)
        if pod["spec"].get("nodeName"):
            raise errors.already_exists(resource, name)
        self._put(resource, pod | {"spec": pod["spec"] | {"nodeName": node}})

    def make_older(self, resource: Resource, namespace: str, name: str, seconds: float) -> None:
        """Pretend that an object was created so many seconds earlier: what no client of a real server can do."""
        item = self.get(resource, namespace, name)
        created = parse_timestamp(item["metadata"]["creationTimestamp"]) - timedelta(seconds=seconds)
        self._put(resource, item | {"metadata": item["metadata"] | {"creationTimestamp": timestamp(created)}})

    def _of(self, resource: Resource, namespace: str) -> Iterator[Object]:
        for (group, plural, space, _), item in self._objects.items():
            if (group, plural) == (resource.group, resource.plural) and namespace in {"", space}:
                yield item

    def _check_new(self, resource: Resource, namespace: str, metadata: Object) -> None:
        if metadata.get("namespace", namespace) != namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if resource.namespaced and _key(NAMESPACES, "", namespace) not in self._objects:
            raise errors.not_found(NAMESPACES, namespace)
        if prefix := metadata.get("generateName"):
            metadata.setdefault("name", prefix + "".join(secrets.choice(_NAME_ALPHABET) for _ in range(5)))
        if not _NAME.fullmatch(metadata.get("name") or ""):
            raise errors.invalid_name(resource, metadata.get("name") or "")

    def _update(self, resource: Resource, old: Object, wanted: Object, *, status: bool) -> Object:
        name = old["metadata"]["name"]
        sent_version = wanted.get("metadata", {}).get("resourceVersion")
        if sent_version and sent_version != old["metadata"]["resourceVersion"]:
            raise errors.modified(resource, name)
        if status:
            if not resource.status:
                raise errors.no_such_resource()
            new = old | {"status": wanted.get("status", {})}
        else:
            new = _replaced(resource, old, wanted)
        if new == old:
            return old
        for rule in resource.rules:
            if broken := rule(old, new):
                raise errors.invalid(resource, name, *broken)
        return self._put(resource, new)

    def _check_preconditions(self, resource: Resource, item: Object, wanted: Mapping[str, str]) -> None:
        name, uid, version = (item["metadata"][field] for field in ("name", "uid", "resourceVersion"))
        if wanted.get("uid", uid) != uid:
            raise errors.precondition(resource, name, "UID", wanted["uid"], uid)
        if wanted.get("resourceVersion", version) != version:
            raise errors.precondition(resource, name, "ResourceVersion", wanted["resourceVersion"], version)

    @staticmethod
    def _grace(resource: Resource, item: Object, asked: int | None) -> int:
        if not resource.graceful or not item["spec"].get("nodeName"):
            return 0
        if item.get("status", {}).get("phase") in _FINISHED:
            return 0
        if asked is not None:
            return asked
        own: int = item["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)
        return own

    def _marked(self, item: Object, grace: int) -> Object:
        metadata = item["metadata"]
        deadline = self._clock.now() + timedelta(seconds=grace)
        if "deletionTimestamp" in metadata:
            first_grace = metadata["deletionGracePeriodSeconds"]
            if grace >= first_grace:
                return item
            deadline = parse_timestamp(metadata["deletionTimestamp"]) - timedelta(seconds=first_grace - grace)
        else:
            metadata = metadata | {"generation": metadata["generation"] + 1}
        mark = {"deletionTimestamp": timestamp(deadline), "deletionGracePeriodSeconds": grace}
        return item | {"metadata": metadata | mark}

    def _put(self, resource: Resource, item: Object) -> Object:
        self._version += 1
        metadata = item["metadata"] | {"resourceVersion": self.version}
        stored = item | {"metadata": metadata}
        self._objects[_key(resource, metadata.get("namespace", ""), metadata["name"])] = stored
        self._tell()
        return stored

    def _remove(self, resource: Resource, item: Object) -> Object:
        self._version += 1
        metadata = item["metadata"]
        del self._objects[_key(resource, metadata.get("namespace", ""), metadata["name"])]
        self._tell()
        return item

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386) without changing either."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def labels_of(item: Object) -> Mapping[str, str]:
    """Give an object's labels; none is an empty map."""
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    return labels


def _key(resource: Resource, namespace: str, name: str) -> Key:
    return resource.group, resource.plural, namespace if resource.namespaced else "", name


def _replaced(resource: Resource, old: Object, wanted: Object) -> Object:
    """Give the object a PUT leaves: the server's own metadata and the status stay as they were."""
    kept = {field: value for field, value in old["metadata"].items() if field in _SERVER_OWNED}
    sent = {field: value for field, value in wanted.get("metadata", {}).items() if field not in _SERVER_OWNED}
    new = copy.deepcopy(wanted) | {"apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": sent | kept}
    if resource.status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    if resource.generation and _content(new) != _content(old):
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1
    return new


def _content(item: Object) -> Object:
    return {field: value for field, value in item.items() if field not in {"metadata", "status"}}
