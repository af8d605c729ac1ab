"""`python -m dashboards` writes every dashboard, and the chart's copies, from their one source."""

from pathlib import Path

import click

from dashboards.board import as_json
from dashboards.boards.health import health
from dashboards.boards.stager import stager

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("dashboards", "charts/stagekeeper/files/dashboards")


def files() -> dict[str, str]:
    """Every generated file: its path from the repository's root, and its text."""
    made = {"cf-stager.json": as_json(stager()), "stagekeeper.json": as_json(health())}
    return {f"{folder}/{name}": text for folder in FOLDERS for name, text in made.items()}


@click.command()
def main() -> None:
    """Write the dashboards."""
    generated = files()
    for path, content in generated.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(content, encoding="utf-8")
    click.echo(f"Wrote {len(generated)} files.")


if __name__ == "__main__":
    main()
