"""`scripts/fresh`, where this machine can make another: what it holds, as whom the command runs, what is left."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from scripts.cache import ROOT, on_path
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.programs

NO_MACHINE = 125
CAN = os.geteuid() == 0 and on_path("debootstrap") and shutil.which("git") and (ROOT / ".git").exists()
LOOK_AROUND = """
echo "$(id -un) in $(pwd)"
python3 -c 'import sys, venv; print("Python", *sys.version_info[:2])'
ls .venv ~/.cache 2>/dev/null
for each in git ip prometheus go uv pip; do command -v $each; done
ls Makefile scripts/fresh
unshare --user --map-root-user --net true && echo namespaces
touch /etc/anything 2>/dev/null && echo root
exit 7
"""


def _fresh(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [ROOT / "scripts" / "fresh", *arguments]
    environment = os.environ | variables
    return subprocess.run(command, capture_output=True, text=True, timeout=3 * HANG_GUARD, check=False, env=environment)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((), "say which command to run"), (("--sweet", "bookworm", "true"), "there is no option --sweet")],
)
def test_what_cannot_be_understood_is_told_and_makes_nothing(arguments: tuple[str, ...], told: str) -> None:
    done = _fresh(*arguments)
    assert (done.returncode, told in done.stderr) == (NO_MACHINE, True)


@pytest.mark.skipif(not CAN, reason="needs root, debootstrap and a repository")
@pytest.mark.parametrize(("suite", "python"), [("bookworm", "3 11"), ("trixie", "3 13")])
def test_the_machine_has_what_the_readme_asks_for_and_nothing_else(tmp_path: Path, suite: str, python: str) -> None:
    done = _fresh("--suite", suite, "sh", "-c", LOOK_AROUND, TMPDIR=str(tmp_path))
    assert done.returncode == 7, "the exit code is the command's\n" + done.stderr
    assert done.stdout.splitlines()[-5:] == [
        "newcomer in /home/newcomer/stagekeeper",
        f"Python {python}",
        "Makefile",
        "scripts/fresh",
        "namespaces",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not CAN, reason="needs root, debootstrap and a repository")
def test_as_root_in_a_folder_that_is_kept(tmp_path: Path) -> None:
    kept = Path(tempfile.mkdtemp(dir=tmp_path)) / "machine"
    done = _fresh("--root", "--keep", str(kept), "sh", "-c", "id -un; echo here >/etc/anything")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "root"), done.stderr
    assert (kept / "etc" / "anything").read_text() == "here\n"
