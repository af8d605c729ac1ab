"""Deletion: preconditions, grace, and what is answered when somebody was faster."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.contract.cluster import Cluster, Reply, pod


async def delete(cluster: Cluster, **options: Any) -> Reply:
    """DELETE the pod p."""
    return await cluster.send("DELETE", f"{cluster.pods}/p", options)


async def test_a_running_pod_is_only_marked_and_the_answer_shows_it(cluster: Cluster) -> None:
    before = await cluster.running_pod()
    reply = await delete(cluster)
    metadata = reply.body["metadata"]
    assert (reply.status, reply.body["kind"]) == (200, "Pod")
    assert metadata["uid"] == before.body["metadata"]["uid"]
    assert metadata["deletionGracePeriodSeconds"] == 600
    assert reply.version != before.version
    assert (await cluster.get(f"{cluster.pods}/p")).body["metadata"] == metadata


async def test_the_deletion_time_is_when_the_grace_is_over(cluster: Cluster) -> None:
    created = await cluster.running_pod()
    metadata = (await delete(cluster)).body["metadata"]
    start = datetime.fromisoformat(created.body["metadata"]["creationTimestamp"])
    end = datetime.fromisoformat(metadata["deletionTimestamp"])
    assert 600 <= (end - start).total_seconds() < 660


async def test_a_repeated_delete_keeps_the_first_deletion_time(cluster: Cluster) -> None:
    await cluster.running_pod()
    first = await delete(cluster)
    await asyncio.sleep(1.1)  # timestamps are whole seconds: a new one would differ
    again = await delete(cluster)
    longer = await delete(cluster, gracePeriodSeconds=900)
    assert [again.body["metadata"], longer.body["metadata"]] == [first.body["metadata"]] * 2


async def test_a_repeated_delete_can_shorten_the_grace(cluster: Cluster) -> None:
    await cluster.running_pod()
    first = (await delete(cluster)).body["metadata"]
    shorter = (await delete(cluster, gracePeriodSeconds=10)).body["metadata"]
    difference = datetime.fromisoformat(first["deletionTimestamp"]) - datetime.fromisoformat(
        shorter["deletionTimestamp"]
    )
    assert shorter["deletionGracePeriodSeconds"] == 10
    assert difference.total_seconds() == 590


async def test_no_grace_removes_at_once(cluster: Cluster) -> None:
    await cluster.running_pod()
    assert (await delete(cluster, gracePeriodSeconds=0)).status == 200
    assert (await cluster.get(f"{cluster.pods}/p")).status == 404


async def test_a_pod_without_a_node_is_removed_at_once(cluster: Cluster) -> None:
    await cluster.create(cluster.pods, pod("p"))
    assert (await delete(cluster)).status == 200
    assert (await cluster.get(f"{cluster.pods}/p")).status == 404


async def test_a_pod_that_is_gone_is_not_found(cluster: Cluster) -> None:
    reply = await delete(cluster)
    assert (reply.status, reply.body["reason"]) == (404, "NotFound")
    assert reply.body["message"] == 'pods "p" not found'


async def test_another_uid_in_the_precondition_is_a_conflict_that_says_so(cluster: Cluster) -> None:
    uid = (await cluster.running_pod()).body["metadata"]["uid"]
    reply = await delete(cluster, preconditions={"uid": "other"})
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert reply.body["message"] == (
        'Operation cannot be fulfilled on Pod "p": the UID in the precondition (other) does not match '
        f"the UID in record ({uid}). The object might have been deleted and then recreated"
    )
    assert "deletionTimestamp" not in (await cluster.get(f"{cluster.pods}/p")).body["metadata"]


async def test_an_old_version_in_the_precondition_is_a_conflict_that_says_so(cluster: Cluster) -> None:
    before = await cluster.running_pod()
    await cluster.patch(f"{cluster.pods}/p", {"metadata": {"labels": {"active": "true"}}})
    now = await cluster.get(f"{cluster.pods}/p")
    preconditions = {"uid": before.body["metadata"]["uid"], "resourceVersion": before.version}
    reply = await delete(cluster, preconditions=preconditions)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert reply.body["message"] == (
        f'Operation cannot be fulfilled on Pod "p": the ResourceVersion in the precondition ({before.version}) '
        f"does not match the ResourceVersion in record ({now.version}). The object might have been modified"
    )


async def test_preconditions_that_hold_let_the_delete_through(cluster: Cluster) -> None:
    pod_now = await cluster.running_pod()
    preconditions = {"uid": pod_now.body["metadata"]["uid"], "resourceVersion": pod_now.version}
    reply = await delete(cluster, preconditions=preconditions)
    assert "deletionTimestamp" in reply.body["metadata"]


@pytest.mark.parametrize("kind", ["configmaps", "remediations"])
async def test_other_objects_are_removed_at_once_with_a_status_as_answer(cluster: Cluster, kind: str) -> None:
    path = getattr(cluster, kind)
    what = _REMEDIATION if kind == "remediations" else {}
    created = await cluster.create(path, {"metadata": {"name": _NAME}} | what)
    refused = await cluster.send("DELETE", f"{path}/{_NAME}", {"preconditions": {"uid": "other"}})
    removed = await cluster.send("DELETE", f"{path}/{_NAME}")
    assert [refused.status, removed.status] == [409, 200]
    assert removed.body["status"] == "Success"
    assert removed.body["details"]["uid"] == created.body["metadata"]["uid"]
    assert (await cluster.get(f"{path}/{_NAME}")).status == 404


_NAME = "diego-api-r1"  # the CRD takes no other form
_REMEDIATION = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "spec": {"environment": "cf"}}
