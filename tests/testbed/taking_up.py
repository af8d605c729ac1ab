"""A remediator that does one thing: it takes up what people ask, by the product's own code."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from remediator.cluster import Cluster
from remediator.policy import Mode, Policy
from remediator.reconciler import Reconciler
from stagekeeper.config.document import read
from stagekeeper.diego.environments import pinned_environments
from stagekeeper.kube.client import connect
from stagekeeper.kube.errors import KubeError
from tests.testbed.patience import HANG_GUARD

_EVERY = 0.1


async def _take_up_forever(kubeconfig: Path, config: Path, ended: threading.Event) -> None:
    [environment] = pinned_environments(read(config))
    async with connect(kubeconfig) as kube:
        reconciler = Reconciler(Cluster(environment, kube), Policy(mode=Mode.ACT))
        while not ended.is_set():
            with suppress(KubeError):  # next time
                listing = await reconciler.cluster.listing()
                if listing.asked is not None:
                    await reconciler.take_up(listing.asked, listing.now)
            await asyncio.sleep(_EVERY)


@asynccontextmanager
async def taking_up(kubeconfig: Path, config: Path) -> AsyncIterator[None]:
    """What people ask is taken up in the one environment of this configuration, until the block ends."""
    task = asyncio.create_task(_take_up_forever(kubeconfig, config, threading.Event()))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@contextmanager
def taking_up_beside(kubeconfig: Path, config: Path) -> Iterator[None]:
    """The same in a thread, for whoever has no loop."""
    ended = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_take_up_forever(kubeconfig, config, ended)))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(HANG_GUARD)
        assert not thread.is_alive(), "the remediator's part did not end"
