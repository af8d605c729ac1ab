"""Every number that the judgement uses, with its unit and its reason. Pure."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from remediator.remediation import Remediation
from remediator.streaks import Tolerance
from stagekeeper.config.model import Duration, Strict

_DAY = timedelta(days=1)
UpToADay = Annotated[Duration, Field(ge=timedelta(0), le=_DAY)]
Interval = Annotated[Duration, Field(gt=timedelta(0), le=timedelta(hours=1))]


class Mode(StrEnum):
    """What the remediator may do. There is no default: a person decides."""

    ACT = "act"
    OBSERVE = "observe"


class Rhythm(Strict):
    """How often the reconciler comes back."""

    open: Interval = timedelta(seconds=5)
    """While a remediation is open: 8 observations fit three times into the 120 s of the confirmation."""
    list: Interval = timedelta(seconds=5)
    """How often the records are listed while nothing is open: a person who asks is answered within this."""
    observe: Interval = timedelta(seconds=15)
    """How often the environment is observed while nothing is open, so that the proof is ready when the alert comes."""
    resync: Interval = timedelta(seconds=60)
    """How often Alertmanager is asked for alerts whose webhook was lost."""
    observation_timeout: Interval = timedelta(seconds=8)


class PolicySettings(Strict):
    """How much proof is asked for, and how long everything may take: what the section `policy` can set."""

    confirm_for: UpToADay = timedelta(seconds=120)
    """A normal fail-over takes up to 60 s (KubeCF); twice that is no fail-over."""
    confirm_observations: Annotated[int, Field(ge=2, le=1000)] = 8
    """So that 120 s can't be two observations with a blind stretch between them."""
    largest_gap: Interval = timedelta(seconds=30)
    """Two looks further apart than this prove nothing about the time between them."""
    clock_skew: UpToADay = timedelta(seconds=30)
    """Two API servers behind one address may be this far apart: a smaller step back is no new beginning."""
    confirm_stuck_for: UpToADay = timedelta(minutes=10)
    """For `restart_stuck_unavailable`: a 503 might still be a migration that we misjudge."""
    restart_stuck_unavailable: bool = False
    never_for: UpToADay = timedelta(seconds=120)
    """How long every observation must say "never" before a person is called: a fail-over shows a second of split
    brain."""
    cooldown: UpToADay = timedelta(minutes=15)
    """After a restart: CC's bulk sync, convergence and instance recovery take up to 7 minutes."""
    budget: Annotated[int, Field(ge=1, le=100)] = 2
    budget_window: UpToADay = timedelta(hours=6)
    """A third restart within a shift hides a fault that restarts do not cure."""
    largest_plan: Annotated[int, Field(ge=1, le=16)] = 6
    """Pods. The field has 1 to 3 BBS and as many Locket pods; more means that a selector is wrong."""
    locket_settles: UpToADay = timedelta(seconds=30)
    """After Locket came back by itself the cure takes one lock TTL (15 s): somebody may serve without a restart."""
    step_margin: UpToADay = timedelta(seconds=300)
    """Per replica, on top of its grace period: schedule, pull, start, become ready."""
    verify_for: UpToADay = timedelta(seconds=180)
    """After the pods are ready: one lock TTL, one label round (30 s on KubeCF), the Service's endpoints."""
    verify_observations: Annotated[int, Field(ge=1, le=100)] = 3
    """In a row, so that one lucky probe in a flapping fail-over is no recovery."""
    overdue_after: UpToADay = timedelta(minutes=10)
    """A remediation that still watches then is one that a person should know of."""
    give_up_after: UpToADay = timedelta(minutes=60)
    alerts_unread_for: UpToADay = timedelta(minutes=5)
    """How long one Alertmanager of several may be out of reach before the others' word is enough: a roll-out of it
    takes a minute or two, and a silence that was made there is gossiped to the others within seconds."""
    alerts_unread_then: Literal["go_on", "wait"] = "go_on"
    """What holds after that time: the word of those that answer, or nothing until all of them do."""
    hold_off: UpToADay = timedelta(minutes=10)
    """After a fix the alert fires on for its look-back and `keep_firing_for`: that is no new outage. One that we see
    ourselves for `never_for` is."""
    keep: Annotated[int, Field(ge=2, le=1000)] = 50
    """Closed records kept in the cluster, as the history that people read."""


class Policy(PolicySettings):
    """The policy in force."""

    mode: Mode
    inside: str = "kubectl -n stagekeeper exec deploy/stagekeeper-exporter -- "
    """What people type before `stagekeeper` where it reaches the pods and has our configuration and certificates: by
    the chart's default names, unless we know our own."""
    observation_age: ClassVar[timedelta] = timedelta(seconds=10)
    """An observation older than this deletes nothing."""

    @property
    def tolerance(self) -> Tolerance:
        """How far apart two observations, and two clocks, may be."""
        return Tolerance(self.largest_gap, self.clock_skew)

    def bound(self, remediation: Remediation) -> timedelta:
        """How long a remediation may be open before somebody must hear of it, whatever we can see."""
        planned = sum(step.deadline_seconds for step in remediation.plan.steps) if remediation.plan else 0
        return self.overdue_after + timedelta(seconds=2 * planned)
