"""How each platform names the parts of Diego. Pure data and the values made of it.

Sources: the tutorial (cfee-2), fissile's Helm output (cfee-1, cfee-3, cfee-4; SUSE/scf), quarks-operator and
kubecf:chart/assets/operations/instance_groups (kubecf, kubecf-locket).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from stagekeeper.config.model import Duration, Strict

BBS_PORT = 8889
LOCKET_PORT = 8891
HEALTH_PORT = 8890
"""Where a BBS answers `/ping` whether it is active or not. SCF binds it to the loopback, KubeCF to all addresses."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of the client certificate for the mutual-TLS ping, re-read when they change."""

    ca_file: Path
    cert_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class ActiveLabel:
    """The label that the Service selects the active pod by."""

    key: str
    value: str
    may_be_absent: bool = False
    """Some releases never set it: then its absence on every pod says nothing, instead of "all are passive"."""

    def on(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels claims to be active. Absent on this pod means passive."""
        return labels.get(self.key, "").lower() == self.value

    def unused(self, pods: Iterable[Mapping[str, str]]) -> bool:
        """Whether this platform seems not to set the label at all, seen from the labels of all `pods`."""
        return self.may_be_absent and not any(self.key in labels for labels in pods)


@dataclass(frozen=True, slots=True)
class LocketWorkload:
    """Locket's own StatefulSet, where it has one."""

    statefulset: str
    selector: str


Age = Annotated[Duration, Field(gt=timedelta(0), le=timedelta(days=1))]


class Patience(Strict):
    """How old a thing must be before it is no longer "just happening"."""

    starting: Age = timedelta(minutes=5)
    """A pod or BBS container this young may still be doing what it does at every start."""
    pending: Age = timedelta(minutes=10)
    """A pod that is not there after this long has no capacity, no image or no volume."""
    migrating: Age = timedelta(minutes=60)
    """Migrations and encryption only run after a change of version or configuration, which means new pods; the longest
    known ones take well under an hour."""
    restarted_twice: Age = timedelta(minutes=10)
    """Two restarts of one container within this are a crash loop."""
    terminating: Age = timedelta(seconds=60)
    """How long after its grace period the kubelet may take to be done with a pod."""


DEFAULT_PATIENCE = Patience()


class ReadinessMeaning(StrEnum):
    """Which BBS pods become Ready while one serves. It proves nothing of a BBS; a restart waits for it all the same."""

    EVERY = "every"
    """A passive pod is Ready too. What its readiness probe asks differs: Locket's port 8891 (SCF 2.12 and 2.13), where
    the pods stay Ready in the fault; `/ping` on port 8890 (from SCF 2.16.1), which the BBS that was active last refuses
    in the fault; nothing on KubeCF."""
    ACTIVE = "active"
    """The active pod alone, since the probe asks port 8889 (SCF 2.16.0)."""


@dataclass(frozen=True, slots=True)
class Sought:
    """The names that an observation looks for, so that a sentence can say what was not found."""

    namespace: str = "cf"
    statefulsets: tuple[str, ...] = ("diego-api",)
    selector: str = "skiff-role-name=diego-api"
    service: str = "diego-api.cf.svc.cluster.local"
    """The host that was asked."""
    service_name: str | None = "diego-api"
    """The Kubernetes Service whose EndpointSlices were counted."""
    port: int = BBS_PORT
    cloud_controller: str | None = "skiff-role-name=api"


DEFAULT_SOUGHT = Sought()
"""The tutorial's."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One Diego on one cluster: where it is, how to recognise its parts, how to ask it."""

    name: str
    profile: str
    namespace: str
    statefulsets: tuple[str, ...]
    """Names of the BBS StatefulSets: several where availability zones have their own."""
    selector: str
    """Label selector of the BBS pods."""
    service_host: str
    service_name: str | None
    """The Kubernetes Service whose endpoints are counted; None: they are not."""
    active_label: ActiveLabel
    port: int = BBS_PORT
    bbs_container: str | None = None
    """The container that the BBS runs in; None, or a pod without one of that name: all of them count."""
    readiness: ReadinessMeaning = ReadinessMeaning.EVERY
    """Which pods a restart waits to see Ready again."""
    tls: TlsFiles | None = None
    """None: the probe is a bare TCP connect, as `nc -z`."""
    tls_server_name: str = "diego-api"
    """Name to verify in the server's certificate: pods are asked by IP, so it can't come from the address."""
    locket: LocketWorkload | None = None
    cloud_controller_selector: str | None = None
    cloud_controller_host: str | None = None
    """`host:port` of a Service asked as a control when a pod times out."""
    database_address: str | None = None
    """`host:port` whose TCP accept shows that the database can be reached; None: not looked at."""
    patience: Patience = DEFAULT_PATIENCE
    probe_timeout: float = 3.0
    """Seconds for one whole probe. A BBS answers its ping in milliseconds even when its database hangs; SYN is sent
    again after 1 s, so 3 s forgive one lost packet."""
    api_timeout: float = 5.0
    """Seconds for one request to the Kubernetes API; 150 pods take 4 ms."""
    deep_probe: bool = False
    """Whether the exporter also asks for the list of domains, which reads the database. Never part of the diagnosis."""
    candidates: tuple["Environment", ...] = ()
    """For profile `auto`: this environment by each profile that it may turn out to have (`stagekeeper.diego.auto`).
    The fields above then hold what was configured, and nothing where it was left to the profile."""

    @property
    def sought(self) -> Sought:
        """The names that an observation of it looks for."""
        return Sought(
            namespace=self.namespace,
            statefulsets=self.statefulsets,
            selector=self.selector,
            service=self.service_host,
            service_name=self.service_name,
            port=self.port,
            cloud_controller=self.cloud_controller_selector,
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """What one platform's Diego looks like; `{namespace}` is filled in."""

    namespace: str
    statefulset: str
    selector: str
    service_host: str
    service_name: str
    active_label: ActiveLabel
    tls_server_name: str
    cloud_controller_selector: str
    locket: LocketWorkload | None = None
    bbs_container: str | None = None
    """fissile names a container after its role, quarks after its job twice (`bbs-bbs`)."""
    readiness: ReadinessMeaning = ReadinessMeaning.EVERY


_SKIFF = ActiveLabel("skiff-role-active", "true")
_COMPONENT = "app.kubernetes.io/component"
_INSTANCE_GROUP = "quarks.cloudfoundry.org/instance-group-name"
_SCF = Profile(
    namespace="cf",
    statefulset="diego-api",
    selector="skiff-role-name=diego-api",
    service_host="diego-api.{namespace}.svc.cluster.local",
    service_name="diego-api",
    active_label=_SKIFF,
    tls_server_name="diego-api",
    cloud_controller_selector="skiff-role-name=api",
    bbs_container="diego-api",
)
_SCF_215 = Profile(
    namespace="cf",
    statefulset="diego-api",
    selector=f"{_COMPONENT}=diego-api",
    service_host="diego-api-bbs.{namespace}.svc.cluster.local",
    service_name="diego-api-bbs",
    active_label=_SKIFF,
    tls_server_name="diego-api-bbs",
    cloud_controller_selector=f"{_COMPONENT}=api-group",
    bbs_container="diego-api",
)
_KUBECF = Profile(
    namespace="kubecf",
    statefulset="diego-api",
    selector=f"{_INSTANCE_GROUP}=diego-api",
    service_host="diego-api.{namespace}.svc.cluster.local",
    service_name="diego-api",
    active_label=ActiveLabel("quarks.cloudfoundry.org/pod-active", "active"),
    tls_server_name="bbs.service.cf.internal",
    cloud_controller_selector=f"{_INSTANCE_GROUP}=api",
    bbs_container="bbs-bbs",
)

PROFILES: Mapping[str, Profile] = {
    "cfee-1": replace(
        _SCF,
        active_label=replace(_SKIFF, may_be_absent=True),
        locket=LocketWorkload("diego-locket", "skiff-role-name=diego-locket"),
    ),
    "cfee-2": _SCF,
    "cfee-3": _SCF_215,
    "cfee-4": replace(_SCF_215, locket=LocketWorkload("locket", f"{_COMPONENT}=locket")),
    "kubecf": _KUBECF,
    "kubecf-locket": replace(_KUBECF, locket=LocketWorkload("locket", f"{_INSTANCE_GROUP}=locket")),
}
AUTO = "auto"
"""The profile that is picked at each observation, by the labels that are found."""
DEFAULT_PROFILE = "cfee-2"
"""The tutorial's environment: with it the exporter needs no configuration file."""
