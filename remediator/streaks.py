"""What one replica remembers from observation to observation. Pure; lost with the process, to the safe side.

Time that decides is the API server's, both ends of it. The process's own monotonic clock is asked as well, so that a
server's clock that jumps can neither shorten a confirmation nor end a remediation. A blind observation carries no time.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stagekeeper.diego.besides import besides
from stagekeeper.diego.conditions import Condition, Diagnosis, Match, Restart, could_not_tell
from stagekeeper.diego.observation import Observation, Probe, Unknown


@dataclass(frozen=True, slots=True)
class Moment:
    """When an observation was taken: by the API server's clock, and in seconds of our own monotonic one."""

    at: datetime
    monotonic: float

    def since(self, earlier: "Moment") -> timedelta:
        """The lesser of what both clocks say has passed."""
        return min(self.at - earlier.at, timedelta(seconds=self.monotonic - earlier.monotonic))

    def gap(self, earlier: "Moment", skew: timedelta) -> timedelta:
        """The greater of what both clocks say has passed; two API servers may be `skew` apart."""
        return max(self.at - earlier.at - skew, timedelta(seconds=self.monotonic - earlier.monotonic))


@dataclass(frozen=True, slots=True)
class Assessment:
    """One observation with its diagnosis and its time."""

    observation: Observation
    diagnosis: Diagnosis
    moment: Moment

    @property
    def blind(self) -> bool:
        """Whether it could not tell, by a fault that is ours. It may have seen somebody accept all the same.

        Where the pods could not be read there is no time of the API server either, so nothing can be timed by it.
        """
        found = self.diagnosis
        return could_not_tell(found.name, found.restart) or isinstance(self.observation.pods, Unknown)

    @property
    def besides(self) -> tuple[Match, ...]:
        """What forbids or delays a restart besides a diagnosis that could be overridden."""
        return besides(self.observation, self.diagnosis.name)

    @property
    def picture(self) -> str:
        """What must be the same for a streak to go on: the diagnosis, and what is known to hold besides it."""
        known = [each.condition for each in self.besides if not each.could_not_tell]
        return " and ".join(dict.fromkeys((self.diagnosis.name, *known)))

    @property
    def somebody_listens(self) -> bool:
        """Whether anybody accepted, on a pod or behind the Service."""
        service = self.observation.service
        return bool(self.observation.accepting()) or (isinstance(service, Probe) and service.reply.accepted)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two observations may be to be neighbours, and how far apart two API servers' clocks."""

    largest_gap: timedelta
    clock_skew: timedelta


@dataclass(frozen=True, slots=True)
class Streak:
    """The same in observation after observation."""

    what: str
    first: Moment
    last: Moment
    observations: int = 1
    names: tuple[str, ...] = ()
    """Everything that was met on the way, each once."""

    @property
    def length(self) -> timedelta:
        """From the first to the last observation."""
        return self.last.since(self.first)

    def lasts(self, needed: timedelta) -> bool:
        """Whether it is that long."""
        return self.length >= needed


@dataclass(frozen=True, slots=True)
class InPhase:
    """Since when this replica knows a remediation to be in its phase."""

    name: str
    phase: str
    passed: timedelta
    """By the API server's clock, when this replica first saw it there."""
    since: float
    """What our monotonic clock said then."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A stretch in which no observation could tell: between two that could, by the API server's clock."""

    since: datetime
    until: datetime
    why: str = ""
    """What the last of those observations met; "" where none could even be begun, since the records were not read."""


