"""What Stagekeeper does: gates, episodes, deletions."""

from dashboards.face import ALWAYS_IDLE, IDLE, INFO, LANES, WARN, Face, lanes
from dashboards.panels import Query, Question, table_of, timeline_of
from dashboards.promql import CHOSEN, doing, newly, remediators
from dashboards.schema import Panel
from dashboards.words import GATE_ANSWERS, GATES, PHASE_COLORS

DONE = Face("short", ((None, IDLE), (1, INFO)), none="Nothing was done", decimals=0)


def panels() -> tuple[Panel, ...]:
    """Phases above gates, with the tables beside them."""
    return _phases(), _gates(), _transitions(), _durations(), _deletions()


def _phases() -> Panel:
    about = "The phase of each environment's open episode, from its alert to its end."
    question = Question("Which phase is each environment in?", about, ("StagekeeperEpisodeOverdue",), 12, 7)
    coloured = lanes({f".*: {phase}": color for phase, color in PHASE_COLORS.items()})
    return timeline_of(
        question, Face(words=LANES), Query(doing(CHOSEN), "{{environment}}: {{phase}}"), overrides=coloured
    )


def _gates() -> Panel:
    about = (
        "The answer of each gate while an episode is open. not yet: asked again at the next look. "
        "never: a person is needed. not configured: passes, and nobody checks it."
    )
    question = Question("Which gates are open?", about, ("StagekeeperEpisodeOverdue",), 12, 7)
    face = Face(steps=ALWAYS_IDLE, words=GATES, none="No episode is open")
    answers = [
        f"{number} * (max by (environment, gate) ({remediators('stagekeeper_gate', _answer(answer))}) == 1)"
        for answer, number in GATE_ANSWERS.items()
    ]
    return timeline_of(question, face, Query("\nor ".join(answers), "{{gate}}"))


def _answer(answer: str) -> str:
    return f'{CHOSEN}, answer="{answer}"'


def _transitions() -> Panel:
    about = "Each step that episodes took in the time range, its reason, and how often they did."
    question = Question("Which steps did episodes take?", about, ("StagekeeperEscalated",), 12, 6)
    steps = newly(remediators("stagekeeper_episodes_total", CHOSEN), "environment, phase, reason")
    columns = (("environment", "Environment"), ("phase", "Phase"), ("reason", "Reason"), ("Value", "Times"))
    return table_of(question, DONE, Query(f"{steps} > 0"), columns)


def _durations() -> Panel:
    about = (
        "From the alert's arrival to the plan, to the last deletion and to the proven recovery: the mean of all "
        "episodes since the remediator began. Confirmation alone takes 2 minutes."
    )
    question = Question("How long do episodes take?", about, ("StagekeeperEpisodeOverdue",), 6, 6)
    took = "stagekeeper_episode_duration_seconds"
    total, count = (f"sum by (until) ({remediators(f'{took}_{part}', CHOSEN)})" for part in ("sum", "count"))
    face = Face("s", ((None, IDLE), (900, WARN)), none="No episode yet", decimals=0)
    return table_of(question, face, Query(f"{total} / {count}"), (("until", "Until"), ("Value", "Mean")))


def _deletions() -> Panel:
    about = "DELETE requests in the time range, by result. A conflict means that the pod was not as it was in the look."
    question = Question("What became of deletions?", about, ("StagekeeperEscalated",), 6, 6)
    deletions = newly(remediators("stagekeeper_deletions_total", CHOSEN), "result")
    return table_of(question, DONE, Query(f"{deletions} > 0"), (("result", "Result"), ("Value", "Times")))
