"""Pages for people, in one style: on a phone, in the dark, without scripts or anything from elsewhere.

Whatever a text holds, it is shown and not obeyed: everything is escaped here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from stagekeeper.service.build import build
from stagekeeper.visible import html_text

STYLE = """
body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem;color:#1b1f24;background:#fff;
overflow-wrap:anywhere}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}a{color:#0969da}small{color:#57606a}
.wide{overflow-x:auto}table{border-collapse:collapse}
td,th{border:1px solid #d0d7de;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:normal}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem .8rem;margin:.5rem 0}
dt{color:#57606a}dd{margin:0}h3{font-size:1rem;margin:1rem 0 .3rem}
section{border:1px solid #d0d7de;border-radius:.5rem;padding:.2rem 1rem 1rem;margin:1rem 0}
code{display:block;overflow-x:auto;background:#f6f8fa;padding:.4rem .6rem;border-radius:.3rem}
.word{display:inline-block;min-width:4.5rem;border-radius:.3rem;padding:0 .4rem;text-align:center;color:#fff}
.good{background:#1a7f37}.wait{background:#8a5a00}.bad{background:#b42318}.none{background:#57606a}
@media(max-width:32rem){dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:.4rem}ul{padding-left:1.2rem}
table,tbody,tr,td{display:block}tr:has(th){display:none}tr{border:1px solid #d0d7de;margin:.5rem 0;padding:.3em .6em}
td{border:0;padding:0}td:empty{display:none}td::before{content:attr(data-column) ": ";color:#57606a}}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}tr,td,th,section{border-color:#30363d}
code{background:#161b22}a{color:#58a6ff}
dt,small,td::before{color:#9198a1}}
"""
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads somewhere, and what is said behind it."""

    address: str
    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One word that says how something stands: `kind` is good, wait, bad or none."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Command:
    """What to type."""

    text: str


Part = str | Link | Word | Command
Cell = Part | tuple[Part, ...]
"""What stands in a cell: one part, or several one after the other."""


@dataclass(frozen=True, slots=True)
class Table:
    """A section with a table."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Facts:
    """A section with what is so, each under its name."""

    title: str
    facts: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A section with one line after the other."""

    title: str
    lines: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Group:
    """Sections that belong together, below one heading; those without anything in them are left out."""

    title: str
    sections: Sequence[Table | Facts | Listing]


Section = Table | Facts | Listing | Group


def page_response(title: str, about: str, sections: Sequence[Section]) -> web.Response:
    """A page of ours, as an answer."""
    text = page(title, about, sections)
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)


def page(title: str, about: Cell, sections: Sequence[Section], *, refresh: int | None = None) -> str:
    """A page of ours, with the build that made it; `refresh` is after how many seconds it loads itself again."""
    running = build()
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{again}<title>{html_text(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{html_text(title)}</h1><p>{_cell(about)}</p>{_join(map(_section, sections))}"
        f"<p><small>Version {html_text(running.version)}, revision {html_text(running.revision)}.</small></p>"
        "</body></html>\n"
    )


def _section(section: Section) -> str:
    if isinstance(section, Group):
        inner = _join(f"<h3>{html_text(each.title)}</h3>{_inner(each)}" for each in section.sections if _holds(each))
        return f'<section id="{html_text(section.title)}"><h2>{html_text(section.title)}</h2>{inner}</section>'
    return f"<h2>{html_text(section.title)}</h2>{_inner(section)}"


def _holds(section: Table | Facts | Listing) -> bool:
    match section:
        case Table(rows=rows):
            return bool(rows)
        case Facts(facts=facts):
            return bool(facts)
        case Listing(lines=lines):
            return bool(lines)


def _inner(section: Table | Facts | Listing) -> str:
    if isinstance(section, Facts):
        facts = (f"<dt>{html_text(name)}</dt><dd>{_cell(value)}</dd>" for name, value in section.facts)
        return f"<dl>{_join(facts)}</dl>"
    if isinstance(section, Listing):
        return f"<ul>{_join(f'<li>{_cell(line)}</li>' for line in section.lines)}</ul>"
    head = _join(f"<th>{html_text(column)}</th>" for column in section.columns)
    body = _join(_row(section.columns, row) for row in section.rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _row(columns: Sequence[str], row: Sequence[Cell]) -> str:
    """On a phone each cell stands in a line of its own, behind the name of its column."""
    cells = (
        f'<td data-column="{html_text(column)}">{_cell(cell)}</td>' for column, cell in zip(columns, row, strict=True)
    )
    return f"<tr>{_join(cells)}</tr>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, tuple):
        return " ".join(map(_cell, cell))
    if isinstance(cell, str):
        return html_text(cell)
    if isinstance(cell, Word):
        return f'<span class="word {html_text(cell.kind)}">{html_text(cell.text)}</span>'
    if isinstance(cell, Command):
        return f"<code>{html_text(cell.text)}</code>"
    about = f" - {html_text(cell.about)}" if cell.about else ""
    return f'<a href="{html_text(cell.address)}">{html_text(cell.text)}</a>{about}'


def _join(parts: Iterable[str]) -> str:
    return "".join(parts)
