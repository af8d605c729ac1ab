"""The remediator's real web application over records in memory, and how a test talks to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from remediator import opening
from remediator.metrics import Metrics
from remediator.policy import Mode
from remediator.remediation import Remediation, Request
from remediator.settings import RemediatorSettings
from remediator.web import Served, application
from remediator.webhook import PATH, Receiver, Webhook
from stagekeeper.kube.errors import AlreadyExists, KubeError
from stagekeeper.service.auth import BearerToken
from tests.diego.observations import NOW
from tests.remediator.builders import ACT

TOKEN = "a-token-of-the-tests"
PAYLOADS = Path(__file__).parent / "payloads"


@dataclass
class MemoryRecords:
    """The records of one target; `trouble` is raised by every request while it is set.

    A listing waits for `until`, if there is one, and sets `asked` before.
    """

    remediations: dict[int, Remediation] = field(default_factory=dict)
    trouble: KubeError | None = None
    until: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def listing(self) -> tuple[Sequence[Remediation], datetime]:
        """Every record, oldest first."""
        self.asked.set()
        if self.until:
            await self.until.wait()
        if self.trouble:
            raise self.trouble
        return [self.remediations[each] for each in sorted(self.remediations)], NOW

    async def create(self, ordinal: int, request: Request) -> str:
        """A new record."""
        if self.trouble:
            raise self.trouble
        if ordinal in self.remediations:
            raise AlreadyExists("somebody was first")
        name = f"diego-api-{ordinal}"
        self.remediations[ordinal] = Remediation(name, request, NOW)
        return name


@dataclass
class Environment:
    """One environment behind the webhook."""

    records: MemoryRecords = field(default_factory=MemoryRecords)
    woken: int = 0

    @property
    def receiver(self) -> Receiver:
        """What the webhook does with an alert of this environment."""
        return Receiver(self.open, self.wake)

    def open(self, request: Request) -> Awaitable[opening.Verdict]:
        """As `Keeper.open`."""
        return opening.open_or_join(self.records, request, ACT)

    def wake(self) -> None:
        """As `Worker.wake`."""
        self.woken += 1


@dataclass
class Receiving:
    """A remediator that takes notifications."""

    client: "TestClient[Any, Any]"
    environments: Mapping[str, Environment]
    metrics: Metrics
    stopping: list[bool]

    async def post(self, body: Any, headers: Mapping[str, str] | None = None) -> ClientResponse:
        """Send a body (bytes as they are, anything else as JSON) with the right token, unless `headers` has another."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return await self.client.post(PATH, data=BytesIO(data), headers={**own, **(headers or {})})

    async def judgements(self, body: Any) -> list[str]:
        """What became of each alert of a notification that was taken."""
        response = await self.post(body)
        assert response.status == 200, await response.text()
        return [each["judgement"] for each in (await response.json())["results"]]

    def opened(self) -> dict[str, int]:
        """How many records each environment has."""
        return {name: len(each.records.remediations) for name, each in self.environments.items()}


Receive = Callable[..., Any]


@asynccontextmanager
async def receiving(folder: Path, *names: str) -> AsyncIterator[Receiving]:
    """The application for environments of these names ("cf" if none are given)."""
    token_file = folder / "token"
    token_file.write_text(TOKEN)
    environments = {name: Environment() for name in names or ("cf",)}
    registry, stopping = CollectorRegistry(), [False]
    metrics = Metrics(registry, Mode.OBSERVE, environments)
    webhook = Webhook(
        "StagerUnavailable",
        {name: each.receiver for name, each in environments.items()},
        lambda: stopping[0],
        lambda judgement: metrics.alerts.labels(judgement.value).inc(),
    )
    settings = RemediatorSettings.model_validate({"mode": "observe", "webhook": {"token_file": token_file}})
    app = application(Served(settings, webhook, BearerToken(token_file), {}, registry, metrics, ()))
    server: TestServer = TestServer(app)
    await server.start_server(auto_decompress=False)  # as `stagekeeper.service.listen` serves
    async with TestClient(server) as client:
        yield Receiving(client, environments, metrics, stopping)


def payload(name: str) -> dict[str, Any]:
    """A recorded notification."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return found


def alert(environment: str | None = "cf", status: str = "firing", **labels: str) -> dict[str, Any]:
    """One alert of a notification."""
    own = {"alertname": "StagerUnavailable", **({"environment": environment} if environment is not None else {})}
    return {"status": status, "labels": {**own, **labels}, "startsAt": "2026-11-23T11:58:00Z", "fingerprint": "f"}


def notification(*alerts: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A body of version 4 with these alerts."""
    return {
        "version": "4",
        "status": "firing",
        "receiver": "sk",
        "truncatedAlerts": 0,
        "alerts": list(alerts),
        **changes,
    }
