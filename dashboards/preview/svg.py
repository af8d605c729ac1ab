"""The little of SVG that the drawings need. All lengths are in pixels; text is measured by a rough average width."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
WIDTH_OF_A_CHARACTER = 0.56
"""Of the font size, on average."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle's place."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Ink:
    """How a text is written."""

    size: float
    fill: str
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


def rect(box: Box, fill: str, *, radius: float = 0, stroke: str = "none", opacity: float = 1) -> str:
    """A rectangle."""
    see_through = f' fill-opacity="{opacity}"' if opacity < 1 else ""
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{max(box.w, 0):.1f}" height="{max(box.h, 0):.1f}" '
        f'rx="{radius}" fill="{fill}" stroke="{stroke}"{see_through}/>'
    )


def text(at: Point, words: str, ink: Ink) -> str:
    """One line of text from its base line."""
    weight = ' font-weight="600"' if ink.bold else ""
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{ink.size:.1f}" fill="{ink.fill}" '
        f'text-anchor="{ink.anchor}"{weight}>{escape(words)}</text>'
    )


def line(start: Point, end: Point, stroke: str, *, width: float = 1, dashes: str = "") -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{stroke}" stroke-width="{width}"{dashed}/>'
    )


def path(points: Sequence[Point], stroke: str, *, width: float = 1.6) -> str:
    """A line through points."""
    return f'<path d="{_way(points)}" fill="none" stroke="{stroke}" stroke-width="{width}" stroke-linejoin="round"/>'


def area(points: Sequence[Point], fill: str, *, opacity: float = 0.45) -> str:
    """A closed shape."""
    return f'<path d="{_way(points)}Z" fill="{fill}" fill-opacity="{opacity}"/>'


def group(parts: Iterable[str], to: Point) -> str:
    """Parts, moved."""
    return f'<g transform="translate({to[0]:.1f} {to[1]:.1f})">\n' + "\n".join(parts) + "\n</g>"


def page(parts: Iterable[str], width: float, height: float, background: str) -> str:
    """A whole picture."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}">\n'
        f"{rect(Box(0, 0, width, height), background)}\n{body}\n</svg>\n"
    )


def width_of(words: str, size: float) -> float:
    """About how wide a line of text is."""
    return len(words) * size * WIDTH_OF_A_CHARACTER


def shortened(words: str, width: float, size: float) -> str:
    """A text cut so that it fits."""
    fits = max(int(width / (size * WIDTH_OF_A_CHARACTER)), 1)
    return words if len(words) <= fits else f"{words[: fits - 1].rstrip()}…"


def _way(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
