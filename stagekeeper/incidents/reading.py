"""From a file to an incident, or to the sentences that say what is wrong with it."""

from itertools import pairwise

from stagekeeper.diego.environments import resolve
from stagekeeper.incidents.format import ALL, LOCKET, Incident
from stagekeeper.settings import Document, parse, validate


def from_text(text: str, source: str) -> Incident:
    """The incident in YAML text; `source` names it in messages. Raises `SettingsProblem`."""
    document = parse(text, source, tuple(Incident.model_fields))
    incident = validate(Incident, document.data, document, ())
    _ordered(incident, document)
    _named(incident, document)
    return incident


def _ordered(incident: Incident, document: Document) -> None:
    moments = [entry.at for entry in incident.timeline]
    for index, (earlier, later) in enumerate(pairwise(moments), 1):
        if later < earlier:
            raise document.problem(("timeline", index, "at"), f"is earlier ({later:g} s) than the one before it.")
    if moments[-1] > incident.until:
        raise document.problem(
            ("timeline", len(moments) - 1, "at"), f"is after the end of the replay (until: {incident.until:g} s)."
        )


def _named(incident: Incident, document: Document) -> None:
    """A pod's name that belongs to no StatefulSet is a slip, unless the file says who owns it."""
    environment = resolve(incident.environment)
    own = environment.locket.statefulset if environment.locket else None
    for index, entry in enumerate(incident.timeline):
        for key, changes, owners in (("pods", entry.pods, environment.statefulsets), (LOCKET, entry.locket, (own,))):
            for name, change in changes.items():
                if name != ALL and not change.owner and _owner(name) not in owners:
                    said = (
                        f"is no pod of {' or '.join(filter(None, owners)) or 'this profile'}; say whose it is by owner."
                    )
                    raise document.problem(("timeline", index, key, name), said)


def _owner(name: str) -> str:
    """The StatefulSet of a pod, by its name; "" for a name that no StatefulSet gives."""
    owner, _, ordinal = name.rpartition("-")
    return owner if ordinal.isdecimal() else ""
