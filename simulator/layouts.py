"""How each platform lays Diego out on Kubernetes, as data (domain.md 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from simulator.labels import ActiveLabel


class Role(StrEnum):
    """What runs in a container; its image's name says so, and the kubelet starts it by that."""

    BBS = "bbs"
    BBS_AND_LOCKET = "bbs-and-locket"
    LOCKET = "locket"
    CLOUD_CONTROLLER = "cloud-controller"
    SIDECAR = "sidecar"


@dataclass(frozen=True, slots=True)
class Workload:
    """One StatefulSet."""

    name: str
    replicas: int
    labels: Mapping[str, str]
    containers: tuple[tuple[str, Role], ...]
    """Name and role of each container."""
    grace: int = 600
    """terminationGracePeriodSeconds."""
    ordered: bool = True
    """podManagementPolicy OrderedReady; else Parallel."""
    readiness: int | None = None
    """The port that the first container's readiness probe asks; None: ready while it runs."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One platform's Diego and Cloud Controller. The parts that a platform lacks are None."""

    profile: str
    namespace: str
    bbs: Workload | None
    bbs_service: str
    tls_server_name: str
    active_label: ActiveLabel | None
    """None: nothing sets one, and the Service selects every pod."""
    label_interval: float
    """Seconds between two observations of whoever keeps the label, as on the real platform."""
    locket: Workload | None
    cloud_controller: Workload
    cloud_controller_service: str = "api"
    monit: bool = True
    """Whether the images run monit, as fissile's do: a process that ends is started again unseen by Kubernetes, and a
    hung one is killed soon after SIGTERM. Otherwise Kubernetes sees each end."""

    @property
    def ready_bbs(self) -> int:
        """How many BBS pods are Ready while all is well: only the active one, where the probe asks its port."""
        if self.bbs is None:
            return 0
        return 1 if self.bbs.readiness == _BBS else self.bbs.replicas

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """All StatefulSets, in the order in which they have to start."""
        return tuple(each for each in (self.locket, self.bbs, self.cloud_controller) if each is not None)


_SKIFF_ACTIVE = ActiveLabel("skiff-role-active", "true", "false")
_SKIFF_NAME = "skiff-role-name"
_COMPONENT = "app.kubernetes.io/component"
_INSTANCE_GROUP = "quarks.cloudfoundry.org/instance-group-name"


def _both(name: str) -> Mapping[str, str]:
    """SCF from 2.15 on: the recommended label, and the old one for the StatefulSets' selectors (fissile)."""
    return {_COMPONENT: name, _SKIFF_NAME: name}


_IN_ONE_POD = (("diego-api", Role.BBS_AND_LOCKET), ("loggregator-agent", Role.SIDECAR))
_ALONE = (("diego-api", Role.BBS), ("loggregator-agent", Role.SIDECAR))
_BBS, _HEALTH, _LOCKET = 8889, 8890, 8891
"""What readiness probes ask: Locket's port in SCF 2.12 and 2.13, the BBS's own in 2.16.0, its health's from 2.16.1
(scf a216a091)."""
_CC = (("api", Role.CLOUD_CONTROLLER), ("loggregator-agent", Role.SIDECAR))

CFEE_2 = Layout(
    profile="cfee-2",
    namespace="cf",
    bbs=Workload("diego-api", 2, {_SKIFF_NAME: "diego-api"}, _IN_ONE_POD, readiness=_LOCKET),
    bbs_service="diego-api",
    tls_server_name="diego-api",
    active_label=_SKIFF_ACTIVE,
    label_interval=10.0,
    locket=None,
    cloud_controller=Workload("api", 2, {_SKIFF_NAME: "api"}, _CC),
)
CFEE_1 = replace(
    CFEE_2,
    profile="cfee-1",
    bbs=Workload("diego-api", 2, {_SKIFF_NAME: "diego-api"}, _ALONE),
    locket=Workload("diego-locket", 2, {_SKIFF_NAME: "diego-locket"}, (("diego-locket", Role.LOCKET),)),
)
CFEE_3 = replace(
    CFEE_2,
    profile="cfee-3",
    bbs=Workload("diego-api", 2, _both("diego-api"), _IN_ONE_POD, readiness=_LOCKET),
    bbs_service="diego-api-bbs",
    tls_server_name="diego-api-bbs",
    cloud_controller=Workload("api-group", 2, _both("api-group"), _CC),
)
CFEE_4 = replace(
    CFEE_3,
    profile="cfee-4",
    bbs=Workload("diego-api", 2, _both("diego-api"), _ALONE, readiness=_HEALTH),
    locket=Workload("locket", 2, _both("locket"), (("locket", Role.LOCKET),)),
)
CFEE_4_BEFORE = replace(CFEE_4, bbs=Workload("diego-api", 2, _both("diego-api"), _ALONE, readiness=_BBS))
"""SCF 2.16.0, where a passive pod is never Ready."""
KUBECF = Layout(
    profile="kubecf",
    namespace="kubecf",
    bbs=Workload(
        "diego-api",
        2,
        {_INSTANCE_GROUP: "diego-api"},
        (
            ("bbs-bbs", Role.BBS),
            ("locket-locket", Role.LOCKET),
            ("silk-controller-silk-controller", Role.SIDECAR),
            ("policy-server-policy-server-internal", Role.SIDECAR),
            ("cfdot-cfdot", Role.SIDECAR),
            ("logs", Role.SIDECAR),
        ),
    ),
    bbs_service="diego-api",
    tls_server_name="bbs.service.cf.internal",
    active_label=ActiveLabel("quarks.cloudfoundry.org/pod-active", "active", None),
    label_interval=30.0,
    locket=None,
    cloud_controller=Workload("api", 2, {_INSTANCE_GROUP: "api"}, _CC),
    monit=False,
)
KUBECF_LOCKET = replace(
    KUBECF,
    profile="kubecf-locket",
    bbs=Workload("diego-api", 2, {_INSTANCE_GROUP: "diego-api"}, (("bbs-bbs", Role.BBS), ("logs", Role.SIDECAR))),
    locket=Workload("locket", 2, {_INSTANCE_GROUP: "locket"}, (("locket-locket", Role.LOCKET),)),
)
EIRINI = replace(KUBECF, profile="eirini", bbs=None)

LAYOUTS: Mapping[str, Layout] = {
    layout.profile: layout for layout in (CFEE_1, CFEE_2, CFEE_3, CFEE_4, KUBECF, KUBECF_LOCKET, EIRINI)
}
