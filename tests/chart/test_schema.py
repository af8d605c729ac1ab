"""values.yaml, its schema and profiles.yaml say what the programs' own settings say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from exporter.settings import ExporterSettings
from remediator.policy import PolicySettings, Rhythm
from remediator.settings import AlertmanagerSettings, RemediatorSettings
from stagekeeper import __version__
from stagekeeper.config.durations import parse
from stagekeeper.diego import environment_settings
from stagekeeper.diego.profiles import BBS_PORT, HEALTH_PORT, LOCKET_PORT, PROFILES, Patience
from tests.chart.helm import FOLDER
from tests.chart.schema import SCHEMA, at, paths, resolved
from tests.config.settings import durations, in_seconds

VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
BOUNDS = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "pattern")
MODELS: dict[str, type[BaseModel]] = {
    "exporter.config": ExporterSettings,
    "remediator.rhythm": Rhythm,
    "remediator.policy": PolicySettings,
    "environments[].patience": Patience,
    "environments[].timeouts": environment_settings.TimeoutSettings,
}
"""Sections that the chart passes on as they are."""
DURATIONS = tuple(
    path
    for section, model in (
        ("exporter.config", ExporterSettings),
        ("remediator", RemediatorSettings),
        ("environments[]", environment_settings.EnvironmentSettings),
    )
    for path, _field in durations(model, section)
)
KEYS: dict[str, type[BaseModel]] = {
    "environments[]": environment_settings.EnvironmentSettings,
    "environments[].service": environment_settings.ServiceSettings,
    "environments[].active_label": environment_settings.LabelSettings,
    "environments[].cloud_controller": environment_settings.CloudControllerSettings,
    "environments[].database": environment_settings.DatabaseSettings,
}


@pytest.mark.parametrize("path", MODELS)
def test_a_section_of_the_configuration_file_has_its_keys_and_bounds(path: str) -> None:
    ours, model = at(path), MODELS[path]
    theirs = {**model.model_json_schema()["properties"], **{name: in_seconds(each) for name, each in durations(model)}}
    assert ours["additionalProperties"] is False
    found = {name: _bounds(resolved(each)) for name, each in ours["properties"].items()}
    assert found == {name: _bounds(each) for name, each in theirs.items()}


@pytest.mark.parametrize("path", KEYS)
def test_an_environment_takes_the_keys_of_the_configuration_file(path: str) -> None:
    assert set(at(path)["properties"]) == set(KEYS[path].model_fields)


@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_is_written_as_in_the_configuration_file(name: str) -> None:
    pattern = at(name)["pattern"]
    for text in ("120s", "2m", "1h30m", "500ms", "1.5s", "3d", "120"):
        assert re.search(pattern, text)
        assert parse(text)
    for text in ("", "2 m", "m", "-2m", "2y", "1e3"):
        assert not re.search(pattern, text)
        with pytest.raises(ValueError, match="must be a duration"):
            parse(text)


def test_where_the_file_has_files_the_chart_has_secrets() -> None:
    tls = {name.removesuffix("_file") for name in environment_settings.TlsSettings.model_fields}
    assert set(at("environments[].tls")["properties"]) == tls | {"secret"}
    alertmanager = {name.removesuffix("_file") for name in AlertmanagerSettings.model_fields}
    assert set(at("remediator.alertmanagers[]")["properties"]) == alertmanager


def test_every_profile_can_be_chosen_and_is_what_the_programs_know() -> None:
    assert set(at("environments[].profile")["enum"]) == {*PROFILES, "custom", "auto"}
    known = yaml.safe_load((FOLDER / "files" / "profiles.yaml").read_text())
    assert known["ports"] == {"bbs": BBS_PORT, "health": HEALTH_PORT, "locket": LOCKET_PORT}
    assert known["profiles"] == {
        name: {
            "namespace": each.namespace,
            "statefulset": each.statefulset,
            "selector": each.selector,
            "service_name": each.service_name,
            "cloud_controller_selector": each.cloud_controller_selector,
            "locket": None if each.locket is None else asdict(each.locket),
        }
        for name, each in PROFILES.items()
    }


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    loose = [
        path for path, node in _objects(SCHEMA, "") if "properties" in node and node.get("additionalProperties", 1)
    ]
    assert sorted(loose) == ["/definitions/named/items", "/properties/global"]


def test_every_value_has_a_default_and_every_default_a_schema() -> None:
    settable = {path for path in paths() if "[]" not in path}
    assert set(_leaves(VALUES, settable, "")) == settable


def test_every_value_says_what_it_is() -> None:
    """In a comment above it; what both programs have is told once."""
    commented = set(re.findall(r"(?m)^ *#.*\n *(\w+):", (FOLDER / "values.yaml").read_text()))
    names = {path.rpartition(".")[2] for path in paths() if "[]" not in path}
    assert names - commented == {"extraVolumeMounts"}, "which stands with extraVolumes"


def test_the_chart_has_the_version_of_the_programs() -> None:
    chart = yaml.safe_load((FOLDER / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def _bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a value must be; a duration is a number of seconds here, which may be written as text too."""
    found = {key: schema[key] for key in BOUNDS if key in schema}
    if found.get("type") == ["number", "string"]:
        return {**{key: found[key] for key in found if key != "pattern"}, "type": "number"}
    return found


def _leaves(values: Mapping[str, Any], settable: set[str], prefix: str) -> Iterator[str]:
    for name, each in values.items():
        path = f"{prefix}{name}"
        if isinstance(each, dict) and path not in settable:
            yield from _leaves(each, settable, f"{path}.")
        else:
            yield path


def _objects(node: object, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(node, dict):
        return []
    inner = [found for key, each in node.items() for found in _objects(each, f"{path}/{key}")]
    return [(path, node), *inner] if node.get("type") == "object" else inner
