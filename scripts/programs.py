"""The programs beside Python that the demo and the tests start: `python -m scripts.programs GROUP...` provides them.

Looked for on PATH first, then in the project's cache. What is missing is fetched as a Debian package and *unpacked*
into the cache (scripts/debian.py): that needs no root, and starts no service. Each is got, or fails, by itself.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts import debian
from scripts.cache import SetupError, cache_folder, on_path, output_of, say


@dataclass(frozen=True, slots=True)
class Program:
    """A program, and where it is had from."""

    name: str
    packages: tuple[str, ...]
    """Debian packages that may hold it: where one has it in one release, another has it in the next."""
    groups: frozenset[str]
    """Who needs it: `demo`, `tests`, `bench`, `node`."""
    also: tuple[str, ...] = ()
    """Other names that it has elsewhere."""
    unpacks: bool = True
    """False: it needs libraries of other packages, so it has to be installed, not unpacked."""
    version_flag: str = "--version"
    """"" where it tells none."""
    files: str = ""
    """A folder of its package that its code names, and that it reads."""


_ALL = frozenset({"demo", "tests", "bench"})
_TESTS = frozenset({"tests"})
_TESTS_AND_BENCH = frozenset({"tests", "bench"})
_BENCH = frozenset({"bench"})
_NODE = frozenset({"node"})
GROUPS = _ALL | _NODE
PROGRAMS = (
    Program("prometheus", ("prometheus",), _ALL),
    Program("promtool", ("prometheus", "promtool"), _TESTS),
    Program(
        "prometheus-alertmanager",
        ("prometheus-alertmanager",),
        _ALL,
        also=("alertmanager",),
        files="/usr/share/prometheus/alertmanager",
    ),
    Program("amtool", ("prometheus-alertmanager",), _TESTS),
    Program("etcd", ("etcd-server",), _TESTS_AND_BENCH),
    Program("unshare", ("util-linux",), _TESTS, unpacks=False),
    Program("chromium", ("chromium",), _TESTS, also=("chromium-browser", "google-chrome"), unpacks=False),
    Program("openssl", ("openssl",), _TESTS, unpacks=False, version_flag="version"),
    Program("prometheus-blackbox-exporter", ("prometheus-blackbox-exporter",), _BENCH),
    Program("webhook", ("webhook",), _BENCH, version_flag="-version"),
    Program("containerd", ("containerd",), _NODE),
    Program("ctr", ("containerd",), _NODE),
    Program("containerd-shim-runc-v2", ("containerd",), _NODE, version_flag="-v"),
    Program("runc", ("runc",), _NODE, unpacks=False),
    Program("host-local", ("containernetworking-plugins",), _NODE, version_flag=""),
    Program("busybox", ("busybox-static",), _NODE, version_flag="--help"),
    Program("ip", ("iproute2",), _NODE, unpacks=False, version_flag="-Version"),
    Program("iptables", ("iptables",), _NODE, unpacks=False),
    Program("ipset", ("ipset",), _NODE, unpacks=False),
    Program("conntrack", ("conntrack",), _NODE, unpacks=False),
    Program("buildah", ("buildah",), _NODE, unpacks=False),
    Program("debootstrap", ("debootstrap",), _NODE, unpacks=False),
    Program("nc.traditional", ("netcat-traditional",), _TESTS_AND_BENCH, version_flag=""),
)


def programs_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with what was fetched for this release of this system, ready to be put at the end of PATH."""
    return cache_folder(environment) / "programs" / debian.release() / "bin"


def find(program: Program, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where a program is: PATH under any of its names, then the project's cache; None if nowhere."""
    for name in (program.name, *program.also):
        if found := on_path(name, environment):
            return found
    cached = programs_folder(environment) / program.name
    return cached if os.access(cached, os.X_OK) else None


def required(name: str) -> Path:
    """Where the program of that name is. SetupError says how to get it."""
    program = next(each for each in PROGRAMS if each.name == name)
    found = find(program)
    if found is None:
        raise SetupError(f"{name} is missing: {how_to_get(program)}")
    return found


def version(program: Program, path: Path) -> str | None:
    """The first line that it prints about its version; None if it does not run on this machine."""
    if not program.version_flag:
        return "found"
    printed = output_of([path, program.version_flag])
    return None if printed is None else next(iter(printed.splitlines()), "").split(" (")[0]


def how_to_get(program: Program) -> str:
    """One sentence for a person whose machine lacks a program that we could not fetch."""
    package = program.packages[-1]
    return f"install the package that holds it (on Debian and Ubuntu: apt-get install {package}) or put it on PATH"


def provide(programs: list[Program]) -> bool:
    """Find or fetch each program, and print where it is or what to do; whether all of them run."""
    with debian.Packages(programs_folder().parent) as packages:
        for program in programs:
            if find(program) is None:
                _fetch(program, packages)
    described = [_describe(program) for program in programs]
    return all(described)


def _fetch(program: Program, packages: debian.Packages) -> None:
    """Get one program, or say why not; what befalls it keeps no other from being got."""
    try:
        if program.unpacks:
            packages.unpack(program.name, program.packages, program.files)
        else:
            packages.install(program.packages[-1])
    except (SetupError, OSError) as error:
        say(f"  {program.name} could not be fetched: {error}")


def _describe(program: Program) -> bool:
    """Print a program's version and place, or what to do about it; says whether it runs."""
    path = find(program)
    found = version(program, path) if path else None
    trouble = f"{path} does not run here" if path else "MISSING"
    line = f"{found}  [{path}]" if found else f"{trouble}: {how_to_get(program)}"
    say(f"  {program.name:24} {line}")
    return found is not None


def main(arguments: list[str]) -> int:
    """Provide what the named groups need; the exit code says whether all is there.

    `--folder` prints where the fetched ones are: for the end of PATH, since what the machine has comes first.
    """
    if arguments == ["--folder"]:
        say(str(programs_folder()))
        return 0
    wanted = set(arguments)
    if not wanted or not wanted <= GROUPS:
        say(f"usage: python -m scripts.programs {{{','.join(sorted(GROUPS))}}} ... | --folder")
        return 2
    say(f"Programs for {' and '.join(arguments)} (PATH, then the project's cache, then Debian's packages):")
    return 0 if provide([program for program in PROGRAMS if wanted & program.groups]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
