"""What the exhaustive tests explore: how it begins, how many replicas there are, and what may happen meanwhile."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from remediator.policy import Policy
from remediator.record import store
from remediator.remediation import Plan, PlannedPod, Step
from remediator.streaks import Streaks
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.profiles import Environment
from tests.diego.observations import NOW
from tests.interleaving.cluster import CONFIRMED_BY, Broken, Cluster, FakePod, asked_for, fresh_record
from tests.interleaving.explorer import CRASH, LOST, Explorer, State, canonical
from tests.interleaving.replicas import EAGER, Replica, runner
from tests.remediator.builders import CF, CF_LOCKET, locket_plan, restarting

ZERO, ONE = FakePod("diego-api-0"), FakePod("diego-api-1", version=2)
LOCKET = FakePod("diego-locket-0", version=3)
BLIND = "observations become blind, or see again"
_DEEP = 20_000  # Python frames that the longest schedule needs at most


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has covered."""

    schedules: int
    states: int
    crash_points: frozenset[str]
    """The requests before and after which a replica has crashed."""
    ends: frozenset[Cluster]
    """What the cluster looked like at the end of some schedule."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One beginning, with a budget for each thing that may happen."""

    cluster: Cluster = field(default_factory=lambda: Cluster((ZERO, ONE), (fresh_record(),)))
    jobs: tuple[str, ...] = ("worker", "worker")
    steps: int = 4
    budget: tuple[str, ...] = ()
    """Named twice: it may happen twice."""
    policy: Policy = EAGER
    environment: Environment = CF
    must_end: frozenset[str] = frozenset()
    """UIDs that every schedule must have terminated at its end: safety alone could be had by doing nothing."""

    def explore(self) -> "Found":
        """Search it. Raises `Broken`."""
        explorer = Explorer(runner(self.policy, self.environment))
        begun = [explorer.run(Replica(job, Streaks(), self.cluster.now, steps=self.steps)) for job in self.jobs]
        counts = tuple(sorted((name, self.budget.count(name)) for name in set(self.budget)))
        with _deep_recursion():
            schedules = explorer.search(canonical(State(self.cluster, tuple(begun), counts)))
        short = next((end for end in explorer.ends if not self.must_end <= set(end.terminated)), None)
        if short is not None:
            raise Broken("A restart stopped halfway though nothing was in its way.")
        return Found(schedules, len(explorer.schedules), frozenset(explorer.crash_points), frozenset(explorer.ends))


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """The search is as deep as a schedule is long."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


_LOCKET_PLAN = locket_plan([(LOCKET.name, LOCKET.uid)], [(ZERO.name, ZERO.uid)])
LOCKET_TOO = Cluster((LOCKET, ZERO), (fresh_record(status=store(restarting(plan=_LOCKET_PLAN))["status"]),))

_BBS_PLAN = Plan(
    NOW,
    Condition.NO_ACTIVE_BBS,
    (Step("diego-api", tuple(PlannedPod(each.name, each.uid) for each in (ZERO, ONE)), 1200),),
)
PLANNED = Cluster((ZERO, ONE), (fresh_record(status=store(restarting(plan=_BBS_PLAN))["status"]),))
_ALL_OF_LOCKET_TOO = frozenset({LOCKET.uid, ZERO.uid})

SCENARIOS = {
    "two replicas": Scenario(),
    "three replicas": Scenario(jobs=("worker",) * 3, steps=2),
    "one crash": Scenario(budget=(CRASH,)),
    "two crashes of one replica": Scenario(jobs=("worker",), steps=7, budget=(CRASH, CRASH)),
    "one lost answer": Scenario(budget=(LOST,)),
    "a lost answer and a crash": Scenario(steps=3, budget=(LOST, CRASH)),
    "a pod serves": Scenario(budget=("a pod serves",)),
    "a pod serves silently while time passes": Scenario(budget=("a pod serves silently", "11 seconds pass")),
    "a pod serves and an answer is lost": Scenario(steps=3, budget=("a pod serves", LOST)),
    "a pod is replaced": Scenario(budget=("a pod is replaced",)),
    "the pods end and come back": Scenario(steps=3, budget=("a pod ends", "a pod ends")),
    "a pod serves after the others ended": Scenario(steps=3, budget=("a pod ends", "a pod serves")),
    "a stall of an hour": Scenario(budget=("an hour passes",)),
    "a stall while deletes go on": Scenario(steps=3, budget=("11 seconds pass", "a pod ends")),
    "somebody pauses and resumes": Scenario(budget=("somebody pauses", "somebody pauses")),
    "the alert is resolved": Scenario(budget=("the alert is resolved",)),
    "Locket and the BBS": Scenario(LOCKET_TOO, steps=4, environment=CF_LOCKET, must_end=_ALL_OF_LOCKET_TOO),
    "Locket and the BBS while pods end": Scenario(
        LOCKET_TOO, steps=4, budget=("a pod ends", "31 seconds pass"), environment=CF_LOCKET
    ),
    "Locket and the BBS, and a crash": Scenario(
        LOCKET_TOO, steps=3, budget=("a pod ends", "31 seconds pass", CRASH), environment=CF_LOCKET
    ),
    "a planned pod hangs with 503": Scenario(
        PLANNED, budget=("a planned pod answers 503",), must_end=frozenset({ZERO.uid, ONE.uid})
    ),
    "the BBS of a planned pod starts again and migrates": Scenario(
        PLANNED, budget=("a pod's BBS starts again and answers 503",)
    ),
    "a new pod migrates": Scenario(steps=5, budget=("a pod ends", "a new pod answers 503")),
    "the database goes down": Scenario(budget=("the database goes down",)),
    "some observations can't tell": Scenario(steps=3, budget=(BLIND, BLIND)),
    "the first observation can't tell, while it is paused": Scenario(
        Cluster((ZERO, ONE), (fresh_record(),), paused=True), steps=3, budget=(BLIND, BLIND)
    ),
    "confirmed by three observations": Scenario(
        Cluster((ZERO, ONE), (fresh_record(),), told=0),
        jobs=("worker",),
        steps=8,
        budget=(BLIND, BLIND),
        policy=EAGER.model_copy(update={"confirm_observations": CONFIRMED_BY}),
    ),
    "three webhooks at once": Scenario(Cluster((ZERO, ONE)), jobs=("webhook",) * 3, steps=2),
    "webhooks, a lost answer, a crash": Scenario(
        Cluster((ZERO, ONE)), jobs=("webhook",) * 3, steps=2, budget=(LOST, CRASH)
    ),
    "a person asks, and three take it up": Scenario(asked_for(Cluster((ZERO, ONE))), jobs=("taker",) * 3, steps=2),
    "a person asks, a lost answer, a crash": Scenario(
        asked_for(Cluster((ZERO, ONE))), jobs=("taker", "taker", "webhook"), steps=2, budget=(LOST, CRASH)
    ),
    "a person asks while the remediation ends": Scenario(
        asked_for(Cluster((ZERO, ONE), (fresh_record(),))),
        jobs=("worker", "taker", "taker"),
        steps=2,
        budget=("a pod serves",),
    ),
    "a person asks, and what was opened for it ends": Scenario(
        asked_for(Cluster((ZERO, ONE))), jobs=("worker", "taker", "taker"), steps=2, budget=("a pod serves",)
    ),
    "webhooks while the remediation ends": Scenario(
        jobs=("worker", "worker", "webhook", "webhook"), steps=2, budget=("a pod serves",)
    ),
}
