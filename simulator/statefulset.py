"""The StatefulSet controller of the simulated API (after kubernetes:pkg/controller/statefulset).

OrderedReady and Parallel, RollingUpdate with partition and OnDelete, scaling. One pass makes what the order allows
now; the changes it makes to the store bring the next pass.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.resources import PODS, STATEFULSETS
from simulator.store import Object, Store, labels_of

REVISION_LABEL = "controller-revision-hash"
_HASH_LENGTH = 10


@dataclass(frozen=True, slots=True)
class _Plan:
    """One StatefulSet as one pass sees it."""

    item: Object
    pods: Mapping[int, Object]
    current: str
    update: str

    @property
    def name(self) -> str:
        name: str = self.item["metadata"]["name"]
        return name

    @property
    def namespace(self) -> str:
        namespace: str = self.item["metadata"]["namespace"]
        return namespace

    @property
    def replicas(self) -> int:
        replicas: int = self.item["spec"].get("replicas", 1)
        return replicas

    @property
    def ordered(self) -> bool:
        return bool(self.item["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady")

    @property
    def rolling(self) -> bool:
        return bool(self.item["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") == "RollingUpdate")

    @property
    def partition(self) -> int:
        options = self.item["spec"].get("updateStrategy", {}).get("rollingUpdate") or {}
        partition: int = options.get("partition", 0)
        return partition

    def all_ready(self) -> bool:
        return all(is_ready(pod) and not is_terminating(pod) for pod in self.pods.values())


class StatefulSetController:
    """Keeps the pods of every StatefulSet in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._templates: dict[str, Object] = {}

    def reconcile(self) -> None:
        """Make one pass over all StatefulSets."""
        for item in self._store.select(STATEFULSETS):
            plan = self._plan(item)
            if self._create_missing(plan) and self._scale_down(plan):
                self._update(plan)
            self._write_status(self._plan(item))

    def _plan(self, item: Object) -> _Plan:
        name, template = item["metadata"]["name"], item["spec"]["template"]
        update = revision(name, template)
        self._templates[update] = template
        uid = item["metadata"]["uid"]
        pods = {
            ordinal_of(pod): pod for pod in self._store.select(PODS, item["metadata"]["namespace"]) if owned(pod, uid)
        }
        return _Plan(item, pods, item.get("status", {}).get("currentRevision", update), update)

    def _create_missing(self, plan: _Plan) -> bool:
        """Create what is missing; False while the order demands to wait."""
        for ordinal in range(plan.replicas):
            pod = plan.pods.get(ordinal)
            if pod is None:
                self._store.create(PODS, plan.namespace, self._new_pod(plan, ordinal))
            elif pod.get("status", {}).get("phase") in {"Failed", "Succeeded"} and not is_terminating(pod):
                self._delete(pod)
            elif is_ready(pod) and not is_terminating(pod):
                continue
            if plan.ordered:
                return False
        return True

    def _scale_down(self, plan: _Plan) -> bool:
        surplus = sorted((ordinal for ordinal in plan.pods if ordinal >= plan.replicas), reverse=True)
        for ordinal in surplus:
            pod = plan.pods[ordinal]
            if not is_terminating(pod):
                self._delete(pod)
            if plan.ordered:
                return False
        return not surplus

    def _update(self, plan: _Plan) -> None:
        """Delete the highest pod of an old revision, one at a time, as long as the ones above it are well."""
        if not plan.rolling:
            return
        for ordinal in range(plan.replicas - 1, plan.partition - 1, -1):
            pod = plan.pods.get(ordinal)
            if pod is None or is_terminating(pod):
                return
            if labels_of(pod).get(REVISION_LABEL) != plan.update:
                self._delete(pod)
                return
            if not is_ready(pod):
                return

    def _new_pod(self, plan: _Plan, ordinal: int) -> Object:
        keeps_old = plan.rolling and ordinal < plan.partition
        chosen = plan.current if keeps_old and plan.current in self._templates else plan.update
        template = copy.deepcopy(self._templates[chosen])
        name = f"{plan.name}-{ordinal}"
        own_labels = {
            REVISION_LABEL: chosen,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        metadata = template.get("metadata", {})
        owner = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": plan.name,
            "uid": plan.item["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        return {
            "metadata": metadata
            | {"name": name, "labels": metadata.get("labels", {}) | own_labels, "ownerReferences": [owner]},
            "spec": template["spec"],
        }

    def _delete(self, pod: Object) -> None:
        metadata = pod["metadata"]
        self._store.delete(PODS, metadata["namespace"], metadata["name"], {"preconditions": {"uid": metadata["uid"]}})

    def _write_status(self, plan: _Plan) -> None:
        status = _status(plan)
        if status != plan.item.get("status"):
            self._store.replace(STATEFULSETS, plan.namespace, plan.name, {"status": status}, status=True)


def revision(name: str, template: Mapping[str, Any]) -> str:
    """Name a revision after its pod template: the same template gives the same name."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
    return f"{name}-{digest[:_HASH_LENGTH]}"


def is_ready(pod: Object) -> bool:
    """Whether a pod runs and its Ready condition is True."""
    status = pod.get("status", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    return ready and status.get("phase") == "Running"


def is_terminating(pod: Object) -> bool:
    """Whether a pod's deletion has begun."""
    return "deletionTimestamp" in pod["metadata"]


def owned(pod: Object, uid: str) -> bool:
    """Whether the controller with this UID owns the pod."""
    return any(owner["uid"] == uid and owner.get("controller") for owner in pod["metadata"].get("ownerReferences", []))


def ordinal_of(pod: Object) -> int:
    """Give the number at the end of a StatefulSet pod's name."""
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _status(plan: _Plan) -> Object:
    pods = list(plan.pods.values())
    ready = sum(is_ready(pod) for pod in pods)
    updated = sum(labels_of(pod).get(REVISION_LABEL) == plan.update for pod in pods)
    done = plan.rolling and updated == len(pods) == plan.replicas and plan.all_ready()
    current = plan.update if done else plan.current
    return {
        "observedGeneration": plan.item["metadata"]["generation"],
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": sum(labels_of(pod).get(REVISION_LABEL) == current for pod in pods),
        "updatedReplicas": updated,
        "currentRevision": current,
        "updateRevision": plan.update,
        "collisionCount": 0,
    }
