"""`stagekeeper check-config`: the configuration file as all programs will understand it, or every mistake in it."""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from stagekeeper.diego.environments import environments, pinned_environments
from stagekeeper.diego.profiles import Environment
from stagekeeper.service.options import config_file
from stagekeeper.settings import Document, SettingsProblem, read

PROGRAMS = ("exporter", "remediator")
"""Each has a module `settings` with a function such as `exporter_settings(document)`, which validates its section."""
OPTIONAL = ("exporter",)
"""Whose defaults are enough without a section."""
ABSENT = "this file has no such section, so the program can't be started with it"


@click.command("check-config")
@config_file("The file to check.")
def command(*, config_file: Path | None) -> None:
    """Read a configuration file and print what was understood, defaults included, or every mistake.

    Files that it names (certificates, tokens) are not opened: they may be elsewhere than where this runs.

    Exit codes: 0 every program can use it, 2 there is a mistake.
    """
    if config_file is None:
        raise click.UsageError("Name the file to check with --config.file.")
    try:
        understood = check(read(config_file))
    except SettingsProblem as problem:
        click.echo(str(problem), err=True)
        sys.exit(2)
    click.echo(yaml.safe_dump(understood, sort_keys=False, allow_unicode=True), nl=False)


def check(document: Document) -> dict[str, Any]:
    """All that `document` says, as plain values. Raises `SettingsProblem` with the mistakes of all parts."""
    understood: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, part in _parts(document):
        try:
            understood[name] = part(document)
        except SettingsProblem as problem:
            mistakes.append(str(problem))
    if mistakes:
        raise SettingsProblem("\n".join(mistakes))
    return understood


def _parts(document: Document) -> Iterator[tuple[str, Callable[[Document], Any]]]:
    yield "environments", partial(_environments, pinned_environments if "remediator" in document.data else environments)
    for program in PROGRAMS:
        yield program, partial(_section, program)


def _environments(read_all: Callable[[Document], Sequence[Environment]], document: Document) -> list[dict[str, Any]]:
    """Each environment; of what profile `auto` may turn out to be, only the names."""
    understood: list[dict[str, Any]] = [
        to_jsonable_python(each, timedelta_mode="float", exclude={"candidates"}) for each in read_all(document)
    ]
    return understood


def _section(program: str, document: Document) -> Any:
    validated: Callable[[Document], BaseModel]
    validated = getattr(importlib.import_module(f"{program}.settings"), f"{program}_settings")
    if program not in document.data and program not in OPTIONAL:
        return ABSENT
    return validated(document).model_dump(mode="json")
