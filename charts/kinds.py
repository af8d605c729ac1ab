"""The kinds of values that this chart has: texts with a form, numbers, switches, pieces of Kubernetes objects."""

from typing import Any

from charts.model import Schema, Value

NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
KEY = r"^[-._a-zA-Z0-9]+$"
HOST = r"^[A-Za-z0-9]([-A-Za-z0-9.]{0,252}[A-Za-z0-9])?$"
HOST_PORT = r"^[A-Za-z0-9]([-A-Za-z0-9.]{0,252}[A-Za-z0-9])?:[0-9]{1,5}$"
SELECTOR = r"^[-._/a-zA-Z0-9]+==?[-._a-zA-Z0-9]+(,[-._/a-zA-Z0-9]+==?[-._a-zA-Z0-9]+)*$"
"""Only equality: it becomes a NetworkPolicy's podSelector and a condition of the admission policy too."""
DURATION = r"^[0-9]+(ms|s|m|h)$"
URL = r"^https?://[^\s/@?#]+(/[^\s?#]*)?$"
MAP: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def text(about: str, default: str = "", pattern: str = "") -> Value:
    """A text. One that is empty by default may stay so."""
    form = f"^$|{pattern}" if pattern and not default else pattern
    return Value(default, about, {"type": "string", **({"pattern": form} if form else {})})


def choice(about: str, default: str, *others: str) -> Value:
    """One word of a few."""
    return Value(default, about, {"type": "string", "enum": [default, *others]})


def switch(about: str, *, default: bool) -> Value:
    """On or off."""
    return Value(default, about, {"type": "boolean"})


def whole(about: str, default: int | None, minimum: int, maximum: int) -> Value:
    """A whole number."""
    return Value(default, about, {"type": "integer", "minimum": minimum, "maximum": maximum})


def seconds(about: str, default: float | None, maximum: int) -> Value:
    """A duration in seconds, longer than none."""
    return Value(default, about, {"type": "number", "exclusiveMinimum": 0, "maximum": maximum})


def texts(about: str, default: dict[str, str] | None = None) -> Value:
    """Texts by name, as labels and annotations are."""
    return Value(default or {}, about, MAP)


def piece(about: str, default: dict[str, Any] | None = None) -> Value:
    """A part of a Kubernetes object, passed on as it is: the API server judges it."""
    return Value(default or {}, about, {"type": "object"})


def pieces(about: str, default: list[dict[str, Any]] | None = None) -> Value:
    """A list of such parts."""
    return Value(default or [], about, {"type": "array", "items": {"type": "object"}})


def ports(about: str, default: list[int]) -> Value:
    """TCP ports."""
    return Value(default, about, {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}})
