"""The page at `/`: what this process is, where its endpoints are, tables of what it knows. No scripts, no assets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from stagekeeper.service.build import build
from stagekeeper.visible import html_text

_STYLE = (
    "body{font-family:sans-serif;margin:2em;max-width:70em}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left}"
)
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the list of endpoints."""

    address: str
    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A section of the page. Cells are plain text and are escaped here."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def landing_page(name: str, about: str, links: Sequence[Link], tables: Sequence[Table] = ()) -> web.Response:
    """The page; every text is escaped, whatever it holds."""
    running = build()
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html_text(name)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html_text(name)}</h1><p>{html_text(about)}</p>"
        f"<p>Version {html_text(running.version)}, revision {html_text(running.revision)}.</p>"
        f"<ul>{_join(_link(link) for link in links)}</ul>{_join(_table(table) for table in tables)}</body></html>\n"
    )
    return web.Response(text=page, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)


def _link(link: Link) -> str:
    about = f" - {html_text(link.about)}" if link.about else ""
    return f'<li><a href="{html_text(link.address)}">{html_text(link.text)}</a>{about}</li>'


def _table(table: Table) -> str:
    head = _join(f"<th>{html_text(column)}</th>" for column in table.columns)
    rows = _join(f"<tr>{_join(f'<td>{html_text(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f"<h2>{html_text(table.title)}</h2><table><tr>{head}</tr>{rows}</table>"


def _join(parts: Iterable[str]) -> str:
    return "".join(parts)
