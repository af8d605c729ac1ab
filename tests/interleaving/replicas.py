"""A replica of the remediator, driven by hand: the production code, whose every request stops until it is answered.

`World`, `Remediations` and `delete_pod` are the real ones; only the HTTP client below them, the observation and the
clocks are ours. A coroutine can't be copied, but it does the same again when it hears the same: so a replica is the
talk of its present step, and `resume` runs that step again from its beginning.
"""

import json
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, cast

from remediator import intake
from remediator.alertmanager import AlertmanagerView
from remediator.cluster import Cluster
from remediator.inputs import Action, AlertState, AlertView, Close, Wait
from remediator.policy import Mode, Policy
from remediator.reconciler import Reconciler
from remediator.remediation import Remediation
from remediator.remediation import Request as Asked
from remediator.streaks import Streaks
from remediator.telling import Telling
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import Call, Kube, Response
from stagekeeper.kube.errors import KubeError, Unreachable, from_status
from stagekeeper.kube.events import Event
from tests.diego.observations import NOW
from tests.interleaving.cluster import Heard, Request, Talk, blind_observation, observation
from tests.remediator.builders import CF

EAGER = Policy.model_construct(
    mode=Mode.ACT,
    confirm_for=timedelta(0),
    confirm_observations=1,
    never_for=timedelta(0),
    verify_observations=1,
    hold_off=timedelta(0),
)
"""Decides at the first observation: confirmation over time has tests of its own, and here every observation is a
branch. No configuration may ask for as little, so nobody checks it."""
REMEDIATION = "diego-api-r1"


@dataclass(frozen=True, slots=True)
class Ask:
    """Awaited by a replica that has sent a request; resumed with what it hears."""

    request: Request

    def __await__(self) -> Generator[Request, Heard, Heard]:
        """Stop here until somebody answers."""
        return (yield self.request)


class Network:
    """Stands in for `Kube`: every request stops at `Ask`."""

    async def get(self, path: str, *, timeout: float, query: Mapping[str, str] | None = None) -> Response:
        """As `Kube.get`."""
        return await self.send(Call("GET", path, query or {}), timeout=timeout)

    async def list_all(self, path: str, *, timeout: float, kept: Callable[[Any], object]) -> Response:
        """As `Kube.list_all`, of a list that is one page."""
        found = await self.get(path, timeout=timeout)
        found.body["items"] = [one for each in found.body["items"] if (one := kept(each)) is not None]
        return found

    async def send(self, call: Call, *, timeout: float) -> Response:  # noqa: ARG002 -- time is ours
        """As `Kube.send`."""
        heard = await Ask(Request(call.method, call.path, json.dumps(call.body, sort_keys=True) if call.body else ""))
        if not heard.status:
            raise Unreachable("No answer.")
        body = json.loads(heard.body) if heard.body else {}
        if heard.status >= 300:
            raise from_status(heard.status, body.get("reason", ""), "refused")
        return Response(body, NOW + timedelta(seconds=heard.at))


@dataclass(slots=True)
class Eyes:
    """Stands in for `Observer`."""

    environment: Environment

    async def observe(self, within: float) -> Observation:  # noqa: ARG002 -- time is ours
        """One observation, as one stop: what it saw is what was there when it was answered."""
        heard = await Ask(Request("LOOK"))
        return blind_observation(heard.at) if heard.blind else observation(heard.pods, heard.at, heard.database)


