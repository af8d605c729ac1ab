"""The remediator's real web application over records in memory, and how a test talks to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from remediator.alertmanager import AlertmanagerView, Receivers
from remediator.app import application
from remediator.cluster import Cluster, TargetRecords
from remediator.inputs import Pause
from remediator.reconciler import Reconciler
from remediator.record import name_of
from remediator.remediation import Remediation, Request, in_order
from remediator.settings import RemediatorSettings
from remediator.streaks import Assessment
from remediator.webhook import PATH, Webhook
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import AlreadyExists, KubeError, NotFound
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Pod
from stagekeeper.service.auth import BearerToken
from tests.diego.observations import NOW, hung
from tests.remediator.builders import ACT, ACTIVE, CF, NOT_PAUSED, at, moment

TOKEN = "a-token-of-the-tests"
PAYLOADS = Path(__file__).parent / "payloads"


class MemoryCluster(Cluster):
    """The records of one target; `trouble` is raised by every request while it is set.

    A listing waits for `until`, if there is one, and sets `asked` before. What is observed is `seen`, each time `every`
    seconds later by all clocks. What was told as Events, and which pods were deleted, is remembered.
    """

    def __init__(self, *found: Remediation) -> None:
        super().__init__(CF, cast("Kube", None), observer=cast("Observer", None))
        self.remediations = {each.ordinal: each for each in found}
        self.trouble: KubeError | None = None
        self.until: asyncio.Event | None = None
        self.asked_for = asyncio.Event()
        self.seen, self.every, self.seconds = hung(), 5.0, 0.0
        self.told: list[Event] = []
        self.deleted: list[Pod] = []

    def monotonic(self) -> float:
        """As `moment` has it."""
        return moment(self.seconds).monotonic

    async def observe(self) -> Assessment:
        """What is there."""
        self.seconds += self.every
        return at(self.seconds, self.seen)

    async def load(self, name: str) -> Remediation:
        """Just as it was stored."""
        found = next((each for each in self.remediations.values() if each.name == name), None)
        if found is None:
            raise NotFound(name)
        return found

    async def swap(self, remediation: Remediation) -> Remediation:
        """Nobody else writes."""
        self.remediations[remediation.ordinal] = remediation
        return remediation

    async def pause(self) -> Pause:
        """Nobody paused it."""
        return NOT_PAUSED

    async def alerts(self, within: float = 0) -> Sequence[AlertmanagerView]:  # noqa: ARG002 -- it answers at once
        """It fires."""
        return [AlertmanagerView(each) for each in ACTIVE]

    async def delete_pod(self, pod: Pod) -> None:
        """Accepted."""
        self.deleted.append(pod)

    async def tell(self, event: Event) -> None:
        """Heard."""
        self.told.append(event)

    async def listing(self) -> TargetRecords:
        """Every record, oldest first."""
        self.asked_for.set()
        if self.until:
            await self.until.wait()
        if self.trouble:
            raise self.trouble
        return TargetRecords(in_order(self.remediations.values()), NOW)

    async def create(self, ordinal: int, request: Request) -> Remediation:
        """A new record."""
        if self.trouble:
            raise self.trouble
        if ordinal in self.remediations:
            raise AlreadyExists("somebody was first")
        name = name_of(self.target, ordinal)
        self.remediations[ordinal] = Remediation(name, request, NOW)
        return self.remediations[ordinal]


class Environment(Reconciler):
    """One environment behind the webhook."""

    def __init__(self) -> None:
        self.records = MemoryCluster()
        super().__init__(self.records, ACT)
        self.woken = 0

    def wake(self) -> None:
        """Counted."""
        self.woken += 1


@dataclass
class Receiving:
    """A remediator that takes notifications."""

    client: "TestClient[Any, Any]"
    environments: Mapping[str, Environment]
    registry: CollectorRegistry
    stopping: list[bool]
    receivers: Receivers

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


@asynccontextmanager
async def receiving(folder: Path, *names: str, matchers: Mapping[str, str] | None = None) -> AsyncIterator[Receiving]:
    """The application for environments of these names ("cf" if none are given)."""
    token_file = folder / "token"
    token_file.write_text(TOKEN)
    environments = {name: Environment() for name in names or ("cf",)}
    registry, stopping = CollectorRegistry(), [False]
    receivers = Receivers("stagekeeper")
    webhook = Webhook("StagerUnavailable", environments, lambda: stopping[0], receivers, matchers)
    settings = RemediatorSettings.model_validate({"mode": "observe", "webhook": {"token_file": token_file}})
    app = application(settings, environments, webhook, BearerToken(token_file), registry, ())
    server: TestServer = TestServer(app)
    await server.start_server(auto_decompress=False)  # as `stagekeeper.service.listen` serves
    async with TestClient(server) as client:
        yield Receiving(client, environments, registry, stopping, receivers)


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
