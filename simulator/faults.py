"""Faults of Diego, by name. Each is an async method that returns once the fault is there; `heal` takes away causes.

What a restart cures is not cured by `heal`: a hung process stays hung.
"""

import asyncio
from collections.abc import Iterator

from simulator.actors import Actors
from simulator.api_client import pods_path
from simulator.backend import Mode
from simulator.container import Container
from simulator.database import Path
from simulator.layouts import Role
from simulator.manifests import role_of
from simulator.pod_actor import PodActor

_WHO = "fault"


class Faults:
    """The faults of one running environment."""

    def __init__(self, actors: Actors) -> None:
        self._actors = actors
        self._diego = actors.diego
        self._kubelet = actors.kubelet

    async def hang(self, cut: float | None = None) -> None:
        """Cut the way to the database for `cut` seconds (default: a little over the lock's TTL), then restore it.

        Afterwards every BBS sits in its first Lock() or its first ping for ever (domain.md 4). Where Locket has pods of
        its own, it hangs too; once it is back, a BBS that was there before takes the lock over a dead connection.
        """
        timings = self._diego.timings
        self._diego.database.cut()
        self._say("The path to the database is cut, without a reset.")
        await asyncio.sleep(timings.lock_ttl + 2 * timings.lock_retry + 2 if cut is None else cut)
        self._diego.database.restore()
        self._say("The path to the database is back, and the database is well.")

    async def failover(self) -> None:
        """Kill the active BBS; the other takes over when the lock's TTL is over, as in an ordinary fail-over."""
        timings = self._diego.timings
        active = self._active()
        for container in _bbs_containers(active):
            container.crash(hold=timings.lock_ttl + 3 * timings.lock_retry)
        self._say(f"The active BBS {active.name} is killed.")
        await asyncio.sleep(0)

    async def migrating(self, seconds: float) -> None:
        """Restart the active BBS's container; the next to get the lock migrates, answering 503 for `seconds`."""
        self._diego.migration = seconds
        active = self._active()
        for container in _bbs_containers(active):
            container.restart()
        self._say(f"The BBS {active.name} starts anew and migrates its database for {seconds:.0f} s.")
        await asyncio.sleep(0)

    async def stuck(self) -> None:
        """Let the active BBS, old as it is, answer 503 to everything until it is restarted."""
        await self._behave(Mode.UNAVAILABLE, "answers 503 to everything from now on")

    async def unavailable(self) -> None:
        """Let every BBS's connection to the database die in silence, then kill the active one, Locket being well.

        The other takes the lock and hangs in its migrations: it answers 503 to everything until it is restarted, and
        goes on renewing its lock (the second face, domain.md 4).
        """
        for process in self._diego.processes.values():
            process.lose_connection()
        self._say("The database connections of every BBS die, and nobody tells them.")
        await self.failover()

    async def frozen(self) -> None:
        """Let the active BBS accept connections and say nothing, until it is restarted."""
        await self._behave(Mode.FROZEN, "accepts connections and says nothing from now on")

    async def certificate(self) -> None:
        """Let every BBS show an expired certificate, also after a restart."""
        self._diego.mode = Mode.EXPIRED
        self._say("The certificate of the BBS has expired.")
        await self._one_renewal()

    async def database(self) -> None:
        """Stop the database: every BBS ends at its start, again and again. Without monit its container crash-loops."""
        self._diego.database.refuse()
        self._say("The database is down: it refuses connections.")
        for actor in self._bbs_pods():
            for container in _bbs_containers(actor):
                container.crash()
        await asyncio.sleep(0)

    async def split_brain(self) -> None:
        """Grant the lock to everybody: every BBS serves."""
        self._diego.grants_to_all = True
        self._say("Locket grants the lock to more than one BBS.")
        await self._one_renewal()

    async def locket(self) -> None:
        """Let every Locket process hang; returns once no BBS can hold the lock any more.

        The connections of the BBS are well, so that one of them serves once Locket is back. ValueError where Locket has
        no pods of its own.
        """
        if self._actors.layout.locket is None:
            raise ValueError(f"the layout {self._actors.layout.profile} has no Locket of its own: use hang")
        for locket in self._diego.lockets.values():
            locket.hang()
        self._say("Locket hangs: its database connections are dead, and nobody told it.")
        await asyncio.sleep(self._diego.timings.lock_ttl + self._diego.timings.lock_retry)

    async def label_not_patched(self) -> None:
        """Set the active pod's label to passive and let nobody change labels."""
        await self._hold_labels()
        active = self._active()
        label = self._actors.layout.active_label
        if label is not None:
            await self._patch_labels(active, {label.key: label.passive})
        self._say(f"The pod {active.name} serves, but its label can't be set.")

    async def label_stale(self) -> None:
        """Let nobody change labels, then hang: the label goes on claiming that a pod is active."""
        await self._hold_labels()
        self._say("The active label is no longer kept up to date.")
        await self.hang()

    async def node_down(self, pod: str | None = None) -> None:
        """Lose the node of a pod (default: the active one): connections to it time out, Ready becomes Unknown."""
        actor = self._actor(pod)
        if self._actors.label_keeper is not None:
            self._actors.label_keeper.held.add(actor.name)
        await actor.lose_node()
        self._say(f"The node of pod {actor.name} is lost.")

    async def pod_pending(self, pod: str | None = None) -> None:
        """Take a pod away (default: the active one); no node has room for its successor."""
        actor = self._actor(pod)
        self._kubelet.unschedulable.add(actor.name)
        await self._actors.place.api.send("DELETE", self._path(actor), {"gracePeriodSeconds": 0})
        self._say(f"The pod {actor.name} is gone, and no node has room for its successor.")

    async def terminating_slow(self, seconds: float = 590.0) -> None:
        """Let every BBS pod that now exists ignore SIGTERM for so long."""
        for actor in self._bbs_pods():
            for container in actor.containers:
                container.slow_stop = seconds
        self._say(f"The BBS pods ignore SIGTERM for {seconds:.0f} s.")

    async def heal(self) -> None:
        """Take away every cause: database, certificate, labels, nodes, capacity."""
        diego = self._diego
        if diego.database.path is not Path.OPEN:
            diego.database.restore()
        diego.mode, diego.migration, diego.grants_to_all = Mode.SERVING, 0.0, False
        if self._actors.label_keeper is not None:
            self._actors.label_keeper.held.clear()
        self._kubelet.unschedulable.clear()
        for actor in self._kubelet.actors.values():
            actor.regain_node()
            for container in actor.containers:
                container.slow_stop = 0.0
        self._say("All causes are gone.")
        await asyncio.sleep(0)

    async def _behave(self, mode: Mode, sentence: str) -> None:
        active = self._active()
        self._diego.processes[active.name].mode = mode
        self._say(f"The BBS {active.name} {sentence}.")
        await self._one_renewal()

    async def _one_renewal(self) -> None:
        """Wait until every BBS has asked for the lock once more: with the answer it learns how to behave."""
        await asyncio.sleep(1.5 * self._diego.timings.lock_retry)

    async def _hold_labels(self) -> None:
        if self._actors.label_keeper is not None:
            self._actors.label_keeper.held.update(actor.name for actor in self._bbs_pods())

    async def _patch_labels(self, actor: PodActor, labels: dict[str, str | None]) -> None:
        await self._actors.place.api.patch(self._path(actor), {"metadata": {"labels": labels}})

    def _path(self, actor: PodActor) -> str:
        return pods_path(self._actors.place.namespace, actor.name)

    def _actor(self, pod: str | None) -> PodActor:
        return self._active() if pod is None else self._kubelet.actors[pod]

    def _active(self) -> PodActor:
        """Give the pod that holds the lock. RuntimeError if none does."""
        owner = self._diego.owner
        if owner is None or owner not in self._kubelet.actors:
            raise RuntimeError("no BBS holds the lock, so there is no active one for this fault to befall")
        return self._kubelet.actors[owner]

    def _bbs_pods(self) -> Iterator[PodActor]:
        return (actor for actor in list(self._kubelet.actors.values()) if _bbs_containers(actor))

    def _say(self, sentence: str) -> None:
        self._actors.place.journal.say(_WHO, sentence)


def _bbs_containers(actor: PodActor) -> list[Container]:
    roles = {Role.BBS, Role.BBS_AND_LOCKET}
    return [container for container in actor.containers if role_of(container.image) in roles]
