"""How tests of the table say what an observation must be judged."""

from datetime import timedelta

from stagekeeper.diego.diagnosis import Condition, Restart, diagnose
from stagekeeper.diego.observation import Observation, Reply
from tests.diego.observations import container

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
SIDECAR = container("loggregator-agent")
NOT_READY = container(ready=False)
ACCEPTING = [reply for reply in Reply if reply.accepted]

Judged = tuple[str, Condition, Restart]


def judged(seen: Observation) -> Judged:
    """Row, name and answer about a restart."""
    found = diagnose(seen)
    return found.row, found.name, found.restart


def row(number: str, name: Condition, restart: Restart) -> Judged:
    """What is expected, in the order of the table's columns."""
    return number, name, restart


NO_ACTIVE_BBS = row("25", Condition.NO_ACTIVE_BBS, Restart.CURES)
SERVING = row("3", Condition.SERVING, Restart.NEVER)
