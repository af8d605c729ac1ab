"""What one replica knows of its environment: for the status page and the metrics, and for no decision."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from remediator.alertmanager import AlertmanagerView
from remediator.inputs import Pause
from remediator.intake import Verdict
from remediator.remediation import GateResult, Remediation, current
from remediator.streaks import Assessment


@dataclass(slots=True)
class ReconcilerState:
    """Kept by the environment's reconciler, and read by everybody."""

    assessment: Assessment | None = None
    seconds: float = 0.0
    """How long the last observation took."""
    observations: int = 0
    pause: Pause | None = None
    remediations: Sequence[Remediation] = ()
    gates: Sequence[tuple[str, GateResult]] = ()
    alerts: Sequence[AlertmanagerView] = ()
    asked: bool = False
    """Whether the API has been asked at all."""
    late: bool = False
    """Whether the open remediation has been open for longer than its bound, by our own clock."""
    failure: str = ""
    """Why the API could not be used at last, in one word; "" if it could."""
    on_hold: Verdict | None = None
    """The last alert that opened nothing, and why."""
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By phase and reason, those stored by this replica."""
    durations: list[tuple[str, float]] = field(default_factory=list)
    """Seconds from the opening until `plan`, `last_delete` or `recovered`; taken out by the metrics."""
    deletions: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def latest(self) -> Remediation | None:
        """The record that is worked on, else the newest."""
        return current(self.remediations)
