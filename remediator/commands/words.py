"""How a phase and a gate's answer stand out on a terminal."""

from remediator.remediation import Outcome, Phase
from stagekeeper.cli.output import BAD, GOOD, WAIT, coloured

_PHASES = {Phase.RECOVERED: GOOD, Phase.SELF_HEALED: GOOD, Phase.ESCALATED: BAD}
_OUTCOMES = {Outcome.PASS: GOOD, Outcome.NOT_YET: WAIT, Outcome.NEVER: BAD}


def phase_word(phase: Phase) -> str:
    """Green where the BBS serves again, red where a person is needed, yellow while it goes on."""
    return coloured(phase, _PHASES.get(phase, WAIT))


def outcome_word(outcome: Outcome, width: int = 0) -> str:
    """Green where the gate opens, yellow where it may, red where a person is needed; with spaces up to `width`."""
    return coloured(f"{outcome:<{width}}", _OUTCOMES.get(outcome))
