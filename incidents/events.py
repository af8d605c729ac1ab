"""What deletions do to the cluster of a replay, and the situations that follow from them."""

from collections.abc import Callable
from functools import partial

from incidents.agenda import Agenda
from incidents.cluster import Cluster
from incidents.format import ALL, LOCKET, Deletion, Incident, PodChange, Reaction, Situation
from incidents.pods import changed

_AGAIN = 1.0
"""Seconds until the StatefulSet controller looks again whether it may create a pod."""


class Deletions:
    """Carries deletions out as a StatefulSet with OrderedReady does, and sets off the reactions."""

    def __init__(
        self, incident: Incident, cluster: Cluster, agenda: Agenda, happen: Callable[[Situation], object]
    ) -> None:
        self._effects = incident.deletion
        self._cluster, self._agenda, self._happen = cluster, agenda, happen
        self._waiting = [*incident.reactions]
        self._groups = {ALL: frozenset(cluster.pods), LOCKET: frozenset(cluster.locket)}
        self._events: set[tuple[str, str]] = set()

    def delete(self, name: str) -> None:
        """Begin a pod's end, with its own grace period. One that is ending already goes on doing so."""
        group = self._cluster.group(name)
        if name not in group or group[name].pod.terminating:
            return
        grace = self._cluster.around.statefulset.grace
        group[name] = changed(group[name], PodChange(terminating=grace), self._agenda.now)
        self._note("deleted", name)
        self._agenda.after(self._effect(name).ends_after, partial(self._end, name, group[name].pod.uid))

    def _effect(self, name: str) -> Deletion:
        return self._effects.get(name) or self._effects.get(ALL) or Deletion()

    async def _end(self, name: str, uid: str) -> None:
        group = self._cluster.group(name)
        if name in group and group[name].pod.uid == uid:
            del group[name]
            self._note("ended", name)
            if self._effect(name).comes_back:
                self._agenda.after(self._effect(name).back_after, partial(self._come_back, name))

    async def _come_back(self, name: str) -> None:
        group = self._cluster.group(name)
        if name in group:
            return
        if not self._in_order(name):
            self._agenda.after(_AGAIN, partial(self._come_back, name))
            return
        effect, now = self._effect(name), self._agenda.now
        self._cluster.create(name, now)
        born = PodChange(ready="False", reply=effect.reply) if effect.schedulable else PodChange(phase="Pending")
        group[name] = changed(group[name], born, now)
        if effect.schedulable:
            self._agenda.after(effect.ready_after, partial(self._become_ready, name, group[name].pod.uid))

    async def _become_ready(self, name: str, uid: str) -> None:
        group = self._cluster.group(name)
        if name in group and group[name].pod.uid == uid:
            group[name] = changed(group[name], PodChange(ready="True"), self._agenda.now)
            self._note("ready", name)

    def _in_order(self, name: str) -> bool:
        """OrderedReady: every pod of a lower ordinal is there and Ready."""
        owner, _, ordinal = name.rpartition("-")
        group = self._cluster.group(name)
        lower = [group.get(f"{owner}-{number}") for number in range(int(ordinal))]
        return all(each is not None and each.pod.ready == "True" and not each.pod.terminating for each in lower)

    def _note(self, event: str, name: str) -> None:
        self._events.add((event, name))
        for reaction in [each for each in self._waiting if self._due(each)]:
            self._waiting.remove(reaction)
            self._agenda.after(reaction.after, partial(self._react, reaction.then))

    def _due(self, reaction: Reaction) -> bool:
        names = frozenset[str]().union(*(self._groups.get(each, frozenset({each})) for each in reaction.pods))
        return all((reaction.when, name) in self._events for name in names)

    async def _react(self, situation: Situation) -> None:
        self._happen(situation)
