"""The settings that are durations, found by walking over the models of a configuration file's sections."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def durations(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Each duration in the section of `model` and below, by its place, such as `remediator.alertmanagers[].timeout`."""
    return settings(model, place, timedelta)


def settings(model: type[BaseModel], place: str, kind: type) -> Iterator[tuple[str, FieldInfo]]:
    """Each setting of this kind in the section of `model` and below, by its place."""
    for name, field in model.model_fields.items():
        here = f"{place}.{name}" if place else name
        if kind in (field.annotation, *get_args(field.annotation)):
            yield here, field
        for inner, is_listed in _models(field.annotation):
            yield from settings(inner, f"{here}[]" if is_listed else here, kind)


def _models(annotation: Any, *, is_listed: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, is_listed
    for each in get_args(annotation):
        yield from _models(each, is_listed=is_listed or getattr(annotation, "__origin__", None) is list)


def in_seconds(field: FieldInfo) -> dict[str, Any]:
    """The bounds of a duration as a JSON schema of a number of seconds says them."""
    bounds = {
        theirs: getattr(bound, ours).total_seconds()
        for bound in field.metadata
        for ours, theirs in _BOUNDS.items()
        if hasattr(bound, ours)
    }
    return {"type": "number", **bounds}
