"""Looks as tests say them: a healthy two-pod environment, and small functions that change one thing each.

`hung()` is the fault that a restart cures; `healthy()` is what normal looks like. Ages are given as timedeltas
before `NOW`, the moment of every observation here.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stagekeeper.diego.observation import (
    NOT_CONFIGURED,
    BbsPod,
    Locket,
    Observation,
    Part,
    Probe,
    ReadyPods,
    Reply,
    Unknown,
)
from stagekeeper.kube.objects import Container, Endpoints, Pod, StatefulSet

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
OLD = timedelta(days=3)
REVISION = "diego-api-5d8f"


def ago(age: timedelta) -> datetime:
    """The moment that was `age` before the observation."""
    return NOW - age


def container(name: str = "diego-api", *, age: timedelta = OLD, **changes: Any) -> Container:
    """A ready container that has run for `age`."""
    return replace(Container(name, ready=True, started_at=ago(age)), **changes)


def pod(ordinal: int = 0, *, age: timedelta = OLD, **changes: Any) -> Pod:
    """A Running pod of two ready containers, `age` old."""
    plain = Pod(
        name=f"diego-api-{ordinal}",
        uid=f"uid-{ordinal}",
        resource_version="100",
        labels={"controller-revision-hash": REVISION, "skiff-role-name": "diego-api"},
        created=ago(age),
        ends_at=None,
        phase="Running",
        ip=f"10.0.0.{ordinal + 1}",
        node=f"node-{ordinal}",
        owner="diego-api",
        ready="True",
        ready_since=ago(age),
        containers=(container(age=age), container("loggregator-agent", age=age)),
    )
    return replace(plain, **changes)


def bbs(
    ordinal: int = 0,
    reply: Reply | Part[Probe] = Reply.REFUSED,
    *,
    active: bool | None = False,
    age: timedelta = OLD,
    **changes: Any,
) -> BbsPod:
    """One diego-api pod whose port 8889 gave `reply`; `changes` are those of `pod`."""
    probe = Probe(reply) if isinstance(reply, Reply) else reply
    return BbsPod(pod(ordinal, age=age, **changes), active, probe)


def pending(ordinal: int = 0, *, age: timedelta) -> BbsPod:
    """A pod that waits for a node."""
    waiting = replace(container(), ready=False, started_at=None)
    return bbs(
        ordinal, NOT_CONFIGURED, age=age, phase="Pending", ip=None, node=None, ready="False", containers=(waiting,)
    )


def workload(name: str = "diego-api", **changes: Any) -> StatefulSet:
    """A StatefulSet of two replicas whose roll-out is over."""
    plain = StatefulSet(
        name=name,
        uid=f"uid-of-{name}",
        replicas=2,
        generation=4,
        observed_generation=4,
        update_revision=REVISION,
        update_strategy="RollingUpdate",
        partition=0,
        grace_seconds=600,
    )
    return replace(plain, **changes)


def locket(*ready: str, replicas: int = 1) -> Locket:
    """Locket's own StatefulSet, with one pod for each given status of the condition Ready."""
    found = tuple(
        pod(
            index,
            name=f"diego-locket-{index}",
            ready=each,
            containers=(container("diego-locket", ready=each != "False"),),
        )
        for index, each in enumerate(ready)
    )
    return Locket(workload("diego-locket", replicas=replicas), found)


def observation(*pods: BbsPod, service: Reply | Part[Probe] = Reply.TIMEOUT, **changes: Any) -> Observation:
    """An observation that found these pods.

    As many replicas as pods are asked for, unless `workloads` says otherwise.
    """
    plain = Observation(
        environment="cf",
        taken_at=NOW,
        service=Probe(service) if isinstance(service, Reply) else service,
        pods=pods,
        workloads=(workload(replicas=len(pods)),),
        steady=True,
        endpoints=Endpoints(1, 0),
        cloud_controller=ReadyPods(2, 2),
    )
    return replace(plain, **changes)


def healthy(**changes: Any) -> Observation:
    """Pod 0 serves, pod 1 is passive and refuses, the Service answers."""
    return replace(
        observation(bbs(0, Reply.OK, active=True), bbs(1), service=Reply.OK, endpoints=Endpoints(1, 1)), **changes
    )


def hung(**changes: Any) -> Observation:
    """The tutorial's fault: both pods Running and Ready, nobody listens, no active label."""
    return replace(observation(bbs(0), bbs(1)), **changes)


def unknown(reason: str) -> Any:
    """A part that could not be read, for any part of an observation."""
    return Unknown(reason)
