"""How commands print: words in colour on a terminal, and documents for programs as JSON or YAML."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import click
import yaml

from stagekeeper.visible import visible

FORMATS = ("text", "json", "yaml")
"""What `--output` takes."""
GOOD, WAIT, BAD = "green", "yellow", "red"
"""How something stands, as a colour."""
OUTPUT = click.option("-o", "--output", type=click.Choice(FORMATS), default="text")


def coloured(text: str, colour: str | None) -> str:
    """In colour on a terminal, unless NO_COLOR is set (https://no-color.org); else as it is.

    Only here are there escapes, and they are ours: what the text itself holds is shown.
    """
    text = visible(text)
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or colour is None else click.style(text, fg=colour)


def dumped(document: Mapping[str, Any], output: str) -> str:
    """A document for a program, in ASCII."""
    as_json = json.dumps(document, indent=2) + "\n"
    if output == "json":
        return as_json
    as_yaml: str = yaml.safe_dump(json.loads(as_json), sort_keys=False)
    return as_yaml
