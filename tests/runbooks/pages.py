"""The pages whose commands are tried, and each of their commands once."""

from pathlib import Path

from tests.alerts.catalogue import ROOT
from tests.runbooks.extract import commands, queries

RUNBOOKS = ROOT / "docs/runbooks"
MANUALS = (ROOT / "docs/alerting.md", ROOT / "docs/remediator.md")
ENGLISH = sorted((RUNBOOKS / "en").glob("*.md"), key=lambda page: (page.stem == "README", page.stem))
"""The index last: it silences the alert that other pages ask for."""


def korean(page: Path) -> Path:
    """The same page in Korean."""
    return RUNBOOKS / "ko" / page.name


def commands_of(page: Path) -> list[str]:
    """A page's commands. A manual also mentions commands in its sentences, without their arguments."""
    return list(commands(page.read_text(encoding="utf-8"), inline=page not in MANUALS))


def queries_of(page: Path) -> list[str]:
    """A page's queries."""
    return list(queries(page.read_text(encoding="utf-8")))


COMMANDS = tuple(dict.fromkeys(each for page in (*ENGLISH, *MANUALS) for each in commands_of(page)))
QUERIES = tuple(dict.fromkeys(each for page in (*ENGLISH, *MANUALS) for each in queries_of(page)))
CONFIGURATION = next(each for each in COMMANDS if each.endswith("> stagekeeper.yaml"))
"""The command that fetches what others read."""
