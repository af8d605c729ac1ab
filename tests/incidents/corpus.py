"""The incident files, read once and replayed once for all tests."""

from functools import cache
from pathlib import Path

from incidents.format import Incident
from incidents.journal import Replayed
from incidents.reading import from_text
from incidents.replay import replay

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def incident(name: str) -> Incident:
    """One incident, by its file's name."""
    return from_text((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")


@cache
def replayed(name: str) -> Replayed:
    """What comes of it."""
    return replay(incident(name))
