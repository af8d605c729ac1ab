"""From a file to an incident, or to the sentences that say what is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from incidents.format import ALL, LOCKET, Incident, Situation
from stagekeeper.config.document import Document, Place, parse
from stagekeeper.config.validation import validate
from stagekeeper.diego.environments import resolve

_MOST_OCCURRENCES = 100_000
"""Of all entries with `every` together: more are a slip, and would keep a replay busy for long."""
_RENAMED = {
    "policy": {"confirm_looks": "confirm_observations", "verify_looks": "verify_observations"},
    "rhythm": {"look_timeout": "observation_timeout"},
}
"""Keys of files from before 0.2.0, with their present names."""
_GONE = {"environment": {"passive_is_ready"}, "rhythm": {"latched", "idle"}}
_NO_MORE = "simulate"
"""How this project's tests once played a file."""


def from_text(text: str, source: str) -> Incident:
    """The incident in YAML text; `source` names it in messages. Raises `ConfigurationError`."""
    document = parse(text, source, (*Incident.model_fields, _NO_MORE))
    document = replace(document, data=_of_today(document.data))
    incident = validate(Incident, document.data, document, ())
    _ordered(incident, document)
    _named(incident, document)
    return incident


def _of_today(data: Mapping[str, Any]) -> dict[str, Any]:
    """A file from before 0.2.0 as one of today."""
    found = {key: value for key, value in data.items() if key != _NO_MORE}
    for section, names in _RENAMED.items():
        if isinstance(found.get(section), Mapping):
            found[section] = {names.get(key, key): value for key, value in found[section].items()}
    for section, gone in _GONE.items():
        if isinstance(found.get(section), Mapping):
            found[section] = {name: value for name, value in found[section].items() if name not in gone}
    return found


def _ordered(incident: Incident, document: Document) -> None:
    moments = [entry.at for entry in incident.timeline]
    for index, (earlier, later) in enumerate(pairwise(moments), 1):
        if later < earlier:
            raise document.problem(("timeline", index, "at"), f"is earlier ({later:g} s) than the one before it.")
    if moments[-1] > incident.until:
        raise document.problem(
            ("timeline", len(moments) - 1, "at"), f"is after the end of the replay (until: {incident.until:g} s)."
        )
    occurrences = 0.0
    for index, entry in enumerate(incident.timeline):
        if entry.until is not None and entry.every is None:
            raise document.problem(("timeline", index, "until"), "belongs to every: say how often it happens.")
        occurrences += (incident.until - entry.at) / (entry.every or incident.until + 1)
    if occurrences > _MOST_OCCURRENCES:
        raise document.problem(("timeline",), f"has entries that happen more than {_MOST_OCCURRENCES} times in all.")


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
