"""The parts of an observation that are read and not probed.

Each is a value or `Unknown`, in time, and never an exception.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from stagekeeper.diego.observation import MISSING, NOT_CONFIGURED, Locket, Part, ReadyPods, Unknown
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube import workloads
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import KubeError, RequestTimeout
from stagekeeper.kube.objects import Endpoints, StatefulSet
from stagekeeper.kube.workloads import Pods

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the event loop's clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The moment in `seconds` seconds."""
        return cls(asyncio.get_running_loop().time() + seconds)

    def earlier(self, seconds: float) -> "Deadline":
        """The moment `seconds` seconds before this one."""
        return Deadline(self.at - seconds)

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self.at - asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one environment from the Kubernetes API."""

    environment: Environment
    kube: Kube

    async def pods(self, by: Deadline) -> Pods | Unknown:
        """The BBS pods."""
        return await _part(self._list(self.environment.selector, by), by)

    async def workloads(self, by: Deadline) -> tuple[StatefulSet, ...] | Unknown:
        """The StatefulSets that exist of those that are configured."""
        sets = await _part(_each(*(self._statefulset(name, by) for name in self.environment.statefulsets)), by)
        return sets if isinstance(sets, Unknown) else tuple(found for found in sets if found is not None)

    async def endpoints(self, by: Deadline) -> Part[Endpoints]:
        """What stands behind the Service."""
        service = self.environment.service_name
        if service is None:
            return NOT_CONFIGURED
        read = workloads.endpoints(self.kube, self.environment.namespace, service, timeout=self._limit(by))
        return await _part(read, by)

    async def cloud_controller(self, by: Deadline) -> Part[ReadyPods]:
        """How many Cloud Controller pods are Ready. One that has ended is none any more: evicted pods stay listed."""
        selector = self.environment.cloud_controller_selector
        if selector is None:
            return NOT_CONFIGURED
        found = await _part(self._list(selector, by), by)
        if isinstance(found, Unknown):
            return found
        there = [pod for pod in found.pods if not pod.ended]
        return ReadyPods(sum(pod.ready == "True" for pod in there), len(there))

    async def locket(self, by: Deadline) -> Part[Locket]:
        """Locket, where it has a StatefulSet of its own. A job's pod that has ended is none of its pods."""
        own = self.environment.locket
        if own is None:
            return NOT_CONFIGURED
        async with asyncio.TaskGroup() as both:
            workload = both.create_task(_part(self._statefulset(own.statefulset, by), by))
            pods = both.create_task(_part(self._list(own.selector, by), by))
        found, listed = workload.result(), pods.result()
        if isinstance(found, Unknown):
            return found
        if isinstance(listed, Unknown):
            return listed
        if found is None:
            why = (
                f"There is no StatefulSet {own.statefulset}, in which Locket should be: profile or `locket:` is wrong."
            )
            return Unknown(why, MISSING)
        return Locket(found, tuple(pod for pod in listed.pods if pod.owner == own.statefulset or not pod.ended))

    async def _list(self, selector: str, by: Deadline) -> Pods:
        return await workloads.list_pods(self.kube, self.environment.namespace, selector, timeout=self._limit(by))

    async def _statefulset(self, name: str, by: Deadline) -> StatefulSet | None:
        return await workloads.get_statefulset(self.kube, self.environment.namespace, name, timeout=self._limit(by))

    def _limit(self, by: Deadline) -> float:
        return max(0.001, min(self.environment.api_timeout, by.left))


async def _each(*work: Awaitable[T]) -> list[T]:
    """All results, or the first error once all have ended: none is left running behind."""
    found = await asyncio.gather(*work, return_exceptions=True)
    results: list[T] = []
    for each in found:
        if isinstance(each, BaseException):
            raise each
        results.append(each)
    return results


async def _part(work: Awaitable[T], by: Deadline) -> T | Unknown:
    """The value, or why there is none."""
    within = by.left
    try:
        async with asyncio.timeout(within):
            return await work
    except KubeError as problem:
        return Unknown(str(problem), problem.reason)
    except TimeoutError:
        return Unknown(f"No answer within {within:.3g} s.", RequestTimeout.reason)
