"""What a result was measured on, and the last full result in docs/performance.md."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from scripts.cache import ROOT

LAST = ROOT / "bench" / "last.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_LIBRARIES = ("aiohttp", "kubernetes", "prometheus-client", "pydantic", "stagekeeper")


def machine() -> str:
    """Date, machine and versions, in a sentence."""
    cpus = [line.partition(":")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {os.cpu_count()} cores ({', '.join(cpus[:1]).strip()}, "
        f"{memory} MiB, Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at the start) with Python "
        f"{platform.python_version()}, {libraries}."
    )


def page(old: str, described: str, tables: str) -> str:
    """The page with this result between its two marks."""
    before, _, rest = old.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{described}\n\n{tables}\n{END}{rest.partition(END)[2]}"
