"""Quarks' operator, as far as it keeps the active label: it asks each BBS pod's port from outside (KubeCF)."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from simulator.layouts import Workload
from tests.testbed.api import ApiError
from tests.testbed.node.diego import Diego, listens


class Quarks:
    """Keeps the label until it is closed."""

    def __init__(self, diego: Diego, bbs: Workload, interval: float) -> None:
        self._diego, self._bbs, self._interval = diego, bbs, interval
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, after the round that is under way."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._interval):
            with contextlib.suppress(OSError, ApiError):  # an API server that is away, a pod that is gone
                self._round()

    def _round(self) -> None:
        for pod in self._diego.pods():
            metadata, address = pod["metadata"], pod["status"].get("podIP")
            if address and metadata["labels"].items() >= self._bbs.labels.items():
                self._label(metadata, active=self._diego.node.within.inside(partial(listens, address)))

    def _label(self, metadata: Mapping[str, Any], *, active: bool) -> None:
        label = self._diego.layout.active_label
        assert label is not None
        value = label.active if active else None
        if metadata["labels"].get(label.key) == value:
            return
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        change = {"metadata": {"labels": {label.key: value}}}
        self._diego.node.plane.api.request("PATCH", path, change, "application/merge-patch+json")


@contextlib.contextmanager
def quarks(diego: Diego, interval: float) -> Iterator[None]:
    """Keep the label while the body runs, asking each so many seconds."""
    assert diego.layout.bbs is not None
    keeper = Quarks(diego, diego.layout.bbs, interval)
    keeper.start()
    try:
        yield
    finally:
        keeper.close()
