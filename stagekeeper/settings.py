"""The configuration file: one YAML document for all programs, whose mistakes are told by line, key and remedy.

Each program validates its own section (`exporter:`, `remediator:`); `environments:` is shared. `check-config`
composes them all.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

SECTIONS = ("environments", "exporter", "remediator")

_MOST_KEYS = 10_000
"""Keys of one file, aliases followed: more are a mistake, or an attempt to make us busy."""
_PYYAML_RAISES = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What PyYAML lets through for a value that does not fit its explicit tag (`!!int ""`), and for a date that is none."""
_NAMED = re.compile(r"\b(alias|anchor|tag) '[^']*'")
"""A password that begins with `*`, `&` or `!` is one of these to YAML, which would quote it."""
_SECRET = re.compile("token|password|passwd|secret|credential|authorization|key_file", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/@\s]+@")

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class SettingsProblem(Exception):
    """The configuration can't be used; the message has one line for each mistake."""


class Strict(BaseModel):
    """A section whose unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration file as read, and the line on which each key stands."""

    data: Mapping[str, Any] = field(default_factory=dict)
    source: str = "the defaults"
    lines: Mapping[Place, int] = field(default_factory=dict)

    def section(self, name: str) -> Any:
        """The value of one top-level key, None where the file has none."""
        return self.data.get(name)

    def where(self, place: Place) -> str:
        """`file:line: ` of a key, or of the nearest thing around it that has a line."""
        line = next((self.lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in self.lines), None)
        return f"{self.source}:{line}: " if line else f"{self.source}: "

    def problem(self, place: Place, sentence: str) -> SettingsProblem:
        """A mistake at `place`, said with its line and its key."""
        return SettingsProblem(
            f"{self.where(place)}{spell(place)}: {sentence}" if place else f"{self.where(place)}{sentence}"
        )


def read(path: Path | None) -> Document:
    """The file at `path`, or an empty document without one. Raises `SettingsProblem`."""
    if path is None:
        return Document()
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as problem:
        raise SettingsProblem(
            f"{path}: can't be read: {problem.strerror}. Name a readable file with --config.file."
        ) from problem
    except UnicodeDecodeError as problem:
        raise SettingsProblem(f"{path}: is not UTF-8 text (byte {problem.start}).") from problem


def parse(text: str, source: str, sections: Sequence[str] = SECTIONS) -> Document:
    """A document from YAML text, with `sections` as its top-level keys; `source` names it in messages.

    Raises `SettingsProblem`.
    """
    lines: dict[Place, int] = {}
    try:
        data = _loaded(text, lines, source)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        at = f":{mark.line + 1}" if mark else ""
        line = text.splitlines()[mark.line : mark.line + 1] if mark else []
        said = [getattr(problem, "context", None), getattr(problem, "problem", None)]
        what = ", ".join(filter(None, said)) or str(problem).splitlines()[0]
        what = _NAMED.sub(r"\1", what) if _SECRET.search("".join(line)) else what
        raise SettingsProblem(f"{source}{at}: is not valid YAML: {what}.") from problem
    except RecursionError as problem:
        raise SettingsProblem(f"{source}: is nested too deeply, or contains itself by an alias.") from problem
    except _PYYAML_RAISES as problem:
        raise SettingsProblem(f"{source}: is not valid YAML: {problem}.") from problem
    if data is None:
        return Document(source=source)
    document = Document(data if isinstance(data, Mapping) else {}, source, lines)
    if not isinstance(data, Mapping):
        raise document.problem((), f"the file must be a mapping with the keys {', '.join(sections)}.")
    for key in data:
        if key not in sections:
            raise document.problem(
                (str(key),), f"unknown key{_hint(str(key), sections)}. Known are {', '.join(sections)}."
            )
    return document


def _loaded(text: str, lines: dict[Place, int], source: str) -> Any:
    """The value, with the line of every key in `lines`. First the lines: making the value melts merges away."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        _collect(node, (), lines, source)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def validate(model: type[Model], value: Any, document: Document, place: Place) -> Model:
    """`value`, found at `place`, as a `model`. Raises `SettingsProblem` that lists every mistake."""
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as problem:
        mistakes = [_mistake(model, each, document, place) for each in problem.errors(include_url=False)]
        raise SettingsProblem("\n".join(dict.fromkeys(mistakes))) from problem


def spell(place: Place) -> str:
    """A place as a person writes it: `environments[0].service.host`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")


def _mistake(model: type[BaseModel], error: ErrorDetails, document: Document, place: Place) -> str:
    at = place + tuple(key for key in error["loc"] if key != "[key]")
    if error["type"] == "extra_forbidden":
        known = _fields(model, error["loc"][:-1])
        return str(document.problem(at, f"unknown key{_hint(str(at[-1]), known)}. Known are {', '.join(known)}."))
    if error["type"] == "missing":
        return str(document.problem(at, "is missing and has no default."))
    return str(document.problem(at, _CREDENTIALS.sub("//", f"{_must(model, error)}.{_given(at, error['input'])}")))


_MUST = {
    "string_type": "must be text; put it in quotes",
    "path_type": "must be the path of a file",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} entry",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}
"""What is asked for, by pydantic's type of the mistake, in words for somebody who writes YAML."""


def _must(model: type[BaseModel], error: ErrorDetails) -> str:
    """What the value must be; our own validators say it in their `ValueError`."""
    if error["type"] in {"model_type", "model_attributes_type"}:
        return f"must be a mapping; its keys are {', '.join(_fields(model, error['loc']))}"
    if error["type"] in _MUST:
        return _MUST[error["type"]].format(**error.get("ctx", {}))
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{message[:1].lower()}{message[1:]}"


def _given(at: Place, value: object) -> str:
    """What stands there instead, unless it is long or may be a secret that somebody put in the wrong place."""
    if isinstance(value, Mapping | list) or _SECRET.search(str(at[-1]) if at else "") or "-----BEGIN" in str(value):
        return ""
    return f" It is {_yaml(value)}."


def _yaml(value: object) -> str:
    """A value as it stands in the file, or nearly so."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float | str) else str(value)


def _fields(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The known keys of the model that `path` leads to, starting from `model`."""
    by_name = False
    for key in path:
        if by_name or isinstance(key, int):  # an entry of a mapping or of a list: the model stays
            by_name = False
            continue
        info = model.model_fields.get(key)
        inner = _model_in(info.annotation) if info else None
        if info is None or inner is None:
            return []
        model, by_name = inner, get_origin(info.annotation) is dict
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in getattr(annotation, "__args__", ()) if (found := _model_in(each))), None)


def _hint(given: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _collect(node: yaml.Node | None, place: Place, lines: dict[Place, int], source: str) -> None:
    """Note the line of every key below `node`; a key given twice is a mistake that YAML itself lets pass."""
    if len(lines) > _MOST_KEYS:
        raise SettingsProblem(f"{source}: has more than {_MOST_KEYS} keys, aliases followed.")
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*place, index)] = item.start_mark.line + 1
            _collect(item, (*place, index), lines, source)
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            at = (*place, str(key.value))
            line = key.start_mark.line + 1
            if at in lines:
                raise SettingsProblem(
                    f"{source}:{line}: {spell(at)}: is given twice; the first is on line {lines[at]}."
                )
            lines[at] = line
            _collect(item, at, lines, source)
