"""Every duration of every program is written alike in the file, and printed as it would be read."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from exporter.settings import ExporterSettings
from remediator.settings import RemediatorSettings
from stagekeeper.cli.check_config import command as check_config
from stagekeeper.cli.commands import SUBCOMMANDS
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.service.options import DURATION
from tests.config.settings import durations, in_seconds, settings

SECTIONS: dict[str, type[BaseModel]] = {
    "environments[]": EnvironmentSettings,
    "exporter": ExporterSettings,
    "remediator": RemediatorSettings,
}
DURATIONS = {place: field for section, model in SECTIONS.items() for place, field in durations(model, section)}
FORMS: dict[int, tuple[object, ...]] = {
    2: (2, 2.0, "2", "2s", "2000ms", "1s1000ms"),
    120: (120, 120.0, "120", "120s", "2m", "1m60s"),
}
"""Seconds, and how they may be written."""


def test_the_walk_finds_durations_in_every_program() -> None:
    assert len(DURATIONS) > 25
    assert {place.partition(".")[0] for place in DURATIONS} == set(SECTIONS)
    for known in ("exporter.default_deadline", "remediator.alertmanagers[].timeout", "environments[].timeouts.probe"):
        assert known in DURATIONS


def test_no_setting_is_a_number_of_seconds() -> None:
    """A fraction that is no duration would be the first of its kind."""
    assert not [place for section, model in SECTIONS.items() for place, _ in settings(model, section, float)]


@pytest.mark.parametrize("place", DURATIONS)
def test_a_duration_is_read_alike_however_it_is_written(place: str) -> None:
    longest = in_seconds(DURATIONS[place])["maximum"]
    for seconds, forms in FORMS.items():
        if seconds <= longest:
            for form in forms:
                assert _set(place, form) == timedelta(seconds=seconds)


@pytest.mark.parametrize("place", DURATIONS)
def test_what_is_no_duration_is_refused(place: str) -> None:
    for wrong in (True, "soon", "-1s", "2 m", None, "1e3"):
        with pytest.raises(ValueError, match="must be a duration"):
            _set(place, wrong)


def _set(place: str, value: object) -> object:
    """What the setting becomes in its own model."""
    keys = place.replace("[]", "").split(".")
    model: Any = SECTIONS[place.split(".", maxsplit=1)[0]]
    for key in keys[1:-1]:
        annotation = model.model_fields[key].annotation
        model = getattr(annotation, "__args__", (annotation,))[0]
    needed = {"name": "cf", "url": "http://am"}
    rest = {name: needed[name] for name, each in model.model_fields.items() if each.is_required()}
    return getattr(model.model_validate({**rest, keys[-1]: value}), keys[-1])


def test_a_command_line_takes_a_duration_in_no_other_way() -> None:
    for command in (each.load() for each in SUBCOMMANDS):
        assert not [each.name for each in command.params if isinstance(each.type, click.types.FloatParamType)]
    assert [DURATION.convert(form, None, None) for form in ("120", "120s", "2m")] == [timedelta(minutes=2)] * 3


FILE = """
environments:
  - name: cf
    timeouts: {probe: "2s", api: "4000ms"}
    patience: {starting: "2m", pending: 120, migrating: "1h", restarted_twice: "120", terminating: "1m30s"}
exporter: {scrape_margin: "500ms", default_deadline: "2m"}
remediator:
  mode: act
  webhook: {token_file: /token}
  alertmanagers: [{url: "http://am:9093", timeout: "2500ms"}]
  rhythm: {open: "4s", observe: 12, resync: "2m", observation_timeout: "9s"}
  policy: {confirm_for: "2m", cooldown: 120, hold_off: "120s", largest_gap: "2m"}
"""


def test_check_config_prints_a_file_that_it_would_read(tmp_path: Path) -> None:
    first = _checked(tmp_path, FILE)
    assert _checked(tmp_path, first) == first
    printed = yaml.safe_load(first)
    policy = printed["remediator"]["policy"]
    assert policy["confirm_for"] == policy["cooldown"] == policy["hold_off"] == policy["largest_gap"] == "2m"
    assert printed["environments"][0]["patience"]["restarted_twice"] == "2m"
    assert printed["exporter"] == {"scrape_margin": "500ms", "default_deadline": "2m", "recent_observations": 20}
    assert RemediatorSettings.model_validate(printed["remediator"]) == RemediatorSettings.model_validate(
        yaml.safe_load(FILE)["remediator"]
    )


def _checked(folder: Path, text: str) -> str:
    path = folder / "stagekeeper.yaml"
    path.write_text(text)
    ended = CliRunner().invoke(check_config, [f"--config.file={path}"])
    assert ended.exit_code == 0, ended.output
    return ended.stdout
