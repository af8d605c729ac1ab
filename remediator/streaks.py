"""What one replica remembers from observation to observation of a remediation.

Pure; lost with the process, to the safe side.

Time that decides is the API server's. The process's own monotonic clock is asked as well, so that a server clock
that jumps can't shorten a confirmation.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stagekeeper.diego.diagnosis import Condition, Diagnosis
from stagekeeper.diego.observation import Observation, Probe


@dataclass(frozen=True, slots=True)
class Moment:
    """When an observation was taken: by the API server's clock, and in seconds of our own monotonic one."""

    at: datetime
    monotonic: float

    def since(self, earlier: "Moment") -> timedelta:
        """The lesser of what both clocks say has passed."""
        return min(self.at - earlier.at, timedelta(seconds=self.monotonic - earlier.monotonic))

    def gap(self, earlier: "Moment") -> timedelta:
        """The greater of what both clocks say has passed."""
        return max(self.at - earlier.at, timedelta(seconds=self.monotonic - earlier.monotonic))


@dataclass(frozen=True, slots=True)
class Run:
    """The same thing seen in observation after observation."""

    what: str
    first: Moment
    last: Moment
    observations: int = 1

    @property
    def length(self) -> timedelta:
        """From the first to the last observation of the run."""
        return self.last.since(self.first)


@dataclass(frozen=True, slots=True)
class Streaks:
    """The runs that the decisions are made by."""

    diagnosis: Run | None = None
    """The same diagnosis in every observation; observations that could not tell neither count nor end it."""
    never: Run | None = None
    """The same gates' refusals in every observation."""
    alert_gone: Run | None = None
    serving: int = 0
    """Looks in a row in which the restart looked complete."""

    def saw(self, assessment: "Assessment", largest_gap: timedelta) -> "Streaks":
        """The course after one more observation.

        An accept ends the run even in an observation that could tell nothing else.
        """
        if could_not_tell(assessment.diagnosis):
            return replace(self, diagnosis=None) if _somebody_listens(assessment.observation) else self
        return replace(
            self, diagnosis=_longer(self.diagnosis, assessment.diagnosis.name, assessment.moment, largest_gap)
        )

    def refused(self, by: str, moment: Moment, largest_gap: timedelta) -> "Streaks":
        """With what the gates answered `never` to ("" for nothing)."""
        return replace(self, never=_longer(self.never, by, moment, largest_gap) if by else None)

    def without_alert(self, gone: bool, moment: Moment, largest_gap: timedelta) -> "Streaks":  # noqa: FBT001 -- one bit, named by the method
        """With whether every Alertmanager says that the alert is not there."""
        return replace(self, alert_gone=_longer(self.alert_gone, "gone", moment, largest_gap) if gone else None)

    def verified(self, complete: bool) -> "Streaks":  # noqa: FBT001 -- one bit, named by the method
        """With whether this observation found the restart complete."""
        return replace(self, serving=self.serving + 1 if complete else 0)


@dataclass(frozen=True, slots=True)
class Assessment:
    """One observation with its judgement and its time."""

    observation: Observation
    diagnosis: Diagnosis
    moment: Moment


def could_not_tell(diagnosis: Diagnosis) -> bool:
    """An observation whose fault is ours. It may have seen somebody accept all the same."""
    return diagnosis.name is Condition.OBSERVER_FAULT


def _somebody_listens(seen: Observation) -> bool:
    return bool(seen.accepting()) or (isinstance(seen.service, Probe) and seen.service.reply.accepted)


def _longer(run: Run | None, what: str, moment: Moment, largest_gap: timedelta) -> Run:
    """One more observation of the same, or a new run.

    After another answer, a gap, or a server's clock that went back.
    """
    if run is None or run.what != what or moment.gap(run.last) > largest_gap or moment.at < run.last.at:
        return Run(what, moment, moment)
    return replace(run, last=moment, observations=run.observations + 1)
