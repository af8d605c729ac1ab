"""`python -m tests.testbed.screenshots` photographs our pages in the middle of a live outage, into docs/images.

A desktop, a phone, and a desktop in the dark; what the README shows is what somebody on call sees.
"""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from scripts.cache import ROOT
from scripts.programs import required
from tests.dashboards.stage import Stage, stage
from tests.testbed.browser import browser
from tests.testbed.png import smaller

FOLDER = ROOT / "docs" / "images"
VIEWS = {"desktop": (1000, 1500, False), "phone": (390, 1500, False), "dark": (1000, 1500, True)}
"""Width and height of the picture, and whether it is dark."""


async def photograph(running: Stage, chromium: Path, taken: dict[str, bytes]) -> None:
    """Every page in every view, by its name."""
    ports = running.watcher.ports
    pages = {"status": f"http://127.0.0.1:{ports.remediator}/", "exporter": f"http://127.0.0.1:{ports.exporter}/"}
    with tempfile.TemporaryDirectory() as profile:
        async with browser(chromium, Path(profile)) as tab:
            for name, url in pages.items():
                for view, (width, height, dark) in VIEWS.items():
                    await tab.open(url, width=width, height=height)
                    taken[f"{name}-{view}.png"] = await tab.photograph(dark=dark, tallest=height)
    raise TakenError


class TakenError(Exception):
    """All pictures are taken: what comes after the outage is of no interest."""


async def main() -> None:
    """Play the outage and take the pictures."""
    await asyncio.to_thread(FOLDER.mkdir, exist_ok=True)
    chromium = required("chromium")
    taken: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as running:
            with contextlib.suppress(TakenError):
                await running.play(lambda: photograph(running, chromium, taken))
    for name, picture in taken.items():  # only now, since it takes seconds for each
        await asyncio.to_thread((FOLDER / name).write_bytes, smaller(picture))
    sys.stdout.write(f"The pictures are in {FOLDER}.\n")


if __name__ == "__main__":
    asyncio.run(main())
