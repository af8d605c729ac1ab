"""Observations as the exporter's tests say them: those of tests/diego, with the phases of each probe and its moment."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exporter.assessment import JudgedObservation, judged
from stagekeeper.diego.observation import BbsPod, Observation, Probe, Reply
from stagekeeper.kube.objects import Pod
from tests.diego import observations
from tests.diego.observations import NOW

UNIX = NOW.timestamp()
PHASES = {"dns": 0.001, "connect": 0.001, "tls": 0.002, "request": 0.002}

OK = Probe(Reply.OK, phases=PHASES)
REFUSED = Probe(Reply.REFUSED, "connection refused", phases={"dns": 0.001, "connect": 0.001})


def pod(name: str, **changes: Any) -> Pod:
    """A Ready pod of two containers, of any name."""
    return observations.pod(**{"name": name, "uid": f"uid-{name}", **changes})


def active(name: str = "diego-api-0", **changes: Any) -> BbsPod:
    """The pod that holds the lock."""
    return replace(BbsPod(pod(name), labelled_active=True, probe=OK), **changes)


def passive(name: str = "diego-api-1", **changes: Any) -> BbsPod:
    """A pod that waits for the lock: Ready, and nobody listens."""
    return replace(BbsPod(pod(name), labelled_active=False, probe=REFUSED), **changes)


def serving(**changes: Any) -> Observation:
    """A healthy environment: one of two pods serves."""
    return observations.healthy(**{"service": OK, "pods": (active(), passive()), **changes})


def hung(**changes: Any) -> Observation:
    """The fault that a restart cures: every pod Ready, nobody listens."""
    return observations.hung(
        **{"service": REFUSED, "pods": (passive("diego-api-0"), passive("diego-api-1")), **changes}
    )


def assessment(observation: Observation | None = None, *, at: float = UNIX, seconds: float = 0.01) -> JudgedObservation:
    """An observation that ended at `at`."""
    return judged(observation or serving(), at, seconds)


def clock(*moments: float) -> Callable[[], float]:
    """A clock that shows each moment once, and the last one for ever."""
    left = list(moments)
    return lambda: left.pop(0) if len(left) > 1 else left[0]
