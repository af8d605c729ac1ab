"""Observations for tests, made from the outside in: say only what differs from a healthy environment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.assessment import JudgedObservation, judged
from stagekeeper.diego.observation import BbsPod, Observation, Probe, ReadyPods, Reply
from stagekeeper.kube.objects import Container, Pod, StatefulSet

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UNIX = NOW.timestamp()
PHASES = {"dns": 0.001, "connect": 0.001, "tls": 0.002, "request": 0.002}

OK = Probe(Reply.OK, phases=PHASES)
REFUSED = Probe(Reply.REFUSED, "connection refused", phases={"dns": 0.001, "connect": 0.001})


def pod(name: str, **changes: Any) -> Pod:
    """A Ready pod of two containers, two days old."""
    ready = Pod(
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        labels={"controller-revision-hash": "r1"},
        created=NOW - timedelta(days=2),
        ends_at=None,
        phase="Running",
        ip="10.0.0.1",
        node="node-1",
        owner="diego-api",
        ready="True",
        ready_since=NOW - timedelta(days=2),
        containers=(
            Container("diego-api", ready=True, started_at=NOW - timedelta(days=2)),
            Container("loggregator", ready=True, started_at=NOW - timedelta(days=2)),
        ),
    )
    return replace(ready, **changes)


def active(name: str = "diego-api-0", **changes: Any) -> BbsPod:
    """The pod that holds the lock."""
    return replace(BbsPod(pod(name), labelled_active=True, probe=OK), **changes)


def passive(name: str = "diego-api-1", **changes: Any) -> BbsPod:
    """A pod that waits for the lock: Ready, and nobody listens."""
    return replace(BbsPod(pod(name), labelled_active=False, probe=REFUSED), **changes)


def workload(replicas: int = 2) -> StatefulSet:
    """The StatefulSet, with nothing under way."""
    return StatefulSet(
        name="diego-api",
        uid="uid-set",
        replicas=replicas,
        generation=1,
        observed_generation=1,
        update_revision="r1",
        update_strategy="RollingUpdate",
        partition=0,
        grace_seconds=600,
    )


def serving(**changes: Any) -> Observation:
    """A healthy environment: one of two pods serves."""
    healthy = Observation(
        environment="cf",
        taken_at=NOW,
        service=OK,
        pods=(active(), passive()),
        workloads=(workload(),),
        steady=True,
        cloud_controller=ReadyPods(2, 2),
    )
    return replace(healthy, **changes)


def hung(**changes: Any) -> Observation:
    """The fault that a restart cures: every pod Ready, nobody listens."""
    return serving(**{"service": REFUSED, "pods": (passive("diego-api-0"), passive("diego-api-1")), **changes})


def assessment(observation: Observation | None = None, *, at: float = UNIX, seconds: float = 0.01) -> JudgedObservation:
    """An observation that ended at `at`."""
    return judged(observation or serving(), at, seconds)


def clock(*moments: float) -> Callable[[], float]:
    """A clock that shows each moment once, and the last one for ever."""
    left = list(moments)
    return lambda: left.pop(0) if len(left) > 1 else left[0]
