"""What is worth a line in the log: a change of state, not a look."""

from dataclasses import dataclass

import structlog

from exporter.look import Look
from stagekeeper.diego.diagnosis import Name

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_CALM = frozenset({Name.SERVING, Name.NOT_APPLICABLE})


@dataclass(frozen=True, slots=True)
class State:
    """What an operator at night wants to be told of when it changes."""

    diagnosis: Name
    reachable: bool | None
    kubernetes_up: bool


def state(look: Look) -> State:
    """The state that a look shows."""
    return State(look.diagnosis.name, look.reachable, look.kubernetes_failure is None)


def tell(before: Look | None, now: Look) -> None:
    """Write one line if `now` shows another state than `before`; the first look is a change too."""
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
