"""The environment of a replay, held in memory: what is there, and what an observation at it sees. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from incidents.format import ALL, Incident, PodChange, SetChange, Situation
from incidents.pods import Birth, ModelPod, born, changed
from incidents.words import Heard, Label, Part
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import (
    NOT_CONFIGURED,
    BbsPod,
    Locket,
    Observation,
    Probe,
    ReadyPods,
    Reply,
    Unknown,
)
from stagekeeper.diego.observation import Part as Observed
from stagekeeper.diego.profiles import LOCKET_PORT
from stagekeeper.kube.objects import StatefulSet

T = TypeVar("T")
_OLD = timedelta(days=3)
_PLAIN = ("service", "cloud_controller_ready", "database", "control", "steady")


@dataclass(slots=True)
class Surroundings:
    """What is not a pod. Every field is the key of a situation of the same name."""

    statefulset: SetChange
    locket_statefulset: SetChange
    service: Heard = Heard.AUTO
    cloud_controller_ready: int = 2
    database: str = "not_configured"
    control: str = "answers"
    steady: bool = True
    unreadable: frozenset[Part] = frozenset()


class Cluster:
    """The pods and what is around them, changed by situations."""

    def __init__(self, incident: Incident) -> None:
        given = incident.environment
        self.environment = resolve(given)
        self.around = Surroundings(SetChange(replicas=given.replicas), SetChange(replicas=given.locket_replicas))
        self.pods: dict[str, ModelPod] = {}
        self.locket: dict[str, ModelPod] = {}
        self._births = 0
        self._missing_since: datetime | None = None
        self._sets_passive = given.profile != "kubecf"
        self._begin(incident.start - _OLD)
        first = next(iter(self.pods), None)
        if first is not None:
            self.pods[first] = replace(self.pods[first], heard=Heard.OK)

    def _begin(self, created: datetime) -> None:
        for owner in self.environment.statefulsets:
            for ordinal in range(self.around.statefulset.replicas):
                self.create(f"{owner}-{ordinal}", created)
        if self.environment.locket is not None:
            for ordinal in range(self.around.locket_statefulset.replicas):
                self.create(f"{self.environment.locket.statefulset}-{ordinal}", created)

    # Changes ------------------------------------------------------------------------------------------------------

    def apply(self, situation: Situation, now: datetime) -> None:
        """Change what a situation says, at `now` of the API server's clock."""
        said = situation.model_fields_set
        for key in _PLAIN:
            if key in said:
                setattr(self.around, key, getattr(situation, key))
        if "unreadable" in said:
            self.around.unreadable = frozenset(situation.unreadable)
        for key in ("statefulset", "locket_statefulset"):
            if key in said:
                setattr(self.around, key, _merged(getattr(self.around, key), getattr(situation, key)))
        self._change(self.pods, situation.pods, now)
        self._change(self.locket, situation.locket, now)

    def _change(self, group: dict[str, ModelPod], changes: Mapping[str, PodChange], now: datetime) -> None:
        for name, change in changes.items():
            for each in [*group] if name == ALL else [name]:
                if change.gone:
                    group.pop(each, None)
                    continue
                if change.new or each not in group:
                    self.create(each, now)
                group[each] = changed(group[each], change, now)

    def create(self, name: str, now: datetime) -> None:
        """A new pod of this name, with a new UID, in place of the old one."""
        locket = self.environment.locket
        own = locket is not None and name.startswith(f"{locket.statefulset}-")
        around = self.around.locket_statefulset if own else self.around.statefulset
        owner = name.rpartition("-")[0]
        container = "locket" if own else self.environment.bbs_container or "diego-api"
        self._births += 1
        birth = Birth(
            name, owner, f"{name}-{self._births:04}", f"10.0.{int(own)}.{self._births}", around.revision, container
        )
        (self.locket if own else self.pods)[name] = born(birth, now)

    def group(self, name: str) -> dict[str, ModelPod]:
        """The pods among which `name` is, or would be."""
        locket = self.environment.locket
        return self.locket if locket is not None and name.startswith(f"{locket.statefulset}-") else self.pods

    # Looks --------------------------------------------------------------------------------------------------------

    def observe(self, now: datetime) -> Observation:
        """What one look at `now` sees."""
        around, environment = self.around, self.environment
        pods = self._unless(Part.PODS, self._seen_pods())
        workloads = self._unless(Part.STATEFULSET, self._workloads())
        self._note_missing(workloads, pods, now)
        controllers = ReadyPods(around.cloud_controller_ready, max(2, around.cloud_controller_ready))
        steady = self._unless(Part.SECOND_LIST, around.steady)
        return Observation(
            environment=environment.name,
            taken_at=now,
            service=self._unless(Part.SERVICE, self._service(), by_api=False),
            pods=pods,
            workloads=workloads,
            steady=pods if isinstance(pods, Unknown) else steady,
            cloud_controller=self._unless(Part.CLOUD_CONTROLLER, controllers),
            locket=self._locket(),
            database=self._database(),
            control=self._control(),
            missing_since=self._missing_since,
            bbs_container=environment.bbs_container,
            patience=environment.patience,
            passive_is_ready=environment.passive_is_ready,
        )

    def _unless(self, part: Part, value: T, *, by_api: bool = True) -> T | Unknown:
        """The value, or that it can't be read now."""
        if part in self.around.unreadable or (by_api and Part.API in self.around.unreadable):
            return Unknown("it can't be read at this moment of the incident.")
        return value

    def _seen_pods(self) -> tuple[BbsPod, ...]:
        label = self.environment.active_label
        shown = [(each, each.shown(label, sets_passive=self._sets_passive)) for _, each in sorted(self.pods.items())]
        unused = label.unused(pod.labels for _, pod in shown)
        return tuple(each.seen(pod, None if unused else label.on(pod.labels)) for each, pod in shown)

    def _workloads(self) -> tuple[StatefulSet, ...]:
        around = self.around.statefulset
        return tuple(_statefulset(name, around) for name in self.environment.statefulsets) if around.exists else ()

    def _service(self) -> Probe | Unknown:
        """As configured, or through the endpoints: the pods that are labelled, Ready and staying."""
        if self.around.service is Heard.UNKNOWN:
            return Unknown("the probe could not be made")
        if self.around.service is not Heard.AUTO:
            return Probe(Reply(self.around.service))
        behind = [each for each in self.pods.values() if each.endpoint(unlabelled=self._unlabelled)]
        return next((each.answer for each in behind if each.accepts), Probe(Reply.REFUSED))

    @property
    def _unlabelled(self) -> bool:
        """Whether this platform sets no label at all: then every Ready pod is behind the Service."""
        return bool(self.pods) and all(each.label is Label.ABSENT for each in self.pods.values())

    def _locket(self) -> Observed[Locket]:
        own = self.environment.locket
        if own is None:
            return NOT_CONFIGURED
        workload = _statefulset(own.statefulset, self.around.locket_statefulset)
        return self._unless(Part.LOCKET, Locket(workload, tuple(each.pod for _, each in sorted(self.locket.items()))))

    def _database(self) -> Observed[bool]:
        if self.around.database == "not_configured":
            return NOT_CONFIGURED
        return self._unless(Part.DATABASE, self.around.database == "reachable", by_api=False)

    def _control(self) -> Observed[str]:
        """Asked only when a pod times out."""
        silent = next((name for name, each in sorted(self.pods.items()) if each.heard is Heard.TIMEOUT), None)
        if silent is None or self.around.control == "not_asked":
            return NOT_CONFIGURED
        return f"port {LOCKET_PORT} of {silent}" if self.around.control == "answers" else ""

    def _note_missing(self, workloads: object, pods: object, now: datetime) -> None:
        """Since when pods have been missing; an observation that can't tell changes nothing."""
        if isinstance(workloads, tuple) and isinstance(pods, tuple):
            missing = len(pods) < sum(each.replicas for each in workloads)
            self._missing_since = (self._missing_since or now) if missing else None


def _statefulset(name: str, like: SetChange) -> StatefulSet:
    return StatefulSet(
        name=name,
        uid=f"{name}-uid",
        resource_version="1",
        replicas=like.replicas,
        generation=2,
        observed_generation=2 if like.observed else 1,
        update_revision=like.revision,
        update_strategy=like.strategy,
        partition=like.partition,
        grace_seconds=like.grace,
        selector={},
        labels={},
    )


def _merged(before: SetChange, change: SetChange) -> SetChange:
    return before.model_copy(update={key: getattr(change, key) for key in change.model_fields_set})
