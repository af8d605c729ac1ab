"""The names of what is (or is not) wrong, what each means for a restart, and what is said of it. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Condition(StrEnum):
    """What is (or is not) wrong."""

    SERVING = "serving"
    NO_ACTIVE_BBS = "no_active_bbs"
    NOT_APPLICABLE = "not_applicable"
    SPLIT_BRAIN = "split_brain"
    ACTIVE_NOT_LABELLED = "active_not_labelled"
    DNS_FAULT = "dns_fault"
    NETWORK_FAULT = "network_fault"
    OBSERVER_FAULT = "observer_fault"
    MIGRATING = "migrating"
    STUCK_UNAVAILABLE = "stuck_unavailable"
    TLS_BROKEN = "tls_broken"
    LISTENING_UNKNOWN = "listening_unknown"
    FROZEN = "frozen"
    SCALED_DOWN = "scaled_down"
    ROLLING_OUT = "rolling_out"
    TERMINATING_STUCK = "terminating_stuck"
    DATABASE_DOWN = "database_down"
    NODE_DOWN = "node_down"
    CRASH_LOOPING = "crash_looping"
    STARTING = "starting"
    PODS_NOT_READY = "pods_not_ready"
    LOCKET_DOWN = "locket_down"
    CLOUD_CONTROLLER_DOWN = "cloud_controller_down"
    LABEL_CONTRADICTS = "label_contradicts"


class Restart(StrEnum):
    """What the remediator's diagnosis gate makes of a diagnosis."""

    CURES = "pass"
    NOT_YET = "not_yet"
    NEVER = "never"


RESTART: Mapping[Condition, Restart] = {
    Condition.NO_ACTIVE_BBS: Restart.CURES,
    Condition.MIGRATING: Restart.NOT_YET,
    Condition.OBSERVER_FAULT: Restart.NOT_YET,
    Condition.ROLLING_OUT: Restart.NOT_YET,
    Condition.DATABASE_DOWN: Restart.NOT_YET,
    Condition.NODE_DOWN: Restart.NOT_YET,
    Condition.STARTING: Restart.NOT_YET,
    Condition.SERVING: Restart.NEVER,
    Condition.NOT_APPLICABLE: Restart.NEVER,
    Condition.SPLIT_BRAIN: Restart.NEVER,
    Condition.ACTIVE_NOT_LABELLED: Restart.NEVER,
    Condition.DNS_FAULT: Restart.NEVER,
    Condition.NETWORK_FAULT: Restart.NEVER,
    Condition.STUCK_UNAVAILABLE: Restart.NEVER,
    Condition.TLS_BROKEN: Restart.NEVER,
    Condition.LISTENING_UNKNOWN: Restart.NEVER,
    Condition.FROZEN: Restart.NEVER,
    Condition.SCALED_DOWN: Restart.NEVER,
    Condition.TERMINATING_STUCK: Restart.NEVER,
    Condition.CRASH_LOOPING: Restart.NEVER,
    Condition.PODS_NOT_READY: Restart.NEVER,
    Condition.LOCKET_DOWN: Restart.NEVER,
    Condition.CLOUD_CONTROLLER_DOWN: Restart.NEVER,
    Condition.LABEL_CONTRADICTS: Restart.NEVER,
}
"""The diagnosis gate's answer to each. A row of the table may answer otherwise."""

OVERRIDABLE = frozenset(
    {
        Condition.STUCK_UNAVAILABLE,
        Condition.LISTENING_UNKNOWN,
        Condition.FROZEN,
        Condition.TLS_BROKEN,
        Condition.NETWORK_FAULT,
        Condition.CRASH_LOOPING,
        Condition.PODS_NOT_READY,
        Condition.LOCKET_DOWN,
        Condition.CLOUD_CONTROLLER_DOWN,
    }
)
"""What `--accept` may name: a `never` with which nobody serves. No person can have a serving BBS restarted by us, nor
one that its own readiness probe calls active (`label_contradicts`)."""


def kind(condition: Condition) -> str:
    """How it stands out on our pages: good, wait (it may pass by itself), bad, or none (there is no Diego)."""
    if condition in {Condition.SERVING, Condition.NOT_APPLICABLE}:
        return "good" if condition is Condition.SERVING else "none"
    return "wait" if RESTART[condition] is Restart.NOT_YET else "bad"


def could_not_tell(condition: Condition, answer: Restart) -> bool:
    """Whether too little was seen, by a fault that is ours: such an observation neither counts nor spoils."""
    return condition is Condition.OBSERVER_FAULT and answer is not Restart.NEVER


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The row that matched, with its reason in one sentence and everything else that was found."""

    name: Condition
    row: str
    why: str
    restart: Restart
    evidence: tuple[str, ...] = ()
    next: str = ""
    """The command to type next, complete; "" where that of the condition (`stagekeeper.diego.advice`) is right."""


class Match(NamedTuple):
    """What a row that matches says."""

    condition: Condition
    why: str
    next: str = ""
    restart: Restart | None = None
    """Given where this row is answered otherwise than its condition is elsewhere."""

    @property
    def answer(self) -> Restart:
        """The diagnosis gate's answer to this row."""
        return self.restart or RESTART[self.condition]

    @property
    def could_not_tell(self) -> bool:
        """Whether it says that too little was seen."""
        return could_not_tell(self.condition, self.answer)
