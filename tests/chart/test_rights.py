"""Nothing superfluous: for each right that a Role grants, one call of ours that fails without it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import pytest

from remediator import pause
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Kube, connect
from stagekeeper.kube.errors import Forbidden, NotFound
from stagekeeper.kube.objects import StatefulSet
from stagekeeper.kube.remediations import Remediations
from tests.chart.helm import Object, rights
from tests.chart.scene import Scene
from tests.testbed.patience import HANG_GUARD

pytestmark = [pytest.mark.real, pytest.mark.programs]

Work = Callable[[Kube, str], Awaitable[object]]
_ORDINALS = count(2)
_SELECTOR = "skiff-role-name=diego-api"


async def _statefulset(kube: Kube, namespace: str) -> StatefulSet:
    found = await workloads.get_statefulset(kube, namespace, "diego-api", timeout=5)
    assert found is not None
    return found


async def _event(kube: Kube, namespace: str) -> None:
    about = await _statefulset(kube, namespace)
    now = datetime.now(UTC)
    event = events.Event(events.statefulset(about), "Test", "A test.", "Test", now)
    await events.emit(kube, namespace, event, timeout=5)


async def _pause(kube: Kube, namespace: str) -> None:
    await kube.get(f"/api/v1/namespaces/{namespace}/configmaps/{pause.NAME}", timeout=5)


async def _delete_pod(kube: Kube, namespace: str) -> None:
    """For real: the controller makes another, which is not bound, so the next one is gone at once too."""
    while True:
        listed = await workloads.list_pods(kube, namespace, _SELECTOR, timeout=5)
        if pod := next((each for each in listed.pods if each.name == "diego-api-1"), None):
            return await workloads.delete_pod(kube, namespace, pod, timeout=5)
        await asyncio.sleep(0.02)


async def _get(kube: Kube, namespace: str) -> None:
    await Remediations(kube, namespace, 5).get("diego-api-r1")


async def _create(kube: Kube, namespace: str) -> None:
    await Remediations(kube, namespace, 5).create(f"diego-api-r{next(_ORDINALS)}", {}, {"environment": "cf"})


async def _swap(kube: Kube, namespace: str) -> None:
    records = Remediations(kube, namespace, 5)
    record = await records.get("diego-api-r1")
    await records.swap_status({**record, "status": {"phase": "Watching"}})


async def _delete(kube: Kube, namespace: str) -> None:
    await Remediations(kube, namespace, 5).delete("not-there", "no-such-uid")


OBSERVE: Mapping[str, Work] = {
    "list pods": lambda kube, namespace: workloads.list_pods(kube, namespace, _SELECTOR, timeout=5),
    "get statefulsets": _statefulset,
    "list endpointslices": lambda kube, namespace: workloads.endpoints(kube, namespace, "diego-api", timeout=5),
}
MANAGE: Mapping[str, Work] = {
    **OBSERVE,
    "get configmaps": _pause,
    "create events": _event,
    "list remediations": lambda kube, namespace: Remediations(kube, namespace, 5).list(dict),
    "get remediations": _get,
    "create remediations": _create,
    "delete remediations": _delete,
    "update remediations/status": _swap,
    "delete pods": _delete_pod,
}
CASES = [("exporter", right) for right in OBSERVE] + [("remediator", right) for right in MANAGE]


@pytest.mark.parametrize(("who", "calls"), [("exporter", OBSERVE), ("remediator", MANAGE)])
def test_every_right_of_a_role_has_a_call_that_needs_it(here: Scene, who: str, calls: Mapping[str, Work]) -> None:
    assert rights(here.rendered.roles(who)) == sorted(calls)


@pytest.mark.parametrize(("who", "right"), CASES, ids=[" ".join(case) for case in CASES])
async def test_without_a_right_the_call_that_needs_it_is_refused(here: Scene, who: str, right: str) -> None:
    call = (OBSERVE if who == "exporter" else MANAGE)[right]
    await asyncio.to_thread(_ensure_record, here)
    async with connect(here.kubeconfig(who)) as kube:
        await _becomes(call, kube, here.namespace, forbidden=False)
        async with _without(here, who, right):
            await _becomes(call, kube, here.namespace, forbidden=True)
        await _becomes(call, kube, here.namespace, forbidden=False)


def _ensure_record(here: Scene) -> None:
    path = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{here.namespace}/remediations"
    if not here.plane.api.exists(f"{path}/diego-api-r1"):
        body = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": {"name": "diego-api-r1"}}
        here.api("remediator").request("POST", path, {**body, "spec": {"environment": "cf"}})


@asynccontextmanager
async def _without(here: Scene, who: str, right: str) -> AsyncIterator[None]:
    """The one Role that grants it as it is, but for one verb on one resource."""
    verb, resource = right.split()
    (role,) = (each for each in here.rendered.roles(who) if right in rights([each]))
    rules = [
        {**rule, "verbs": [each for each in rule["verbs"] if (each, rule["resources"]) != (verb, [resource])]}
        for rule in role["rules"]
    ]
    await asyncio.to_thread(_write, here, role, [rule for rule in rules if rule["verbs"]])
    try:
        yield
    finally:
        await asyncio.to_thread(_write, here, role, role["rules"])


def _write(here: Scene, role: Object, rules: list[Object]) -> None:
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{here.namespace}/roles"
    here.plane.api.request(
        "PATCH", f"{roles}/{role['metadata']['name']}", {"rules": rules}, "application/merge-patch+json"
    )


async def _becomes(call: Work, kube: Kube, namespace: str, *, forbidden: bool) -> None:
    """Polls, since the authorizer learns of a Role by watching."""
    async with asyncio.timeout(HANG_GUARD):
        while await _is_forbidden(call, kube, namespace) is not forbidden:  # noqa: ASYNC110 -- it is another process
            await asyncio.sleep(0.02)


async def _is_forbidden(call: Work, kube: Kube, namespace: str) -> bool:
    try:
        await call(kube, namespace)
    except Forbidden:
        return True
    except NotFound:  # allowed to ask: that is the question here
        return False
    return False
