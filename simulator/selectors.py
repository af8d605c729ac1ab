"""Label and field selectors, as LIST takes them."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.errors import bad_request

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s+\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")
_ALWAYS = ("metadata.name", "metadata.namespace")


def parse_labels(text: str) -> Requirement:
    """Make a predicate over labels of a selector; empty selects everything. ApiError 400 if it can't be parsed."""
    parts = [part.strip() for part in _COMMA_OUTSIDE_PARENTHESES.split(text)] if text.strip() else []
    requirements = [_requirement(part) for part in parts]
    return lambda labels: all(requirement(labels) for requirement in requirements)


def matches(selector: Labels, labels: Labels) -> bool:
    """Whether labels hold everything that a plain map of labels asks for, as a Service's selector does."""
    return all(labels.get(key) == value for key, value in selector.items())


def parse_fields(text: str, allowed: Sequence[str] = ()) -> Callable[[Mapping[str, Any]], bool]:
    """Make a predicate over objects of a field selector.

    `allowed`: the fields of this resource that the server indexes besides name and namespace. ApiError 400 for others.
    """
    wanted = [_field(part, (*_ALWAYS, *allowed)) for part in text.split(",") if part]
    return lambda item: all(_equals(item, *each) for each in wanted)


def _requirement(text: str) -> Requirement:
    if found := _SET.fullmatch(text):
        key, operator, names = found.groups()
        values = {name.strip() for name in names.split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUALITY.fullmatch(text):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.fullmatch(text):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise bad_request(f"unable to parse requirement: {text!r}")


def _field(text: str, allowed: Sequence[str]) -> tuple[list[str], str, bool]:
    name, separator, value = text.partition("=")
    name, negated = name.removesuffix("!"), name.endswith("!")
    if not separator or name not in allowed:
        raise bad_request(f'"{name}" is not a known field selector: only {", ".join(allowed)}')
    return name.split("."), value.removeprefix("="), negated


def _equals(item: Mapping[str, Any], path: Sequence[str], value: str, negated: bool) -> bool:  # noqa: FBT001 -- an operator
    found: Any = item
    for name in path:
        found = found.get(name, "") if isinstance(found, Mapping) else ""
    return bool(found == value) != negated
