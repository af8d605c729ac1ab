"""Everything seen of one environment in one observation, as values. Pure.

Each part is a value, or `Unknown` with its reason, or `NOT_CONFIGURED`. Unknown is never 0 and never "fine".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Literal, TypeAlias, TypeVar

from stagekeeper.diego.profiles import DEFAULT_PATIENCE, DEFAULT_SOUGHT, Patience, ReadinessMeaning, Sought
from stagekeeper.kube.objects import Container, Endpoints, Pod, StatefulSet

T = TypeVar("T")


class Reply(StrEnum):
    """What a probe of port 8889 met. Only a BBS that holds the lock listens (`bbs:cmd/bbs/main.go`)."""

    OK = "ok"
    """200 and the two bytes of a PingResponse: it serves."""
    REFUSED = "refused"
    """Nobody listens: a passive BBS, one that hangs in its first Lock(), or one that crashed."""
    TIMEOUT = "timeout"
    """No answer to the connection attempt: node, CNI or NetworkPolicy."""
    DNS = "dns"
    """The name does not resolve."""
    TLS = "tls"
    """The handshake or the verification of a certificate failed, on either side."""
    UNAVAILABLE = "unavailable"
    """503 with an empty body, on every route (`bbs:handlers/unavailable_handler.go`)."""
    NO_REPLY = "no_reply"
    """Accepted, then silence."""
    BAD_REPLY = "bad_reply"
    """Accepted, then something that no BBS says."""
    CLOSED = "closed"
    """Accepted, then closed in the handshake without a word: a proxy in front of a BBS that does not listen, such as a
    mesh sidecar (istio #36540, envoy #7783)."""
    CERTIFICATE_REFUSED = "certificate_refused"
    """A TLS alert about our own client certificate: whoever listens does not want us, which says nothing of it."""

    @property
    def accepted(self) -> bool:
        """Somebody listened there, whatever was said afterwards."""
        return self not in {Reply.REFUSED, Reply.TIMEOUT, Reply.DNS}


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of one probe. `phases`: seconds spent in dns, connect, tls and request, as far as it came."""

    reply: Reply
    detail: str = ""
    address: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)
    certificate_ends: datetime | None = None
    """notAfter of the server's certificate, where the handshake showed one."""
    body: bytes = b""
    """What came with HTTP 200, where more than a ping was asked."""
    by_tcp: bool = False
    """A bare connect, as `nc -z` makes it: `ok` then says that somebody listens, and not who."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """This part could not be read."""

    reason: str
    word: str = "unknown"
    """The reason in one of few words, fit for a metric label: `KubeError.reason`, or "timeout"."""


_MESH = frozenset(
    {"istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane", "envoy", "envoy-sidecar", "nginx-mesh-sidecar"}
)
"""Sidecars that accept every connection to their pod, and close it where nobody behind them listens."""
AMBIGUOUS = "ambiguous"
"""The word for: profile `auto` found more than one that fits."""
MISSING = "missing"
"""The word for: the read succeeded, and what is configured does not exist."""
OUTSIDE = "outside"
"""The word for: the machine that asks is not in the cluster's network."""


class NotConfigured(Enum):
    """This part is not looked at in this environment."""

    NOT_CONFIGURED = "not_configured"


NOT_CONFIGURED: Literal[NotConfigured.NOT_CONFIGURED] = NotConfigured.NOT_CONFIGURED
Part: TypeAlias = T | Unknown | Literal[NotConfigured.NOT_CONFIGURED]


@dataclass(frozen=True, slots=True)
class BbsPod:
    """One diego-api pod and what its own port 8889 said."""

    pod: Pod
    labelled_active: bool | None
    """None where the platform does not set the label at all."""
    probe: Part[Probe]
    """`NOT_CONFIGURED` for a pod that has no IP yet, or got another during the observation: nobody was asked there."""

    @property
    def reply(self) -> Reply | None:
        """What the probe met; None if there was no probe, or it could not be made."""
        return self.probe.reply if isinstance(self.probe, Probe) else None

    @property
    def by_tcp(self) -> bool:
        """Whether it was only asked for a TCP connection."""
        return isinstance(self.probe, Probe) and self.probe.by_tcp

    @property
    def mesh_sidecar(self) -> str:
        """The name of a mesh's proxy among its containers; "" if it has none."""
        return next((each.name for each in self.pod.counted if each.name in _MESH), "")

    @property
    def counts_as_active(self) -> bool:
        """The label alone can be stale (fissile #466): active is labelled, Ready and not terminating."""
        return self.labelled_active is True and self.pod.ready == "True" and not self.pod.terminating


@dataclass(frozen=True, slots=True)
class ReadyPods:
    """How many of some pods are Ready."""

    ready: int
    total: int


@dataclass(frozen=True, slots=True)
class Domains:
    """What the deep probe was told: the list of domains, which is one read of the BBS's database."""

    listed: bool
    """Whether a list came."""
    names: tuple[str, ...] = ()
    """`cf-apps` is among them while the Cloud Controller's bulk sync is fresh."""
    detail: str = ""
    """Why no list came."""


@dataclass(frozen=True, slots=True)
class Locket:
    """Locket where it has a StatefulSet of its own."""

    workload: StatefulSet
    pods: tuple[Pod, ...]

    @property
    def ready(self) -> tuple[Pod, ...]:
        """The pods that stay and in which Locket itself is ready: sidecars such as loggregator do not count."""
        return tuple(pod for pod in self.pods if not pod.terminating and _locket_is_ready(pod))

    @property
    def late(self) -> tuple[Pod, ...]:
        """The others."""
        return tuple(pod for pod in self.pods if pod not in self.ready)

    @property
    def all_ready(self) -> bool:
        """As many of them as asked for. A Locket scaled to nothing serves nobody."""
        return len(self.ready) >= max(1, self.workload.replicas)


def lockets_own(pod: Pod) -> tuple[Container, ...]:
    """The containers that Locket runs in, of a pod of its own StatefulSet; all of them if none is called so."""
    return tuple(each for each in pod.containers if is_lockets(each)) or pod.containers


def is_lockets(container: Container) -> bool:
    """Whether Locket runs in it: `diego-locket`, `locket`, `locket-locket`, by platform."""
    return "locket" in container.name


def _locket_is_ready(pod: Pod) -> bool:
    if pod.ready == "True":
        return True
    own = lockets_own(pod)
    return bool(own) and all(each.ready for each in own) and not (pod.ended or pod.node_lost or pod.unmet_gates)


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation: LIST the pods, probe each pod and the Service, LIST again."""

    environment: str
    taken_at: datetime
    """The API server's clock, carried on where the API could not be read; ours only before it first could."""
    service: Part[Probe]
    pods: Part[tuple[BbsPod, ...]]
    workloads: Part[tuple[StatefulSet, ...]]
    """The StatefulSets that exist of those that are configured; empty: the read succeeded and there is none."""
    steady: Part[bool]
    """Whether both lists showed the same pods (by UID)."""
    endpoints: Part[Endpoints] = NOT_CONFIGURED
    """What stands behind the Service."""
    cloud_controller: Part[ReadyPods] = NOT_CONFIGURED
    locket: Part[Locket] = NOT_CONFIGURED
    database: Part[bool] = NOT_CONFIGURED
    """Whether the configured check of the database found it reachable."""
    control: Part[str] = NOT_CONFIGURED
    """Which control answered when a pod's probe timed out; "" if it was asked and none did."""
    witness: Part[str] = NOT_CONFIGURED
    """What shows that a refusal comes from the pods and not from a firewall on our way, where the platform sets no
    active label that could contradict it and every pod refuses: that we have seen a BBS accept from here, or that
    another of its ports does; "" if nothing does."""
    missing_since: datetime | None = None
    """Since when fewer pods than replicas have been seen; None while none is missing."""
    bbs_container: str | None = None
    patience: Patience = DEFAULT_PATIENCE
    readiness: ReadinessMeaning = ReadinessMeaning.EVERY
    """Which pods of this platform become Ready."""
    sought: Sought = DEFAULT_SOUGHT
    """The names that were looked for."""
    notes: tuple[str, ...] = ()
    """Sentences about how this observation was made, for the evidence."""
    domains: Part[Domains] = NOT_CONFIGURED
    """What the deep probe was told, where one is configured and somebody serves. No diagnosis asks for it."""
    picked: str = ""
    """Which profile `auto` picked, and by what; "" where the configuration names the profile."""

    @property
    def known_pods(self) -> tuple[BbsPod, ...]:
        """The pods, or none where they could not be read."""
        return self.pods if isinstance(self.pods, tuple) else ()

    @property
    def known_workloads(self) -> tuple[StatefulSet, ...]:
        """The StatefulSets, or none where they could not be read."""
        return self.workloads if isinstance(self.workloads, tuple) else ()

    @property
    def desired(self) -> int:
        """Replicas that all StatefulSets together ask for."""
        return sum(each.replicas for each in self.known_workloads)

    def bbs_containers(self, pod: Pod) -> tuple[Container, ...]:
        """The containers of `pod` whose readiness speaks for the BBS."""
        return pod.container(self.bbs_container)

    def bbs_ready(self, pod: Pod) -> bool:
        """Whether the BBS container is ready; sidecars such as loggregator do not count."""
        containers = self.bbs_containers(pod)
        return bool(containers) and all(each.ready for each in containers)

    def bbs_runs(self, pod: Pod) -> bool:
        """Whether the BBS container runs, ready or not: no platform's readiness proves that a BBS is well or ill."""
        containers = self.bbs_containers(pod)
        return bool(containers) and all(each.runs for each in containers)

    @property
    def no_such_service(self) -> bool:
        """Whether no Service of that name selects any pod: an empty one has an EndpointSlice too."""
        return isinstance(self.endpoints, Endpoints) and self.endpoints.slices == 0

    @property
    def service_ok(self) -> bool:
        """Whether the Service leads to a BBS that serves; with a TCP probe: to somebody who listens."""
        return isinstance(self.service, Probe) and self.service.reply is Reply.OK

    def serving(self) -> tuple[BbsPod, ...]:
        """The pods whose own probe said ok; with a TCP probe, those whose label or Service confirms the accept."""
        return tuple(each for each in self.known_pods if each.reply is Reply.OK and self._confirmed(each))

    def _confirmed(self, each: BbsPod) -> bool:
        """Whether an ok means that a BBS serves, as far as anybody can know without a client certificate."""
        if not each.by_tcp or each.labelled_active is not False:
            return True
        return self.service_ok and not each.mesh_sidecar

    def accepting(self) -> tuple[BbsPod, ...]:
        """The pods on which somebody listens."""
        return tuple(each for each in self.known_pods if each.reply is not None and each.reply.accepted)
