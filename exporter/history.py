"""What is kept of an observation for the pages, and what of it is worth a line in the log: a change of state.

Kept is a line of text, and all details as packed JSON.
A whole observation of 150 pods takes a third of a megabyte; twenty of each environment would be most of this process.
Packed, that of two pods is half a kilobyte.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from exporter.assessment import JudgedObservation
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.evidence import probe
from stagekeeper.diego.observation import Probe

COLUMNS = ("Ended (UTC)", "Environment", "Diagnosis", "Why", "Service", "Pods ready", "Took")
_QUICKLY = 1


@dataclass(frozen=True, slots=True)
class KeptObservation:
    """One observation in the history."""

    name: str
    """By which it is found: environment and time, such as `cf-20261130T064821.417Z`."""
    ended_at: float
    """Unix time."""
    cells: tuple[str, ...]
    """Its line of the table, without the name."""
    packed: bytes

    def details(self) -> dict[str, Any]:
        """All that is kept of it, as JSON has it."""
        found: dict[str, Any] = json.loads(zlib.decompress(self.packed))
        return found


def entry(assessment: JudgedObservation, certificates: Mapping[str, datetime]) -> KeptObservation:
    """What is kept of an observation; `certificates` are the ends of the environment's own files."""
    name = f"{assessment.observation.environment}-{_moment(assessment):%Y%m%dT%H%M%S}.{_milliseconds(assessment):03d}Z"
    packed = zlib.compress(json.dumps(details(name, assessment, certificates)).encode(), _QUICKLY)
    return KeptObservation(name, assessment.ended_at, row(assessment), packed)


def row(assessment: JudgedObservation) -> tuple[str, ...]:
    """An observation as a line of the landing page's table."""
    observation = assessment.observation
    ready = (
        f"{sum(each.pod.all_ready for each in observation.pods)} of {len(observation.pods)}"
        if isinstance(observation.pods, tuple)
        else "?"
    )
    return (
        f"{_moment(assessment):%Y-%m-%d %H:%M:%S}",
        f"{observation.environment} (profile {observation.picked})" if observation.picked else observation.environment,
        assessment.diagnosis.name.value,
        assessment.diagnosis.why,
        probe(observation.service),
        ready,
        f"{assessment.seconds * 1000:.0f} ms",
    )


def details(name: str, assessment: JudgedObservation, certificates: Mapping[str, datetime]) -> dict[str, Any]:
    """An observation for whoever wants to know all of it. Times are RFC 3339 in UTC, durations are seconds."""
    observation, diagnosis = assessment.observation, assessment.diagnosis
    server = assessment.service.certificate_ends if assessment.service else None
    ends = {**certificates, **({"server": server} if server else {})}
    return {
        "name": name,
        "environment": observation.environment,
        "endedAt": _moment(assessment).isoformat(timespec="milliseconds"),
        "takenAt": observation.taken_at.isoformat(),
        "seconds": round(assessment.seconds, 6),
        "complete": assessment.complete,
        "reachable": assessment.reachable,
        "diagnosis": {
            "name": diagnosis.name.value,
            "row": diagnosis.row,
            "why": diagnosis.why,
            "restart": diagnosis.restart.value,
        },
        "evidence": list(diagnosis.evidence),
        "probes": list(_probes(assessment)),
        "certificates": {which: end.isoformat() for which, end in sorted(ends.items())},
    }


def _probes(assessment: JudgedObservation) -> Iterator[dict[str, Any]]:
    observation = assessment.observation
    asked = [("Service", observation.service), *((each.pod.name, each.probe) for each in observation.known_pods)]
    for target, found in asked:
        if isinstance(found, Probe):
            yield {
                "target": target,
                "address": found.address,
                "reply": found.reply.value,
                "detail": found.detail,
                "phases": {phase: round(seconds, 6) for phase, seconds in found.phases.items()},
            }
        else:
            yield {"target": target, "address": "", "reply": None, "detail": probe(found), "phases": {}}


def _moment(assessment: JudgedObservation) -> datetime:
    return datetime.fromtimestamp(assessment.ended_at, UTC)


def _milliseconds(assessment: JudgedObservation) -> int:
    return _moment(assessment).microsecond // 1000


_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_UP = "up"
_CALM = frozenset({Condition.SERVING, Condition.NOT_APPLICABLE})


def _state(assessment: JudgedObservation) -> tuple[Condition, bool | None, str]:
    """What an operator at night wants to be told of when it changes: the last is `up`, or why it could not be read."""
    return assessment.diagnosis.name, assessment.reachable, assessment.kubernetes_failure or _UP


def tell(before: JudgedObservation | None, now: JudgedObservation) -> None:
    """Write one line if `now` shows another state than `before`; the first observation is a change too."""
    diagnosis, reachable, kubernetes = _state(now)
    if before is not None and _state(before) == _state(now):
        return
    write = _log.info if diagnosis in _CALM and kubernetes == _UP else _log.warning
    write(
        "The state has changed.",
        environment=now.observation.environment,
        diagnosis=diagnosis.value,
        before=before.diagnosis.name.value if before else "none",
        reachable="unknown" if reachable is None else reachable,
        kubernetes=kubernetes,
        reason=now.diagnosis.why,
    )
