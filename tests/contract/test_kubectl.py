"""What a person types: the same kubectl, the same answers from the simulated API and from a real one."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.contract.cluster import Cluster, pod, remediation
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.programs
Kubectl = Callable[..., Awaitable[str]]
AGE = r"\d+s"


@pytest.fixture
def kubectl(cluster: Cluster, program: Callable[[str], Path], tmp_path: Path) -> Kubectl:
    """Run kubectl in the test's namespace; it must succeed. The result is what it prints."""
    access = (f"--server={cluster.url}", f"--token={cluster.token}", f"--certificate-authority={cluster.ca_file}")
    path = program("kubectl")

    async def run(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            path,
            *access,
            f"--namespace={cluster.namespace}",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"HOME": str(tmp_path)},
        )
        async with asyncio.timeout(HANG_GUARD):
            output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    return run


async def _populate(cluster: Cluster) -> None:
    """Two pods, one of which runs on a node, an open remediation, and an Event about it."""
    await cluster.create(cluster.pods, pod("p0", {"role": "api"}))
    await cluster.running_pod("p1")
    made = await cluster.create(cluster.remediations, remediation())
    running = {"phase": "Running", "containerStatuses": [_running()]}
    assert (await cluster.patch(f"{cluster.pods}/p1/status", {"status": running})).status == 200
    status = {"phase": "Watching", "cause": "no_active_bbs", "deleted": "0/2", "message": "Waiting."}
    assert (await cluster.patch(f"{cluster.remediations}/diego-api-r1/status", {"status": status})).status == 200
    about = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "name": "diego-api-r1"}
    event = {
        "metadata": {"generateName": "diego-api-r1."},
        "involvedObject": about | {"namespace": cluster.namespace, "uid": made.body["metadata"]["uid"]},
        "type": "Normal",
        "reason": "Opened",
        "message": "The alert fires.",
        "source": {"component": "stagekeeper-remediator"},
        "firstTimestamp": made.body["metadata"]["creationTimestamp"],
        "lastTimestamp": made.body["metadata"]["creationTimestamp"],
        "count": 1,
    }
    await cluster.create(f"/api/v1/namespaces/{cluster.namespace}/events", event)


def _running() -> dict[str, object]:
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    names = {"name": "main", "image": "example.invalid/main:1", "imageID": "", "lastState": {}}
    return names | {"ready": True, "restartCount": 0, "state": state}


def _lines(output: str) -> list[str]:
    """The lines with their columns apart by one blank, and without empty ones."""
    return [" ".join(line.split()) for line in output.splitlines() if line.strip()]


async def test_get_shows_remediations_and_pods_with_the_columns_that_the_server_declares(
    cluster: Cluster, kubectl: Kubectl
) -> None:
    await _populate(cluster)
    heading, episode, *pods = _lines(await kubectl("get", "remediations,pods"))
    assert heading.startswith("NAME CAUSE PHASE DELETED TOOK AGE")
    assert re.match(r"remediation\.stagekeeper\.dev/diego-api-r1 no_active_bbs Watching 0/2 ", episode)
    assert pods[0] == "NAME READY STATUS RESTARTS AGE"
    assert re.fullmatch(rf"pod/p0 0/1 Pending 0 {AGE}", pods[1])
    assert re.fullmatch(rf"pod/p1 1/1 Running 0 {AGE}", pods[2])


async def test_get_by_short_name_selects_and_an_object_alone_is_a_table_too(cluster: Cluster, kubectl: Kubectl) -> None:
    await _populate(cluster)
    assert len(_lines(await kubectl("get", "po", "--selector", "role=api", "--no-headers"))) == 1
    assert re.match("diego-api-r1 no_active_bbs Watching", _lines(await kubectl("get", "remed", "diego-api-r1"))[1])


async def test_o_yaml_is_the_object_itself(cluster: Cluster, kubectl: Kubectl) -> None:
    await _populate(cluster)
    lines = _lines(await kubectl("get", "remediation", "diego-api-r1", "-o", "yaml"))
    assert {"apiVersion: stagekeeper.dev/v1alpha1", "kind: Remediation", "phase: Watching"} <= set(lines)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (("remediation", "diego-api-r1"), {"Name: diego-api-r1", "Kind: Remediation", "Phase: Watching"}),
        (("pod", "p1"), {"Name: p1", "Status: Running", "Ready: True", "Image: example.invalid/main:1"}),
    ],
)
async def test_describe_tells_all_of_it(
    cluster: Cluster, kubectl: Kubectl, what: tuple[str, str], told: set[str]
) -> None:
    await _populate(cluster)
    assert told <= set(_lines(await kubectl("describe", *what)))


async def test_the_events_of_an_object_stand_in_its_description_and_in_get_events(
    cluster: Cluster, kubectl: Kubectl
) -> None:
    await _populate(cluster)
    described = "\n".join(_lines(await kubectl("describe", "remediation", "diego-api-r1")))
    assert re.search(rf"^Normal Opened {AGE} stagekeeper-remediator The alert fires\.$", described, re.MULTILINE)
    heading, event = _lines(await kubectl("get", "events"))
    assert heading == "LAST SEEN TYPE REASON OBJECT MESSAGE"
    assert re.fullmatch(rf"{AGE} Normal Opened remediation/diego-api-r1 The alert fires\.", event)


async def test_api_resources_lists_what_is_served(kubectl: Kubectl) -> None:
    listed = _lines(await kubectl("api-resources"))
    assert {
        "pods po v1 true Pod",
        "services svc v1 true Service",
        "namespaces ns v1 false Namespace",
        "statefulsets sts apps/v1 true StatefulSet",
        "remediations remed stagekeeper.dev/v1alpha1 true Remediation",
        "events ev v1 true Event",
    } <= set(listed)


async def test_a_pod_is_deleted(cluster: Cluster, kubectl: Kubectl) -> None:
    await _populate(cluster)
    assert 'pod "p1" deleted' in await kubectl("delete", "pod", "p1", "--wait=false")
    assert re.fullmatch(rf"p1 1/1 Terminating 0 {AGE}", _lines(await kubectl("get", "pod", "p1", "--no-headers"))[0])
