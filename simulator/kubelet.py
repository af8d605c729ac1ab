"""The kubelet's and the scheduler's part, for all nodes at once, over HTTP: drives a simulated and a real API alike.

It polls the pods of one namespace. Each pod is in the hands of one PodActor from the first sight to the end.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.api_client import API_TROUBLE
from simulator.container import Container, RestartPolicy
from simulator.place import Place
from simulator.pod_actor import Node, PodActor, PodContext
from simulator.programs import Program

ProgramStarter = Callable[[str, str, str, Callable[[str], None]], Program]
"""Starts the program of (image, pod name, pod IP), which logs its lines to the last argument."""


@dataclass(frozen=True, slots=True)
class KubeletOptions:
    """Seconds between two polls, and how programs that end are started again."""

    interval: float = 0.2
    restarts: RestartPolicy = field(default_factory=RestartPolicy)


class Kubelet:
    """Plays every node of one namespace's pods until its `run` is cancelled."""

    def __init__(
        self,
        place: Place,
        nodes: Sequence[Node],
        pod_ips: Sequence[str],
        start: ProgramStarter,
        options: KubeletOptions,
    ) -> None:
        self.actors: dict[str, PodActor] = {}
        """The actor of each pod, by the pod's name."""
        self.unschedulable: set[str] = set()
        """Names of pods that no node has room for."""
        self._place = place
        self._nodes = nodes
        self._pod_ips = list(pod_ips)
        self._start = start
        self._options = options
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def interval(self) -> float:
        """Seconds between two polls: nothing begins or ends sooner."""
        return self._options.interval

    async def run(self) -> None:
        """Poll and act until cancelled; then every container is killed."""
        try:
            while True:
                await self._poll()
                await asyncio.sleep(self.interval)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def log(self, pod: str, container: str | None) -> str:
        """Give what a pod's container has logged (None: its first)."""
        actor = self.actors.get(pod)
        return actor.log(container) if actor else ""

    async def _poll(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()
        try:
            pods = await self._place.api.pods(self._place.namespace)
        except API_TROUBLE:
            return
        seen = {pod["metadata"]["uid"] for pod in pods}
        for actor in list(self.actors.values()):
            if actor.uid not in seen:
                actor.vanish()
        for pod in pods:
            self._see(pod)

    def _see(self, pod: Mapping[str, Any]) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        actor = self.actors.get(name)
        if actor is not None and actor.uid == uid:
            actor.see(pod)
        elif actor is None:
            self._begin(name, pod)

    def _begin(self, name: str, pod: Mapping[str, Any]) -> None:
        ip = self._pod_ips.pop(0)
        actor = PodActor(self._context(), pod, ip)
        self.actors[name] = actor
        self._tasks.add(asyncio.create_task(self._care(name, actor), name=f"pod {name}"))

    async def _care(self, name: str, actor: PodActor) -> None:
        try:
            await actor.run()
        finally:
            del self.actors[name]
            self._pod_ips.append(actor.ip)

    def _context(self) -> PodContext:
        return PodContext(
            self._place,
            self._nodes,
            self._new_container,
            self.interval,
            lambda name: name in self.unschedulable,
        )

    def _new_container(self, name: str, image: str, pod: str, ip: str, log: Callable[[str], None]) -> Container:
        return Container(
            name,
            image,
            lambda: self._start(image, pod, ip, log),
            self._place.clock,
            self._options.restarts,
        )
