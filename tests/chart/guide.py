"""docs/install.md, read as a newcomer reads it: section by section, files to write down and commands to type."""

import re
import textwrap
from dataclasses import dataclass

from scripts.cache import ROOT

TEXT = (ROOT / "docs" / "install.md").read_text()
_PARTS = re.compile(
    r"""(?mx) ^(?P<fence>[ ]*)```yaml\n\s*\#[ ](?P<file>[\w.]+) (?P<content>.*\n(?:.*\n)*?) (?P=fence)```$
    | ^[ ]*(?P<other>```.*)$
    | ^[ ]{4,}(?P<command>\S(?:.*\\\n)*.*)$
    | ^\#\#[ ](?P<section>.+)$
    """
)
_KNOWN = frozenset(
    {"git", "make", "podman", "kubectl", "helm", "amtool", "(umask", ".venv/bin/python", ".venv/bin/stagekeeper"}
)


class UnknownStepError(Exception):
    """Code in the guide that nobody has told us how to follow."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a command, or a file with its content."""

    section: str
    content: str
    file: str = ""
    """Empty for a command."""


def steps(text: str) -> list[Step]:
    """Everything that there is to do, in a guide's order; raises UnknownStepError."""
    found, section = [], ""
    for part in _PARTS.finditer(text):
        if part["section"]:
            section = part["section"]
        elif (code := part["other"] or part["command"]) and code.split()[0] not in _KNOWN:
            raise UnknownStepError(f"`{code}` of docs/install.md: teach tests/chart/guide.py what it is")
        elif code:
            found.append(Step(section, code.partition("   #")[0].rstrip()))
        else:
            found.append(Step(section, textwrap.dedent(f"{part['fence']}#{part['content']}"), part["file"]))
    return found


STEPS = steps(TEXT)


def of(section: str) -> list[Step]:
    """The steps of the section whose title begins so; raises LookupError if there are none."""
    found = [step for step in STEPS if step.section.startswith(section)]
    if not found:
        raise LookupError(f"docs/install.md has no section {section!r} with anything to do")
    return found
