"""`python -m bench`: sets itself up, measures, prints one table, writes JSON."""

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import aiohttp

from bench import report
from bench.growth import growth
from bench.restarting import restarting
from bench.running import Bench
from bench.scraping import scraping
from bench.situations import situations
from bench.table import Section, markdown
from bench.webhook import webhook
from scripts import go_tools, programs
from scripts.cache import say

SECTIONS: Mapping[str, Callable[[Bench], Awaitable[Section]]] = {
    each.__name__: each for each in (scraping, webhook, restarting, situations, growth)
}


async def measure(wanted: list[str], folder: Path, *, quick: bool) -> list[Section]:
    """The sections that are wanted, each in a folder of its own, with nothing left of the one before."""
    sections = []
    for name in wanted:
        began = time.monotonic()
        gc.collect()  # by itself it does not come: `main` sees to that
        (folder / name).mkdir()
        async with AsyncExitStack() as stack:
            connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=120)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
            sections.append(await SECTIONS[name](Bench(folder / name, session, stack, quick)))
        say(f"  {name} took {time.monotonic() - began:.0f} s")
    return sections


def main() -> int:
    """Read the command line, measure, print and write. The exit code is 1 if a program is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions: shows that it works, measures nothing")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="one section; may be repeated")
    given = parser.parse_args()
    if programs.main(["bench"]) or go_tools.main(["control-plane"]):
        return 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is compiled at each start leaves memory behind
    gc.disable()  # whoever measures must not stop for 70 ms now and then, and take that for the other's delay
    described, began = report.machine(), time.monotonic()
    say("Measuring:")
    with tempfile.TemporaryDirectory(prefix="stagekeeper-bench-") as folder:
        sections = asyncio.run(measure(given.only or list(SECTIONS), Path(folder), quick=given.quick))
    tables = markdown(sections)
    say(f"{tables}\n{described}\nIt took {time.monotonic() - began:.0f} s.")
    if not given.quick and not given.only:
        result = {"machine": described, "sections": [asdict(each) for each in sections], "markdown": tables}
        report.LAST.write_text(json.dumps(result, indent=1, default=str) + "\n")
        report.PAGE.write_text(report.page(report.PAGE.read_text(), described, tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
