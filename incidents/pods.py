"""One pod of a replay: what the Kubernetes API shows of it, and what its port 8889 says. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incidents.format import PodChange
from incidents.words import Heard, Label
from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.profiles import ActiveLabel
from stagekeeper.kube.objects import timestamp

SIDECAR = "sidecar"
INIT = "init"
Json = dict[str, Any]


@dataclass(slots=True)
class ModelContainer:
    """One container of a pod."""

    name: str
    started: datetime | None
    ready: bool = True
    restarts: int = 0
    last_start: datetime | None = None
    waiting: str = ""

    def status(self) -> Json:
        """Its entry in `containerStatuses`."""
        last: Json = {"startedAt": timestamp(self.last_start), "exitCode": 1} if self.last_start else {}
        return {
            "name": self.name,
            "ready": self.ready,
            "restartCount": self.restarts,
            "state": self._state(),
            "lastState": {"terminated": last} if last else {},
        }

    def _state(self) -> Json:
        if self.waiting or self.started is None:
            return {"waiting": {"reason": self.waiting or "ContainerCreating"}}
        return {"running": {"startedAt": timestamp(self.started)}}


@dataclass(slots=True)
class Birth:
    """What a new pod is made of."""

    name: str
    uid: str
    ip: str
    revision: str
    container: str
    labels: Mapping[str, str]

    @property
    def owner(self) -> str:
        """The StatefulSet that a name like this comes from."""
        return self.name.rpartition("-")[0]

    @property
    def node(self) -> str:
        """Where it runs, unless a file says otherwise."""
        return f"node-{self.name.rpartition('-')[2]}"


class ModelPod:
    """A pod from its creation on: it runs, is Ready, and refuses, until a change says otherwise."""

    def __init__(self, birth: Birth, created: datetime) -> None:
        self.birth, self.created = birth, created
        self.name, self.uid = birth.name, birth.uid
        self.version = 1
        self.owner, self.revision = birth.owner, birth.revision
        self.ip, self.node = birth.ip, birth.node
        self.phase, self.reason = "Running", ""
        self.ready, self.ready_changed = "True", created
        self.scheduled_changed = self.initialized_changed = created
        self.bbs, self.sidecar = ModelContainer(birth.container, created), ModelContainer(SIDECAR, created)
        self.init: ModelContainer | None = None
        self.ends_at: datetime | None = None
        self.heard, self.detail, self.health = Heard.REFUSED, "", "answers"
        self.certificate_ends: datetime | None = None
        self.label = Label.AUTO

    @property
    def terminating(self) -> bool:
        """Whether somebody has deleted it."""
        return self.ends_at is not None

    @property
    def accepts(self) -> bool:
        """Whether somebody listens on its port."""
        return self.heard not in {Heard.UNKNOWN, Heard.AUTO} and Reply(self.heard).accepted

    @property
    def labelled(self) -> bool:
        """Whether its label claims that it is active."""
        return self.label is Label.ACTIVE or (self.label is Label.AUTO and self.accepts)

    def endpoint(self, *, unlabelled: bool) -> bool:
        """Whether the Service would lead to it."""
        return (unlabelled or self.labelled) and self.ready == "True" and not self.terminating and bool(self.ip)

    def answer(self, *, tcp_only: bool) -> Probe | Unknown:
        """The result of a probe of it. With nothing but TCP every accept looks the same."""
        if self.heard is Heard.UNKNOWN:
            return Unknown("the probe could not be made")
        if tcp_only and self.accepts:
            return Probe(Reply.OK, "accepts TCP", by_tcp=True)
        return Probe(Reply(self.heard), self.detail, certificate_ends=self.certificate_ends)

    # Changes ------------------------------------------------------------------------------------------------------

    def change(self, change: PodChange, now: datetime) -> None:
        """Apply a change at `now`; the resourceVersion counts the changes."""
        self.version += 1
        for key in _PLAIN.keys() & change.model_fields_set:
            setattr(self, _PLAIN[key], getattr(change, key))
        for key, apply in _CHANGES.items():
            if key in change.model_fields_set:
                apply(self, change, now)

    def _age(self, change: PodChange, now: datetime) -> None:
        born = now - timedelta(seconds=change.age)
        self.created = self.ready_changed = self.scheduled_changed = self.initialized_changed = born
        for each in (self.bbs, self.sidecar):
            each.started = born if each.started else None

    def _phase(self, change: PodChange, now: datetime) -> None:
        """A pod that does not run has nothing that is ready; a Pending one has neither node nor address.

        It became so now, or, where the change gives its age, when it was made.
        """
        before, self.phase = self.phase, change.phase
        self.ip, self.node = (self.ip or self.birth.ip), (self.node or self.birth.node)
        if change.phase == "Running":
            for each in (self.bbs, self.sidecar):
                each.started = each.started or now
            return
        if change.phase == "Pending":
            self.ip = self.node = ""
        since = self.created if "age" in change.model_fields_set else now
        if before == "Running":
            self.scheduled_changed = self.initialized_changed = since
        self._set_ready("False", since)
        for each in (self.bbs, self.sidecar):
            each.ready, each.started = False, None

    def _ready(self, change: PodChange, now: datetime) -> None:
        """Unknown is what the node controller writes: the containers' states stay what the kubelet said last."""
        self._set_ready(change.ready, now)
        if change.ready != "Unknown":
            self.bbs.ready = self.sidecar.ready = change.ready == "True"

    def _set_ready(self, status: str, now: datetime) -> None:
        if self.ready != status:
            self.ready, self.ready_changed = status, now

    def _bbs_ready(self, change: PodChange, _now: datetime) -> None:
        self.bbs.ready = change.bbs_ready

    def _sidecar_ready(self, change: PodChange, _now: datetime) -> None:
        self.sidecar.ready = change.sidecar_ready

    def _container_age(self, change: PodChange, now: datetime) -> None:
        self.bbs.started = now - timedelta(seconds=change.container_age)

    def _restarts(self, change: PodChange, _now: datetime) -> None:
        self.bbs.restarts = change.restarts

    def _last_start(self, change: PodChange, now: datetime) -> None:
        self.bbs.last_start = now - timedelta(seconds=change.last_start)

    def _waiting(self, change: PodChange, now: datetime) -> None:
        self._wait(self.bbs, change.waiting, now)

    def _sidecar_waiting(self, change: PodChange, _now: datetime) -> None:
        self.sidecar.waiting, self.sidecar.ready = change.sidecar_waiting, not change.sidecar_waiting

    def _init_waiting(self, change: PodChange, now: datetime) -> None:
        """Its other containers wait until the init container has ended; it has a node by then."""
        self.node = self.node or self.birth.node
        self.init = ModelContainer(INIT, None, ready=False, waiting=change.init_waiting)
        self.initialized_changed = now
        for each in (self.bbs, self.sidecar):
            self._wait(each, "PodInitializing" if change.init_waiting else "", now)

    def _wait(self, container: ModelContainer, why: str, now: datetime) -> None:
        container.waiting, container.ready = why, not why
        if why:
            self._set_ready("False", now)

    def _node(self, change: PodChange, _now: datetime) -> None:
        self.node = change.node

    def _revision(self, change: PodChange, _now: datetime) -> None:
        self.revision = change.revision

    def _owner(self, change: PodChange, _now: datetime) -> None:
        self.owner = change.owner

    def _terminating(self, change: PodChange, now: datetime) -> None:
        self.ends_at = now + timedelta(seconds=change.terminating)

    # What the API shows -------------------------------------------------------------------------------------------

    def manifest(self, key: ActiveLabel, *, sets_passive: bool) -> Json:
        """The pod as the API answers with it. `sets_passive`: the platform labels passive pods too."""
        labels = {**self.birth.labels, "controller-revision-hash": self.revision}
        if self.labelled:
            labels[key.key] = key.value
        elif self.label is not Label.ABSENT and (sets_passive or self.label is Label.PASSIVE):
            labels[key.key] = "false"
        metadata: Json = {
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": str(self.version),
            "labels": labels,
            "creationTimestamp": timestamp(self.created),
            "ownerReferences": [{"kind": "StatefulSet", "name": self.owner, "controller": True}] if self.owner else [],
        }
        if self.ends_at is not None:
            metadata["deletionTimestamp"] = timestamp(self.ends_at)
        containers = [{"name": each.name} for each in (self.bbs, self.sidecar)]
        spec: Json = {"containers": containers} | ({"nodeName": self.node} if self.node else {})
        if self.init:
            spec["initContainers"] = [{"name": INIT}]
        return {"metadata": metadata, "spec": spec, "status": self._status()}

    def _status(self) -> Json:
        status: Json = {
            "phase": self.phase,
            "conditions": [
                _condition("PodScheduled", str(bool(self.node)), self.scheduled_changed),
                _condition("Initialized", str(self._initialized), self.initialized_changed),
                _condition("ContainersReady", str(self.bbs.ready and self.sidecar.ready), self.ready_changed),
                _condition("Ready", self.ready, self.ready_changed),
            ],
            "containerStatuses": [self.bbs.status(), self.sidecar.status()] if self.node else [],
        }
        if self.ip:
            status["podIP"] = self.ip
        if self.reason:
            status["reason"] = self.reason
        if self.init:
            status["initContainerStatuses"] = [self.init.status()]
        return status

    @property
    def _initialized(self) -> bool:
        waiting = self.bbs.waiting == "PodInitializing" or (self.init is not None and bool(self.init.waiting))
        return self.phase != "Pending" and not waiting


def _condition(kind: str, status: str, since: datetime) -> Json:
    return {"type": kind, "status": status, "lastTransitionTime": timestamp(since)}


_PLAIN = {
    "reply": "heard",
    "detail": "detail",
    "certificate_ends": "certificate_ends",
    "label": "label",
    "health": "health",
    "status_reason": "reason",
}
"""Keys of a change that are only noted, and where."""
_CHANGES: Mapping[str, Callable[[ModelPod, PodChange, datetime], None]] = {
    key: getattr(ModelPod, f"_{key}")
    for key in (
        "age",
        "phase",
        "ready",
        "bbs_ready",
        "sidecar_ready",
        "container_age",
        "restarts",
        "last_start",
        "waiting",
        "sidecar_waiting",
        "init_waiting",
        "node",
        "revision",
        "owner",
        "terminating",
    )
}
"""In this order, since a later one may correct what an earlier one implied."""
