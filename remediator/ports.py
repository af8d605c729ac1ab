"""What the worker needs from the world, as one protocol: real in `world.py`, driven by hand in the safety tests."""

from collections.abc import Sequence
from typing import Protocol

from remediator.gates import AlertSeen, Pause
from remediator.remediation import Remediation
from remediator.streaks import Assessment
from stagekeeper.kube.objects import Pod


class Ports(Protocol):
    """One target. Each call may raise `KubeError`; none is repeated by itself."""

    async def observe(self) -> Assessment:
        """A fresh observation; its moment is from before the first byte was sent."""
        ...

    async def remediations(self) -> Sequence[Remediation]:
        """Every record of this target, oldest first."""
        ...

    async def load(self, name: str) -> Remediation:
        """One record, read anew."""
        ...

    async def swap(self, remediation: Remediation) -> Remediation:
        """Store an remediation's status if nobody else has since it was read. Raises `Conflict` otherwise."""
        ...

    async def delete_pod(self, pod: Pod) -> None:
        """Delete this pod if it is still exactly the one that was looked at. Raises `Conflict` or `NotFound`."""
        ...

    async def pause(self) -> Pause:
        """The pause, read anew; what can't be read is a pause."""
        ...

    async def alerts(self) -> Sequence[AlertSeen]:
        """What each Alertmanager says now."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that only goes forward, also while the process is stopped."""
        ...

    async def announce(self, before: Remediation, after: Remediation) -> None:
        """Tell people of a transition that was stored. Called by the winner of the swap only; never raises."""
        ...

    def observed(self, remediation: Remediation) -> None:
        """Tell the metrics how an observation left an open remediation."""
        ...

    def failed(self, reason: str) -> None:
        """Count a turn that ended in trouble with the API."""
        ...

    def deletion(self, result: str) -> None:
        """Count one DELETE by its result."""
        ...
