"""A value as text and colour, the way Grafana shows it."""

from collections.abc import Mapping
from typing import Any

from dashboards.preview.view import View

BACKGROUND, PANEL, EDGE = "#111217", "#181b1f", "#2c3036"
TEXT, QUIET, GRID = "#d8d9e3", "#8e929b", "#26292f"
NAMED = {
    "green": "#5fb35a",
    "red": "#e0475b",
    "orange": "#ef8a34",
    "yellow": "#e3bd2b",
    "blue": "#4f87e0",
    "purple": "#a66bc9",
    "text": TEXT,
    "transparent": "none",
}
PALETTE = ("#5fb35a", "#e3bd2b", "#5bb6d6", "#ef8a34", "#e0475b", "#4f87e0", "#a66bc9", "#8a9a5b")
UNKNOWN = "#7b8087"
MARK = "#8ab4ff"
_TIMES = (("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3_600.0), ("min", 60.0))
_BYTES = (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10))


def hexadecimal(color: str) -> str:
    """The colour that one of Grafana's names means in its dark theme."""
    return NAMED.get(color, color)


def shown(value: float, view: View) -> tuple[str, str]:
    """Text and colour of a value: its word if it has one, else the number with its unit."""
    word = _mapped(value, view)
    color = word.get("color") or _threshold(value, view)
    return str(word.get("text") or with_unit(value, view.defaults.get("unit", "none"))), hexadecimal(color)


def shown_word(value: str, view: View) -> tuple[str, str]:
    """Text and colour of a label's value."""
    word = _exact(value, view)
    return word.get("text") or value, hexadecimal(word.get("color") or _threshold(float("-inf"), view))


def _mapped(value: float, view: View) -> Mapping[str, Any]:
    exact = _exact(f"{value:g}", view)
    if exact:
        return exact
    ranges = (each["options"] for each in view.defaults["mappings"] if each["type"] == "range")
    return next((each["result"] for each in ranges if each["from"] <= value <= each["to"]), {})


def _exact(value: str, view: View) -> Mapping[str, Any]:
    options = [each["options"] for each in view.defaults["mappings"] if each["type"] == "value"]
    found: Mapping[str, Any] = next((each[value] for each in options if value in each), {})
    return found


def _threshold(value: float, view: View) -> str:
    steps = view.defaults["thresholds"]["steps"]
    return str([each["color"] for each in steps if each["value"] is None or value >= each["value"]][-1])


def with_unit(value: float, unit: str) -> str:
    """A number with its unit, as short as it can be."""
    match unit:
        case "s":
            return _seconds(value)
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "bytes":
            return _scaled(value, _BYTES, "B")
        case "cps":
            return f"{value:.2g}/s"
        case _:
            return f"{value:.3g}"


def _seconds(value: float) -> str:
    if value == 0:
        return "0 s"
    if abs(value) < 1:
        return f"{value * 1000:.3g} ms"
    return _scaled(value, _TIMES, "s") if abs(value) >= 120 else f"{value:.3g} s"  # noqa: PLR2004 -- two minutes


def _scaled(value: float, scales: tuple[tuple[str, float], ...], smallest: str) -> str:
    name, size = next(((name, size) for name, size in scales if abs(value) >= size), (smallest, 1.0))
    return f"{value / size:.3g} {name}"
