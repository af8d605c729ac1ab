import json
import re
from collections.abc import Mapping

import pytest
import yaml
from pydantic import BaseModel

from charts.environment import ENVIRONMENT
from charts.model import Group, Value, rows
from charts.render import CHART, ROOT, files
from charts.values import VALUES
from remediator.settings import AlertmanagerSettings
from stagekeeper import __version__
from stagekeeper.diego import environment_settings

NOT_IN_THE_FILE = {"secret", "ca", "cert", "key"}
"""Of `environments[].tls`: where the configuration file has files, the chart has a Secret."""


@pytest.mark.parametrize("path", sorted(files()))
def test_a_committed_file_equals_the_generated_one(path: str) -> None:
    assert (ROOT / path).read_text() == files()[path], f"{path} is stale: run `python -m charts`"


def test_every_value_says_in_a_sentence_what_it_is() -> None:
    for row in rows(VALUES):
        assert re.search(r"[.)]$", row.about), row.path


def test_an_environment_takes_the_keys_of_the_configuration_file() -> None:
    assert set(ENVIRONMENT.values) == set(environment_settings.EnvironmentSettings.model_fields)
    parts: dict[str, type[BaseModel]] = {
        "service": environment_settings.ServiceSettings,
        "active_label": environment_settings.LabelSettings,
        "cloud_controller": environment_settings.CloudControllerSettings,
        "database": environment_settings.DatabaseSettings,
        "timeouts": environment_settings.TimeoutSettings,
    }
    for name, model in parts.items():
        assert _keys(ENVIRONMENT.values[name]) == set(model.model_fields), name
    assert _keys(ENVIRONMENT.values["tls"]) == NOT_IN_THE_FILE | {"server_name"}


def test_an_alertmanager_takes_the_keys_of_the_configuration_file_with_secrets_for_files() -> None:
    remediator = VALUES.values["remediator"]
    assert isinstance(remediator, Group)
    alertmanagers = remediator.values["alertmanagers"]
    assert isinstance(alertmanagers, Value)
    given = {name.removesuffix("_file") for name in AlertmanagerSettings.model_fields}
    assert _keys(alertmanagers.items) == given


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    schema = json.loads((ROOT / CHART / "values.schema.json").read_text())
    loose = [path for path, node in _objects(schema, "") if "properties" in node and node["additionalProperties"]]
    assert loose == []


def test_the_chart_has_the_version_of_the_programs() -> None:
    chart = yaml.safe_load((ROOT / CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def _keys(node: Value | Group | None) -> set[str]:
    assert isinstance(node, Group)
    return set(node.values)


def _objects(node: object, path: str) -> list[tuple[str, Mapping[str, object]]]:
    if not isinstance(node, dict):
        return []
    inner = [found for key, each in node.items() for found in _objects(each, f"{path}/{key}")]
    return [(path, node), *inner] if node.get("type") == "object" else inner
