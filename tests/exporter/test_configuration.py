"""The configuration, at the start and when it is read again."""

from pathlib import Path

import pytest

from exporter.settings import ConfigurationFile, ExporterSettings, Reloads, load
from stagekeeper.config.errors import ConfigurationError
from tests.exporter.builders import clock


def test_without_a_file_it_is_the_tutorials_environment() -> None:
    configuration = load(None)
    (environment,) = configuration.environments
    assert (environment.name, environment.namespace, environment.service_host) == (
        "cf",
        "cf",
        "diego-api.cf.svc.cluster.local",
    )
    assert configuration.exporter == ExporterSettings()


def test_a_reload_takes_the_new_file_and_its_time(tmp_path: Path) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_text("environments: [{name: one}]\n")
    file = ConfigurationFile(path, clock(100, 200))
    path.write_text("environments: [{name: two}]\nexporter: {recent_observations: 3}\n")
    file.reload()
    assert file.current.environments[0].name == "two"
    assert file.current.exporter.recent_observations == 3
    assert file.reloads == Reloads(successful=True, succeeded_at=200)


@pytest.mark.parametrize("broken", ["environments: [{name: 7}]", "exporter: {recent_observations: -1}", "a: [", None])
def test_a_reload_keeps_the_old_configuration_when_the_new_one_is_broken(tmp_path: Path, broken: str | None) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_text("environments: [{name: one}]\n")
    file = ConfigurationFile(path, clock(100, 200))
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken)
    with pytest.raises(ConfigurationError, match=r"stagekeeper\.yaml"):
        file.reload()
    assert file.current.environments[0].name == "one"
    assert file.reloads == Reloads(successful=False, succeeded_at=100)


def test_a_reload_that_fails_in_a_way_that_nobody_foresaw_is_counted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sk.yaml"
    path.write_text("{}")
    file = ConfigurationFile(path)
    monkeypatch.setattr("exporter.settings.load", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        file.reload()
    assert not file.reloads.successful


def test_a_reload_after_a_broken_one_is_successful_again(tmp_path: Path) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_text("environments: [{name: one}]\n")
    file = ConfigurationFile(path, clock(100, 300))
    path.write_text("environments: []\n")
    with pytest.raises(ConfigurationError):
        file.reload()
    path.write_text("environments: [{name: one}]\n")
    file.reload()
    assert file.reloads == Reloads(successful=True, succeeded_at=300)


def test_a_first_configuration_that_can_not_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read: No such file or directory"):
        ConfigurationFile(tmp_path / "none.yaml")
