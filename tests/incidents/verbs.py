"""What an incident file can have happen on the stage, besides the simulator's own faults. One method each."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from remediator import opening, pausing
from remediator.remediation import Request
from simulator.api_client import pods_path
from simulator.container import Container
from simulator.resources import RESOURCES, STATEFULSETS, by_path
from stagekeeper.kube.objects import timestamp
from tests.incidents.stage import Stage

CONFIG_MAPS = by_path(RESOURCES)["", "v1", "configmaps"]
Json = dict[str, Any]


class Verbs:
    """The methods' names are the words of `simulate.faults[].fault`; their arguments are its `options`."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._env, self._alerting = stage, stage.env, stage.alerting
        self._began = asyncio.get_running_loop().time()

    async def once_deleting(self, then: str, count: int = 1, options: Json | None = None) -> None:
        """Do something else as soon as the remediator has sent so many DELETE requests for pods."""
        while len(self._stage.deletions) < count:  # noqa: ASYNC110 -- the API remembers requests, it tells nobody
            await asyncio.sleep(1.0)
        await getattr(self, then)(**(options or {}))

    async def replace_remediator(self, after: float) -> None:
        """Kill the worker; a new one starts after so many seconds."""
        await self._stage.stop_worker()
        await asyncio.sleep(after)
        self._stage.start_worker()

    async def ask_for_restart(self, accept: str = "") -> None:
        """As `stagekeeper restart` does."""
        world = self._stage.world
        remediations, now = await world.listing()
        if remediations and remediations[-1].latched:
            await world.swap(remediations[-1].released("alice", now))
        request = Request(world.environment.name, person="alice", why="a test", accept=accept)
        await opening.open_or_join(world, request, self._stage.policy)
        self._stage.keeper.worker.wake()

    # Alertmanager -----------------------------------------------------------------------------------------------

    async def fire(self, started: float | None = None) -> None:
        """Let the alert be active, since so many seconds after the beginning of the play (default: now)."""
        begin = self._env.clock.now() - timedelta(seconds=asyncio.get_running_loop().time() - self._began)
        self._alerting.fire(None if started is None else timestamp(begin + timedelta(seconds=started)))

    async def resolve(self) -> None:
        """Let the alert be gone."""
        self._alerting.resolve()

    async def notify(self, times: int = 1, alerts: int = 1) -> None:
        """Send the firing alert again."""
        for _ in range(times):
            self._alerting.notify("firing", alerts)

    async def silence(self, until: float, how: str = "silencedBy") -> None:
        """Suppress the alert until so many seconds after the beginning of the play."""
        self._alerting.suppressed = {how: ["a silence"]}
        await asyncio.sleep(self._began + until - asyncio.get_running_loop().time())
        self._alerting.suppressed = {}

    async def lose_webhooks(self) -> None:
        """Deliver no notification any more."""
        self._alerting.delivered = False

    async def break_alertmanager(self) -> None:
        """Answer 500 to every question."""
        self._alerting.broken = True

    async def forge_labels(self) -> None:
        """Put somebody else's pod into the alert."""
        self._alerting.labels |= {"namespace": "kube-system", "pod": "kube-dns-5d8f"}

    # People -----------------------------------------------------------------------------------------------------

    async def pause(self, seconds: float = 7200.0, until: str = "") -> None:
        """Pause the remediator."""
        ends = until or timestamp(self._env.clock.now() + timedelta(seconds=seconds))
        data = {"by": "alice", "reason": "a test", "until": ends}
        self._env.store.create(
            CONFIG_MAPS, self._env.namespace, {"metadata": {"name": "stagekeeper-pause"}, "data": data}
        )

    async def resume(self) -> None:
        """End the pause."""
        self._env.store.delete(CONFIG_MAPS, self._env.namespace, pausing.NAME, {})

    async def delete_by_hand(self) -> None:
        """`kubectl delete pod` of every BBS pod."""
        for pod in self._env.pods():
            path = pods_path(self._env.namespace, pod["metadata"]["name"])
            await self._env.actors.place.api.send("DELETE", path)

    async def scale(self, replicas: int) -> None:
        """`kubectl scale`."""
        self._change_set(lambda spec: spec | {"replicas": replicas})

    async def roll_out(self) -> None:
        """A new version of the pods."""

        def newer(spec: Json) -> Json:
            template = spec["template"]
            metadata = template["metadata"] | {"annotations": {"version": "2"}}
            return spec | {"template": template | {"metadata": metadata}}

        self._change_set(newer)

    # Diego and Kubernetes ---------------------------------------------------------------------------------------

    async def next_migrates(self, seconds: float) -> None:
        """The next BBS that gets the lock migrates for so long."""
        self._env.actors.diego.migration = seconds

    async def grant_to_all(self) -> None:
        """Locket grants the lock to everybody from now on."""
        self._env.actors.diego.grants_to_all = True

    async def hold_labels(self) -> None:
        """Nobody changes labels any more."""
        if self._env.actors.label_keeper is not None:
            self._env.actors.label_keeper.held.update(pod["metadata"]["name"] for pod in self._env.pods())

    async def no_room(self, pod: str) -> None:
        """No node has room for this pod's successor."""
        self._env.actors.kubelet.unschedulable.add(pod)

    async def crash(self, pod: str) -> None:
        """The BBS of this pod ends and starts anew."""
        for container in self._containers(pod):
            container.crash()

    async def jump(self, seconds: float) -> None:
        """Move the API server's clock."""
        self._env.clock.shift(seconds)

    async def api_answer(self, methods: str, path: str, status: int, count: int | None = None) -> None:
        """Answer requests with this status."""
        self._env.api_faults.answer(methods, path, status, count=count)

    async def api_lose_answer(self, methods: str, path: str, count: int | None = None) -> None:
        """Carry requests out, and close the connection instead of answering."""
        self._env.api_faults.lose_answer(methods, path, count=count)

    async def api_clear(self) -> None:
        """End every fault of the API."""
        self._env.api_faults.clear()

    def _containers(self, pod: str) -> list[Container]:
        return [each for each in self._env.actors.kubelet.actors[pod].containers if "bbs" in each.image]

    def _change_set(self, change: Callable[[Json], Json]) -> None:
        found = self._env.store.get(STATEFULSETS, self._env.namespace, "diego-api")
        self._env.store.replace(
            STATEFULSETS, self._env.namespace, "diego-api", found | {"spec": change(found["spec"])}, status=False
        )
