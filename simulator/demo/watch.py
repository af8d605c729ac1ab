"""Looks at what the programs publish, as a person with a browser and kubectl would, and tells the story of it."""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from simulator.demo.configuration import NAME, Ports
from simulator.demo.scenarios import Scenario
from simulator.demo.story import Story
from simulator.environment import Environment
from simulator.resources import PODS, REMEDIATIONS

EVERY = 0.25
_NOTIFIED = re.compile(r'^alertmanager_notifications_total\{integration="webhook"\} [1-9]', re.MULTILINE)
_ENDED = frozenset({"Recovered", "SelfHealed", "Observed", "Escalated"})


@dataclass(slots=True)
class Watcher:
    """Follows one scenario to its end."""

    environment: Environment
    scenario: Scenario
    ports: Ports
    story: Story
    session: aiohttp.ClientSession
    uids: dict[str, str] = field(default_factory=dict)
    """UID and name of each pod that was there before the fault."""
    firing: set[str] = field(default_factory=set)
    inhibited: bool = False

    def remember_pods(self) -> None:
        """The pods as they are now are those that may be restarted."""
        pods = self.environment.store.select(PODS, self.environment.namespace)
        self.uids = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in pods}

    async def is_ready(self) -> bool:
        """Whether Prometheus has scraped a serving BBS and the remediator."""
        queries = (f'bbs_reachable{{environment="{NAME}"}} == 1', 'up{job="stagekeeper-remediator"} == 1')
        return all([await self.value(query) is not None for query in queries])

    async def turn(self) -> None:
        """One look at everything that is published."""
        await self._alerts()
        reachable = await self.value(f'bbs_reachable{{environment="{NAME}"}}')
        if reachable == 0 and self.story.mark("detected"):
            self.story.tell("prometheus", "bbs_reachable is 0")
        await self._called()
        await self._held_back()
        record = self.record()
        if record is not None:
            await self._remediation(record)

    def record(self) -> Mapping[str, Any] | None:
        """The newest Remediation."""
        found = self.environment.store.select(REMEDIATIONS, self.environment.namespace)
        return max(found, key=lambda each: int(each["metadata"]["name"].rpartition("-r")[2]), default=None)

    def deleted(self) -> list[str]:
        """Names of the pods that were there before the fault and are not any more, or are on their way out."""
        staying = {
            pod["metadata"]["uid"]
            for pod in self.environment.store.select(PODS, self.environment.namespace)
            if "deletionTimestamp" not in pod["metadata"]
        }
        return sorted(name for uid, name in self.uids.items() if uid not in staying)

    async def ended(self) -> bool:
        """Whether the story is told: the remediation has ended and whatever must follow has followed."""
        if self.scenario.alert and not self.story.marks.get("alert"):
            return False
        phase = self.phase()
        if self.scenario.phase is None:
            return await self._quiet_end() if self.scenario.serves_at_end else self.inhibited
        if phase not in _ENDED:
            return False
        return not self.scenario.serves_at_end or "StagerUnavailable" not in self.firing

    async def _quiet_end(self) -> bool:
        """A story without a remediation ends when the BBS has served for a while."""
        settled = self.story.now() > 12  # noqa: PLR2004 -- twice what the shortened alert waits
        return settled and await self.value(f'min_over_time(bbs_reachable{{environment="{NAME}"}}[4s])') == 1

    def phase(self) -> str:
        """Phase of the newest remediation; "" if there is none."""
        record = self.record()
        return str(record.get("status", {}).get("phase", "Watching")) if record else ""

    async def value(self, query: str) -> float | None:
        """The value of a PromQL query that has one result; None if it has none, or Prometheus is not up yet."""
        answer = await self.ask_prometheus("query", {"query": query})
        result = answer.get("data", {}).get("result", [])
        return float(result[0]["value"][1]) if result else None

    async def _alerts(self) -> None:
        answer = await self.ask_prometheus("alerts")
        firing = {
            each["labels"]["alertname"]
            for each in answer.get("data", {}).get("alerts", [])
            if each["state"] == "firing"
        }
        for name in sorted(firing - self.firing):
            self.story.tell("prometheus", f"alert {name} fires")
            if name == self.scenario.alert:
                self.story.mark("alert")
        for name in sorted(self.firing - firing):
            self.story.tell("prometheus", f"alert {name} is resolved")
        self.firing = firing

    async def _called(self) -> None:
        """Alertmanager's own word on whether it has called.

        The remediator may have opened the remediation by asking it.
        """
        if "called" in self.story.marks:
            return
        response = await self.answer(self.ports.alertmanager, "metrics")
        if response is not None and _NOTIFIED.search(response) and self.story.mark("called"):
            self.story.tell("alertmanager", "the remediator is called by webhook")

    async def _held_back(self) -> None:
        """Whether Alertmanager keeps the alert from the remediator, since another alert tells of the cause."""
        text = await self.answer(self.ports.alertmanager, "api/v2/alerts") if not self.inhibited else None
        for alert in json.loads(text) if text else ():
            if alert["labels"]["alertname"] == "StagerUnavailable" and alert["status"]["inhibitedBy"]:
                self.inhibited = True
                self.story.tell(
                    "alertmanager", "StagerUnavailable is inhibited: the alert that names the cause is enough"
                )

    async def _remediation(self, record: Mapping[str, Any]) -> None:
        if self.story.mark("opened"):
            self.story.tell("remediator", f"remediation {record['metadata']['name']} is open")
        status = record.get("status", {})
        if status.get("phase") in {"Restarting", "Verifying", "Recovered"}:
            await self._restart_steps(status)

    async def _restart_steps(self, status: Mapping[str, Any]) -> None:
        story = self.story
        story.mark("decided")
        evidence = "\n".join(status.get("evidence", ()))
        if "Cloud Controller" in evidence:
            story.tick(1, "remediator")
            story.tick(2, "remediator")
        story.tick(3, "remediator")
        story.tick(4, "remediator")
        if status["phase"] in {"Verifying", "Recovered"}:
            await self._back()
        if status["phase"] == "Recovered":
            story.mark("recovered")
            story.tick(6, "remediator")
            story.tick(7, "remediator")
            if "StagerUnavailable" not in self.firing:
                story.tick(8, "prometheus")

    async def _back(self) -> None:
        """Steps 5 to 7, by what the exporter publishes. A cure that needed no BBS restarted leaves step 5 undone."""
        bbs = {pod["metadata"]["name"] for pod in self.environment.pods()}
        if bbs <= set(self.deleted()):
            self.story.tick(5, "remediator")
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in self.environment.pods())
        ready = f'diego_api_ready{{environment="{NAME}"}} == diego_api_desired'
        one_active = f'active_bbs_count{{environment="{NAME}"}}'
        if leaving or await self.value(ready) is None or await self.value(one_active) != 1:
            return
        self.story.tick(6, "exporter")
        if await self.value(f'bbs_reachable{{environment="{NAME}"}}') == 1:
            self.story.tick(7, "exporter")

    async def ask_prometheus(self, what: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What Prometheus's API answers; empty while it can't be had."""
        text = await self.answer(self.ports.prometheus, f"api/v1/{what}", query)
        found: dict[str, Any] = json.loads(text) if text is not None else {}
        return found

    async def answer(self, port: int, path: str, query: Mapping[str, str] | None = None) -> str | None:
        """The text behind one of the programs' pages; None while it can't be had."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.get(
                f"http://127.0.0.1:{port}/{path}", params=query, timeout=aiohttp.ClientTimeout(total=2)
            ) as response:
                return await response.text() if response.ok else None
        return None
