"""What is kept of a look for the landing page: a line of text. Pure.

A whole look of 150 pods takes a third of a megabyte; twenty of each environment would be most of this process.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.look import Look
from stagekeeper.diego.evidence import probe

COLUMNS = ("Ended (UTC)", "Environment", "Diagnosis", "Why", "Service", "Pods ready", "Took")


@dataclass(frozen=True, slots=True)
class Recent:
    """One line of the landing page's table, and the Unix time by which the lines are sorted."""

    ended_at: float
    cells: tuple[str, ...]


def recent(look: Look) -> Recent:
    """What is kept of a look."""
    return Recent(look.ended_at, row(look))


def row(look: Look) -> tuple[str, ...]:
    """A look as a line of the landing page's table."""
    seen = look.observation
    ready = (
        f"{sum(each.pod.all_ready for each in seen.pods)} of {len(seen.pods)}" if isinstance(seen.pods, tuple) else "?"
    )
    return (
        f"{datetime.fromtimestamp(look.ended_at, UTC):%Y-%m-%d %H:%M:%S}",
        f"{seen.environment} (profile {seen.picked})" if seen.picked else seen.environment,
        look.diagnosis.name.value,
        look.diagnosis.why,
        probe(seen.service),
        ready,
        f"{look.seconds * 1000:.0f} ms",
    )
