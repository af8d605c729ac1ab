"""How tests of the table say what a look must be judged."""

from datetime import timedelta

from stagekeeper.diego.diagnosis import Name, Restart, diagnose
from stagekeeper.diego.observation import Observation, Reply
from tests.diego.looks import container

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
SIDECAR = container("loggregator-agent")
NOT_READY = container(ready=False)
ACCEPTING = [reply for reply in Reply if reply.accepted]

Judged = tuple[str, Name, Restart]


def judged(seen: Observation) -> Judged:
    """Row, name and answer about a restart."""
    found = diagnose(seen)
    return found.row, found.name, found.restart


def row(number: str, name: Name, restart: Restart) -> Judged:
    """What is expected, in the order of the table's columns."""
    return number, name, restart


NO_ACTIVE_BBS = row("25", Name.NO_ACTIVE_BBS, Restart.CURES)
SERVING = row("3", Name.SERVING, Restart.NEVER)
