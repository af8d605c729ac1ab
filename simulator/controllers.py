"""The in-process controllers of the simulated API: they act at once on every change of the store."""

import asyncio
from collections.abc import Callable

from simulator.endpoints import reconcile_endpoints
from simulator.statefulset import StatefulSetController
from simulator.store import Store


async def run_controllers(store: Store) -> None:
    """Reconcile StatefulSets and Endpoints after each change, until cancelled."""
    changed = asyncio.Event()
    changed.set()
    unsubscribe = store.subscribe(changed.set)
    reconcilers: tuple[Callable[[], None], ...] = (
        StatefulSetController(store).reconcile,
        lambda: reconcile_endpoints(store),
    )
    try:
        while True:
            await changed.wait()
            changed.clear()
            for reconcile in reconcilers:
                reconcile()
    finally:
        unsubscribe()
