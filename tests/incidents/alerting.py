"""A Prometheus and an Alertmanager in the test's own loop: they see an outage, call the webhook, answer questions.

The alert fires after two minutes in which no observation found the BBS serving, as the rule does. A test can force it.
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

FIRES_AFTER = 120.0
"""Seconds: the rule's `for`."""
_EVALUATION = 30.0
_RETRY = 10.0
_NOWHERE = "0001-01-01T00:00:00Z"


class Alerting:
    """Both programs. `webhook_url` is set once the remediator listens."""

    def __init__(self, observer: Observer, clock: Clock, environment: str) -> None:
        self.webhook_url = ""
        self.delivered = True
        self.broken = False
        self.labels: dict[str, str] = {"alertname": "StagerUnavailable", "environment": environment}
        self.suppressed: dict[str, list[str]] = {}
        self._observer, self._clock = observer, clock
        self._since: str | None = None
        self._forced = False
        self._tasks: set[asyncio.Task[None]] = set()

    # What the test forces ---------------------------------------------------------------------------------------

    def fire(self, started: str | None = None) -> None:
        """Let the alert be active from now on, whatever is seen."""
        self._forced = True
        self._since = started or timestamp(self._clock.now())
        self.notify("firing")

    def resolve(self) -> None:
        """Let the alert be gone from now on, whatever is seen."""
        self._forced, self._since = True, None
        self.notify("resolved")

    def notify(self, status: str, alerts: int = 1) -> None:
        """Send a notification, and again while the answer is 503."""
        if self.delivered:
            task = asyncio.create_task(self._deliver(self._notification(status, alerts)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # The two programs -------------------------------------------------------------------------------------------

    async def evaluate(self) -> None:
        """Prometheus: look, and look again."""
        down_since: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_EVALUATION)
            serving = diagnose(await self._observer.observe(8.0)).name is Condition.SERVING
            down_since = None if serving else down_since if down_since is not None else loop.time()
            if self._forced:
                continue
            if serving and self._since is not None:
                self._since = None
                self.notify("resolved")
            elif down_since is not None and self._since is None and loop.time() - down_since >= FIRES_AFTER:
                self._since = timestamp(self._clock.now())
                self.notify("firing")

    async def alerts(self, _request: web.Request) -> web.Response:
        """Alertmanager's `/api/v2/alerts`."""
        if self.broken:
            return web.Response(status=500)
        return web.json_response(self._alerts())

    async def close(self) -> None:
        """End every delivery."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _alerts(self) -> Sequence[Mapping[str, Any]]:
        if self._since is None:
            return []
        state = "suppressed" if self.suppressed else "active"
        status = {"state": state, "silencedBy": [], "inhibitedBy": [], **self.suppressed}
        return [{"labels": self.labels, "status": status, "startsAt": self._since, "fingerprint": "f1e2d3"}]

    def _notification(self, status: str, alerts: int) -> dict[str, Any]:
        started = self._since or timestamp(self._clock.now())
        alert = {"status": status, "labels": self.labels, "startsAt": started, "endsAt": _NOWHERE, "fingerprint": "f1"}
        return {"version": "4", "status": status, "receiver": "stagekeeper", "alerts": [alert] * alerts}

    async def _deliver(self, body: Mapping[str, Any]) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError):
                    async with session.post(self.webhook_url, json=body) as response:
                        if response.status < 500:
                            return
                await asyncio.sleep(_RETRY)
