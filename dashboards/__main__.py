"""`python -m dashboards` writes every dashboard, from one source, to where the chart takes it from."""

from pathlib import Path

import click

from dashboards.board import as_json
from dashboards.boards.cf_stager import cf_stager
from dashboards.boards.stagekeeper import stagekeeper

FOLDER = Path(__file__).resolve().parent.parent / "charts" / "stagekeeper" / "files" / "dashboards"


def files() -> dict[str, str]:
    """Every dashboard: the name of its file, and its text."""
    return {"cf-stager.json": as_json(cf_stager()), "stagekeeper.json": as_json(stagekeeper())}


@click.command()
def main() -> None:
    """Write the dashboards."""
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        click.echo(f"Wrote {FOLDER / name}.")


if __name__ == "__main__":
    main()
