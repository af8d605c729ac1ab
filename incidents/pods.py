"""One pod of a replay: what Kubernetes would show of it, and what its port 8889 says. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incidents.format import PodChange
from incidents.words import Heard, Label
from stagekeeper.diego.observation import NOT_CONFIGURED, BbsPod, Probe, Reply, Unknown
from stagekeeper.diego.profiles import ActiveLabel
from stagekeeper.kube.objects import Container, Pod

REVISION = "controller-revision-hash"
SIDECAR = "sidecar"


@dataclass(frozen=True, slots=True)
class ModelPod:
    """A pod as it is at one moment."""

    pod: Pod
    heard: Heard = Heard.REFUSED
    detail: str = ""
    certificate_ends: datetime | None = None
    label: Label = Label.AUTO

    @property
    def accepts(self) -> bool:
        """Whether somebody listens on it."""
        return self.heard not in {Heard.UNKNOWN, Heard.AUTO} and Reply(self.heard).accepted

    @property
    def labelled(self) -> bool:
        """Whether its label claims that it is active."""
        return self.label is Label.ACTIVE or (self.label is Label.AUTO and self.accepts)

    def endpoint(self, *, unlabelled: bool) -> bool:
        """Whether the Service would lead to it."""
        chosen = unlabelled or self.labelled
        return chosen and self.pod.ready == "True" and not self.pod.terminating and self.pod.ip is not None

    @property
    def answer(self) -> Probe | Unknown:
        """The result of a probe of it."""
        if self.heard is Heard.UNKNOWN:
            return Unknown("the probe could not be made")
        return Probe(Reply(self.heard), self.detail, certificate_ends=self.certificate_ends)

    def shown(self, key: ActiveLabel, *, sets_passive: bool) -> Pod:
        """What the API shows of it, the active label included."""
        labels = {name: value for name, value in self.pod.labels.items() if name != key.key}
        if self.labelled:
            labels[key.key] = key.value
        elif self.label is not Label.ABSENT and (sets_passive or self.label is Label.PASSIVE):
            labels[key.key] = "false"
        return replace(self.pod, labels=labels)

    def seen(self, shown: Pod, labelled_active: bool | None) -> BbsPod:  # noqa: FBT001 -- None, True or False, as in BbsPod
        """The pod in an observation. Without an address there is nothing to ask."""
        return BbsPod(shown, labelled_active, self.answer if shown.ip else NOT_CONFIGURED)


@dataclass(frozen=True, slots=True)
class Birth:
    """How a pod comes into being."""

    name: str
    owner: str
    uid: str
    ip: str
    revision: str
    container: str


def born(birth: Birth, created: datetime) -> ModelPod:
    """A pod that runs, is Ready since its creation, and refuses."""
    containers = tuple(Container(name, ready=True, started_at=created) for name in (birth.container, SIDECAR))
    return ModelPod(
        Pod(
            name=birth.name,
            uid=birth.uid,
            resource_version="1",
            labels={REVISION: birth.revision},
            created=created,
            ends_at=None,
            phase="Running",
            ip=birth.ip,
            node=f"node-{birth.name.rpartition('-')[2]}",
            owner=birth.owner,
            ready="True",
            ready_since=created,
            containers=containers,
        )
    )


def changed(model: ModelPod, change: PodChange, now: datetime) -> ModelPod:
    """The pod after a change at `now`; its resourceVersion counts the changes."""
    said = change.model_fields_set
    pod = replace(model.pod, resource_version=str(int(model.pod.resource_version) + 1))
    for key, apply in _CHANGES:
        if key in said:
            pod = apply(pod, change, now)
    kept = {"heard": "reply", "detail": "detail", "certificate_ends": "certificate_ends", "label": "label"}
    return replace(model, pod=pod, **{name: getattr(change, key) for name, key in kept.items() if key in said})


def _age(pod: Pod, change: PodChange, now: datetime) -> Pod:
    born_at = now - timedelta(seconds=change.age)
    containers = tuple(replace(each, started_at=born_at if each.started_at else None) for each in pod.containers)
    return replace(pod, created=born_at, ready_since=born_at if pod.ready_since else None, containers=containers)


def _phase(pod: Pod, change: PodChange, _now: datetime) -> Pod:
    """A pod that does not run has neither node nor address, and nothing in it is ready."""
    if change.phase == "Running":
        return replace(pod, phase="Running")
    pod = pod if change.phase != "Pending" else replace(pod, ip=None, node=None)
    containers = tuple(replace(each, ready=False, started_at=None) for each in pod.containers)
    return replace(pod, phase=change.phase, ready="False", ready_since=None, containers=containers)


def _ready(pod: Pod, change: PodChange, now: datetime) -> Pod:
    """Unknown is what the node controller writes: the containers' states stay what the kubelet said last."""
    if change.ready == "Unknown":
        return replace(pod, ready="Unknown", ready_since=None)
    ready = change.ready == "True"
    containers = tuple(replace(each, ready=ready) for each in pod.containers)
    since = (pod.ready_since or now) if ready else None
    return replace(pod, ready=change.ready, ready_since=since, containers=containers)


def _waiting(pod: Pod, change: PodChange, _now: datetime) -> Pod:
    pod = replace(pod, ready="False", ready_since=None) if change.waiting else pod
    return _bbs(pod, waiting=change.waiting or None, ready=not change.waiting)


def _terminating(pod: Pod, change: PodChange, now: datetime) -> Pod:
    return replace(pod, ends_at=now + timedelta(seconds=change.terminating))


def _bbs(pod: Pod, **changes: object) -> Pod:
    first, *others = pod.containers
    return replace(pod, containers=(replace(first, **changes), *others))  # type: ignore[arg-type]


def _sidecar(pod: Pod, change: PodChange, _now: datetime) -> Pod:
    first, *others = pod.containers
    return replace(pod, containers=(first, *(replace(each, ready=change.sidecar_ready) for each in others)))


_Apply = Callable[[Pod, PodChange, datetime], Pod]
_CHANGES: tuple[tuple[str, _Apply], ...] = (
    ("age", _age),
    ("phase", _phase),
    ("ready", _ready),
    ("bbs_ready", lambda pod, change, _: _bbs(pod, ready=change.bbs_ready)),
    ("sidecar_ready", _sidecar),
    ("container_age", lambda pod, change, now: _bbs(pod, started_at=now - timedelta(seconds=change.container_age))),
    ("restarts", lambda pod, change, _: _bbs(pod, restarts=change.restarts)),
    ("last_start", lambda pod, change, now: _bbs(pod, last_started_at=now - timedelta(seconds=change.last_start))),
    ("waiting", _waiting),
    ("node", lambda pod, change, _: replace(pod, node=change.node or None)),
    ("revision", lambda pod, change, _: replace(pod, labels={**pod.labels, REVISION: change.revision})),
    ("owner", lambda pod, change, _: replace(pod, owner=change.owner or None)),
    ("terminating", _terminating),
)
"""In this order, since a later one may correct what an earlier one implied."""
