"""What a result was measured on, and what a process costs, as Linux tells it."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scripts import go_tools, programs

_TICKS = os.sysconf("SC_CLK_TCK")
_LIBRARIES = ("aiohttp", "kubernetes", "prometheus-client", "pydantic", "stagekeeper")


def described() -> dict[str, Any]:
    """Machine, versions and date."""
    found = {
        program.name: programs.version(program, path)
        for program in programs.PROGRAMS
        if "bench" in program.groups and (path := programs.find(program))
    }
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "kubernetes": go_tools.CONTROL_PLANE.version,
        "load_at_start": round(os.getloadavg()[0], 2),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "programs": found,
    }


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mib(pid: int) -> float:
    """Resident memory of a process; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next((each for each in status.splitlines() if each.startswith("VmRSS:")), "VmRSS: 0")
    return int(line.split()[1]) / 1024


def children(pid: int) -> list[int]:
    """The processes below `pid`, at any depth."""
    try:
        direct = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        threads = Path(f"/proc/{pid}/task").iterdir()
        found = {*direct, *(int(each) for thread in threads for each in (thread / "children").read_text().split())}
    except OSError:
        return []
    return [below for child in found for below in (child, *children(child))]


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
