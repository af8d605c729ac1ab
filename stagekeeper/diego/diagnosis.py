"""The judgement: one table from what was seen to what is wrong. Pure, total; the first row that matches wins.

Only the holder of the lock listens on port 8889, so any accept on any pod rules out `no_active_bbs`. The exporter
publishes the diagnosis, the remediator's gate asks it, `stagekeeper diagnose` prints it: one judgement, three users.
docs/diagnosis.md explains each diagnosis; the rows stand in `stagekeeper.diego.rows`, by subject.
"""

from collections.abc import Callable
from typing import TypeAlias

from stagekeeper.diego.evidence import evidence
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.rows import listening, pods, refusal, workload
from stagekeeper.diego.verdicts import RESTART, RESTART_BY_ROW, Diagnosis, Name, Restart

__all__ = ["RESTART", "RESTART_BY_ROW", "ROWS", "Diagnosis", "Name", "Restart", "diagnose"]

Row: TypeAlias = Callable[[Observation], tuple[Name, str] | None]
"""The diagnosis and its reason, or None where the row does not match."""


def diagnose(look: Observation) -> Diagnosis:
    """What one look says. Never raises, whatever the look holds."""
    for number, row in ROWS:
        found = row(look)
        if found is not None:
            name, why = found
            return Diagnosis(name, number, why, RESTART_BY_ROW.get(number, RESTART[name]), evidence(look))
    raise AssertionError("The last row matches always.")


ROWS: tuple[tuple[str, Row], ...] = (
    ("1", workload.absent),
    ("2", listening.split_brain),
    ("3", listening.serving),
    ("4", listening.active_not_labelled),
    ("5", listening.service_broken),
    ("6", listening.wrong_selector),
    ("7", listening.migrating),
    ("7b", listening.stuck_unavailable),
    ("8", listening.tls_broken),
    ("9", listening.frozen),
    ("10", workload.unreadable),
    ("11", workload.scaled_down),
    ("12", workload.terminating),
    ("13", workload.rolling_out),
    ("14", workload.database_down),
    ("15", pods.node_down),
    ("16", pods.crash_looping),
    ("17", pods.starting),
    ("18", pods.missing),
    ("19", workload.locket_down),
    ("20", refusal.unreachable),
    ("21", refusal.nothing_reachable),
    ("22", refusal.cloud_controller_down),
    ("23", refusal.label_contradicts),
    ("24", refusal.not_ready),
    ("25", refusal.no_active_bbs),
    ("26", refusal.anything_else),
)
"""The table, in order. The last row always matches."""
