"""From a file to an incident, or to the sentences that say what is wrong with it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from incidents.format import ALL, LOCKET, Incident, Situation
from stagekeeper.diego.environments import resolve
from stagekeeper.settings import Document, Place, parse, validate


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
    locket = (environment.locket.statefulset,) if environment.locket else ()
    either = (*environment.statefulsets, *locket)
    for place, names, owners in _names(incident, environment.statefulsets, locket, either):
        for name in names:
            if name not in {ALL, LOCKET} and _owner(name) not in owners:
                known = " or ".join(owners) or "this profile"
                raise document.problem((*place, name), f"is no pod of {known}; say whose it is by owner.")


def _names(
    incident: Incident, bbs: Sequence[str], locket: Sequence[str], either: Sequence[str]
) -> Iterator[tuple[Place, Iterable[str], Sequence[str]]]:
    """Everywhere that pods are named: the place, the names, and whose pods they must be."""
    situations: list[tuple[Place, Situation]] = [
        (("timeline", index), entry) for index, entry in enumerate(incident.timeline)
    ]
    situations += [(("reactions", index, "then"), each.then) for index, each in enumerate(incident.reactions)]
    for place, situation in situations:
        yield (*place, "pods"), (name for name, change in situation.pods.items() if not change.owner), bbs
        yield (*place, "locket"), (name for name, change in situation.locket.items() if not change.owner), locket
        yield (*place, "operator", "delete"), situation.operator.delete, either
    for index, reaction in enumerate(incident.reactions):
        yield ("reactions", index, "pods"), reaction.pods, either
    yield ("deletion",), incident.deletion, either


def _owner(name: str) -> str:
    """The StatefulSet of a pod, by its name; "" for a name that no StatefulSet gives."""
    owner, _, ordinal = name.rpartition("-")
    return owner if ordinal.isdecimal() else ""
