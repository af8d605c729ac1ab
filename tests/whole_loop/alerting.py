"""Prometheus and Alertmanager in the test's own loop: they see an outage, call the webhook, answer questions.

With the intervals of our examples: a scrape and an evaluation each 15 s, `for: 2m`, `group_wait: 5s`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from simulator.clock import Clock
from stagekeeper.diego.diagnosis import Condition, diagnose
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.objects import timestamp

INTERVAL = 15.0
FIRES_AFTER = 120.0
GROUP_WAIT = 5.0
_RETRY = 10.0
_NOWHERE = "0001-01-01T00:00:00Z"


class Alerting:
    """Both programs, as a pair of each would deliver: every webhook address gets every notification."""

    def __init__(self, observer: Observer, clock: Clock, environment: str) -> None:
        self.webhooks: list[str] = []
        self.delivers = True
        self.labels: dict[str, str] = {"alertname": "StagerUnavailable", "environment": environment}
        self.suppressed: dict[str, list[str]] = {}
        self.fired_at: float | None = None
        """The loop's time at which the alert fired first."""
        self.called_at: float | None = None
        """The loop's time at which it was told to a webhook first."""
        self._observer, self._clock = observer, clock
        self._since: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Prometheus: scrape and evaluate, for ever."""
        down_since: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(INTERVAL)
            serving = diagnose(await self._observer.observe(8.0)).name is Condition.SERVING
            down_since = None if serving else loop.time() if down_since is None else down_since
            if serving and self._since is not None:
                self._since = None
                self._notify("resolved")
            elif down_since is not None and self._since is None and loop.time() - down_since >= FIRES_AFTER:
                self._since = timestamp(self._clock.now())
                self.fired_at = self.fired_at or loop.time()
                self._notify("firing")

    async def alerts(self, _request: web.Request) -> web.Response:
        """Alertmanager's `/api/v2/alerts/groups`."""
        group = {"labels": {}, "receiver": {"name": "stagekeeper"}, "alerts": self._alerts()}
        return web.json_response([group])

    async def close(self) -> None:
        """End every delivery."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _alerts(self) -> Sequence[Mapping[str, Any]]:
        if self._since is None:
            return []
        state = "suppressed" if self.suppressed else "active"
        status = {"state": state, "silencedBy": [], "inhibitedBy": [], "mutedBy": [], **self.suppressed}
        return [{"labels": self.labels, "status": status, "startsAt": self._since, "fingerprint": "f1e2d3"}]

    def _notify(self, status: str) -> None:
        started = self._since or timestamp(self._clock.now())
        alert = {"status": status, "labels": self.labels, "startsAt": started, "endsAt": _NOWHERE, "fingerprint": "f1"}
        body = {"version": "4", "status": status, "receiver": "stagekeeper", "alerts": [alert]}
        for url in self.webhooks if self.delivers else []:
            task = asyncio.create_task(self._deliver(url, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, url: str, body: Mapping[str, Any]) -> None:
        """Once it is answered with less than 500; until then again and again."""
        await asyncio.sleep(GROUP_WAIT)
        self.called_at = self.called_at or asyncio.get_running_loop().time()
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError):
                    async with session.post(url, json=body) as response:
                        if response.status < 500:
                            return
                await asyncio.sleep(_RETRY)
