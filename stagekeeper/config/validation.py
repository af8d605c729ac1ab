"""From what a file says to a model, or to a sentence for each mistake: with its line, its key and what to do."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stagekeeper.config.document import SECRET, Document, Place, hint
from stagekeeper.config.durations import spell
from stagekeeper.config.errors import ConfigurationError

_CREDENTIALS = re.compile(r"//[^/@\s]+@")
_QUERY = re.compile(r"(?<=[?#]).+", re.DOTALL)
"""Of a URL, what may be a token."""
_MODEL = {"model_type", "model_attributes_type"}
_MAPPING = {*_MODEL, "dict_type"}
"""Where a mapping is asked for, a text may be the very secret whose file the mapping is to name."""

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], value: Any, document: Document, place: Place) -> Model:
    """`value`, found at `place`, as a `model`. Raises `ConfigurationError` that lists every mistake."""
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as problem:
        found = problem.errors(include_url=False)
        mistakes = [_mistake(model, each, document, place + _keys_given(each["loc"], value)) for each in found]
        raise ConfigurationError("\n".join(dict.fromkeys(mistakes))) from problem


def _keys_given(loc: Place, value: object) -> Place:
    """The keys of a mistake's place, without the names of a union's types that pydantic puts between them."""
    keys: list[str | int] = []
    for key in loc:
        if isinstance(value, Mapping | None) and key != "[key]":
            keys.append(key)
            value = value.get(key) if value else None
        elif isinstance(value, list) and isinstance(key, int):
            keys.append(key)
            value = value[key]
    return tuple(keys)


def _mistake(model: type[BaseModel], error: ErrorDetails, document: Document, at: Place) -> str:
    if error["type"] == "extra_forbidden":
        return str(document.problem(at, _unknown(str(at[-1]), _model_at(model, error["loc"][:-1]))))
    if error["type"] == "missing":
        return str(document.problem(at, "is missing and has no default."))
    given = "" if error["type"] in _MAPPING else _given(at, error["input"])
    return str(document.problem(at, _CREDENTIALS.sub("//", f"{_must(model, error)}.{given}")))


def _unknown(key: str, model: type[BaseModel] | None) -> str:
    reason = getattr(model, "refused", {}).get(key)
    if reason is not None:
        return f"is not supported: {reason}."
    known = _keys(model)
    return f"unknown key{hint(key, known)}. Known are {', '.join(known)}."


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
    "dict_type": "must be a mapping",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "too_short": "must have at least {min_length} entry",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}
"""What is asked for, by pydantic's type of the mistake, in words for somebody who writes YAML."""


def _must(model: type[BaseModel], error: ErrorDetails) -> str:
    """What the value must be; our own validators say it in their `ValueError`."""
    if error["type"] in _MODEL:
        return f"must be a mapping; its keys are {', '.join(_keys(_model_at(model, error['loc'])))}"
    if error["type"] in _MUST:
        return _MUST[error["type"]].format(**{key: _bound(value) for key, value in error.get("ctx", {}).items()})
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{message[:1].lower()}{message[1:]}"


_TIMEDELTA = re.compile(r"datetime\.timedelta\((?:0|(?P<parts>(?:days|seconds|microseconds)=.*))\)")
_PARTS = re.compile(r"(days|seconds|microseconds)=(-?\d+)")


def _bound(value: Any) -> Any:
    """A bound as it is written in the file. pydantic gives that of a timedelta as the text of Python."""
    found = _TIMEDELTA.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return spell(timedelta(**{unit: int(count) for unit, count in _PARTS.findall(found["parts"] or "")}))
    return f"{value:.15g}" if isinstance(value, float) else value


def _given(at: Place, value: object) -> str:
    """What stands there instead, unless it is long or may be a secret that somebody put in the wrong place."""
    if isinstance(value, Mapping | list) or SECRET.search(".".join(map(str, at))) or "-----BEGIN" in str(value):
        return ""
    if "@" in _CREDENTIALS.sub("//", str(value)):  # it may be a URL without its scheme, or with a / in its password
        return ""
    return f" It is {_yaml(_QUERY.sub('...', value) if isinstance(value, str) else value)}."


def _yaml(value: object) -> str:
    """A value as it stands in the file, or nearly so."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float | str) else str(value)


def _keys(model: type[BaseModel] | None) -> list[str]:
    """The known keys of a model, as they are written."""
    return [] if model is None else [info.alias or name for name, info in model.model_fields.items()]


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that `path` leads to, starting from `model`; None where that is none."""
    by_name = False
    for key in path:
        if by_name or isinstance(key, int):  # an entry of a mapping or of a list: the model stays
            by_name = False
            continue
        info = next((each for name, each in model.model_fields.items() if key in (each.alias, name)), None)
        inner = _model_in(info.annotation) if info else None
        if info is None or inner is None:
            return None
        model, by_name = inner, get_origin(info.annotation) is dict
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in getattr(annotation, "__args__", ()) if (found := _model_in(each))), None)
