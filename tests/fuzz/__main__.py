"""`python -m tests.fuzz`: every target for a while under atheris, a coverage-guided fuzzer.

What it finds interesting is kept in the project's cache, and with `--keep` what adds to the coverage of the committed
corpus is added to it. An input that breaks a target is put into the corpus at once: it is a failing test from then on.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.cache import ROOT, cache_folder, locked, must, say
from tests.fuzz.targets import TARGETS

LOCK = Path(__file__).with_name("atheris.lock")
CORPUS = Path(__file__).with_name("corpus")
LONGEST_INPUT = 4096  # bytes
SLOWEST_INPUT = 20  # seconds, after which an input counts as a hang
_DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target."""

    target: str
    executions: int
    edges: int
    broken: bool

    def __str__(self) -> str:
        """One line of the report."""
        end = "BROKEN: see the new file in its corpus" if self.broken else "holds"
        return f"  {self.target:14} {self.executions:>9} executions  {self.edges:>5} edges covered  {end}"


def python() -> Path:
    """An interpreter with atheris and, through its path, everything that ours has."""
    version = LOCK.read_text().split()[0].replace("==", "-")
    folder = cache_folder() / "fuzz" / f"{version}-py{sys.version_info.major}.{sys.version_info.minor}"
    made = folder / "bin" / "python"
    with locked(folder.parent):
        if not (folder / "ready").exists():
            say(f"  installing {version} from PyPI into {folder}")
            log = folder.parent / "pip.log"
            must([sys.executable, "-m", "venv", "--clear", folder], log, "making a venv for atheris")
            install = ["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r"]
            must([made, *install, LOCK], log, f"installing {version}")
            (folder / "ready").touch()
    return made


def fuzz(target: str, seconds: int) -> Outcome:
    """One target for so many seconds, from the committed corpus and from what earlier runs found."""
    found = cache_folder() / "fuzz" / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={SLOWEST_INPUT}"]
    broken = f"-artifact_prefix={CORPUS / target}/"
    said = _run(target, found, CORPUS / target, *limits, broken, "-print_final_stats=1", "-verbosity=1")
    done = _DONE.search(said.stderr)
    if said.returncode:
        sys.stderr.write(said.stdout[-3000:] + said.stderr[-3000:])
    executions, edges = (int(done[1]), int(done[2])) if done else (0, 0)
    return Outcome(target, executions, edges, broken=bool(said.returncode))


def keep(target: str) -> None:
    """Add to the committed corpus what covers more than it does."""
    _run(target, "-merge=1", CORPUS / target, cache_folder() / "fuzz" / "corpus" / target).check_returncode()


def _run(target: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *_site_packages()])
    return subprocess.run(
        [python(), "-m", "tests.fuzz.guided", target, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _site_packages() -> Iterator[str]:
    """Where the libraries of the environment are that this runs in."""
    return (each for each in sys.path if each.endswith("site-packages"))


def main() -> int:
    """Fuzz every target, or the named ones; the exit code is 1 if one broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; without any, all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true", help="add what covers more to the committed corpus")
    given = parser.parse_args()
    outcomes = []
    for target in given.targets or TARGETS:
        outcomes.append(fuzz(target, given.seconds))
        say(str(outcomes[-1]))
        if given.keep and not outcomes[-1].broken:
            keep(target)
    return int(any(each.broken for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
