"""The options that programs and commands share, as a person types them or a pod is given them."""

from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stagekeeper.cli.commands import SUBCOMMANDS
from stagekeeper.service import options


@click.command()
@options.config_file("Environments.")
@click.option("--for", "lasting", type=options.DURATION)
@options.version("stagekeeper")
def command(*, config_file: Path | None, lasting: timedelta | None) -> None:
    click.echo(f"{config_file} {lasting}")


def said(*arguments: str, **environment: str) -> str:
    return CliRunner().invoke(command, arguments, env={options.CONFIG_VARIABLE: None, **environment}).output.strip()


@pytest.fixture(autouse=True)
def _no_file_in_etc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(options, "CONFIG_FILE", tmp_path / "stagekeeper.yaml")


def test_the_flag_beats_the_variable_and_that_the_file_in_etc(tmp_path: Path) -> None:
    assert said() == "None None"
    (tmp_path / "stagekeeper.yaml").touch()
    assert said() == f"{tmp_path / 'stagekeeper.yaml'} None"
    assert said(STAGEKEEPER_CONFIG="/a.yaml") == "/a.yaml None"
    assert said("--config.file=/b.yaml", STAGEKEEPER_CONFIG="/a.yaml") == "/b.yaml None"


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    (tmp_path / "stagekeeper.yaml").touch()
    assert said(STAGEKEEPER_CONFIG="") == f"{tmp_path / 'stagekeeper.yaml'} None"


def test_an_empty_flag_is_as_if_not_given(tmp_path: Path) -> None:
    """As with kubectl: `--kubeconfig="$NOT_SET"`."""
    assert said("--config.file=") == "None None"
    (tmp_path / "stagekeeper.yaml").touch()
    assert said("--config.file=") == f"{tmp_path / 'stagekeeper.yaml'} None"
    assert said("--config.file", "", STAGEKEEPER_CONFIG="/a.yaml") == "/a.yaml None"


@pytest.mark.parametrize("program", ["exporter", "remediator"])
@pytest.mark.parametrize("flag", ["config_file", "kubeconfig", "web_config"])
def test_each_flag_of_a_program_that_names_a_file_may_be_empty(program: str, flag: str) -> None:
    found = next(each for each in SUBCOMMANDS if each.name == program).load()
    assert isinstance(next(each for each in found.params if each.name == flag), options.Given)


def test_the_help_says_where_it_comes_from() -> None:
    assert "Default: $STAGEKEEPER_CONFIG, else /" in " ".join(said("--help").split())


@pytest.mark.parametrize(("typed", "shown"), [("3600", "1:00:00"), ("2m", "0:02:00"), ("1h30m", "1:30:00")])
def test_a_duration_is_typed_as_it_is_written_in_the_file(typed: str, shown: str) -> None:
    assert said("--for", typed) == f"None {shown}"


@pytest.mark.parametrize("typed", ["soon", "0", "0s", "5 m", "-3"])
def test_what_is_no_duration_is_a_usage_error(typed: str) -> None:
    ended = CliRunner().invoke(command, [f"--for={typed}"])
    assert ended.exit_code == 2
    assert f"'{typed}' must be" in ended.output


def test_the_version_has_the_revision() -> None:
    found = said("--version")
    assert found.startswith("stagekeeper 0.")
    assert ", revision unknown, Python 3." in found
