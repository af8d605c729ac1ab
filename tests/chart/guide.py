"""docs/install.md, read as a newcomer reads it: section by section, files to write down and commands to type."""

import re
import textwrap
from dataclasses import dataclass

from charts.render import ROOT

TEXT = (ROOT / "docs" / "install.md").read_text()
_PARTS = re.compile(
    r"""(?mx) ^(?P<fence>[ ]*)```yaml\n\s*\#[ ](?P<file>[\w.]+) (?P<content>.*\n(?:.*\n)*?) (?P=fence)```$
    | ^[ ]{4,}(?P<command>(?:git|make|python3|podman|kubectl|helm|amtool|\.venv/bin/\w+)[ ](?:.*\\\n)*.*)$
    | ^\#\#[ ](?P<section>.+)$
    """
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a command, or a file with its content."""

    section: str
    content: str
    file: str = ""
    """Empty for a command."""


def steps() -> list[Step]:
    """Everything that there is to do, in the guide's order."""
    found, section = [], ""
    for part in _PARTS.finditer(TEXT):
        if part["section"]:
            section = part["section"]
        elif part["command"]:
            found.append(Step(section, part["command"].partition("   #")[0].rstrip()))
        else:
            found.append(Step(section, textwrap.dedent(f"{part['fence']}#{part['content']}"), part["file"]))
    return found


STEPS = steps()


def of(section: str) -> list[Step]:
    """The steps of the section whose title begins so; raises LookupError if there are none."""
    found = [step for step in STEPS if step.section.startswith(section)]
    if not found:
        raise LookupError(f"docs/install.md has no section {section!r} with anything to do")
    return found
