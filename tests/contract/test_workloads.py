"""StatefulSets with the kubelet actor: the same actor drives both APIs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest

from simulator.api_client import ApiClient
from simulator.clock import Clock
from simulator.journal import Journal
from simulator.kubelet import Kubelet, KubeletOptions
from simulator.layouts import Role, Workload
from simulator.manifests import statefulset
from simulator.place import Place
from simulator.pod_actor import Node
from simulator.programs import ListeningProgram, Program
from tests.contract.cluster import Cluster, Object
from tests.testbed.patience import until
from tests.testbed.pods import is_ready

WEB = Workload("web", 2, {"app": "web"}, (("main", Role.SIDECAR),))


@pytest.fixture
async def kubelet(cluster: Cluster) -> AsyncIterator[Kubelet]:
    """The kubelet actor, with programs that only wait."""

    def start(_image: str, _pod: str, ip: str, _log: Callable[[str], None]) -> Program:
        return ListeningProgram(ip, None)

    journal = Journal(Clock(asyncio.get_running_loop().time))
    addresses = [f"127.0.0.{number}" for number in range(100, 120)]
    async with ApiClient(cluster.access) as api:
        place = Place(api, cluster.namespace, journal)
        kubelet = Kubelet(place, [Node("node-0", "127.0.0.2")], addresses, start, KubeletOptions(0.05))
        task = asyncio.create_task(kubelet.run())
        yield kubelet
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def pods(cluster: Cluster) -> list[Object]:
    """All pods of the namespace."""
    items: list[Object] = (await cluster.get(cluster.pods)).body["items"]
    return items


def uids(items: Sequence[Object]) -> dict[str, str]:
    """The UID of each pod by its name."""
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in items}


async def until_ready(cluster: Cluster, count: int) -> list[Object]:
    """Poll until exactly so many pods exist and are ready, and the StatefulSet knows it."""

    async def ready() -> bool:
        found = await pods(cluster)
        status = (await cluster.get(f"{cluster.statefulsets}/web")).body["status"]
        return len(found) == count == status.get("readyReplicas", 0) and all(is_ready(pod) for pod in found)

    await until(ready)
    return await pods(cluster)


async def create(cluster: Cluster, workload: Workload = WEB) -> None:
    """Create the StatefulSet."""
    await cluster.create(cluster.statefulsets, statefulset(workload, cluster.namespace))


async def test_pods_are_numbered_owned_and_carry_the_revision(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    found = await until_ready(cluster, 2)
    status = (await cluster.get(f"{cluster.statefulsets}/web")).body["status"]
    owner = (await cluster.get(f"{cluster.statefulsets}/web")).body["metadata"]["uid"]
    assert [pod["metadata"]["name"] for pod in found] == ["web-0", "web-1"]
    for pod in found:
        assert pod["metadata"]["ownerReferences"][0]["uid"] == owner
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"
        assert pod["metadata"]["labels"]["controller-revision-hash"] == status["updateRevision"]
        assert pod["metadata"]["labels"]["app"] == "web"
    assert set(kubelet.actors) == {"web-0", "web-1"}


async def test_the_kubelet_reports_address_node_and_containers(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    first, _ = await until_ready(cluster, 2)
    container = first["status"]["containerStatuses"][0]
    assert first["spec"]["nodeName"] == "node-0"
    assert first["status"]["phase"] == "Running"
    assert first["status"]["podIP"] == kubelet.actors["web-0"].ip
    assert (container["ready"], container["restartCount"]) == (True, 0)
    assert "startedAt" in container["state"]["running"]


async def test_ordered_ready_waits_with_pod_1_until_pod_0_is_ready(cluster: Cluster) -> None:
    await create(cluster)  # nobody plays the kubelet: pod 0 stays Pending
    await until(lambda: _has_names(cluster, ["web-0"]))
    await asyncio.sleep(0.5)
    assert list(uids(await pods(cluster))) == ["web-0"]


async def test_parallel_does_not_wait(cluster: Cluster) -> None:
    await create(cluster, replace(WEB, ordered=False))
    await until(lambda: _has_names(cluster, ["web-0", "web-1"]))


async def test_a_deleted_pod_comes_back_under_its_name_with_a_new_uid(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    before = uids(await until_ready(cluster, 2))
    for name in before:
        reply = await cluster.send("DELETE", f"{cluster.pods}/{name}", {"preconditions": {"uid": before[name]}})
        assert reply.body["metadata"]["deletionGracePeriodSeconds"] == 600
    await until(lambda: _all_new(cluster, before))
    after = uids(await until_ready(cluster, 2))
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert kubelet.actors["web-0"].uid == after["web-0"]


async def test_a_delete_meant_for_the_old_pod_spares_the_new_one(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    before = uids(await until_ready(cluster, 2))
    await cluster.send("DELETE", f"{cluster.pods}/web-0")
    await until(lambda: _renewed(cluster, "web-0", before["web-0"]))
    late = await cluster.send("DELETE", f"{cluster.pods}/web-0", {"preconditions": {"uid": before["web-0"]}})
    assert late.status == 409
    assert kubelet.actors


async def test_scaling_down_takes_the_highest_pod_and_zero_takes_all(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    await until_ready(cluster, 2)
    await cluster.patch(f"{cluster.statefulsets}/web", {"spec": {"replicas": 1}})
    await until(lambda: _has_names(cluster, ["web-0"]))
    await cluster.patch(f"{cluster.statefulsets}/web", {"spec": {"replicas": 0}})
    await until(lambda: _has_names(cluster, []))
    assert kubelet.unschedulable == set()


async def test_a_new_template_is_rolled_out_from_the_highest_pod_down(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    before = uids(await until_ready(cluster, 2))
    path = f"{cluster.statefulsets}/web"
    old = (await cluster.get(path)).body["status"]["updateRevision"]
    changed = await cluster.patch(path, {"spec": {"template": {"metadata": {"labels": {"release": "2"}}}}})
    assert changed.body["metadata"]["generation"] == 2
    await until(lambda: _renewed(cluster, "web-1", before["web-1"]))
    await until(lambda: _all_new(cluster, before))
    await until(lambda: _rolled_out(cluster, old))
    assert kubelet.actors.keys() == before.keys()


async def test_a_partition_keeps_the_lower_pods_as_they_are(cluster: Cluster, kubelet: Kubelet) -> None:
    await create(cluster)
    before = uids(await until_ready(cluster, 2))
    path = f"{cluster.statefulsets}/web"
    old = (await cluster.get(path)).body["status"]["updateRevision"]
    template = {"metadata": {"labels": {"release": "2"}}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    await cluster.patch(path, {"spec": {"template": template, "updateStrategy": strategy}})
    await until(lambda: _renewed(cluster, "web-1", before["web-1"]))
    found = await until_ready(cluster, 2)
    revisions = [pod["metadata"]["labels"]["controller-revision-hash"] for pod in found]
    assert uids(found)["web-0"] == before["web-0"]
    assert (revisions[0], revisions[1] != old) == (old, True)
    assert kubelet.actors


async def test_a_container_that_keeps_crashing_is_shown_in_crash_loop_back_off(
    cluster: Cluster, kubelet: Kubelet
) -> None:
    await create(cluster, replace(WEB, replicas=1))
    await until_ready(cluster, 1)
    container = kubelet.actors["web-0"].containers[0]
    container.crash()
    await until(lambda: _restarted(cluster, 1))
    container.crash()
    await until(lambda: _waiting(cluster, "CrashLoopBackOff"))
    found = (await pods(cluster))[0]
    last = found["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "Error")
    assert not is_ready(found)


async def _has_names(cluster: Cluster, expected: list[str]) -> bool:
    return list(uids(await pods(cluster))) == expected


async def _renewed(cluster: Cluster, name: str, old_uid: str) -> bool:
    return uids(await pods(cluster)).get(name, old_uid) != old_uid


async def _all_new(cluster: Cluster, before: dict[str, str]) -> bool:
    now = uids(await pods(cluster))
    return now.keys() == before.keys() and not set(now.values()) & set(before.values())


async def _rolled_out(cluster: Cluster, old_revision: str) -> bool:
    body = (await cluster.get(f"{cluster.statefulsets}/web")).body
    status = body["status"]
    return bool(
        status["currentRevision"] == status["updateRevision"] != old_revision
        and status["observedGeneration"] == body["metadata"]["generation"]
        and status["updatedReplicas"] == status["readyReplicas"] == status["replicas"]
    )


async def _restarted(cluster: Cluster, times: int) -> bool:
    status = (await pods(cluster))[0]["status"]["containerStatuses"][0]
    return bool(status["restartCount"] == times and status["ready"])


async def _waiting(cluster: Cluster, reason: str) -> bool:
    state = (await pods(cluster))[0]["status"]["containerStatuses"][0]["state"]
    return bool(state.get("waiting", {}).get("reason") == reason)
