"""One observation as the exporter counts and shows it. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from stagekeeper.diego.diagnosis import Condition, Diagnosis, diagnose
from stagekeeper.diego.observation import Observation, Probe, Reply, Unknown


@dataclass(frozen=True, slots=True)
class JudgedObservation:
    """What was seen, what it means, and what it took."""

    observation: Observation
    diagnosis: Diagnosis
    ended_at: float
    """Unix time, by our own clock: whoever compares it does so with his own."""
    seconds: float
    complete: bool = True
    """False: it was cut off, or it failed. Then every part is unknown."""

    @property
    def service(self) -> Probe | None:
        """The probe of the Service; None if none could be made."""
        return self.observation.service if isinstance(self.observation.service, Probe) else None

    @property
    def reachable(self) -> bool | None:
        """Whether the Service led to a BBS that serves; None: not known."""
        return self.service.reply is Reply.OK if self.service else None

    @property
    def kubernetes_failure(self) -> str | None:
        """In one word why pods or StatefulSets could not be read; None if they could."""
        parts = (self.observation.pods, self.observation.workloads)
        return next((part.word for part in parts if isinstance(part, Unknown)), None)

    @property
    def applicable(self) -> bool:
        """False where there is no Diego: then no number about one is true."""
        return self.diagnosis.name is not Condition.NOT_APPLICABLE


def judged(observation: Observation, ended_at: float, seconds: float) -> JudgedObservation:
    """An observation that ended by itself; `seconds` is how long it took."""
    return JudgedObservation(observation, diagnose(observation), ended_at, seconds)


def blind(environment: str, why: Unknown, ended_at: float, seconds: float) -> JudgedObservation:
    """An observation of which nothing is known but why."""
    taken_at = datetime.fromtimestamp(ended_at, UTC)
    nothing = Observation(environment, taken_at, service=why, pods=why, workloads=why, steady=why)
    return JudgedObservation(nothing, diagnose(nothing), ended_at, seconds, complete=False)
