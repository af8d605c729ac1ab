"""The CustomResourceDefinition of the records, as text; what the API server makes of it: test_forbidden.py."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.chart.helm import FOLDER

DEFINITION = yaml.safe_load((FOLDER / "crds" / "remediations.yaml").read_text())
VERSION = DEFINITION["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
LARGEST_RECORD = 1_500_000
"""Bytes that etcd takes by default."""


def fields(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every part of a schema with its path."""
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from fields(each, f"{path}.{name}")
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[]")


def test_every_field_says_what_it_is() -> None:
    assert [path for path, each in fields(SCHEMA) if not each.get("description", "").endswith((".", "?", "`."))] == []


def test_every_text_and_every_list_has_a_bound() -> None:
    texts = [path for path, each in fields(SCHEMA) if each["type"] == "string" and not _is_bounded(each)]
    lists = [path for path, each in fields(SCHEMA) if each["type"] == "array" and "maxItems" not in each]
    assert (texts, lists) == ([], [])


def test_a_record_can_not_outgrow_what_is_stored() -> None:
    """In letters of one byte; what is longer than that is cut by the remediator before it writes."""
    assert _largest(SCHEMA) < LARGEST_RECORD


def test_kubectl_shows_what_a_person_on_call_asks_first() -> None:
    shown = [each["name"] for each in VERSION["additionalPrinterColumns"] if not each.get("priority")]
    assert shown == ["Cause", "Phase", "Deleted", "Took", "Age"]


def test_every_column_shows_a_field_that_there_is() -> None:
    known = {path for path, _ in fields(SCHEMA)} | {".metadata.creationTimestamp"}
    assert {each["jsonPath"] for each in VERSION["additionalPrinterColumns"]} <= known


def _is_bounded(schema: Mapping[str, Any]) -> bool:
    return "maxLength" in schema or "enum" in schema or schema.get("format") == "date-time"


def _largest(schema: Mapping[str, Any]) -> int:
    """Bytes of the largest value, roughly: names of fields and punctuation included."""
    match schema["type"]:
        case "object":
            return sum(len(name) + 6 + _largest(each) for name, each in schema["properties"].items())
        case "array":
            return int(schema["maxItems"]) * (_largest(schema["items"]) + 1)
        case "string":
            return int(schema.get("maxLength", 40)) + 2
        case _:
            return 10
