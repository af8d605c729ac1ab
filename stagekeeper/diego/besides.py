"""What else holds besides the row that matched, where a person or a setting may override that row. Pure.

Who accepts one row has not accepted what the rows below it say. Those that go by what a port answers come first in the
table, so they hide what is said of roll-outs, the database, nodes, crash loops, Locket and the Cloud Controller. Nor
has anybody accepted that one of them could not be read.
"""

from stagekeeper.diego.conditions import OVERRIDABLE, Condition, Match
from stagekeeper.diego.diagnosis import (
    Row,
    crash_looping,
    database_down,
    locket_down,
    no_owner,
    node_down,
    rolling_out,
    scaled_down,
    terminating,
    unreadable,
)
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.questions import no_cloud_controller, unread

_BY_A_PORT = frozenset(
    {
        Condition.STUCK_UNAVAILABLE,
        Condition.LISTENING_UNKNOWN,
        Condition.TLS_BROKEN,
        Condition.FROZEN,
        Condition.NETWORK_FAULT,
    }
)
"""Whose rows go by what a port answers: all those below are hidden by them."""


def _cloud_controller(seen: Observation) -> Match | None:
    """Row 22, of which the table asks only where nobody listens."""
    said = "No Cloud Controller pod is Ready."
    return Match(Condition.CLOUD_CONTROLLER_DOWN, said) if no_cloud_controller(seen) else None


_HIDDEN: tuple[Row, ...] = (
    unreadable,
    no_owner,
    scaled_down,
    terminating,
    rolling_out,
    database_down,
    node_down,
    crash_looping,
    locket_down,
    _cloud_controller,
)


def besides(seen: Observation, found: Condition) -> tuple[Match, ...]:
    """What forbids or delays a restart besides `found`, in the table's order. The youth of a pod says nothing."""
    if found not in OVERRIDABLE:
        return ()
    matches = [each for each in (hidden(seen) for hidden in _HIDDEN) if each is not None]
    if found not in _BY_A_PORT:  # what stands above its own row has not matched
        matches = [each for each in matches if each.condition is not found]
    unknown = [Match(Condition.OBSERVER_FAULT, f"Not everything could be read: {each}") for each in unread(seen)]
    return (*matches, *unknown)
