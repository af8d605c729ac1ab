"""`stagekeeper check-config`: the configuration file as all programs will understand it, or every mistake in it."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from stagekeeper.config.document import Document, read
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.effective import written
from stagekeeper.diego.environments import environments, pinned_environments
from stagekeeper.service.options import config_file
from stagekeeper.visible import visible

PROGRAMS = ("exporter", "remediator")
"""Each has a module `settings` with a function such as `exporter_settings(document)`, which validates its section."""
OPTIONAL = ("exporter",)
"""Whose defaults are enough without a section."""
UNCHECKED = "act without database.address: where monit runs the BBS, a database that is down looks like the hang"
ABSENT = "this file has no such section, so the program can't be started with it"


@click.command("check-config")
@config_file("The file to check.")
def command(*, config_file: Path | None) -> None:
    """Read a configuration file and print what was understood, as a file with every default; or every mistake.

    Files that it names (certificates, tokens) are not opened: they may be elsewhere than where this runs.

    Exit codes: 0 every program can use it, 2 there is a mistake.
    """
    if config_file is None:
        raise click.UsageError("Name the file to check with --config.file.")
    try:
        understood = check(read(config_file))
    except ConfigurationError as problem:
        click.echo(visible(str(problem), keep="\n"), err=True)
        sys.exit(2)
    click.echo(written(understood), nl=False)
    for program in PROGRAMS:
        if program not in understood:
            click.echo(f"# {program}: {ABSENT}")
    if getattr(understood.get("remediator"), "mode", "") == "act":
        for each in understood["environments"]:
            if each.database_address is None:
                click.echo(f"# {each.name}: {UNCHECKED}")


def check(document: Document) -> dict[str, Any]:
    """All that `document` says, by section. Raises `ConfigurationError` with the mistakes of all of them."""
    understood: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, part in _parts(document):
        try:
            understood[name] = part(document)
        except ConfigurationError as problem:
            mistakes.append(str(problem))
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return understood


def _parts(document: Document) -> Iterator[tuple[str, Callable[[Document], Any]]]:
    yield "environments", pinned_environments if "remediator" in document.data else environments
    for program in PROGRAMS:
        if program in document.data or program in OPTIONAL:
            yield program, getattr(importlib.import_module(f"{program}.settings"), f"{program}_settings")
