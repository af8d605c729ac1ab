"""values.schema.json, with its references resolved."""

import json
from collections.abc import Iterator
from typing import Any

from tests.chart.helm import FOLDER

Schema = dict[str, Any]
SCHEMA: Schema = json.loads((FOLDER / "values.schema.json").read_text())
SECTIONS = frozenset({"exporterConfig", "rhythm", "policy", "patience"})
"""Parts of the configuration file that the chart passes on as they are: each is one value."""


def resolved(node: Schema) -> Schema:
    """A node, or the definition that it refers to."""
    reference = node.get("$ref")
    return SCHEMA["definitions"][reference.rpartition("/")[2]] if reference else node


def at(path: str) -> Schema:
    """The schema of one value, such as `remediator.alertmanagers[].url`."""
    node = SCHEMA
    for key in path.replace("[]", ".[]").split("."):
        node = resolved(node["items"] if key == "[]" else node["properties"][key])
    return node


def paths(node: Schema = SCHEMA, prefix: str = "") -> Iterator[str]:
    """Each value that a user may set, and each key of a list's entries."""
    for name, each in node["properties"].items():
        path, inner = f"{prefix}{name}", resolved(each)
        section = each.get("$ref", "").rpartition("/")[2] in SECTIONS
        if "properties" in inner and not section and inner["type"] == "object":
            yield from paths(inner, f"{path}.")
            continue
        yield path
        entry = resolved(inner.get("items", {}))
        if entry.get("additionalProperties") is False:
            yield from paths(entry, f"{path}[].")
