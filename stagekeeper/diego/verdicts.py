"""The names of what is (or is not) wrong, and what each means for a restart. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Name(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The row that matched, with its reason in one sentence and everything else that was found."""

    name: Name
    row: str
    why: str
    restart: Restart
    evidence: tuple[str, ...] = ()


RESTART: Mapping[Name, Restart] = {
    Name.NO_ACTIVE_BBS: Restart.CURES,
    Name.MIGRATING: Restart.NOT_YET,
    Name.OBSERVER_FAULT: Restart.NOT_YET,
    Name.ROLLING_OUT: Restart.NOT_YET,
    Name.DATABASE_DOWN: Restart.NOT_YET,
    Name.NODE_DOWN: Restart.NOT_YET,
    Name.STARTING: Restart.NOT_YET,
    Name.SERVING: Restart.NEVER,
    Name.NOT_APPLICABLE: Restart.NEVER,
    Name.SPLIT_BRAIN: Restart.NEVER,
    Name.ACTIVE_NOT_LABELLED: Restart.NEVER,
    Name.DNS_FAULT: Restart.NEVER,
    Name.NETWORK_FAULT: Restart.NEVER,
    Name.STUCK_UNAVAILABLE: Restart.NEVER,
    Name.TLS_BROKEN: Restart.NEVER,
    Name.FROZEN: Restart.NEVER,
    Name.SCALED_DOWN: Restart.NEVER,
    Name.TERMINATING_STUCK: Restart.NEVER,
    Name.CRASH_LOOPING: Restart.NEVER,
    Name.PODS_NOT_READY: Restart.NEVER,
    Name.LOCKET_DOWN: Restart.NEVER,
    Name.CLOUD_CONTROLLER_DOWN: Restart.NEVER,
    Name.LABEL_CONTRADICTS: Restart.NEVER,
}
"""The gate's answer to each diagnosis."""

RESTART_BY_ROW: Mapping[str, Restart] = {"6": Restart.NEVER}
"""Where one row of a diagnosis is answered differently: a selector that misses the serving pod will not mend itself."""
