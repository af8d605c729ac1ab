"""The programs beside Python that the demo and the tests start: `python -m scripts.programs` finds or fetches them.

Found on PATH first, then in the project's cache. What is missing is fetched as a Debian package and *unpacked* into the
cache: that needs no root, and it starts no service (installing Debian's Prometheus on a machine with systemd does).
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.cache import SetupError, cache_folder, locked, must, on_path, output_of, say


@dataclass(frozen=True, slots=True)
class Program:
    """A program, the Debian package that holds it, and other names that it has elsewhere."""

    name: str
    package: str
    also: tuple[str, ...] = ()
    # False: it needs libraries of other packages, so it has to be installed, not unpacked.
    unpacks: bool = True
    version_flag: str = "--version"  # "" where it tells none
    # Who needs it: what "run" needs is fetched always, for others only when they are named on the command line.
    groups: tuple[str, ...] = ("run",)
    # Where it is in the package, if not usr/bin/NAME.
    inside: str = ""


PROGRAMS = (
    Program("prometheus", "prometheus"),
    Program("promtool", "prometheus"),
    Program("prometheus-alertmanager", "prometheus-alertmanager", also=("alertmanager",)),
    Program("amtool", "prometheus-alertmanager"),
    Program("etcd", "etcd-server"),
    Program("ip", "iproute2", unpacks=False, version_flag="-V"),
    Program("unshare", "util-linux", unpacks=False),
    Program("chromium", "chromium", also=("chromium-browser", "google-chrome"), unpacks=False, groups=("tests",)),
    Program("openssl", "openssl", unpacks=False, version_flag="version", groups=("tests",)),
    Program("prometheus-blackbox-exporter", "prometheus-blackbox-exporter", groups=("bench",)),
    Program("webhook", "webhook", version_flag="-version", groups=("bench",)),
    Program(
        "nc.traditional",
        "netcat-traditional",
        version_flag="",
        groups=("bench", "tests"),
        inside="bin/nc.traditional",
    ),
)


def programs_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with the unpacked programs, ready to be put at the end of PATH."""
    return cache_folder(environment) / "programs" / "bin"


def find(program: Program, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where a program is: PATH under any of its names, then the project's cache; None if nowhere."""
    for name in (program.name, *program.also):
        if found := on_path(name, environment):
            return found
    cached = programs_folder(environment) / program.name
    return cached if os.access(cached, os.X_OK) else None


def version(program: Program, path: Path) -> str | None:
    """The first line that it prints about its version; None if it does not run on this machine."""
    if not program.version_flag:
        return "found"
    printed = output_of([path, program.version_flag])
    return None if printed is None else next(iter(printed.splitlines()), "").split(" (")[0]


def how_to_get(package: str) -> str:
    """One sentence for a person whose machine lacks a package that we could not fetch."""
    return f"install the package that holds it (on Debian and Ubuntu: apt-get install {package}) or put it on PATH"


def unpack(missing: list[Program]) -> None:
    """Fetch Debian packages and unpack the missing programs into the cache; raises SetupError."""
    if not (on_path("apt-get") and on_path("dpkg-deb")):
        raise SetupError("this machine has no apt-get and dpkg-deb to fetch Debian packages with")
    folder = programs_folder()
    with locked(folder.parent), tempfile.TemporaryDirectory(dir=folder.parent) as work:
        folder.mkdir(exist_ok=True)
        tree = Path(work) / "tree"
        for archive in _download(packages_of(missing), Path(work)):
            must(["dpkg-deb", "-x", archive, tree], Path(work) / "unpack.log", f"unpacking {archive.name}")
        for program in missing:
            (tree / (program.inside or f"usr/bin/{program.name}")).replace(folder / program.name)


def _download(packages: list[str], folder: Path) -> list[Path]:
    """Download packages, with package lists of our own where the machine's are missing or out of date."""
    log = folder / "download.log"
    own = ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]
    sandbox = ["-o", "APT::Sandbox::User=root"]  # the cache may be a folder that the user `_apt` cannot enter
    try:
        must(["apt-get", *sandbox, "download", *packages], log, "apt-get download", cwd=folder)
    except SetupError:
        say("  the machine's package lists do not help: fetching lists of our own (apt-get update)")
        for own_folder in ("lists", "cache/archives"):
            (folder / own_folder / "partial").mkdir(parents=True)
        must(["apt-get", *sandbox, *own, "update"], log, "apt-get update")
        must(["apt-get", *sandbox, *own, "download", *packages], log, "apt-get download", cwd=folder)
    return sorted(folder.glob("*.deb"))


def install(missing: list[Program]) -> None:
    """Install small packages that start no service; raises SetupError, for others than root always."""
    if os.geteuid() != 0 or not on_path("apt-get"):
        raise SetupError("only root can install packages, and only where there is apt-get")
    log = cache_folder() / "install.log"
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages_of(missing)]
    try:
        must(command, log, "apt-get install")
    except SetupError:
        must(["apt-get", "update"], log, "apt-get update")
        must(command, log, "apt-get install")


def packages_of(programs: list[Program]) -> list[str]:
    """The Debian packages that hold these programs, each once."""
    return sorted({program.package for program in programs})


def fetch(missing: list[Program]) -> None:
    """Get what is missing, the one or the other way; says why where it cannot."""
    unpackable = [program for program in missing if program.unpacks]
    others = [program for program in missing if not program.unpacks]
    for get, programs in ((unpack, unpackable), (install, others)):
        if not programs:
            continue
        names = ", ".join(program.name for program in programs)
        say(f"  {names}: fetching {', '.join(packages_of(programs))} from Debian")
        try:
            get(programs)
        except (SetupError, OSError) as error:
            say(f"  could not: {error}")


def main(arguments: list[str]) -> int:
    """Find or fetch the programs; the exit code says whether all are there. `--folder` prints where fetched ones are.

    Other arguments name groups of programs that are wanted besides those that the demo needs.

    That folder belongs at the end of PATH: what the machine has comes first.
    """
    if arguments == ["--folder"]:
        say(str(programs_folder()))
        return 0
    say("Programs beside Python (PATH, then the project's cache, then Debian's packages):")
    cache_folder().mkdir(parents=True, exist_ok=True)
    wanted = [program for program in PROGRAMS if {"run", *arguments} & set(program.groups)]
    fetch([program for program in wanted if find(program) is None])
    return 1 if [program for program in wanted if not describe(program)] else 0


def describe(program: Program) -> bool:
    """Print a program's version and place, or what to do about it; says whether it runs."""
    path = find(program)
    found = version(program, path) if path else None
    trouble = f"{path} does not run here" if path else "MISSING"
    line = f"{found}  [{path}]" if found else f"{trouble}: {how_to_get(program.package)}"
    say(f"  {program.name:24} {line}")
    return found is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
