"""Somebody who may only create records, and makes as many and as large ones as are admitted, blocks nobody."""

import asyncio
import itertools
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import aiohttp
import pytest

from remediator.alertmanager import AlertmanagerView
from remediator.cluster import Cluster
from remediator.inputs import AlertState, AlertView
from remediator.reconciler import Reconciler
from remediator.remediation import Phase, Remediation, Request
from stagekeeper.diego.observation import Observation, Reply
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import Kube, connect
from stagekeeper.kube.objects import Pod
from tests.chart.forbidden import TARGET
from tests.chart.scene import Scene
from tests.diego import observations
from tests.interleaving.replicas import EAGER
from tests.remediator.builders import CF
from tests.testbed.api import Api, ApiError
from tests.testbed.patience import HANG_GUARD, until_true

pytestmark = [pytest.mark.real, pytest.mark.programs]
MANY = 3000
AT_ONCE = 16
"""Connections of one who floods."""
LARGEST = {
    "annotations": {f"a{each}": "x" * 2048 for each in range(16)},
    "labels": {f"{'l' * 50}{each}": "v" * 63 for each in range(16)},
}
SPEC = {
    "environment": "e" * 63,
    "alertname": "a" * 256,
    "fingerprint": "f" * 64,
    "startsAt": "s" * 64,
    "person": "p" * 256,
    "why": "w" * 1024,
    "accept": "tls_broken",
    "requestUid": "r" * 64,
    "mode": "observe",
}


@dataclass
class Flood:
    """One who may create Remediations, and nothing else."""

    here: Scene
    token: str
    admitted: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    async def send(self, names: Sequence[str]) -> None:
        """Create one after the other, so many at once."""
        trusted = ssl.create_default_context(cafile=self.here.plane.ca_file)
        connector = aiohttp.TCPConnector(ssl=trusted, limit=AT_ONCE)
        waiting = iter(names)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work(session, waiting))

    async def _work(self, session: aiohttp.ClientSession, names: Iterator[str]) -> None:
        url = f"{self.here.plane.url}/apis/stagekeeper.dev/v1alpha1/namespaces/{self.here.namespace}/remediations"
        for name in names:
            body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "spec": SPEC}
            body |= {"metadata": {"name": name, **LARGEST}, "status": {"phase": "Watching", "message": "m" * 4096}}
            headers = {"Authorization": f"Bearer {self.token}"}
            async with session.post(url, json=body, headers=headers) as answer:
                self.statuses[answer.status] += 1
                if answer.status == 201:
                    self.admitted.append(name)
                await answer.read()

    async def go_on(self, ended: asyncio.Event) -> None:
        """The one name that is admitted, and others, until the end: cut off, connections would stay half open."""
        numbers = itertools.count(MANY)
        while not ended.is_set():
            try:
                await self.send(["diego-api-request", f"diego-api-r{next(numbers)}"] * AT_ONCE)
            except* aiohttp.ClientError:
                pass


class Eyes:
    """Stands in for `Observer`: both pods refuse, now."""

    async def observe(self, within: float) -> Observation:  # noqa: ARG002 -- takes no time
        """One observation."""
        pods = [observations.bbs(each, Reply.REFUSED) for each in range(2)]
        return observations.observation(*pods, service=Reply.REFUSED, taken_at=datetime.now(UTC))


class Hung(Cluster):
    """The environment with the remediator's own rights, whose BBS hang, and whose alert fires."""

    def __init__(self, environment: Environment, kube: Kube) -> None:
        super().__init__(environment, kube, observer=cast("Observer", Eyes()))
        self.deleted: list[str] = []

    async def alerts(self, within: float = 0) -> Sequence[AlertmanagerView]:  # noqa: ARG002 -- it answers at once
        """One Alertmanager, which has it firing."""
        return [AlertmanagerView(AlertView("http://127.0.0.1:9093", AlertState.ACTIVE))]

    async def delete_pod(self, pod: Pod) -> None:
        """Counted: the pods are not these."""
        self.deleted.append(pod.name)

    async def open_ones(self) -> list[Remediation]:
        """What is open."""
        return [each for each in (await self.listing()).remediations if each.phase.open]


@pytest.fixture(scope="module")
def flood(here: Scene) -> Flood:
    """Somebody with one right."""
    plane, people = here.plane, here.other
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{here.namespace}"
    plane.api.request("POST", f"/api/v1/namespaces/{people}/serviceaccounts", {"metadata": {"name": "mallory"}})
    rules = [{"apiGroups": ["stagekeeper.dev"], "resources": ["remediations"], "verbs": ["create"]}]
    plane.api.request("POST", f"{rbac}/roles", {"metadata": {"name": "mallory"}, "rules": rules})
    subjects = [{"kind": "ServiceAccount", "name": "mallory", "namespace": people}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "mallory"}
    plane.api.request(
        "POST", f"{rbac}/rolebindings", {"metadata": {"name": "mallory"}, "roleRef": role, "subjects": subjects}
    )
    plane.api.request("DELETE", f"/api/v1/namespaces/{here.namespace}/configmaps/stagekeeper-pause")
    token = plane.service_account_token(people, "mallory")
    until_true(lambda: _refused(here, token))
    return Flood(here, token)


def _refused(here: Scene, token: str) -> bool:
    """Whether the admission policy is in force."""
    path = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{here.namespace}/remediations?dryRun=All"
    body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "spec": {"environment": "cf"}}
    try:
        api = Api(here.plane.url, here.plane.ca_file, token)
        api.request("POST", path, {**body, "metadata": {"name": "diego-api-r1"}})
    except ApiError as refusal:
        return TARGET in str(refusal)
    return False


@asynccontextmanager
async def hung(here: Scene) -> AsyncIterator[tuple[Hung, Reconciler]]:
    """The production reconciler on the real API."""
    environment = replace(CF, namespace=here.namespace, api_timeout=HANG_GUARD)
    async with connect(here.kubeconfig("remediator")) as kube:
        cluster = Hung(environment, kube)
        yield cluster, Reconciler(cluster, EAGER)


async def test_who_may_only_create_records_blocks_no_target_and_has_no_two_open(here: Scene, flood: Flood) -> None:
    """3,000 of the largest made the list too long to be read, at 40 KiB each."""
    await flood.send(["diego-api-request", *(f"diego-api-r{number}" for number in range(1, MANY))])
    assert flood.statuses == {201: 1, 403: MANY - 1}
    async with hung(here) as (cluster, reconciler):
        await reconciler.reconcile()  # takes up what is asked, and decides
        assert cluster.deleted == ["diego-api-0", "diego-api-1"]
        [only] = (await cluster.listing()).remediations
        assert (only.phase, only.request.person) == (Phase.VERIFYING, "p" * 256)


async def test_the_alert_comes_to_its_plan_while_somebody_floods_without_end(here: Scene, flood: Flood) -> None:
    async with hung(here) as (cluster, reconciler):
        for each in (await cluster.listing()).remediations:
            await cluster.prune([each])
        ended = asyncio.Event()
        task = asyncio.create_task(flood.go_on(ended))
        try:
            await reconciler.open(Request("cf", alertname="StagerUnavailable", starts_at=_now()))
            while not any(each.plan for each in (await cluster.listing()).remediations):
                await reconciler.reconcile()
                assert len(await cluster.open_ones()) <= 1
        finally:
            ended.set()
            await task
    assert set(flood.admitted) == {"diego-api-request"}


def _now() -> str:
    return datetime.now(UTC).isoformat()