@dataclass(frozen=True, slots=True)
class Streaks:
    """What decisions go by. `diagnosis` to `serving` speak of the environment, the rest of a remediation."""

    diagnosis: Streak | None = None
    """The same diagnosis, with the same besides it, in every conclusive observation."""
    down: Streak | None = None
    """No BBS that serves in every conclusive observation, whatever else they found."""
    told: Moment | None = None
    """The last observation that could tell."""
    serving: int = 0
    """Serving observations with no conclusive other one between them."""
    never: Streak | None = None
    """Some gate's `never` in every conclusive observation, whatever its names."""
    alert_gone: Streak | None = None
    alerts_unread: Streak | None = None
    """Some Alertmanager can't be asked, while another one has the alert."""
    suppressed: frozenset[str] = frozenset()
    """The Alertmanagers that had the alert silenced, inhibited or muted when they were last heard of it."""
    delete_refused: Streak | None = None
    """Every DELETE that was tried was refused by the API."""
    # For sentences alone, and for no decision: so they are no part of what makes two of these equal.
    delete_failed: str = field(default="", compare=False)
    """What became of the last DELETE that was not carried out for another reason; "" once one is."""
    met: str = field(default="", compare=False)
    """Why the last observation could not tell; "" if it could."""
    other: Diagnosis | None = field(default=None, compare=False)
    """The last diagnosis that a restart does not cure."""
    unseen: Unseen | None = field(default=None, compare=False)
    """The last such stretch that was long enough to hold something up, in this phase."""
    complete: int = 0
    """Observations that found the restart complete, with no conclusive other one between them."""
    in_phase: InPhase | None = None

    def for_another(self) -> "Streaks":
        """What is left of them for another remediation of the same environment."""
        return Streaks(diagnosis=self.diagnosis, down=self.down, told=self.told, serving=self.serving)

    def saw(self, assessment: Assessment, tolerance: Tolerance) -> "Streaks":
        """With one more observation. One that could not tell what else holds does not count for the diagnosis."""
        kept = self.spoiled(assessment)
        if assessment.blind:
            return replace(kept, met=assessment.diagnosis.why)
        moment, told = assessment.moment, self.told or assessment.moment
        held = timedelta(seconds=moment.monotonic - told.monotonic) > tolerance.largest_gap
        serves = assessment.diagnosis.name is Condition.SERVING
        counts = not any(each.could_not_tell for each in assessment.besides)
        return replace(
            kept,
            diagnosis=_longer(kept.diagnosis, assessment.picture, moment, tolerance) if counts else kept.diagnosis,
            down=None if serves else _longer(kept.down, "down", moment, tolerance),
            told=moment,
            serving=kept.serving + serves,
            met="",
            other=kept.other if assessment.diagnosis.restart is Restart.CURES else assessment.diagnosis,
            unseen=Unseen(told.at, moment.at, self.met) if held else self.unseen,
        )

    def spoiled(self, assessment: Assessment) -> "Streaks":
        """Without what an observation contradicts. An accept does even where nothing else could be told."""
        if assessment.blind:
            return replace(self, diagnosis=None, down=None) if assessment.somebody_listens else self
        same = self.diagnosis is not None and self.diagnosis.what == assessment.picture
        serves = assessment.diagnosis.name is Condition.SERVING
        return replace(
            self,
            diagnosis=self.diagnosis if same else None,
            down=None if serves else self.down,
            serving=self.serving if serves else 0,
        )

    def entered(self, name: str, phase: str, at: datetime, moment: Moment) -> "Streaks":
        """With since when this replica knows the remediation `name` to be in `phase`, which it entered at `at`."""
        if self.in_phase is not None and (self.in_phase.name, self.in_phase.phase) == (name, phase):
            return self
        passed = max(timedelta(0), moment.at - at)
        known = self.in_phase is not None and self.in_phase.name == name
        if known and self.told is not None:  # it was in another phase then, whatever a clock that jumped says
            passed = min(passed, timedelta(seconds=max(0.0, moment.monotonic - self.told.monotonic)))
        return replace(
            self, in_phase=InPhase(name, phase, passed, moment.monotonic), complete=0, delete_failed="", unseen=None
        )

    def elapsed(self, moment: Moment) -> timedelta:
        """How long the remediation has been in its phase; nothing where that is not known."""
        if self.in_phase is None:
            return timedelta(0)
        return self.in_phase.passed + timedelta(seconds=max(0.0, moment.monotonic - self.in_phase.since))

    def watched(self, moment: Moment) -> timedelta:
        """How long this process itself has known the remediation to be in its phase."""
        return timedelta(seconds=moment.monotonic - self.in_phase.since) if self.in_phase else timedelta(0)

    def refused(self, names: tuple[str, ...], moment: Moment, tolerance: Tolerance) -> "Streaks":
        """With what answered `never` to this observation; nothing ends the streak."""
        if not names:
            return replace(self, never=None)
        longer = _longer(self.never, "never", moment, tolerance)
        return replace(self, never=replace(longer, names=tuple(dict.fromkeys((*longer.names, *names)))))

    def with_alerts(
        self, *, gone: bool, unread: bool, suppressed: frozenset[str], moment: Moment, tolerance: Tolerance
    ) -> "Streaks":
        """With what the Alertmanagers say."""
        return replace(
            self,
            suppressed=suppressed,
            alert_gone=_longer(self.alert_gone, "gone", moment, tolerance) if gone else None,
            alerts_unread=_longer(self.alerts_unread, "unread", moment, tolerance) if unread else None,
        )

    def with_delete(self, refusal: str, moment: Moment, tolerance: Tolerance) -> "Streaks":
        """With how the API refused a DELETE; "" where it did not."""
        longer = _longer(self.delete_refused, "refused", moment, tolerance) if refusal else None
        return replace(self, delete_refused=replace(longer, names=(refusal,)) if longer else None, delete_failed="")

    def verified(self, *, complete: bool) -> "Streaks":
        """With whether a conclusive observation found the restart complete."""
        return replace(self, complete=self.complete + 1 if complete else 0)


def _longer(streak: Streak | None, what: str, moment: Moment, tolerance: Tolerance) -> Streak:
    """One more of the same, or a new streak: after another one, a gap, or a server's clock that went far back."""
    if streak is None or streak.what != what or not _follows(moment, streak.last, tolerance):
        return Streak(what, moment, moment)
    return replace(streak, last=moment, observations=streak.observations + 1)


def _follows(moment: Moment, earlier: Moment, tolerance: Tolerance) -> bool:
    stepped_back = moment.at < earlier.at - tolerance.clock_skew
    return not stepped_back and moment.gap(earlier, tolerance.clock_skew) <= tolerance.largest_gap
