"""Quarks' operator, as far as it keeps the active label: it asks each BBS pod's port from outside (KubeCF)."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from simulator.layouts import Workload
from tests.testbed.api import ApiError
from tests.testbed.node.diego import Diego, listens
from tests.testbed.node.repeated import repeated


class Quarks:
    """Keeps the label."""

    def __init__(self, diego: Diego, bbs: Workload) -> None:
        self._diego, self._bbs = diego, bbs

    def round(self) -> None:
        """Ask each pod once."""
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
    # An API server may be away, a pod gone.
    with repeated(Quarks(diego, diego.layout.bbs).round, interval, OSError, ApiError):
        yield
