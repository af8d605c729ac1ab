"""One environment with everything that works on it: opening, resync, pruning, the worker."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from remediator import opening
from remediator.cluster import Cluster
from remediator.opening import Judgement, Verdict
from remediator.policy import Policy
from remediator.record import Unreadable
from remediator.remediation import Request
from remediator.webhook import Receiver
from remediator.worker import Worker
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.kube.errors import KubeError, MalformedResponse

_log = structlog.get_logger("remediator.keeper")


@dataclass(frozen=True, slots=True)
class Keeper:
    """The keeper of one environment."""

    world: Cluster
    worker: Worker
    policy: Policy

    @property
    def receiver(self) -> Receiver:
        """What the webhook does with an alert of this environment."""
        return Receiver(self.open, self.worker.wake)

    async def open(self, request: Request) -> Verdict:
        """Open or join a remediation for a webhook: durable when it returns. Raises `KubeError`."""
        try:
            verdict = await opening.open_or_join(self.world, request, self.policy)
        except Unreadable as problem:
            raise MalformedResponse(str(problem)) from problem
        if verdict.judgement is Judgement.OPENED:
            _log.info(
                f"{request.alertname} fires in {request.environment}. {verdict.why}", remediation=verdict.remediation
            )
        return verdict

    async def resync(self) -> None:
        """Heal what a lost webhook, a cut notification or a deleted record left behind. Raises `KubeError`."""
        answers = await self.world.answers()
        request = next((request for answer in answers for request in answer.requests), None)
        try:
            if request is not None:
                await self._open_late(request)
            remediations, now = await self.world.listing()
        except Unreadable as problem:
            raise MalformedResponse(str(problem)) from problem
        await self.world.prune(opening.prunable(remediations, now, self.policy))

    async def _open_late(self, request: Request) -> None:
        verdict = await opening.open_or_join(self.world, request, self.policy, self._unhealthy)
        if verdict.judgement is Judgement.OPENED:
            _log.info(f"Alertmanager has an alert that no webhook told of. {verdict.why}")
            self.worker.wake()

    async def _unhealthy(self) -> bool:
        return (await self.world.observe()).diagnosis.name is not Condition.SERVING


async def resync_forever(keepers: Sequence[Keeper], every: float) -> None:
    """Resync all environments each `every` seconds. What can't be read now is read the next time."""
    while True:
        await asyncio.sleep(every)
        for keeper in keepers:
            with suppress(KubeError):  # the worker meets the same trouble and tells of it
                await keeper.resync()
