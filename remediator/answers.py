"""The four answers that a gate can give. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """The four answers."""

    PASS = "pass"  # noqa: S105 -- no password
    NOT_YET = "not_yet"
    NEVER = "never"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class Answer:
    """One gate's answer, with its reason in a sentence."""

    word: Word
    why: str

    @property
    def opens(self) -> bool:
        """Whether this gate lets a restart through."""
        return self.word in {Word.PASS, Word.NOT_CONFIGURED}


def passes(why: str) -> Answer:
    """The gate is open."""
    return Answer(Word.PASS, why)


def not_yet(why: str) -> Answer:
    """The gate is closed for now."""
    return Answer(Word.NOT_YET, why)


def never(why: str) -> Answer:
    """The gate will not open by itself."""
    return Answer(Word.NEVER, why)