class HandDriven(Cluster):
    """The worker's ports, with a clock that the test sets."""

    def __init__(self, environment: Environment, now: int) -> None:
        super().__init__(environment, cast("Kube", Network()), observer=cast("Observer", Eyes(environment)))
        self.now = now

    def monotonic(self) -> float:
        """The test's clock."""
        return float(self.now)

    async def alerts(self, within: float = 0) -> Sequence[AlertmanagerView]:  # noqa: ARG002 -- it answers at once
        """One Alertmanager."""
        heard = await Ask(Request("ALERTS"))
        return [AlertmanagerView(AlertView("http://alertmanager:9093", AlertState(heard.body)))]

    async def tell(self, event: Event) -> None:
        """Nobody listens: telling people changes nothing that is decided by."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One process: what it remembers, what it has heard in this step, and the request that it waits with."""

    job: str = "worker"
    """`worker`: a `step` after the other. `webhook`: `open_or_join`, again after an error as Alertmanager does.
    `taker`: takes up what a person asks, as the loop does before anything else."""
    streaks: Streaks = field(default_factory=Streaks)
    began: int = 0
    """When its present step began."""
    talk: Talk = ()
    clock: tuple[int, ...] = ()
    """What its clock said as it heard each answer."""
    steps: int = 4
    """How many more steps are followed."""
    waiting: Request | None = None
    """None: it has come to its end."""
    hashed: int = field(init=False, compare=False, default=0)

    def __post_init__(self) -> None:
        parts = (self.job, self.streaks, self.began, self.talk, self.clock, self.steps, self.waiting)
        object.__setattr__(self, "hashed", hash(parts))

    def __hash__(self) -> int:
        return self.hashed  # a search asks a million times


Runner = Callable[[Replica], Replica]


def runner(policy: Policy = EAGER, environment: Environment = CF) -> Runner:
    """A function that runs a replica until its next request; the same from the same, so answers are remembered."""

    @cache
    def run(replica: Replica) -> Replica:
        ports = HandDriven(environment, replica.began)
        now = replica.clock[-1] if replica.clock else replica.began
        coroutine = _work(replica, ports, policy)
        try:
            request = coroutine.send(None)  # type: ignore[arg-type]
            for (_, heard), at in zip(replica.talk, replica.clock, strict=True):
                ports.now = at
                request = coroutine.send(heard)
        except StopIteration as end:
            streaks, action = end.value
            return _next_step(replica, streaks, action, now)
        except KubeError:
            return _next_step(replica, replica.streaks, Wait("in trouble"), now)
        coroutine.close()
        return replace(replica, waiting=request)

    def _next_step(replica: Replica, streaks: Streaks, action: Action, now: int) -> Replica:
        steps = 0 if isinstance(action, Close) else replica.steps - 1
        following = Replica(replica.job, streaks, now, steps=steps)
        return run(following) if steps else following

    return run


def _work(replica: Replica, ports: HandDriven, policy: Policy) -> Coroutine[Request, Heard, tuple[Streaks, Action]]:
    if replica.job == "worker":
        work: Any = _step(ports, policy, replica.streaks)
    else:
        work = _open(ports, policy) if replica.job == "webhook" else _take_up(ports, policy)
    return cast("Coroutine[Request, Heard, tuple[Streaks, Action]]", work)


class Untold(Telling):
    """Nobody reads the log of a search, and writing it takes half of it."""

    def say(self, said: str, *, warning: bool = False, **fields: str) -> None:
        """Not told."""

    async def changed(self, before: Remediation, after: Remediation) -> None:
        """Not told."""


class Quiet(Reconciler):
    """A reconciler that tells nobody."""

    def __init__(self, cluster: Cluster, policy: Policy, streaks: Streaks | None = None) -> None:
        super().__init__(cluster, policy, streaks=streaks)
        self.telling = Untold(cluster, self.state)


async def _step(ports: HandDriven, policy: Policy, streaks: Streaks) -> tuple[Streaks, Action]:
    reconciler = Quiet(ports, policy, streaks=streaks)
    action = await reconciler.step(REMEDIATION)
    return reconciler.streaks, action


async def _open(ports: HandDriven, policy: Policy) -> tuple[Streaks, Action]:
    request = Asked("cf", alertname="StagerUnavailable", starts_at="2026-11-23T13:00:00Z")
    await intake.open_or_join(ports, request, policy)
    return Streaks(), Close()


async def _take_up(ports: HandDriven, policy: Policy) -> tuple[Streaks, Action]:
    listing = await ports.listing()
    if listing.asked is not None:
        await Quiet(ports, policy).take_up(listing.asked, listing.now)
    return Streaks(), Close()
