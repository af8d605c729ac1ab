"""Every order of everything: a depth-first search over the states that replicas, cluster and network can be in.

A state is a value, so one that was reached before is not searched again, however many schedules lead to it; what can
happen from a state depends on nothing else, so that is no loss. Every request can be answered, lost before or after it
did its work, or arrive late; every replica can crash with its request in any of these states; the cluster can change,
and any time can pass, in between. Budgets bound how often each of these happens in one schedule.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from remediator.course import Course
from remediator.gates import Seen
from stagekeeper.diego.observation import Reply
from tests.interleaving.cluster import NO_ANSWER, Cluster, FakePod, Heard, Request, apply, judge_sent
from tests.interleaving.replicas import Replica, Runner, runner

Events = Mapping[str, Callable[[Cluster], Iterator[Cluster]]]
LOST, CRASH = "an answer is lost", "a replica crashes"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides what can happen from here on."""

    cluster: Cluster
    replicas: tuple[Replica, ...]
    budget: tuple[tuple[str, int], ...] = ()
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
        for index, replica in enumerate(state.replicas):
            if replica.waiting is not None:
                for after, heard in self._answers(state, replica.waiting):
                    yield self._resumed(after, index, heard)
                yield from self._crashed(state, index, replica.waiting)
        for index, request in enumerate(state.late):
            cluster, _ = apply(state.cluster, request)
            yield replace(state, cluster=cluster, late=(*state.late[:index], *state.late[index + 1 :]))
        for name, event in EVENTS.items():
            for cluster in event(state.cluster) if _left(state, name) else ():
                yield replace(_spent(state, name), cluster=cluster)

    def _answers(self, state: State, request: Request) -> Iterator[tuple[State, Heard]]:
        cluster, heard = apply(state.cluster, request)
        yield replace(state, cluster=cluster), heard
        if request.method in {"LOOK", "ALERTS"} or not _left(state, LOST):
            return
        faulty = _spent(state, LOST)
        yield faulty, NO_ANSWER
        if request.changes:
            yield replace(faulty, cluster=cluster), NO_ANSWER
            yield replace(faulty, late=(*faulty.late, request)), NO_ANSWER

    def _crashed(self, state: State, index: int, request: Request) -> Iterator[State]:
        if not _left(state, CRASH):
            return
        self.crash_points.add(f"{request.method} {request.path}".strip())
        fresh = self.run(
            Replica(state.replicas[index].job, Course(), state.cluster.now, steps=state.replicas[index].steps)
        )
        crashed = _with(_spent(state, CRASH), index, fresh)
        yield crashed
        if request.changes:
            yield replace(crashed, cluster=apply(state.cluster, request)[0])
            yield replace(crashed, late=(*crashed.late, request))

    def _resumed(self, state: State, index: int, heard: Heard) -> State:
        old = state.replicas[index]
        if old.waiting is None:
            raise AssertionError("Only who waits can be answered.")
        talk = (*old.talk, (old.waiting, heard))
        new = self.run(replace(old, talk=talk, clock=(*old.clock, state.cluster.now), waiting=None))
        if new.waiting is not None and new.waiting.deletes_a_pod:
            judge_sent(state.cluster, new.waiting, new.talk)
        return _with(state, index, new)


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


EVENTS: Events = {
    "a pod serves": _serve,
    "a pod serves silently": _serve_silently,
    "a pod ends": _end,
    "a pod is replaced": _replace,
    "somebody pauses": lambda cluster: iter([replace(cluster, paused=not cluster.paused)]),
    "the alert is resolved": lambda cluster: iter([replace(cluster, alert=Seen.ABSENT)]),
    "11 seconds pass": lambda cluster: iter([replace(cluster, now=cluster.now + 11)]),
    "31 seconds pass": lambda cluster: iter([replace(cluster, now=cluster.now + 31)]),
    "an hour passes": lambda cluster: iter([replace(cluster, now=cluster.now + 3600)]),
}


def canonical(state: State) -> State:
    """Replicas of one job are alike: their order says nothing."""
    return replace(state, replicas=tuple(sorted(state.replicas, key=hash)), late=tuple(sorted(state.late, key=hash)))


def _left(state: State, name: str) -> bool:
    return any(each == name for each, _ in state.budget)


def _spent(state: State, name: str) -> State:
    left = ((key, count - (key == name)) for key, count in state.budget)
    return replace(state, budget=tuple((key, count) for key, count in left if count))


def _with(state: State, index: int, replica: Replica) -> State:
    return replace(state, replicas=(*state.replicas[:index], replica, *state.replicas[index + 1 :]))
