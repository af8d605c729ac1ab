"""What the remediator did, why, and what holds it back."""

from dashboards.face import BAD, GOOD, IDLE, INFO, LANES, WAIT, Face, Word, lanes
from dashboards.panels import Query, Question, stat_of, table_of, timeline_of
from dashboards.promql import DOING, HERE, newly, remediators
from dashboards.schema import Panel
from dashboards.words import PHASE_COLORS

OPEN_GATES = "pass|not_configured"


def panels() -> tuple[Panel, ...]:
    """A timeline, then what it did and what holds it back."""
    return _phases(), _transitions(), _closed(), _deleted()


def _phases() -> Panel:
    about = "The phase of the open episode, from its alert to its end; without an outage there is none."
    question = Question("What did the remediator do, and when?", about, ("StagekeeperEscalated",), width=24, height=4)
    return timeline_of(question, Face(words=LANES), Query(DOING, "{{phase}}"), overrides=lanes(PHASE_COLORS))


def _transitions() -> Panel:
    about = "Each step that an episode took in the time range, its reason, and how often it did."
    question = Question("What was done, and why?", about, ("StagekeeperEscalated",), width=10, height=6)
    steps = newly(remediators("stagekeeper_episodes_total", HERE), "phase, reason")
    columns = (("phase", "Phase"), ("reason", "Reason"), ("Value", "Times"))
    face = Face("short", ((None, IDLE), (1, INFO)), none="Nothing was done", decimals=0)
    return table_of(question, face, Query(f"{steps} > 0"), columns)


def _closed() -> Panel:
    about = (
        "Gates that keep the remediator from restarting pods now. not_yet is asked again at the next look; "
        "never means that a person is needed. The Remediation object has each reason as a sentence."
    )
    question = Question("What holds a restart back?", about, ("StagekeeperEpisodeOverdue",), width=9, height=6)
    closed = remediators("stagekeeper_gate", f'{HERE}, answer!~"{OPEN_GATES}"')
    columns = (("gate", "Gate"), ("answer", "Answer"))
    words = {"not_yet": Word("not yet", WAIT), "never": Word("never", BAD)}
    face = Face(steps=((None, IDLE), (1, WAIT)), words=words, none="Nothing: no gate is closed")
    return table_of(question, face, Query(f"max by (gate, answer) ({closed}) == 1"), columns)


def _deleted() -> Panel:
    about = "Pods that were deleted in the time range: each one that a plan names, once."
    question = Question("How many pods were deleted?", about, ("StagerUnavailable",), width=5, height=6)
    accepted = remediators("stagekeeper_deletions_total", f'{HERE}, result="accepted"')
    steps = ((None, GOOD), (1, INFO))
    return stat_of(question, Face("short", steps, decimals=0), Query(newly(accepted, "environment")))
