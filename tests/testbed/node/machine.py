"""What a node needs of the machine, and how one sees that it left the machine as it was."""

import os
import re
from pathlib import Path

_NEEDED = frozenset({"cpu", "cpuset", "memory", "pids", "devices", "freezer"})
_SYSCTLS = ("kernel", "vm", "net/ipv4", "net/bridge", "net/netfilter")
_CHANGE_BY_THEMSELVES = re.compile(
    r"random/|/ns_last_pid|/pty/nr|/conf/|/neigh/|nf_conntrack_count|/fs/|tcp_fastopen_key"
)


class NodeError(Exception):
    """The node cannot run, or was not taken away; the message says why."""


def cgroup_roots() -> list[Path]:
    """Where each hierarchy of cgroups is mounted; a machine with version 1 often has the one of version 2 besides."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in mounts if fields[2] in {"cgroup", "cgroup2"}]


def what_is_missing() -> str:
    """Why no node can run on this machine, in a sentence; empty if one can."""
    if os.geteuid() != 0:
        return "it makes namespaces and cgroups, which only root may"
    lacking = _NEEDED - {root.name for root in cgroup_roots()}
    if lacking:
        return f"the machine has no hierarchy of cgroups (version 1) for {', '.join(sorted(lacking))}"
    unwritable = [str(root) for root in cgroup_roots() if not os.access(root, os.W_OK)]
    return f"cgroups cannot be made in {', '.join(unwritable)}" if unwritable else ""


def traces() -> dict[str, str]:
    """What a node could leave behind on the machine, by name: cgroups, settings of the kernel, mounts, devices."""
    found = {f"cgroup {place}": "" for root in cgroup_roots() for place in _folders(root)}
    found |= {f"mount {_mount(line)}": "" for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    found |= {f"network device {device.name}": "" for device in Path("/sys/class/net").iterdir()}
    for section in _SYSCTLS:
        for path in Path("/proc/sys", section).rglob("*"):
            if not _CHANGE_BY_THEMSELVES.search(str(path)) and path.is_file() and os.access(path, os.R_OK):
                found[f"setting {path}"] = _text(path)
    return found


def _folders(root: Path) -> list[str]:
    return [found for found, _, _ in os.walk(root)]


def _mount(line: str) -> str:
    return " ".join(line.split()[3:5])  # its number may be given to another


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # some may only be written
