"""`stagekeeper check-config`: the configuration file as all programs will understand it, or every mistake in it."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import BaseModel

from stagekeeper.diego.environments import environments
from stagekeeper.settings import Document, SettingsProblem, read

PROGRAMS = ("exporter", "remediator")
"""Each has a module `settings` with `section(document)`, which validates the section of its name."""


@click.command("check-config")
@click.option("--config.file", "config_file", type=click.Path(path_type=Path), required=True, help="The file to check.")
def command(*, config_file: Path) -> None:
    """Read a configuration file and print what was understood, defaults included, or every mistake.

    Files that it names (certificates, tokens) are not opened: they may be elsewhere than where this runs.

    Exit codes: 0 every program can use it, 2 there is a mistake.
    """
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
    for name, part in _parts():
        try:
            understood[name] = part(document)
        except SettingsProblem as problem:
            mistakes.append(str(problem))
    if mistakes:
        raise SettingsProblem("\n".join(mistakes))
    return understood


def _parts() -> Iterator[tuple[str, Callable[[Document], Any]]]:
    yield "environments", lambda document: [_plain(asdict(each)) for each in environments(document)]
    for program in PROGRAMS:
        if importlib.util.find_spec(f"{program}.settings"):
            yield program, _section(program)


def _section(program: str) -> Callable[[Document], Any]:
    section: Callable[[Document], BaseModel] = importlib.import_module(f"{program}.settings").section
    return lambda document: section(document).model_dump(mode="json")


def _plain(value: Any) -> Any:
    """`value` with paths as text and tuples as lists, as YAML writes them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
