"""The environment of a replay, held in memory: what is there, changed by situations. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from incidents.format import ALL, Incident, PodChange, SetChange, Situation
from incidents.pods import Birth, Json, ModelPod
from incidents.words import Heard, Label, Part
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.profiles import Environment, TlsFiles

_OLD = timedelta(days=3)
_NO_FILE = Path("nowhere")
_PLAIN = (
    "service",
    "cloud_controller_ready",
    "cloud_controller_pods",
    "database",
    "control",
    "steady",
    "worker_clock",
    "answers",
)


@dataclass(slots=True)
class Surroundings:
    """What is not a pod. Every field is the key of a situation of the same name."""

    statefulset: SetChange
    locket_statefulset: SetChange
    service: Heard = Heard.AUTO
    cloud_controller_ready: int = 2
    cloud_controller_pods: int = 2
    database: str = "not_configured"
    control: str = "answers"
    steady: bool = True
    worker_clock: float = 0.0
    unreadable: frozenset[Part] = frozenset()
    answers: Mapping[Part, int] = field(default_factory=dict)


class World:
    """The pods and what is around them."""

    def __init__(self, incident: Incident) -> None:
        given = incident.environment
        self.environment = _environment(incident)
        self.tcp_only = given.tcp_only
        self.around = Surroundings(SetChange(replicas=given.replicas), SetChange(replicas=given.locket_replicas))
        self.pods: dict[str, ModelPod] = {}
        self.locket: dict[str, ModelPod] = {}
        self._births = 0
        self._sets_passive = given.profile != "kubecf"
        self._begin(incident.start - _OLD)

    def _begin(self, created: datetime) -> None:
        for owner in self.environment.statefulsets:
            for ordinal in range(self.around.statefulset.replicas):
                self.create(f"{owner}-{ordinal}", created)
        if self.environment.locket is not None:
            for ordinal in range(self.around.locket_statefulset.replicas):
                self.create(f"{self.environment.locket.statefulset}-{ordinal}", created)
        first = next(iter(self.pods.values()), None)
        if first is not None:
            first.heard = Heard.OK

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
                group[each].change(change, now)

    def create(self, name: str, now: datetime) -> ModelPod:
        """A new pod of this name, with a new UID, in place of the old one."""
        environment = self.environment
        own = self._is_lockets(name)
        self._births += 1
        selector = environment.locket.selector if own and environment.locket else environment.selector
        birth = Birth(
            name=name,
            uid=f"{name}-{self._births:04}",
            ip=f"10.{int(own)}.{self._births >> 8}.{self._births & 255}",
            revision=self.set_of(name).revision,
            container="locket" if own else environment.bbs_container or "diego-api",
            labels=dict(part.split("=", 1) for part in selector.replace("==", "=").split(",") if part.count("=") == 1),
        )
        self.group(name)[name] = found = ModelPod(birth, now)
        return found

    def set_of(self, name: str) -> SetChange:
        """The StatefulSet of a pod of this name."""
        return self.around.locket_statefulset if self._is_lockets(name) else self.around.statefulset

    def group(self, name: str) -> dict[str, ModelPod]:
        """The pods among which `name` is, or would be."""
        return self.locket if self._is_lockets(name) else self.pods

    def _is_lockets(self, name: str) -> bool:
        locket = self.environment.locket
        return locket is not None and name.startswith(f"{locket.statefulset}-")

    # What the API shows -------------------------------------------------------------------------------------------

    def manifests(self, group: Mapping[str, ModelPod]) -> list[Json]:
        """The pods of a group."""
        label, passive = self.environment.active_label, self._sets_passive
        return [each.manifest(label, sets_passive=passive) for _, each in sorted(group.items())]

    def statefulset(self, name: str) -> Json | None:
        """A StatefulSet; None if there is none of this name."""
        locket = self.environment.locket
        if locket is not None and name == locket.statefulset:
            like, template = self.around.locket_statefulset, "locket"
        elif name in self.environment.statefulsets:
            like, template = self.around.statefulset, "diego-api"
        else:
            return None
        return _statefulset(name, like, template) if like.exists else None

    def cloud_controllers(self) -> list[Json]:
        """The Cloud Controller's pods, as far as anybody looks at them."""
        ready, total = self.around.cloud_controller_ready, self.around.cloud_controller_pods
        return [
            {
                "metadata": {"name": f"api-{number}", "uid": f"api-{number}"},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(number < ready)}]},
            }
            for number in range(total and max(total, ready))
        ]

    def slices(self) -> list[Json]:
        """The EndpointSlices of the BBS's Service."""
        addresses = [{"addresses": [each.ip], "conditions": {"ready": True}} for each in self._behind()]
        return [{"endpoints": addresses}]

    def _behind(self) -> list[ModelPod]:
        """The pods that the Service leads to. Where no pod has the label, this platform does not set it."""
        unlabelled = bool(self.pods) and all(each.label is Label.ABSENT for each in self.pods.values())
        return [each for each in self.pods.values() if each.endpoint(unlabelled=unlabelled)]

    # What probes meet ---------------------------------------------------------------------------------------------

    def service(self) -> Probe | Unknown:
        """As configured, or through the endpoints: the pods that are labelled, Ready and staying."""
        if self.around.service is Heard.UNKNOWN or Part.SERVICE in self.around.unreadable:
            return Unknown("the probe could not be made")
        if self.around.service is not Heard.AUTO:
            reply = Reply(self.around.service)
            by_tcp = self.tcp_only and reply.accepted
            return Probe(Reply.OK if by_tcp else reply, by_tcp=by_tcp)
        accepting = (each for each in self._behind() if each.accepts)
        return next((each.answer(tcp_only=self.tcp_only) for each in accepting), Probe(Reply.REFUSED))

    def at(self, ip: str) -> ModelPod | None:
        """The pod with this address."""
        return next((each for each in (*self.pods.values(), *self.locket.values()) if each.ip == ip), None)


def _environment(incident: Incident) -> Environment:
    """As configured, and with what a file supposes: a client certificate, and a check of the database that it names."""
    given = incident.environment
    found = resolve(given)
    if not given.tcp_only:
        found = replace(found, tls=found.tls or TlsFiles(_NO_FILE, _NO_FILE, _NO_FILE))
    situations = (*incident.timeline, *(each.then for each in incident.reactions))
    if any("database" in each.model_fields_set for each in situations):
        found = replace(found, database_address=found.database_address or "database.invalid:3306")
    return found


def _statefulset(name: str, like: SetChange, container: str) -> dict[str, Any]:
    strategy: Json = {"type": like.strategy}
    if like.strategy == "RollingUpdate":
        strategy["rollingUpdate"] = {"partition": like.partition}
    return {
        "metadata": {"name": name, "uid": f"{name}-uid", "resourceVersion": "1", "generation": 2},
        "spec": {
            "replicas": like.replicas,
            "podManagementPolicy": like.pod_management,
            "updateStrategy": strategy,
            "template": {"spec": {"terminationGracePeriodSeconds": like.grace, "containers": [{"name": container}]}},
        },
        "status": {
            "observedGeneration": 2 if like.observed else 1,
            "updateRevision": like.revision,
            "currentRevision": like.current_revision or like.revision,
        },
    }


def _merged(before: SetChange, change: SetChange) -> SetChange:
    return before.model_copy(update={key: getattr(change, key) for key in change.model_fields_set})
