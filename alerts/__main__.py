"""`python -m alerts` writes rules and runbooks; `python -m alerts --faster 12` prints rules for a demonstration."""

from pathlib import Path

import click

from alerts.render import files, groups, text
from alerts.thresholds import Thresholds

ROOT = Path(__file__).resolve().parent.parent


@click.command()
@click.option(
    "--faster", type=click.FloatRange(min=1), help="Print the rules with all times this much shorter instead."
)
def main(faster: float | None) -> None:
    """Write every rule file and every runbook from their one source."""
    if faster is not None:
        click.echo(text(groups(Thresholds().faster(faster))), nl=False)
        return
    generated = files(Thresholds())
    for path, content in generated.items():
        (ROOT / path).write_text(content, encoding="utf-8")
    click.echo(f"Wrote {len(generated)} files.")


if __name__ == "__main__":
    main()
