"""What a kubelet does for one pod: bind, start, report, restart, and end it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.api_client import API_TROUBLE, Reply, pods_path
from simulator.container import Container
from simulator.listener import BlackHole, accepts
from simulator.place import Place
from simulator.pod_status import lost_node_conditions, running_status, unschedulable_status

ContainerMaker = Callable[[str, str, str, str, Callable[[str], None]], Container]
"""Makes the container of (name, image, pod name, pod IP, log)."""
_LOG_LINES = 1000
_LOST_PORTS = (8889, 8890, 8891)


@dataclass(frozen=True, slots=True)
class Node:
    """A node's name and address."""

    name: str
    ip: str


@dataclass(frozen=True, slots=True)
class PodContext:
    """What every pod's actor works with."""

    place: Place
    nodes: Sequence[Node]
    new_container: ContainerMaker
    interval: float
    is_unschedulable: Callable[[str], bool]


class PodActor:
    """One pod (one UID), from its first sight to its end."""

    def __init__(self, context: PodContext, pod: Mapping[str, Any], ip: str) -> None:
        self.name: str = pod["metadata"]["name"]
        self.uid: str = pod["metadata"]["uid"]
        self.ip = ip
        self.containers: list[Container] = []
        self._context = context
        self._pod = pod
        self._logs: dict[str, deque[str]] = {}
        self._lives: list[asyncio.Task[None]] = []
        self._started = context.place.clock.now()
        self._ready = False
        self._ready_since = self._started
        self._written: Mapping[str, Any] = {}
        self._vanished = asyncio.Event()
        self._black_holes: list[BlackHole] = []
        self._probed: list[tuple[Container, int]] = []

    def see(self, pod: Mapping[str, Any]) -> None:
        """Take note of the pod as the API now shows it."""
        self._pod = pod

    def vanish(self) -> None:
        """Take note that the API no longer has it: its containers are killed."""
        self._vanished.set()

    def log(self, container: str | None) -> str:
        """Give the log of one container (None: the first)."""
        lines = self._logs.get(container or next(iter(self._logs), ""), ())
        return "".join(f"{line}\n" for line in lines)

    @property
    def deletion_seen(self) -> bool:
        """Whether the pod's deletion has begun."""
        return "deletionTimestamp" in self._pod["metadata"]

    async def run(self) -> None:
        """Take the pod through its life."""
        try:
            if await self._find_node():
                self._start()
                await self._watch_over()
            if not self._vanished.is_set():
                await self._finish()
        finally:
            for life in self._lives:
                life.cancel()
            await asyncio.gather(*self._lives, return_exceptions=True)
            self._regain()

    async def lose_node(self) -> None:
        """Lose the node: the processes are gone, packets to its address too, and nobody reports for it any more."""
        for container in self.containers:
            container.vanish()
        await asyncio.gather(*(container.end_of_run() for container in self.containers))
        self._black_holes = [BlackHole(self.ip, port) for port in _LOST_PORTS]
        conditions = lost_node_conditions(self._written.get("conditions", []), self._context.place.clock.now())
        await self._patch_status({"conditions": conditions})

    def regain_node(self) -> None:
        """Get the node back, if it was lost: everything on it starts anew."""
        if self._black_holes:
            self._regain()
            for container in self.containers:
                container.resume()

    def make_older(self, seconds: float) -> None:
        """Pretend that it was started so many seconds earlier."""
        self._started -= timedelta(seconds=seconds)
        self._ready_since -= timedelta(seconds=seconds)
        for container in self.containers:
            container.make_older(seconds)

    def _regain(self) -> None:
        for hole in self._black_holes:
            hole.close()
        self._black_holes = []

    async def _find_node(self) -> bool:
        """Bind the pod; False if it was deleted before."""
        while not self._vanished.is_set() and not self.deletion_seen:
            if self._pod["spec"].get("nodeName"):
                return True
            if self._context.is_unschedulable(self.name):
                await self._write(unschedulable_status(self._started))
            elif await self._bind():
                return True
            await asyncio.sleep(self._context.interval)
        return False

    async def _bind(self) -> bool:
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": self.name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self._node.name},
        }
        try:
            reply = await self._context.place.api.send("POST", self._path("binding"), body)
        except API_TROUBLE:
            return False
        return reply.ok

    def _start(self) -> None:
        for spec in self._pod["spec"]["containers"]:
            log: deque[str] = deque(maxlen=_LOG_LINES)
            self._logs[spec["name"]] = log
            container = self._context.new_container(spec["name"], spec["image"], self.name, self.ip, log.append)
            self.containers.append(container)
            port = spec.get("readinessProbe", {}).get("tcpSocket", {}).get("port")
            if port is not None:
                self._probed.append((container, port))
            self._lives.append(asyncio.create_task(container.live(), name=f"{self.name}/{container.name}"))
        self._context.place.journal.say(
            "kubelet", f"Pod {self.name} starts on {self._node.name} with address {self.ip}."
        )

    async def _watch_over(self) -> None:
        """Report the pod's state until its deletion; a lost node reports nothing, and deletes nothing."""
        while not self._vanished.is_set():
            if not self._black_holes:
                if self.deletion_seen:
                    return
                for container, port in self._probed:
                    container.answers = await accepts(self.ip, port)
                await self._write(self._status())
            await asyncio.sleep(self._context.interval)

    async def _finish(self) -> None:
        """End the containers within the grace period, then take the pod out of the API."""
        grace = float(self._pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        if self.containers:
            self._context.place.journal.say("kubelet", f"Pod {self.name} is asked to end within {grace:.0f} s.")
        stops = asyncio.gather(*(container.stop(grace) for container in self.containers))
        removed_by_force = asyncio.create_task(self._vanished.wait())
        try:
            await asyncio.wait((stops, removed_by_force), return_when=asyncio.FIRST_COMPLETED)
            if stops.done():
                stops.result()
        finally:
            stops.cancel()
            removed_by_force.cancel()
            await asyncio.gather(stops, removed_by_force, return_exceptions=True)
        await self._remove()

    async def _remove(self) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        while not self._vanished.is_set():
            try:
                await self._context.place.api.send("DELETE", self._path(), options)
            except API_TROUBLE:
                pass
            else:
                break
            await asyncio.sleep(self._context.interval)
        self._context.place.journal.say("kubelet", f"Pod {self.name} has ended.")

    def _status(self) -> Mapping[str, Any]:
        ready = bool(self.containers) and all(container.ready for container in self.containers)
        if ready is not self._ready:
            self._ready, self._ready_since = ready, self._now()
        return running_status(self.containers, self.ip, self._node.ip, self._started, self._ready_since)

    async def _write(self, status: Mapping[str, Any]) -> None:
        """Write the status if it differs from the last one; if that fails, the next round tries again."""
        if status == self._written:
            return
        try:
            reply = await self._patch_status(status)
        except API_TROUBLE:
            return
        if reply.ok:
            self._written = status

    async def _patch_status(self, status: Mapping[str, Any]) -> Reply:
        """Patch, but only this very pod: the UID refuses a successor of the same name."""
        patch = {"metadata": {"uid": self.uid}, "status": dict(status)}
        return await self._context.place.api.patch(self._path("status"), patch)

    @property
    def _node(self) -> Node:
        bound = self._pod["spec"].get("nodeName")
        for node in self._context.nodes:
            if node.name == bound:
                return node
        return self._context.nodes[sum(self.name.encode()) % len(self._context.nodes)]

    def _now(self) -> datetime:
        return self._context.place.clock.now()

    def _path(self, subresource: str = "") -> str:
        return pods_path(self._context.place.namespace, self.name, subresource)
