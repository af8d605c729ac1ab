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
dt{color:#57606a}dd{margin:0}
@media(max-width:32rem){dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:.4rem}ul{padding-left:1.2rem}
table,tbody,tr,td{display:block}tr:has(th){display:none}tr{border:1px solid #d0d7de;margin:.5rem 0;padding:.3em .6em}
td{border:0;padding:0}td:empty{display:none}td::before{content:attr(data-column) ": ";color:#57606a}}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}tr,td,th{border-color:#30363d}a{color:#58a6ff}
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


Cell = str | Link


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


Section = Table | Facts | Listing


def page_response(title: str, about: str, sections: Sequence[Section]) -> web.Response:
    """A page of ours, with the build that made it."""
    running = build()
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html_text(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{html_text(title)}</h1><p>{html_text(about)}</p>{_join(map(_section, sections))}"
        f"<p><small>Version {html_text(running.version)}, revision {html_text(running.revision)}.</small></p>"
        "</body></html>\n"
    )
    return web.Response(text=page, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)


def _section(section: Section) -> str:
    return f"<h2>{html_text(section.title)}</h2>{_inner(section)}"


def _inner(section: Section) -> str:
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
    if isinstance(cell, str):
        return html_text(cell)
    about = f" - {html_text(cell.about)}" if cell.about else ""
    return f'<a href="{html_text(cell.address)}">{html_text(cell.text)}</a>{about}'


def _join(parts: Iterable[str]) -> str:
    return "".join(parts)
