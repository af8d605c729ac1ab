"""Every order of everything: a depth-first search over the states that replicas, cluster and network can be in.

A state is a value, so one that was reached before is not searched again, however many schedules lead to it; what can
happen from a state depends on nothing else, so that is no loss. Every request can be answered, lost before or after it
did its work, or arrive late; every replica can crash with its request in any of these states; the cluster can change,
and any time can pass, in between. Budgets bound how often each of these happens in one schedule.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple, TypeAlias, TypeVar

from remediator.inputs import AlertState
from remediator.streaks import Streaks
from stagekeeper.diego.observation import Reply
from tests.interleaving.cluster import (
    NO_ANSWER,
    Cluster,
    FakePod,
    Heard,
    Request,
    apply,
    asked_for,
    judge_sent,
    judge_written,
)
from tests.interleaving.replicas import Replica, Runner, runner

Events = Mapping[str, Callable[[Cluster], Iterator[Cluster]]]
T = TypeVar("T")
Budget: TypeAlias = tuple[tuple[str, int], ...]
LOST, CRASH = "an answer is lost", "a replica crashes"


class State(NamedTuple):
    """Everything that decides what can happen from here on. A tuple, since a search makes and compares a million."""

    cluster: Cluster
    replicas: tuple[Replica, ...]
    budget: Budget = ()
    """How often each event, fault or crash may still happen."""
    late: tuple[Request, ...] = ()
    """Requests whose sender has given up on them, or is no more, and that may still arrive."""


@dataclass(slots=True)
class Explorer:
    """Searches; counts what it has covered."""

    run: Runner = field(default_factory=runner)
    schedules: dict[State, int] = field(default_factory=dict)
    """For each state how many schedules lead from it to an end."""
    crash_points: set[str] = field(default_factory=set)
    ends: set[Cluster] = field(default_factory=set)
    _apply: Callable[[Cluster, Request], tuple[Cluster, Heard]] = field(default_factory=lambda: cache(apply))
    _hear: Callable[[Replica, Heard, Cluster], Replica] = field(init=False)
    """A replica after it has heard something: the same from the same, so answers are remembered."""

    def __post_init__(self) -> None:
        self._hear = cache(self._heard)

    def search(self, state: State) -> int:
        """How many schedules lead from this state to an end."""
        known = self.schedules.get(state)
        if known is not None:
            return known
        found = sum(self.search(canonical(each)) for each in self._next(state))
        if not found:
            self.ends.add(state.cluster)
        self.schedules[state] = found or 1
        return found or 1

    def _next(self, state: State) -> Iterator[State]:
        left = {name for name, _ in state.budget}
        for index, replica in enumerate(state.replicas):
            if replica.waiting is not None:
                for after, heard in self._answers(state, replica.waiting, lost=LOST in left):
                    yield _with(after, index, self._hear(replica, heard, after.cluster))
                if CRASH in left:
                    yield from self._crashed(state, index, replica.waiting)
        for index, request in enumerate(state.late):
            cluster, _ = self._apply(state.cluster, request)
            yield state._replace(cluster=cluster, late=(*state.late[:index], *state.late[index + 1 :]))
        for name in left & EVENTS.keys():
            for cluster in EVENTS[name](state.cluster):
                yield _spent(state, name)._replace(cluster=cluster)

    def _answers(self, state: State, request: Request, *, lost: bool) -> Iterator[tuple[State, Heard]]:
        cluster, heard = self._apply(state.cluster, request)
        yield state._replace(cluster=cluster), heard
        if not lost or request.method in {"LOOK", "ALERTS"}:
            return
        faulty = _spent(state, LOST)
        yield faulty, NO_ANSWER
        if request.changes:
            yield faulty._replace(cluster=cluster), NO_ANSWER
            yield faulty._replace(late=(*faulty.late, request)), NO_ANSWER

    def _crashed(self, state: State, index: int, request: Request) -> Iterator[State]:
        self.crash_points.add(f"{request.method} {request.path}".strip())
        fresh = self.run(
            Replica(state.replicas[index].job, Streaks(), state.cluster.now, steps=state.replicas[index].steps)
        )
        crashed = _with(_spent(state, CRASH), index, fresh)
        yield crashed
        if request.changes:
            yield crashed._replace(cluster=self._apply(state.cluster, request)[0])
            yield crashed._replace(late=(*crashed.late, request))

    def _heard(self, old: Replica, heard: Heard, cluster: Cluster) -> Replica:
        if old.waiting is None:
            raise AssertionError("Only who waits can be answered.")
        talk = (*old.talk, (old.waiting, heard))
        new = self.run(replace(old, talk=talk, clock=(*old.clock, cluster.now), waiting=None))
        if new.waiting is not None and new.waiting.deletes_a_pod:
            judge_sent(cluster, new.waiting, new.talk)
        if new.waiting is not None:
            judge_written(new.waiting, new.talk)
        return new


# What happens in the cluster ----------------------------------------------------------------------------------------


def _changed(cluster: Cluster, old: FakePod, **changes: object) -> Cluster:
    new = replace(old, version=cluster.version + 1, **changes)  # type: ignore[arg-type]
    pods = tuple(new if each is old else each for each in cluster.pods)
    return replace(cluster, pods=pods, version=cluster.version + 1)


def _serve(cluster: Cluster) -> Iterator[Cluster]:
    """One pod takes the lock, and its readiness probe labels it."""
    if any(pod.reply is Reply.OK for pod in cluster.pods):
        return
    for pod in cluster.pods:
        if not pod.terminating and not pod.is_locket:
            yield _changed(cluster, pod, reply=Reply.OK, labelled=True)


def _serve_silently(cluster: Cluster) -> Iterator[Cluster]:
    """One pod takes the lock, and its label has not followed yet: nothing in the API changes."""
    if any(pod.reply is Reply.OK for pod in cluster.pods):
        return
    for pod in cluster.pods:
        if not pod.terminating and not pod.is_locket:
            pods = tuple(replace(each, reply=Reply.OK) if each is pod else each for each in cluster.pods)
            yield replace(cluster, pods=pods)


def _end(cluster: Cluster) -> Iterator[Cluster]:
    """A terminating pod ends, and its StatefulSet makes a new one."""
    for pod in cluster.pods:
        if pod.terminating:
            yield _changed(cluster, pod, terminating=False, life=pod.life + 1, born=cluster.now, reply=Reply.REFUSED)


def _replace(cluster: Cluster) -> Iterator[Cluster]:
    """Somebody else has replaced a pod."""
    for pod in cluster.pods:
        if not pod.terminating:
            yield _changed(cluster, pod, life=pod.life + 1, born=cluster.now, reply=Reply.REFUSED, labelled=False)


def _hang_with_503(cluster: Cluster) -> Iterator[Cluster]:
    """A pod that has been there all the time takes the lock on dead database connections."""
    for pod in cluster.pods:
        if not pod.terminating and not pod.is_locket and pod.life == 0 and pod.reply is Reply.REFUSED:
            pods = tuple(replace(each, reply=Reply.UNAVAILABLE) if each is pod else each for each in cluster.pods)
            yield replace(cluster, pods=pods)


def _start_again(cluster: Cluster) -> Iterator[Cluster]:
    """The BBS of a pod that is there starts again in its place, takes the lock, and migrates."""
    for pod in cluster.pods:
        if not pod.terminating and not pod.is_locket and pod.reply is Reply.REFUSED and pod.started is None:
            yield _changed(cluster, pod, reply=Reply.UNAVAILABLE, started=cluster.now + 1)


def _migrate(cluster: Cluster) -> Iterator[Cluster]:
    """A pod that has come back takes the lock, and migrates."""
    for pod in cluster.pods:
        if not pod.terminating and not pod.is_locket and pod.life and pod.reply is Reply.REFUSED:
            pods = tuple(replace(each, reply=Reply.UNAVAILABLE) if each is pod else each for each in cluster.pods)
            yield replace(cluster, pods=pods)


EVENTS: Events = {
    "a pod serves": _serve,
    "a pod serves silently": _serve_silently,
    "a pod ends": _end,
    "a pod is replaced": _replace,
    "a planned pod answers 503": _hang_with_503,
    "a new pod answers 503": _migrate,
    "a pod's BBS starts again and answers 503": _start_again,
    "the database goes down": lambda cluster: iter([replace(cluster, database=False)]),
    "observations become blind, or see again": lambda cluster: iter([replace(cluster, blind=not cluster.blind)]),
    "a person asks": lambda cluster: iter([asked_for(cluster)]),
    "somebody pauses": lambda cluster: iter([replace(cluster, paused=not cluster.paused)]),
    "the alert is resolved": lambda cluster: iter([replace(cluster, alert=AlertState.ABSENT)]),
    "11 seconds pass": lambda cluster: iter([replace(cluster, now=cluster.now + 11)]),
    "31 seconds pass": lambda cluster: iter([replace(cluster, now=cluster.now + 31)]),
    "6 minutes pass": lambda cluster: iter([replace(cluster, now=cluster.now + 360)]),
    "an hour passes": lambda cluster: iter([replace(cluster, now=cluster.now + 3600)]),
}


def canonical(state: State) -> State:
    """Replicas of one job are alike: their order says nothing."""
    return State(state.cluster, _sorted(state.replicas), state.budget, _sorted(state.late))


def _sorted(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(sorted(values, key=hash)) if len(values) > 1 else values


@cache
def _spend(budget: Budget, name: str) -> Budget:
    left = ((key, count - (key == name)) for key, count in budget)
    return tuple((key, count) for key, count in left if count)


def _spent(state: State, name: str) -> State:
    return state._replace(budget=_spend(state.budget, name))


def _with(state: State, index: int, replica: Replica) -> State:
    replicas = (*state.replicas[:index], replica, *state.replicas[index + 1 :])
    return state._replace(replicas=replicas)
