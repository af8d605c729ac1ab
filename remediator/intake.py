"""Opening a remediation, or joining the one that is open: at most one per target, whoever receives the alert.

The record's name is the target and an ordinal, so that two who open at once collide on the name; the loser lists
again and joins.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remediator.cluster import Cluster
from remediator.policy import Mode, Policy
from remediator.remediation import NOT_ALL_BACK, SERVING, Phase, Reason, Remediation, Request, next_ordinal
from stagekeeper.config.durations import in_words
from stagekeeper.kube.errors import AlreadyExists, Unavailable
from stagekeeper.kube.objects import time

ATTEMPTS = 5
"""Lost races in a row after which the caller is to try again: two replicas lose one each."""


class Judgement(StrEnum):
    """What became of one alert. Also a metric label."""

    OPENED = "opened"
    JOINED = "joined"
    LATCHED = "latched"
    HELD_OFF = "held_off"
    OLD_ALERT = "old_alert"
    LOOKED = "looked"
    FOREIGN_ALERT = "foreign_alert"
    UNKNOWN_ENVIRONMENT = "unknown_environment"
    MALFORMED_ALERT = "malformed_alert"

    @property
    def unmanaged(self) -> bool:
        """Whether it was none of ours, or of an environment that is not configured here."""
        return self in {Judgement.FOREIGN_ALERT, Judgement.UNKNOWN_ENVIRONMENT, Judgement.MALFORMED_ALERT}

    @property
    def on_hold(self) -> bool:
        """Whether a firing alert of ours opened nothing, and joined nothing that is open."""
        return self in {Judgement.LATCHED, Judgement.HELD_OFF, Judgement.OLD_ALERT}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement with the record it speaks of and a sentence for the sender's log."""

    judgement: Judgement
    why: str
    remediation: str = ""
    opened: Remediation | None = field(default=None, compare=False)


Unhealthy = Callable[[], Awaitable[bool]]


async def open_or_join(
    cluster: Cluster, request: Request, policy: Policy, unhealthy: Unhealthy | None = None, *, persists: bool = False
) -> Verdict:
    """A verdict that is durable when it is returned. Raises `KubeError` if it could not be stored.

    `unhealthy` is asked before a record is opened for an alert that was there before the last remediation ended: it
    may only be late to go. `persists`: we have seen an outage that is none of such an alert's.
    """
    for _ in range(ATTEMPTS):
        listing = await cluster.listing()
        latest = listing.latest
        taken = _taken_up(listing.remediations, request)
        if taken is not None:
            return Verdict(Judgement.JOINED, f"{taken.name} was opened for it.", taken.name)
        verdict = standing(latest, request, listing.now, policy, persists=persists)
        if verdict is not None and not (
            verdict.judgement is Judgement.OLD_ALERT and unhealthy is not None and await unhealthy()
        ):
            return verdict
        try:
            opened = await cluster.create(next_ordinal(listing.remediations), request)
        except AlreadyExists:
            continue
        return Verdict(Judgement.OPENED, f"{opened.name} was opened.", opened.name, opened)
    raise Unavailable(f"Others opened and closed remediations {ATTEMPTS} times while we tried; try again.")


def _taken_up(remediations: Sequence[Remediation], request: Request) -> Remediation | None:
    """What was opened for this very request, also where that has ended since."""
    same = (each for each in remediations if each.request.asked_uid == request.asked_uid)
    return next(same, None) if request.asked_uid else None


def standing(
    latest: Remediation | None, request: Request, now: datetime, policy: Policy, *, persists: bool = False
) -> Verdict | None:
    """What the latest record makes of a firing alert or of a person's wish; None: a new one is to be opened. Pure.

    What a replica in mode observe has written holds nobody back who is in mode act. An alert that had gone while the
    BBS did not serve, and comes back, opens the next one at once. The hold-off gives an alert time to go; where it has
    been seen to serve since, and then for long enough not to, there is a new outage (`persists`), and it is the gates'
    to hold a restart back. A person's wish that no plan came of holds no later alert back.
    """
    if latest is None:
        return None
    if latest.phase.open:
        return Verdict(Judgement.JOINED, f"{latest.name} is still in progress ({latest.phase}).", latest.name)
    if (latest.phase is Phase.OBSERVED and policy.mode is Mode.ACT) or _nothing_came_of(latest, request):
        return None
    if latest.latched:
        said = f"{latest.name} ended {latest.phase}: it waits for a person, or for the BBS to serve."
        return Verdict(Judgement.LATCHED, said, latest.name)
    served = latest.phase in {Phase.RECOVERED, Phase.SELF_HEALED} or latest.released_by in {SERVING, NOT_ALL_BACK}
    if request.person or (persists and served) or latest.reason is Reason.ALERT_GONE:
        return None
    return _stale_alert(latest, request, now, policy)


def _nothing_came_of(latest: Remediation, request: Request) -> bool:
    """Whether the latest is a person's, without a plan, and this alert began after it had ended.

    Whoever may only ask for a restart could otherwise have the target wait for a person, whenever he likes.
    """
    began = time(request.starts_at)
    ended = latest.closed_at
    wished = bool(latest.request.person) and latest.plan is None and not request.person
    return wished and began is not None and ended is not None and began > ended


def _stale_alert(latest: Remediation, request: Request, now: datetime, policy: Policy) -> Verdict | None:
    """Whether an alert may only be late to go after the latest record has ended."""
    ended = latest.closed_at or latest.created
    if now < ended + policy.hold_off:
        given = f"the alert is given {in_words(policy.hold_off)} to go"
        said = f"{latest.name} ended {latest.phase} at {ended:%H:%M:%S} UTC; {given}."
        return Verdict(Judgement.HELD_OFF, said, latest.name)
    began = time(request.starts_at)
    if began is not None and began <= ended:
        said = f"This alert is older than the end of {latest.name}; an observation decides whether it is stale."
        return Verdict(Judgement.OLD_ALERT, said, latest.name)
    return None


def prunable(remediations: Sequence[Remediation], now: datetime, policy: Policy) -> list[Remediation]:
    """Old records that nothing is read from any more: closed, not latched, not the latest, out of every window."""
    window = max(policy.budget_window, policy.cooldown)
    old = [
        each
        for each in remediations[:-1]
        if each.closed_at is not None and not each.latched and now - each.closed_at > window
    ]
    return old[: max(0, len(remediations) - policy.keep)]
