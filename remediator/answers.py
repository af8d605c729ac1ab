"""The four answers that a gate can give. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The four answers."""

    PASS = "pass"  # noqa: S105 -- no password
    NOT_YET = "not_yet"
    NEVER = "never"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer, with its reason in a sentence."""

    outcome: Outcome
    why: str

    @property
    def opens(self) -> bool:
        """Whether this gate lets a restart through."""
        return self.outcome in {Outcome.PASS, Outcome.NOT_CONFIGURED}


def passes(why: str) -> GateResult:
    """The gate is open."""
    return GateResult(Outcome.PASS, why)


def not_yet(why: str) -> GateResult:
    """The gate is closed for now."""
    return GateResult(Outcome.NOT_YET, why)


def never(why: str) -> GateResult:
    """The gate will not open by itself."""
    return GateResult(Outcome.NEVER, why)
