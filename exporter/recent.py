"""What is kept of an observation for the landing page: a line of text. Pure.

A whole observation of 150 pods takes a third of a megabyte; twenty of each environment would be most of this process.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.assessment import Assessment
from stagekeeper.diego.evidence import probe

COLUMNS = ("Ended (UTC)", "Environment", "Diagnosis", "Why", "Service", "Pods ready", "Took")


@dataclass(frozen=True, slots=True)
class Recent:
    """One line of the landing page's table, and the Unix time by which the lines are sorted."""

    ended_at: float
    cells: tuple[str, ...]


def recent(assessment: Assessment) -> Recent:
    """What is kept of an observation."""
    return Recent(assessment.ended_at, row(assessment))


def row(assessment: Assessment) -> tuple[str, ...]:
    """An observation as a line of the landing page's table."""
    seen = assessment.observation
    ready = (
        f"{sum(each.pod.all_ready for each in seen.pods)} of {len(seen.pods)}" if isinstance(seen.pods, tuple) else "?"
    )
    return (
        f"{datetime.fromtimestamp(assessment.ended_at, UTC):%Y-%m-%d %H:%M:%S}",
        f"{seen.environment} (profile {seen.picked})" if seen.picked else seen.environment,
        assessment.diagnosis.name.value,
        assessment.diagnosis.why,
        probe(seen.service),
        ready,
        f"{assessment.seconds * 1000:.0f} ms",
    )
