"""Who keeps the active label: fissile's readiness probe in each pod, or quarks' operator for all of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.api_client import API_TROUBLE, pods_path
from simulator.listener import accepts
from simulator.place import Place


@dataclass(frozen=True, slots=True)
class ActiveLabel:
    """The label the Service selects by. `passive` is None where a passive pod has no such label (quarks)."""

    key: str
    active: str
    passive: str | None


class LabelKeeper:
    """Asks each running pod's BBS port every `interval` seconds and PATCHes what changed, until cancelled."""

    def __init__(
        self,
        place: Place,
        selector: Mapping[str, str],
        label: ActiveLabel,
        port: int,
        interval: float,
    ) -> None:
        self.held: set[str] = set()
        """Names of pods whose label nobody can change for now."""
        self.interval = interval
        self._place = place
        self._selector = selector
        self._label = label
        self._port = port

    async def run(self) -> None:
        """Keep the labels until cancelled."""
        while True:
            try:
                for pod in await self._place.api.pods(self._place.namespace, self._selector):
                    await self._keep(pod)
            except API_TROUBLE:
                pass
            await asyncio.sleep(self.interval)

    async def _keep(self, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        if metadata["name"] in self.held or not _runs(pod):
            return
        active = await accepts(pod["status"]["podIP"], self._port)
        wanted = self._label.active if active else self._label.passive
        if (metadata.get("labels") or {}).get(self._label.key) != wanted:
            patch = {"metadata": {"uid": metadata["uid"], "labels": {self._label.key: wanted}}}
            await self._place.api.patch(pods_path(self._place.namespace, metadata["name"]), patch)


def _runs(pod: Mapping[str, Any]) -> bool:
    """Whether the probe inside the pod can run: its containers do."""
    status = pod.get("status", {})
    states = [container.get("state", {}) for container in status.get("containerStatuses", [])]
    return bool(status.get("podIP")) and bool(states) and all("running" in state for state in states)
