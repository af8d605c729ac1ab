"""From a file to an incident, or to the sentences that say what is wrong with it."""

from pathlib import Path

from stagekeeper.incidents.format import ALL, LOCKET, Incident
from stagekeeper.settings import Document, SettingsProblem, parse, validate


def read(path: Path) -> Incident:
    """The incident in a file. Raises `SettingsProblem` with one line for each mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise SettingsProblem(f"{path}: can't be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise SettingsProblem(f"{path}: is not UTF-8 text (byte {problem.start}).") from problem
    return from_text(text, str(path))


def from_text(text: str, source: str) -> Incident:
    """The incident in YAML text; `source` names it in messages. Raises `SettingsProblem`."""
    document = parse(text, source, tuple(Incident.model_fields))
    incident = validate(Incident, document.data, document, ())
    _ordered(incident, document)
    _named(incident, document)
    return incident


def _ordered(incident: Incident, document: Document) -> None:
    moments = [entry.at for entry in incident.timeline]
    for index, (earlier, later) in enumerate(zip(moments, moments[1:], strict=False), 1):
        if later < earlier:
            raise document.problem(("timeline", index, "at"), f"is earlier ({later:g} s) than the one before it.")
    if moments[-1] > incident.until:
        raise document.problem(
            ("timeline", len(moments) - 1, "at"), f"is after the end of the replay (until: {incident.until:g} s)."
        )


def _named(incident: Incident, document: Document) -> None:
    """Names of Locket's pods make sense only where it has a StatefulSet of its own."""
    if "locket" in document.data.get("environment", {}) or incident.environment.profile in {"cfee-1", "cfee-4"}:
        return
    for index, entry in enumerate(incident.timeline):
        if entry.locket:
            raise document.problem(
                ("timeline", index, LOCKET), f"profile {incident.environment.profile} has no Locket of its own."
            )
    for name in incident.deletion:
        if not name or name == f"{ALL}-{LOCKET}":
            raise document.problem(("deletion", name), "is no pod's name.")
