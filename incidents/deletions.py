"""What deletions do to the world of a replay, and the situations that follow from them."""

from collections.abc import Callable, Coroutine
from typing import Any

from incidents.clock import Clock
from incidents.format import ALL, LOCKET, ExpectedDeletion, Incident, PodChange, Reaction, Situation
from incidents.pods import ModelPod
from incidents.world import World

_AGAIN = 1.0
"""Seconds until the StatefulSet controller looks again whether it may create a pod."""
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Deletions:
    """Carries deletions out as the StatefulSet controller does, and sets off the reactions."""

    def __init__(
        self, incident: Incident, world: World, clock: Clock, happen: Callable[[Situation], object], spawn: Spawn
    ) -> None:
        self._effects = incident.deletion
        self._world, self._clock, self._happen, self._spawn = world, clock, happen, spawn
        self._waiting = [*incident.reactions]
        self._groups = {ALL: frozenset(world.pods), LOCKET: frozenset(world.locket)}
        self._events: set[tuple[str, str]] = set()

    def delete(self, name: str) -> None:
        """Begin a pod's end, with its own grace period. One that is ending already goes on doing so."""
        pod = self._world.group(name).get(name)
        if pod is None or pod.terminating:
            return
        pod.change(PodChange(terminating=self._world.set_of(name).grace), self._clock.now)
        self._note("deleted", name)
        self._spawn(self._end(pod, self._clock.seconds + self._effect(name).ends_after))

    def _effect(self, name: str) -> ExpectedDeletion:
        return self._effects.get(name) or self._effects.get(ALL) or ExpectedDeletion()

    async def _end(self, pod: ModelPod, at: float) -> None:
        await self._clock.until(at)
        group = self._world.group(pod.name)
        if group.get(pod.name) is not pod:
            return
        del group[pod.name]
        self._note("ended", pod.name)
        if self._effect(pod.name).comes_back:
            await self._come_back(pod.name, at + self._effect(pod.name).back_after)

    async def _come_back(self, name: str, at: float) -> None:
        await self._clock.until(at)
        while not self._in_turn(name):
            at += _AGAIN
            await self._clock.until(at)
        if name in self._world.group(name):
            return
        effect, now = self._effect(name), self._clock.now
        pod = self._world.create(name, now)
        if not effect.schedulable:
            pod.change(PodChange(phase="Pending"), now)
            return
        pod.change(PodChange(ready="False", reply=effect.reply), now)
        await self._clock.until(at + effect.ready_after)
        if self._world.group(name).get(name) is pod:
            pod.change(PodChange(ready="True"), self._clock.now)
            self._note("ready", name)

    def _in_turn(self, name: str) -> bool:
        """OrderedReady: every pod of a lower ordinal is there and Ready. Parallel: at any time."""
        if self._world.set_of(name).pod_management == "Parallel":
            return True
        owner, _, ordinal = name.rpartition("-")
        group = self._world.group(name)
        lower = [group.get(f"{owner}-{number}") for number in range(int(ordinal))]
        return all(each is not None and each.ready == "True" and not each.terminating for each in lower)

    def _note(self, event: str, name: str) -> None:
        self._events.add((event, name))
        for reaction in [each for each in self._waiting if self._due(each)]:
            self._waiting.remove(reaction)
            self._spawn(self._react(reaction, self._clock.seconds + reaction.after))

    def _due(self, reaction: Reaction) -> bool:
        names = frozenset[str]().union(*(self._groups.get(each, frozenset({each})) for each in reaction.pods))
        return all((reaction.when, name) in self._events for name in names)

    async def _react(self, reaction: Reaction, at: float) -> None:
        await self._clock.until(at)
        self._happen(reaction.then)
