"""Programs out of Debian's packages: with a real dpkg-deb, and an apt-get that serves a folder."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts import debian, programs
from scripts.cache import SetupError

pytestmark = pytest.mark.programs

# As on a machine whose package lists are out of date: `download` finds something only after `update`.
APT_GET = """#!/bin/sh
for last; do :; done
case "$*" in
    *update*) echo update >>'{folder}/asked'; touch '{folder}/updated' ;;
    *download*) echo "$last" >>'{folder}/asked'; [ -e '{folder}/updated' ] && cp '{folder}'/"$last".deb . ;;
esac
"""


class Repository:
    """Debian's packages as a folder, and a cache to unpack them into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        for mark in ("updated", "asked"):
            _write(folder / mark, "")
        _write(folder / "bin" / "apt-get", APT_GET.format(folder=folder))

    def add(self, package: str, **files: str) -> None:
        """A package with programs in usr/bin that print what is given; `data`: a text that is no program."""
        tree = self.folder / f"tree of {package}"
        control = f"Package: {package}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: x\n"
        _write(tree / "DEBIAN" / "control", control)
        for name, prints in files.items():
            place = "usr/share/data" if name == "data" else "usr/bin"
            _write(tree / place / name, prints if name == "data" else f"#!/bin/sh\n{prints}\n")
        command: list[str | Path] = ["dpkg-deb", "--root-owner-group", "--build", tree, self.folder / f"{package}.deb"]
        subprocess.run(command, check=True, capture_output=True)

    def asked(self) -> list[str]:
        """What apt-get was asked for, in order."""
        return (self.folder / "asked").read_text().split()

    def printed(self, name: str) -> str:
        """What an unpacked program prints, started in another folder than its own."""
        return subprocess.run(
            [self.cache / "bin" / name], capture_output=True, text=True, check=True, cwd=self.folder
        ).stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "a repository")
    monkeypatch.setenv("PATH", f"{made.folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return made


def test_a_program_is_taken_from_the_first_package_that_holds_it(repository: Repository) -> None:
    repository.add("prometheus", prometheus="echo server", promtool="echo tool")
    with debian.Packages(repository.cache) as packages:
        packages.unpack("promtool", ("prometheus", "promtool"))
    assert repository.printed("promtool") == "tool\n"
    assert repository.asked() == ["prometheus"], "a package that this release does not have is not asked for"


def test_where_another_release_moved_it_to_another_package_it_is_taken_from_there(repository: Repository) -> None:
    repository.add("prometheus", prometheus="echo server")
    repository.add("promtool", promtool="echo moved")
    with debian.Packages(repository.cache) as packages:
        packages.unpack("prometheus", ("prometheus",))
        packages.unpack("promtool", ("prometheus", "promtool"))
    assert (repository.printed("prometheus"), repository.printed("promtool")) == ("server\n", "moved\n")
    assert repository.asked() == ["prometheus", "promtool"], "each package is fetched once"


def test_a_program_finds_the_files_of_its_package(repository: Repository) -> None:
    repository.add("alertmanager", alertmanager='cat /usr/share/data/data "$1"', data="its own\n")
    with debian.Packages(repository.cache) as packages:
        packages.unpack("alertmanager", ("alertmanager",), files="/usr/share/data")
    (repository.folder / "argument").write_text("of the caller's folder\n")
    done = subprocess.run(
        [repository.cache / "bin" / "alertmanager", "argument"],
        capture_output=True,
        text=True,
        check=False,
        cwd=repository.folder,
    )
    assert done.stdout == "its own\nof the caller's folder\n"


def test_a_program_that_reads_its_files_elsewhere_by_now_is_not_offered(repository: Repository) -> None:
    repository.add("alertmanager", alertmanager="echo embedded")
    with debian.Packages(repository.cache) as packages, pytest.raises(SetupError, match="does not read /usr/share/dat"):
        packages.unpack("alertmanager", ("alertmanager",), files="/usr/share/data")
    assert not (repository.cache / "bin" / "alertmanager").exists()


def test_lists_of_our_own_are_fetched_once_where_those_of_the_machine_do_not_help(repository: Repository) -> None:
    (repository.folder / "updated").unlink()
    for name in ("etcd", "promtool"):
        repository.add(name, **{name: f"echo {name}"})
    with debian.Packages(repository.cache) as packages:
        packages.unpack("etcd", ("etcd",))
        packages.unpack("promtool", ("promtool",))
    assert repository.asked() == ["etcd", "update", "etcd", "promtool"]


def test_one_program_that_cannot_be_had_keeps_no_other_from_being_got(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(repository.folder / "xdg"))
    demo = frozenset({"demo"})
    wanted = [
        programs.Program("gone", ("gone",), demo, version_flag=""),
        programs.Program("moved", ("etcd-server",), demo, version_flag=""),
        programs.Program("our-etcd", ("etcd-server",), demo, version_flag=""),
    ]
    repository.add("etcd-server", **{"our-etcd": "echo etcd"})
    assert programs.provide(wanted) is False
    told = capsys.readouterr().out
    assert "gone could not be fetched: download failed" in told
    assert "moved could not be fetched: etcd-server of this release hold no moved" in told
    assert "gone                     MISSING: install the package that holds it" in told
    assert f"our-etcd                 found  [{programs.programs_folder() / 'our-etcd'}]" in told


def test_what_one_release_fetched_is_not_taken_on_another(monkeypatch: pytest.MonkeyPatch) -> None:
    here = programs.programs_folder()
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "99"})
    assert programs.programs_folder() == here.parent.with_name("debian-99") / "bin"
