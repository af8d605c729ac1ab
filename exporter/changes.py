"""What is worth a line in the log: a change of state, not an observation."""

from dataclasses import dataclass

import structlog

from exporter.assessment import Assessment
from stagekeeper.diego.diagnosis import Condition

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_CALM = frozenset({Condition.SERVING, Condition.NOT_APPLICABLE})


@dataclass(frozen=True, slots=True)
class State:
    """What an operator at night wants to be told of when it changes."""

    diagnosis: Condition
    reachable: bool | None
    kubernetes_up: bool


def state(assessment: Assessment) -> State:
    """The state that an observation shows."""
    return State(assessment.diagnosis.name, assessment.reachable, assessment.kubernetes_failure is None)


def tell(before: Assessment | None, now: Assessment) -> None:
    """Write one line if `now` shows another state than `before`; the first observation is a change too."""
    new = state(now)
    old = state(before) if before else None
    if new == old:
        return
    write = _log.info if new.diagnosis in _CALM and new.kubernetes_up else _log.warning
    write(
        now.diagnosis.why,
        environment=now.observation.environment,
        diagnosis=new.diagnosis.value,
        before=old.diagnosis.value if old else "none",
        reachable="unknown" if new.reachable is None else new.reachable,
        kubernetes="up" if new.kubernetes_up else now.kubernetes_failure,
    )
