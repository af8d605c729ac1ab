"""Works on the open remediation of one target, step by step, until it has ended.

Any number of replicas do this at once. There is no leader: whoever swaps the record first decides, and everybody
follows what is written. docs/decisions/0001-safety.md has the argument.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from remediator.decision import decide
from remediator.gates import Past
from remediator.policy import Policy
from remediator.ports import Ports
from remediator.record import Unreadable
from remediator.remediation import Phase, Remediation
from remediator.situation import Action, Close, Continue, DeletePod, Inputs, Wait
from remediator.streaks import Assessment, Streaks
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.errors import Conflict, KubeError, MalformedResponse, NotFound

_TOO_OLD = "The observation became too old before it could be acted on."
_log = structlog.get_logger("remediator.worker")


@dataclass(frozen=True, slots=True)
class Target:
    """One environment with what works on it."""

    environment: Environment
    policy: Policy
    ports: Ports


async def step(
    name: str, target: Target, streaks: Streaks, history: Sequence[Remediation] = ()
) -> tuple[Streaks, Action]:
    """One look at one open remediation, one swap if something changed, at most one delete.

    The order matters: the record and the pause are read after the observation, so that whatever another replica saw and
    wrote meanwhile is heeded; the delete comes last. An observation that has become old meanwhile decides nothing.
    """
    ports, policy = target.ports, target.policy
    assessment = await ports.observe()
    remediation = await ports.load(name)
    pause = await ports.pause()
    alerts = await ports.alerts() if remediation.phase is Phase.WATCHING else ()
    if _too_old(assessment, target):
        return streaks, Wait(_TOO_OLD)
    given = Inputs(target.environment, policy, assessment, streaks, pause, alerts, _past(history, name))
    after, streaks, action = decide(remediation, given)
    if after != remediation:
        try:
            after = await _swap(ports, remediation, after)
        except Conflict:
            return streaks, Continue()
    ports.observed(after)
    if isinstance(action, DeletePod):
        if _too_old(assessment, target):
            return streaks, Wait(_TOO_OLD)
        return streaks, await _delete(ports, after, action, assessment.moment.at)
    return streaks, action


def _too_old(assessment: Assessment, target: Target) -> bool:
    """Whether this process was held up since the observation began."""
    return target.ports.monotonic() - assessment.moment.monotonic > target.policy.observation_age.total_seconds()


async def _swap(ports: Ports, before: Remediation, after: Remediation) -> Remediation:
    stored = await ports.swap(after)
    if before.phase is not after.phase:
        await ports.announce(before, stored)
    return stored


async def _delete(ports: Ports, remediation: Remediation, action: DeletePod, at: datetime) -> Action:
    """Delete one planned pod and note it. Whatever stays unknown here shows at the next observation."""
    try:
        await ports.delete_pod(action.pod)
    except (Conflict, NotFound) as problem:
        ports.deletion(problem.reason)
        return Wait(f"{action.pod.name} is not as it was in the observation. {problem}")
    except KubeError as problem:
        ports.deletion(problem.reason)
        return Wait(f"The answer to the deletion of {action.pod.name} is unknown. {problem}")
    ports.deletion("accepted")
    with suppress(Conflict):  # another replica wrote meanwhile; the next observation notes the pod as terminating
        await ports.swap(remediation.noted(action.planned, "deleted", at))
    return Continue()


def _past(history: Sequence[Remediation], name: str) -> list[Past]:
    return [
        Past(each.name, each.plan.decided_at, each.closed_at) for each in history if each.plan and each.name != name
    ]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often the worker comes back, in seconds."""

    open: float = 5.0
    """While a remediation is open: 8 observations fit three times into the 120 s of the confirmation."""
    latched: float = 30.0
    """While a person is expected: soon enough to note that the BBS serves again."""
    idle: float = 10.0
    """While nothing is open: another replica may have taken the webhook."""


class Worker:
    """The eternal loop of one target."""

    def __init__(self, target: Target, rhythm: Rhythm) -> None:
        self._target, self._rhythm = target, rhythm
        self._wake = asyncio.Event()
        self._streaks, self._of = Streaks(), ""
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
                self._works_again()
            except (KubeError, Unreadable) as problem:
                self._failed(problem)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def turn(self) -> float:
        """Work on whatever is there; seconds until the next turn."""
        remediations = await self._target.ports.remediations()
        latest = remediations[-1] if remediations else None
        if latest is None or not latest.phase.open:
            await self._target.ports.pause()  # nobody asks the gates now, but a pause must show in the metrics
        if latest is None or not (latest.phase.open or latest.latched):
            return self._rhythm.idle
        if latest.name != self._of:
            self._streaks, self._of = Streaks(), latest.name
        if latest.latched:
            return await self._release_if_serving(latest)
        action: Action = Continue()
        while isinstance(action, Continue):
            self._streaks, action = await step(latest.name, self._target, self._streaks, remediations)
        return 0 if isinstance(action, Close) else self._rhythm.open

    async def _release_if_serving(self, latest: Remediation) -> float:
        """An escalated target is left alone until the BBS serves; that it does is noted on the record."""
        assessment = await self._target.ports.observe()
        if assessment.diagnosis.name is not Condition.SERVING:
            return self._rhythm.latched
        try:
            await self._target.ports.swap(latest.released("serving", assessment.moment.at))
        except Conflict:
            return 0
        _log.info("The BBS serves again, so the target is free for a new remediation.", remediation=latest.name)
        return self._rhythm.idle

    def _failed(self, problem: KubeError | Unreadable) -> None:
        self._target.ports.failed(problem.reason if isinstance(problem, KubeError) else MalformedResponse.reason)
        if str(problem) != self._trouble:
            self._trouble = str(problem)
            _log.warning(f"Could not look or write; trying again. {problem}", environment=self._target.environment.name)

    def _works_again(self) -> None:
        if self._trouble:
            self._trouble = ""
            _log.info("Looking and writing work again.", environment=self._target.environment.name)
