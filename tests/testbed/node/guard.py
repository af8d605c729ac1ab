"""`python -I guard.py FOLDER GROUP CGROUP_ROOT...`: holds a node's namespaces, and takes everything away at the end.

It is started by `unshare --net --mount`, so what it sets up is seen by nobody outside; programs join it by nsenter. It
prints `ready`, and the end is the end of its standard input: whoever started it may be killed, and it still comes.
Standard library only: it runs without the project.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_SETS_UP_SECONDS = 30.0
_KILL_SECONDS = 60.0
_SYSCTLS = (
    *("kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
    *("vm/overcommit_memory", "vm/panic_on_oom"),
)
"""What kubelet sets for the whole machine: it gets files to write to instead."""
_OWN_FOLDERS = ("/run", "/var/lib/cni", "/var/log/containers")
"""Where these programs write without being asked: empty ones, that go with the namespace."""
_SHARED_FOLDERS = ("kubelet", "containerd", "containerd-state")
"""What kubelet mounts for pods containerd has to see, and the other way round."""
_SHARES = "10240"
"""Computing for all pods together on a busy machine: ten times that of one program beside them, for there are many."""
_NETWORK = (
    "ip link set lo up",
    "ip link add node0 type bridge",
    "ip address add 10.10.0.1/24 dev node0",
    "ip link set node0 up",
    # Leads nowhere; without one, the addresses of Services have no route, and kubelet no address.
    "ip route add default via 10.10.0.254 dev node0",
)


def set_up(folder: Path, made: list[Path]) -> None:
    """Mounts and network of the node; `made` gets the folders that had to be made for it outside."""
    for place in map(Path, _OWN_FOLDERS):
        if not place.exists():
            place.mkdir(parents=True)
            made.append(place)
        _run("mount", "-t", "tmpfs", "tmpfs", str(place))
    Path("/run/netns").mkdir()
    for name in _SYSCTLS:
        _hide(Path("/proc/sys", name), folder / "sysctl" / name)
    _run("mount", "--bind", str(folder / "resolv.conf"), str(Path("/etc/resolv.conf").resolve()))
    for name in _SHARED_FOLDERS:
        place = folder / name
        place.mkdir(exist_ok=True)
        _run("mount", "--bind", str(place), str(place))
        _run("mount", "--make-rshared", str(place))
    for command in _NETWORK:
        _run(*command.split())
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1")


def _hide(setting: Path, instead: Path) -> None:
    if setting.exists():
        instead.parent.mkdir(parents=True, exist_ok=True)
        instead.write_text(setting.read_text())
        _run("mount", "--bind", str(instead), str(setting))


def make_groups(group: str, roots: list[Path]) -> None:
    """A cgroup of our own in each hierarchy."""
    for root in roots:
        place = root / group
        place.mkdir()
        for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, and nothing runs in it then
            if (root / name).exists():
                (place / name).write_text((root / name).read_text())
        if (place / "cpu.shares").exists():
            (place / "cpu.shares").write_text(_SHARES)


def take_away(group: str, roots: list[Path], made: list[Path]) -> None:
    """End every process of the node, then remove its cgroups and the folders that were made for it."""
    end = time.monotonic() + _KILL_SECONDS
    while pids := {*_namespace_mates(), *_members(group, roots)}:
        if time.monotonic() > end:
            sys.exit(f"processes that do not end: {sorted(pids)}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for root in roots:
        for place in _groups(root / group):
            place.rmdir()
    for place in reversed(made):
        _run("umount", str(place))
        with contextlib.suppress(OSError):  # somebody else has put something in it
            place.rmdir()


def _namespace_mates() -> Iterator[int]:
    """Who else is in our mount namespace: all programs of the node, and each container's shim."""
    ours = Path("/proc/self/ns/mnt").readlink()
    for entry in Path("/proc").iterdir():
        if re.fullmatch(r"\d+", entry.name) and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                # A zombie has left its namespaces, and is its parent's to wait for.
                if (entry / "ns" / "mnt").readlink() == ours:
                    yield int(entry.name)


def _members(group: str, roots: list[Path]) -> Iterator[int]:
    for root in roots:
        for place in _groups(root / group):
            with contextlib.suppress(OSError):
                yield from map(int, (place / "cgroup.procs").read_text().split())


def _groups(place: Path) -> list[Path]:
    """A cgroup and all below it, the lowest first."""
    return [Path(found) for found, _, _ in os.walk(place, topdown=False)]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SETS_UP_SECONDS, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


def main() -> None:
    """Set up, say so, wait for the end of standard input, take away."""
    folder, group, roots = Path(sys.argv[1]), sys.argv[2], list(map(Path, sys.argv[3:]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches us too, and our end has to come after everybody's
    made: list[Path] = []
    try:
        set_up(folder, made)
        make_groups(group, roots)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        take_away(group, roots, made)


if __name__ == "__main__":
    main()
