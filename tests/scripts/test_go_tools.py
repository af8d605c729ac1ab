import dataclasses
import shutil
from pathlib import Path

import pytest

from scripts import go_tools
from scripts.go_toolchain import go_version, required_version
from scripts.go_tools import CONTROL_PLANE, TOOL_SETS, Tool, ToolSet

APISERVER = CONTROL_PLANE.tools[0]


def _program(folder: Path, prints: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / APISERVER.name
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def _find(environment: dict[str, str]) -> Path | None:
    return go_tools.find(CONTROL_PLANE, APISERVER, environment)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": str(tmp_path / "bin")}


def test_what_is_nowhere_is_not_found(places: dict[str, str]) -> None:
    assert _find(places) is None


def test_a_person_s_kubebuilder_assets_come_before_path_and_cache(places: dict[str, str], tmp_path: Path) -> None:
    _program(tmp_path / "bin", "Kubernetes v1.37.2")
    assets = _program(tmp_path / "assets")
    assert _find(places | {"KUBEBUILDER_ASSETS": str(tmp_path / "assets")}) == assets


def test_on_path_exactly_our_version_is_taken(places: dict[str, str], tmp_path: Path) -> None:
    assert _find(places) != _program(tmp_path / "bin", "Kubernetes v1.37.2")
    assert _find(places) == tmp_path / "bin" / "kube-apiserver"


@pytest.mark.parametrize("other", ["Kubernetes v1.37.20", "Kubernetes v1.31.0", ""])
def test_on_path_another_version_is_passed_over_for_the_cache(
    places: dict[str, str], tmp_path: Path, other: str
) -> None:
    _program(tmp_path / "bin", other)
    cached = _program(go_tools.build_folder(CONTROL_PLANE, places))
    assert _find(places) == cached


@pytest.mark.parametrize("tools", TOOL_SETS, ids=lambda tools: tools.name)
def test_the_go_mod_of_a_set_requires_the_version_that_the_set_names(tools: ToolSet) -> None:
    package = tools.tools[0].package
    module = tools.module or (tools.name if package == "." else package.partition("/cmd/")[0])
    assert f"{module} {tools.module_version or tools.version}" in (tools.folder / "go.mod").read_text()


@dataclasses.dataclass(frozen=True, slots=True)
class _Elsewhere(ToolSet):
    """A set whose go.mod is in a folder of the test."""

    elsewhere: Path = Path()

    @property
    def folder(self) -> Path:
        return self.elsewhere


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_a_changed_module_file_makes_another_key_so_that_a_stale_build_is_never_used(tmp_path: Path, file: str) -> None:
    for name in ("go.mod", "go.sum"):
        shutil.copy(CONTROL_PLANE.folder / name, tmp_path)
    tools = _Elsewhere(
        "control-plane", "v1.37.2", CONTROL_PLANE.version_variable, CONTROL_PLANE.tools, "", elsewhere=tmp_path
    )
    assert go_tools.build_key(tools) == go_tools.build_key(CONTROL_PLANE)
    with (tmp_path / file).open("a") as handle:
        handle.write("// changed\n")
    assert go_tools.build_key(tools) != go_tools.build_key(CONTROL_PLANE)


def test_a_changed_linker_flag_makes_another_key() -> None:
    other = dataclasses.replace(CONTROL_PLANE, version_variable="main.version")
    assert go_tools.build_key(other) != go_tools.build_key(CONTROL_PLANE)


@pytest.mark.parametrize(
    ("printed", "ours"),
    [("v3.22.0+g1234", True), ("v3.22.0", True), ("Client Version: v3.22.0", True), ("v3.22.01", False), ("", False)],
)
def test_a_version_is_ours_only_as_a_whole_word(tmp_path: Path, printed: str, ours: bool) -> None:  # noqa: FBT001 - a table's column
    tool = Tool("kube-apiserver", "", ())
    assert go_tools.has_version(go_tools.HELM, tool, _program(tmp_path, printed)) is ours


@pytest.mark.parametrize("given", [["control-plan"], ["--folder"], ["--folder", "control-plan"], []])
def test_an_unknown_set_is_a_usage_error(given: list[str]) -> None:
    assert go_tools.main(given) == 2


def test_a_build_is_found_by_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert go_tools.main(["--folder", "oldest"]) == 0
    assert capsys.readouterr().out == f"{go_tools.build_folder(go_tools.OLDEST)}\n"


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8\n", (1, 26, 8)), ("1.26.0", (1, 26, 0)), ("go1.27rc1", (1, 27)), ("devel go1.28-abc", ()), ("", ())],
)
def test_go_versions_are_read_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert go_version(text) == version


def test_the_go_that_is_needed_is_the_one_of_the_go_line() -> None:
    assert required_version("module x\n\ngo 1.26.0\n\nrequire y v1.2.3\n") == (1, 26, 0)
