"""What a chart's value is, and how values become values.yaml, values.schema.json and a table for people. Pure."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel

_WIDTH = 110
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a user may set; `default` is what values.yaml says."""

    default: Any
    about: str
    schema: Schema
    items: "Group | None" = None
    """What each entry of a list looks like."""


@dataclass(frozen=True, slots=True)
class Group:
    """Values that belong together, under one key. Unknown keys in it are refused."""

    about: str
    values: Mapping[str, "Value | Group"]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the README's table."""

    path: str
    default: str
    about: str


def fields_of(model: type[BaseModel]) -> Schema:
    """A section of the configuration file as JSON Schema: bounds and unknown keys as the program itself has them."""
    found = model.model_json_schema()
    if "$defs" in found:
        raise ValueError(f"{model.__name__} is nested; declare its values one by one")
    properties = {name: _without(each, "title", "default") for name, each in found["properties"].items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def json_schema(node: "Value | Group") -> Schema:
    """A value or a group as draft-07."""
    if isinstance(node, Group):
        properties = {name: json_schema(each) for name, each in node.values.items()}
        found: Schema = {
            "type": "object",
            "description": node.about,
            "additionalProperties": False,
            "properties": properties,
        }
        return {**found, "required": list(node.required)} if node.required else found
    inner = {} if node.items is None else {"items": json_schema(node.items)}
    return {"description": node.about, **node.schema, **inner}


def values_yaml(group: Group, depth: int = 0) -> str:
    """The values with their defaults and comments, as values.yaml."""
    return ("\n" if depth == 0 else "").join(_entry(name, each, depth) for name, each in group.values.items())


def rows(group: Group, prefix: str = "") -> Iterator[Row]:
    """Each value, and each key of a list's entries, in the order of values.yaml."""
    for name, each in group.values.items():
        path = f"{prefix}{name}"
        if isinstance(each, Group):
            yield from rows(each, f"{path}.")
            continue
        yield Row(path, "" if "[]" in path else json.dumps(each.default), each.about)
        if each.items is not None:
            yield from rows(each.items, f"{path}[].")


def _entry(name: str, node: Value | Group, depth: int) -> str:
    indent = "  " * depth
    comment = textwrap.fill(
        node.about, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_on_hyphens=False
    )
    if isinstance(node, Group):
        return f"{comment}\n{indent}{name}:\n{values_yaml(node, depth + 1)}"
    if node.default and isinstance(node.default, dict | list):
        text = yaml.safe_dump({name: node.default}, sort_keys=False, default_flow_style=None, width=_WIDTH)
    else:
        text = f"{name}: {json.dumps(node.default)}\n"
    return f"{comment}\n{textwrap.indent(text, indent)}"


def _without(schema: Schema, *keys: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}
