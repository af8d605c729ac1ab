"""`python -m charts` writes every generated file of the chart."""

import click

from charts.render import ROOT, files


@click.command()
def main() -> None:
    """Write values.yaml, values.schema.json, the profiles and the README's table from their one source."""
    for path, content in files().items():
        (ROOT / path).write_text(content, encoding="utf-8")
        click.echo(f"Wrote {path}.")


if __name__ == "__main__":
    main()
