"""`python -m dashboards.preview` plays an outage on a live stage and draws both dashboards into docs/images/."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from dashboards.preview import page
from dashboards.preview.ask import Prometheus, Series, Window
from dashboards.preview.axes import Band
from dashboards.preview.stage import Moments, stage
from dashboards.preview.timeline import stretches
from dashboards.preview.view import View, episodes, views
from simulator.demo.configuration import FASTER
from simulator.demo.programs import MissingProgram

ROOT = Path(__file__).resolve().parents[2]
HOW = f"drawn from a live demo, whose waits are {FASTER} times shorter; times are seconds after the fault"


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=ROOT / "docs" / "images")
def main(folder: Path) -> None:
    """Draw each dashboard as an SVG page."""
    click.echo("Playing an outage and its remedy on a live stage (about a minute) ...")
    try:
        pages = asyncio.run(_pages())
    except MissingProgram as problem:
        raise click.ClickException(str(problem)) from problem
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in pages.items():
        (folder / name).write_text(drawing, encoding="utf-8")
        click.echo(f"Wrote {folder / name}")


async def _pages() -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="stagekeeper-preview-") as folder:
        async with stage(Path(folder)) as running:
            moments = await running.play()
            return await drawings(running.prometheus, moments)


async def drawings(prometheus: Prometheus, moments: Moments) -> dict[str, str]:
    """Each page by its file's name: "CF Stager" in the outage and after it, "Stagekeeper" after it."""
    sick = page.Moment(moments.sick(), moments.fault, f"in the outage · {HOW}")
    cured = page.Moment(moments.cured(), moments.fault, f"after the outage · {HOW}")
    return {
        "cf-stager-outage.svg": await _drawing("cf-stager", prometheus, sick),
        "cf-stager-recovered.svg": await _drawing("cf-stager", prometheus, cured),
        "stagekeeper.svg": await _drawing("stagekeeper", prometheus, cured),
    }


async def _drawing(name: str, prometheus: Prometheus, moment: page.Moment) -> str:
    dashboard = json.loads((ROOT / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    phases = await prometheus.ask(episodes(dashboard), moment.window)
    bands = [
        Band(start, end, phase.name)
        for phase in phases
        for start, end, _ in stretches(phase.points, moment.window.step)
    ]
    answered = [(view, await answers(view, prometheus, moment.window)) for view in views(dashboard)]
    return page.draw(f"{dashboard['title']} · {prometheus.environment}", answered, replace(moment, bands=tuple(bands)))


async def answers(view: View, prometheus: Prometheus, window: Window) -> Sequence[Series]:
    """The series that answer all queries of a panel."""
    return [series for asked in view.queries for series in await prometheus.ask(asked, window)]


if __name__ == "__main__":
    main()
