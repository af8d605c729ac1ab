"""`python -m bench`: sets itself up, measures, prints one table, writes JSON."""

import argparse
import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bench import machine, report, table
from bench.coldstart import cold_start
from bench.deleting import deleting
from bench.diego import Cluster, cluster
from bench.growth import growth
from bench.intake import intake
from bench.running import Bench
from bench.scraping import scraping
from bench.situations import situations
from bench.table import Section
from bench.truth import truth
from scripts import go_tools, programs
from scripts.cache import say
from stagekeeper.service import logs

Measurement = Callable[[Bench, Cluster], Awaitable[Section]]
SECTIONS: Mapping[str, Measurement] = {
    "scraping": scraping,
    "truth": truth,
    "intake": intake,
    "deleting": deleting,
    "situations": situations,
    "growth": growth,
    "coldstart": cold_start,
}


async def measure(wanted: list[str], folder: Path, *, quick: bool) -> list[Section]:
    """The sections that are wanted, on one control plane."""
    sections = []
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=120)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        where = await stack.enter_async_context(cluster(folder / "control-plane"))
        bench = Bench(folder, session, stack, quick)
        for name in wanted:
            began = time.monotonic()
            gc.collect()  # by itself it does not come: `main` sees to that
            sections.append(await SECTIONS[name](bench, where))
            say(f"  {name} took {time.monotonic() - began:.0f} s")
    return sections


def set_up() -> bool:
    """Find, fetch or build every program; whether all are there."""
    return not (programs.main(["bench"]) or go_tools.main(["control-plane"]))


def main() -> int:
    """Read the command line, measure, print and write. The exit code is 1 if a program is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions: shows that it works, measures nothing")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="one section; may be repeated")
    parser.add_argument("--json", type=Path, help="where the result is written; of a full run: bench/last.json")
    given = parser.parse_args()
    if not set_up():
        return 1
    logs.configure("error")  # what our own worker does in this process is no news
    gc.disable()  # whoever measures must not stop for 70 ms now and then, and take that for the other's delay
    described = machine.described()
    began = time.monotonic()
    say("Measuring:")
    with tempfile.TemporaryDirectory(prefix="stagekeeper-bench-") as folder:
        sections = asyncio.run(measure(given.only or list(SECTIONS), Path(folder), quick=given.quick))
    result = {"machine": described, "quick": given.quick, "sections": [each.as_json() for each in sections]}
    written = given.json or (None if given.quick or given.only else report.LAST)
    if written:
        written.write_text(json.dumps(result, indent=1) + "\n")
    say(table.text(sections))
    say(f"\n{described['date']}, {described['cores']} cores, {time.monotonic() - began:.0f} s")
    if written:
        say(f"Every round of it is in {written}.")
    if written == report.LAST:
        report.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
