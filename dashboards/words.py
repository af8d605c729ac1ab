"""What diagnoses, phases and gates are called on a dashboard, and in which colour."""

from alerts.diagnoses import CURES, FOUND, LIKELY_CURE, NOT_YET
from dashboards.face import BAD, GOOD, IDLE, INFO, WAIT, WARN, Word
from dashboards.promql import NO_EPISODE


def color_of(diagnosis: str) -> str:
    """Green: all is well. Red: a restart is the cure. Yellow: it may pass by itself. Orange: a person is needed."""
    if diagnosis == "serving":
        return GOOD
    if diagnosis == "not_applicable":
        return IDLE
    if diagnosis in (*CURES, *LIKELY_CURE):
        return BAD
    return WAIT if diagnosis in NOT_YET else WARN


COLORS = {name: color_of(name) for name in FOUND}
DIAGNOSES = {name: Word(f"{words[:1].upper()}{words[1:]}", COLORS[name]) for name, words in FOUND.items()}

PHASES = {
    "Watching": Word("Watching: is a restart the cure?", WAIT),
    "Restarting": Word("Restarting the pods", INFO),
    "Verifying": Word("Proving that the stager is back", INFO),
    "Escalated": Word("Nothing more: it handed over to a person", BAD),
    NO_EPISODE: Word("Nothing: no episode is open", GOOD),
}
PHASE_COLORS = {"Watching": WAIT, "Restarting": INFO, "Verifying": "purple", "Escalated": BAD, NO_EPISODE: GOOD}

FAILURE_COLORS = {
    "refused": BAD,
    "timeout": WARN,
    "dns": WAIT,
    "tls": "purple",
    "unavailable": INFO,
    "no_reply": "#8a5a44",
    "bad_reply": IDLE,
}
"""No reason in green, as a palette would have it."""

GATE_ANSWERS = {"pass": 1, "not_configured": 2, "not_yet": 3, "never": 4}
"""Each answer of a gate as a number, for a timeline."""
GATES = {
    "1": Word("open", GOOD),
    "2": Word("not configured", IDLE),
    "3": Word("not yet", WAIT),
    "4": Word("never", BAD),
}

POD_STATES = {
    "0": Word("not ready", BAD),
    "1": Word("ready, passive", IDLE),
    "2": Word("active, containers not all ready", WARN),
    "3": Word("active, does not serve", WARN),
    "4": Word("serves, unready and unlabelled", WARN),
    "5": Word("serves, not labelled active", WARN),
    "6": Word("serves, containers not all ready", WARN),
    "7": Word("serves", GOOD),
}
"""1 if all containers are ready, and 2 if it counts as active, and 4 if it serves."""
NOT_ASKED = (8.0, Word("could not be asked", "purple"))
"""From 8 on: nobody knows whether it serves."""
