"""Causes and what they lead to: from a cause to the page that a person gets, and from the cure to its end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.alerts_live.pager import Pager, Wanted

Act = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Proof:
    """One alert that fired because of a cause, and that ended after the cure. Times in seconds."""

    wanted: Wanted
    cause: str
    to_page: float
    to_resolved: float = 0.0


@dataclass(slots=True)
class Trial:
    """All proofs so far."""

    pager: Pager
    proofs: list[Proof] = field(default_factory=list)

    async def fire(self, cause: str, act: Act, *alerts: str | Wanted) -> list[Proof]:
        """Cause something, and wait until each of these alerts has reached the pager."""
        caused = time.monotonic()
        await act()
        wanted = [Wanted(alert) if isinstance(alert, str) else alert for alert in alerts]
        paged = await asyncio.gather(*(self.pager.until(each, "firing", caused) for each in wanted))
        found = [Proof(each, cause, at - caused) for each, at in zip(wanted, paged, strict=True)]
        self.proofs += found
        return found

    async def end(self, cure: Act, *proofs: Proof) -> None:
        """Cure it, and wait until the pager is told that each of the alerts is resolved."""
        cured = time.monotonic()
        await cure()
        ended = await asyncio.gather(*(self.pager.until(each.wanted, "resolved", cured) for each in proofs))
        for proof, at in zip(proofs, ended, strict=True):
            proof.to_resolved = at - cured

    async def prove(self, cause: str, act: Act, cure: Act, *alerts: str | Wanted) -> None:
        """Cause, page, cure, resolved."""
        await self.end(cure, *await self.fire(cause, act, *alerts))


def table(proofs: list[Proof]) -> str:
    """What a person reads: alert, cause, seconds to the page, seconds from the cure to its end."""
    head = ("alert", "cause", "to page, s", "to resolved, s")
    rows = [_row(proof) for proof in sorted(proofs, key=lambda proof: proof.wanted.alert)]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def _row(proof: Proof) -> tuple[str, ...]:
    program = proof.wanted.labels.get("job", "").removeprefix("stagekeeper-")
    alert = f"{proof.wanted.alert} ({program})" if program else proof.wanted.alert
    return alert, proof.cause, f"{proof.to_page:.1f}", f"{proof.to_resolved:.1f}"
