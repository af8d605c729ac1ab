"""docs/exporter.md says what the exporter does, no more and no less."""

import re
from datetime import timedelta
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from exporter.__main__ import command
from exporter.counters import Counters
from exporter.metrics import Scrape
from exporter.samples import ScrapeData
from exporter.settings import ExporterSettings, Reloads
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.observation import Domains, Unknown
from stagekeeper.service.metrics import process_registry
from tests.diego.observations import NOW
from tests.exporter.builders import assessment, serving

TEXT = (Path(__file__).parents[2] / "docs" / "exporter.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, to the next one of any depth."""
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#+ |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def first_column(title: str) -> list[str]:
    """The first cell of each row of the section's table."""
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


def exposed() -> set[str]:
    """The names of every family that the exporter can show, as users type them."""
    unread = Unknown("no", "forbidden")
    counters = Counters().add(assessment()).add(assessment(serving(pods=unread)))
    deep = assessment(serving(domains=Domains(listed=True)))
    seen = ScrapeData("cf", deep, counters, {"ca": NOW + timedelta(days=1)})
    scrape = Scrape((seen,), Reloads(successful=True, succeeded_at=0), process_registry("exporter"))
    return {family.name + ("_total" if family.type == "counter" else "") for family in scrape.collect()}


def test_the_metrics_are_those_that_are_exposed() -> None:
    documented = first_column("Metrics")
    assert sorted(documented) == sorted(exposed())


def test_the_flags_are_those_of_the_command() -> None:
    flags = [option.opts[0] for option in command.params if isinstance(option, click.Option)]
    assert first_column("Flags") == flags


def test_the_exporters_fields_have_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", section("`exporter:`"), re.MULTILINE)
    assert ExporterSettings.model_validate(dict(rows)) == ExporterSettings()
    assert {name for name, _ in rows} == set(ExporterSettings.model_fields)


@pytest.mark.parametrize("name", EnvironmentSettings.model_fields)
def test_every_field_of_an_environment_is_documented(name: str) -> None:
    documented = first_column("`environments:`")
    assert any(each.partition(".")[0] == name for each in documented)


def test_no_field_is_documented_that_does_not_exist() -> None:
    for name in first_column("`environments:`"):
        top, _, inner = name.partition(".")
        assert top in EnvironmentSettings.model_fields
        default = EnvironmentSettings.model_fields[top].default
        if inner and isinstance(default, BaseModel):
            assert inner in type(default).model_fields
