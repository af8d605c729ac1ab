"""Works on the open episode of one target, step by step, until it has ended.

Any number of replicas do this at once. There is no leader: whoever swaps the record first decides, and everybody
follows what is written. docs/decisions/0001-safety.md has the argument.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from remediator.course import Course, Look
from remediator.decision import decide
from remediator.episode import Episode, Phase
from remediator.gates import Past
from remediator.policy import Policy
from remediator.ports import Ports
from remediator.record import Unreadable
from remediator.situation import Action, Close, Continue, DeletePod, Inputs, Wait
from stagekeeper.diego.diagnosis import Name
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.errors import Conflict, KubeError, MalformedResponse, NotFound

_TOO_OLD = "The look became too old before it could be acted on."
_log = structlog.get_logger("remediator.worker")


@dataclass(frozen=True, slots=True)
class Target:
    """One environment with what works on it."""

    environment: Environment
    policy: Policy
    ports: Ports


async def step(name: str, target: Target, course: Course, history: Sequence[Episode] = ()) -> tuple[Course, Action]:
    """One look at one open episode, one swap if something changed, at most one delete.

    The order matters: the record and the pause are read after the look, so that whatever another replica saw and
    wrote meanwhile is heeded; the delete comes last. A look that has become old meanwhile decides nothing.
    """
    ports, policy = target.ports, target.policy
    look = await ports.look()
    episode = await ports.load(name)
    pause = await ports.pause()
    alerts = await ports.alerts() if episode.phase is Phase.WATCHING else ()
    if _too_old(look, target):
        return course, Wait(_TOO_OLD)
    given = Inputs(target.environment, policy, look, course, pause, alerts, _past(history, name))
    after, course, action = decide(episode, given)
    if after != episode:
        try:
            after = await _swap(ports, episode, after)
        except Conflict:
            return course, Continue()
    ports.noticed(after)
    if isinstance(action, DeletePod):
        if _too_old(look, target):
            return course, Wait(_TOO_OLD)
        return course, await _delete(ports, after, action, look.moment.at)
    return course, action


def _too_old(look: Look, target: Target) -> bool:
    """Whether this process was held up since the look began."""
    return target.ports.monotonic() - look.moment.monotonic > target.policy.look_age.total_seconds()


async def _swap(ports: Ports, before: Episode, after: Episode) -> Episode:
    stored = await ports.swap(after)
    if before.phase is not after.phase:
        await ports.announce(before, stored)
    return stored


async def _delete(ports: Ports, episode: Episode, action: DeletePod, at: datetime) -> Action:
    """Delete one planned pod and note it. Whatever stays unknown here shows at the next look."""
    try:
        await ports.delete_pod(action.pod)
    except (Conflict, NotFound) as problem:
        ports.deletion(problem.reason)
        return Wait(f"{action.pod.name} is not as it was in the look. {problem}")
    except KubeError as problem:
        ports.deletion(problem.reason)
        return Wait(f"The answer to the deletion of {action.pod.name} is unknown. {problem}")
    ports.deletion("accepted")
    with suppress(Conflict):  # another replica wrote meanwhile; the next look notes the pod as terminating
        await ports.swap(episode.dealt_with(action.planned, "deleted", at))
    return Continue()


def _past(history: Sequence[Episode], name: str) -> list[Past]:
    return [
        Past(each.name, each.plan.decided_at, each.closed_at) for each in history if each.plan and each.name != name
    ]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often the worker comes back, in seconds."""

    open: float = 5.0
    """While an episode is open: 8 looks fit three times into the 120 s of the confirmation."""
    latched: float = 30.0
    """While a person is expected: soon enough to note that the BBS serves again."""
    idle: float = 10.0
    """While nothing is open: another replica may have taken the webhook."""


class Worker:
    """The eternal loop of one target."""

    def __init__(self, target: Target, rhythm: Rhythm) -> None:
        self._target, self._rhythm = target, rhythm
        self._wake = asyncio.Event()
        self._course, self._of = Course(), ""
        self._trouble = ""

    def wake(self) -> None:
        """Look at once: a webhook has come."""
        self._wake.set()

    async def run(self) -> None:
        """Work for ever. Trouble with the API is said once and tried again; nothing is lost: the record has it all."""
        while True:
            self._wake.clear()
            pause = self._rhythm.open
            try:
                pause = await self.turn()
                self._untroubled()
            except (KubeError, Unreadable) as problem:
                self._troubled(problem)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def turn(self) -> float:
        """Work on whatever is there; seconds until the next turn."""
        episodes = await self._target.ports.episodes()
        latest = episodes[-1] if episodes else None
        if latest is None or not latest.phase.open:
            await self._target.ports.pause()  # nobody asks the gates now, but a pause must show in the metrics
        if latest is None or not (latest.phase.open or latest.latched):
            return self._rhythm.idle
        if latest.name != self._of:
            self._course, self._of = Course(), latest.name
        if latest.latched:
            return await self._release_if_serving(latest)
        action: Action = Continue()
        while isinstance(action, Continue):
            self._course, action = await step(latest.name, self._target, self._course, episodes)
        return 0 if isinstance(action, Close) else self._rhythm.open

    async def _release_if_serving(self, latest: Episode) -> float:
        """An escalated target is left alone until the BBS serves; that it does is noted on the record."""
        look = await self._target.ports.look()
        if look.diagnosis.name is not Name.SERVING:
            return self._rhythm.latched
        try:
            await self._target.ports.swap(latest.released("serving", look.moment.at))
        except Conflict:
            return 0
        _log.info("The BBS serves again, so the target is free for a new episode.", remediation=latest.name)
        return self._rhythm.idle

    def _troubled(self, problem: KubeError | Unreadable) -> None:
        self._target.ports.troubled(problem.reason if isinstance(problem, KubeError) else MalformedResponse.reason)
        if str(problem) != self._trouble:
            self._trouble = str(problem)
            _log.warning(f"Could not look or write; trying again. {problem}", environment=self._target.environment.name)

    def _untroubled(self) -> None:
        if self._trouble:
            self._trouble = ""
            _log.info("Looking and writing work again.", environment=self._target.environment.name)
