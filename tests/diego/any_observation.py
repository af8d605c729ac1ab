"""Any look at all, for Hypothesis: every part a value, unknown or not configured, every age and every label."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from stagekeeper.diego.observation import NOT_CONFIGURED, BbsPod, Locket, Observation, Probe, ReadyPods, Reply, Unknown
from stagekeeper.diego.profiles import ReadinessMeaning
from stagekeeper.kube.objects import Container, Endpoints, Pod, PodCondition, StatefulSet
from tests.diego.observations import NOW, REVISION

# Around every boundary of the table, and far beyond what any clock says.
_SECONDS_AGO = st.sampled_from([-700, -1, 0, 1, 59, 61, 299, 300, 599, 600, 3599, 3600, 300_000])
_MOMENTS = st.one_of(
    _SECONDS_AGO.map(lambda seconds: datetime.fromtimestamp(NOW.timestamp() - seconds, UTC)),
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
)
_MAYBE_MOMENT = st.none() | _MOMENTS
_UNKNOWN = st.just(Unknown("HTTP 500."))
_UNREAD = _UNKNOWN | st.just(NOT_CONFIGURED)
_PROBES = st.builds(
    Probe,
    reply=st.sampled_from(Reply),
    detail=st.sampled_from(["", "why"]),
    certificate_ends=_MAYBE_MOMENT,
    by_tcp=st.booleans(),
)
_CONTAINERS = st.builds(
    Container,
    name=st.sampled_from(["diego-api", "loggregator-agent", "istio-proxy", "locket-locket"]),
    ready=st.booleans(),
    restarts=st.integers(0, 3),
    started_at=_MAYBE_MOMENT,
    last_started_at=_MAYBE_MOMENT,
    waiting=st.sampled_from([None, None, "CrashLoopBackOff", "ContainerCreating", "ErrImagePull"]),
    waiting_message=st.sampled_from(["", "no such image."]),
    ended=st.sampled_from([None, None, "Completed", "Error"]),
    exit_code=st.sampled_from([None, 0, 1]),
    last_ended=st.sampled_from([None, "OOMKilled"]),
    sidecar=st.booleans(),
)
_CONDITIONS = st.builds(
    PodCondition,
    type=st.sampled_from(["PodScheduled", "Initialized", "Ready", "DisruptionTarget", "gate"]),
    status=st.sampled_from([None, "True", "False", "Unknown"]),
    reason=st.sampled_from(["", "SchedulingGated", "Unschedulable"]),
    message=st.sampled_from(["", "no room."]),
    since=_MAYBE_MOMENT,
)
_PODS = st.builds(
    Pod,
    name=st.sampled_from(["diego-api-0", "diego-api-1", "diego-api-2"]),
    uid=st.uuids().map(str),
    resource_version=st.just("1"),
    labels=st.sampled_from([{}, {"controller-revision-hash": REVISION}, {"controller-revision-hash": "other"}]),
    created=_MAYBE_MOMENT,
    ends_at=st.none() | _MAYBE_MOMENT,
    phase=st.sampled_from([None, "Pending", "Running", "Failed", "Succeeded", "Unknown"]),
    ip=st.sampled_from([None, "10.0.0.1"]),
    node=st.sampled_from([None, "node-0"]),
    owner=st.sampled_from([None, "diego-api", "other"]),
    ready=st.sampled_from([None, "True", "False", "Unknown"]),
    ready_since=_MAYBE_MOMENT,
    containers=st.lists(_CONTAINERS, max_size=2).map(tuple),
    init_containers=st.lists(_CONTAINERS, max_size=2).map(tuple),
    reason=st.sampled_from(["", "", "Evicted", "NodeLost"]),
    message=st.sampled_from(["", "The node was low on memory."]),
    conditions=st.lists(_CONDITIONS, max_size=2).map(tuple),
    readiness_gates=st.sampled_from([(), ("gate",)]),
    finalizers=st.sampled_from([(), ("example.com/keep",)]),
    controller=st.sampled_from([None, "ReplicaSet bbs"]),
)
_BBS_PODS = st.builds(
    BbsPod, pod=_PODS, labelled_active=st.sampled_from([None, True, False]), probe=st.one_of(_PROBES, _PROBES, _UNREAD)
)
_WORKLOADS = st.builds(
    StatefulSet,
    name=st.sampled_from(["diego-api", "other"]),
    uid=st.just("uid"),
    replicas=st.integers(-1, 3),
    generation=st.integers(0, 2),
    observed_generation=st.integers(0, 2),
    update_revision=st.sampled_from([None, REVISION, "other"]),
    update_strategy=st.sampled_from(["RollingUpdate", "OnDelete"]),
    partition=st.integers(0, 1),
    grace_seconds=st.integers(0, 600),
)

ANY_OBSERVATION = st.builds(
    Observation,
    environment=st.just("cf"),
    taken_at=st.just(NOW),
    service=_PROBES | _UNREAD,
    pods=st.lists(_BBS_PODS, max_size=3).map(tuple) | _UNREAD,
    workloads=st.lists(_WORKLOADS, max_size=2).map(tuple) | _UNREAD,
    steady=st.booleans() | _UNREAD,
    endpoints=st.builds(Endpoints, slices=st.integers(0, 2), ready=st.integers(0, 2)) | _UNREAD,
    cloud_controller=st.builds(ReadyPods, st.integers(0, 2), st.sampled_from([0, 2])) | _UNREAD,
    locket=st.builds(Locket, _WORKLOADS, st.lists(_PODS, max_size=2).map(tuple)) | _UNREAD,
    database=st.booleans() | _UNREAD,
    control=st.sampled_from(["", "cluster DNS"]) | _UNREAD,
    missing_since=_MAYBE_MOMENT,
    bbs_container=st.sampled_from([None, "diego-api", "absent"]),
    readiness=st.sampled_from(ReadinessMeaning),
    witness=st.sampled_from(["", "port 8890 of diego-api-0"]) | _UNREAD,
)
