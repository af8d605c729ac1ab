"""`python -m tests.soak`: the long form, with its progress."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from scripts.cache import say
from tests.soak.soak import soak, stage


async def run(scrapes: int, webhooks: int) -> None:
    """Soak in a folder of its own; AssertionError says what did not hold."""
    with tempfile.TemporaryDirectory(prefix="stagekeeper-soak-") as folder:
        async with stage(Path(folder)) as on:
            await soak(on, scrapes, webhooks, say)
            say(
                f"All held: {on.scrapes} scrapes, {sum(on.answers.values())} webhooks, {len(on.accepted)} remediations."
            )


def main() -> None:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--scrapes", type=int, default=100_000)
    parser.add_argument("--webhooks", type=int, default=10_000)
    given = parser.parse_args()
    asyncio.run(run(given.scrapes, given.webhooks))


if __name__ == "__main__":
    main()
