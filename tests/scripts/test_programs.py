from pathlib import Path

import pytest

from scripts import programs
from scripts.cache import cache_folder

ALERTMANAGER = next(program for program in programs.PROGRAMS if program.name == "prometheus-alertmanager")


def _program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_without_a_usable_xdg_cache_home_the_cache_is_in_the_home_folder(value: str) -> None:
    assert cache_folder({"XDG_CACHE_HOME": value}) == Path.home() / ".cache" / "stagekeeper"


def test_xdg_cache_home_moves_the_cache(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "stagekeeper"


@pytest.mark.parametrize("name", ["prometheus-alertmanager", "alertmanager"])
def test_alertmanager_is_found_on_path_under_debian_s_name_and_its_own(tmp_path: Path, name: str) -> None:
    expected = _program(tmp_path / "bin", name)
    assert programs.find(ALERTMANAGER, {"PATH": str(tmp_path / "bin")}) == expected


def test_path_comes_before_the_cache(tmp_path: Path) -> None:
    places = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    cached = _program(programs.programs_folder(places), "prometheus-alertmanager")
    assert programs.find(ALERTMANAGER, places) == cached
    assert programs.find(ALERTMANAGER, places) != _program(tmp_path / "bin", "alertmanager")
    assert programs.find(ALERTMANAGER, places) == tmp_path / "bin" / "alertmanager"


def test_a_program_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    broken = _program(tmp_path, "promtool")
    broken.write_text("#!/nowhere/interpreter\n")
    assert programs.version(ALERTMANAGER, broken) is None


def test_the_demo_needs_nothing_but_prometheus_and_alertmanager() -> None:
    wanted = [program.name for program in programs.PROGRAMS if "demo" in program.groups]
    assert wanted == ["prometheus", "prometheus-alertmanager"]


@pytest.mark.parametrize("arguments", [[], ["everything"], ["demo", "run"]])
def test_without_a_known_group_nothing_is_fetched(arguments: list[str]) -> None:
    assert programs.main(arguments) == 2
