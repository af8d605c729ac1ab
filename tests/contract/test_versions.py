"""Versions, swaps and patches: what lets two writers never overwrite each other."""

import re

from tests.contract.cluster import MERGE_PATCH, Cluster, pod, remediation


async def test_a_new_object_gets_a_uid_a_version_and_a_creation_time(cluster: Cluster) -> None:
    created = await cluster.create(cluster.configmaps, {"metadata": {"name": "x"}, "data": {"a": "b"}})
    metadata = created.body["metadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert metadata["namespace"] == cluster.namespace
    assert metadata["resourceVersion"]
    assert (created.body["kind"], created.body["apiVersion"]) == ("ConfigMap", "v1")


async def test_a_client_can_not_choose_uid_or_creation_time(cluster: Cluster) -> None:
    wanted = {"name": "x", "uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}
    created = await cluster.create(cluster.configmaps, {"metadata": wanted})
    assert created.body["metadata"]["uid"] != "mine"
    assert not created.body["metadata"]["creationTimestamp"].startswith("2001")


async def test_a_generated_name_starts_with_its_prefix(cluster: Cluster) -> None:
    created = await cluster.create(cluster.configmaps, {"metadata": {"generateName": "gen-"}})
    assert re.fullmatch(r"gen-[a-z0-9]{5}", created.body["metadata"]["name"])


async def test_every_answer_carries_the_servers_clock(cluster: Cluster) -> None:
    for path in ("/version", cluster.pods, f"{cluster.pods}/nobody"):
        assert "GMT" in (await cluster.get(path)).headers["Date"]


async def test_a_name_can_be_created_only_once(cluster: Cluster) -> None:
    await cluster.create(cluster.remediations, remediation())
    second = await cluster.send("POST", cluster.remediations, remediation())
    assert (second.status, second.body["reason"]) == (409, "AlreadyExists")
    assert second.body["message"] == 'remediations.stagekeeper.dev "diego-api-r1" already exists'


async def test_put_with_an_old_version_is_a_conflict_and_changes_nothing(cluster: Cluster) -> None:
    path = f"{cluster.configmaps}/x"
    first = await cluster.create(cluster.configmaps, {"metadata": {"name": "x"}, "data": {"a": "1"}})
    assert (await cluster.send("PUT", path, first.body | {"data": {"a": "2"}})).status == 200
    late = await cluster.send("PUT", path, first.body | {"data": {"a": "3"}})
    assert (late.status, late.body["reason"]) == (409, "Conflict")
    assert late.body["message"].endswith("please apply your changes to the latest version and try again")
    assert (await cluster.get(path)).body["data"] == {"a": "2"}


async def test_each_change_gives_a_new_version(cluster: Cluster) -> None:
    first = await cluster.create(cluster.configmaps, {"metadata": {"name": "x"}})
    changed = await cluster.send("PUT", f"{cluster.configmaps}/x", first.body | {"data": {"a": "1"}})
    assert changed.version != first.version


async def test_put_and_patch_that_change_nothing_keep_the_version(cluster: Cluster) -> None:
    path = f"{cluster.pods}/p"
    labelled = await cluster.running_pod(labels={"active": "true"})
    patched = await cluster.patch(path, {"metadata": {"labels": {"active": "true"}}})
    put = await cluster.send("PUT", path, patched.body)
    assert [patched.version, put.version] == [labelled.version] * 2


async def test_patching_a_label_gives_a_new_version_and_leaves_the_others(cluster: Cluster) -> None:
    before = await cluster.running_pod(labels={"keep": "me"})
    after = await cluster.patch(f"{cluster.pods}/p", {"metadata": {"labels": {"active": "true"}}})
    assert after.version != before.version
    assert after.body["metadata"]["labels"] == {"keep": "me", "active": "true"}


async def test_patching_a_label_to_null_removes_it(cluster: Cluster) -> None:
    await cluster.running_pod(labels={"keep": "me", "active": "active"})
    after = await cluster.patch(f"{cluster.pods}/p", {"metadata": {"labels": {"active": None}}})
    assert after.body["metadata"]["labels"] == {"keep": "me"}


async def test_a_patch_with_an_old_version_is_a_conflict(cluster: Cluster) -> None:
    await cluster.running_pod()
    patch = {"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}}
    reply = await cluster.patch(f"{cluster.pods}/p", patch)
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")


async def test_a_patch_for_another_uid_is_refused(cluster: Cluster) -> None:
    await cluster.running_pod()
    reply = await cluster.patch(f"{cluster.pods}/p", {"metadata": {"uid": "other", "labels": {"a": "b"}}})
    assert reply.status in {409, 422}
    assert not (await cluster.get(f"{cluster.pods}/p")).body["metadata"].get("labels")


async def test_a_patch_of_an_unknown_kind_is_an_unsupported_media_type(cluster: Cluster) -> None:
    await cluster.running_pod()
    reply = await cluster.send("PATCH", f"{cluster.pods}/p", {"metadata": {}}, content_type="text/plain")
    assert reply.status == 415


async def test_strategic_patches_are_taken_for_pods_but_not_for_custom_resources(cluster: Cluster) -> None:
    strategic = MERGE_PATCH.replace("merge", "strategic-merge")
    patch = {"metadata": {"labels": {"a": "b"}}}
    await cluster.running_pod()
    await cluster.create(cluster.remediations, remediation())
    of_pod = await cluster.send("PATCH", f"{cluster.pods}/p", patch, content_type=strategic)
    of_custom = await cluster.send("PATCH", f"{cluster.remediations}/diego-api-r1", patch, content_type=strategic)
    assert [of_pod.status, of_custom.status] == [200, 415]


async def test_put_ignores_the_status_and_the_status_subresource_ignores_the_rest(cluster: Cluster) -> None:
    path = f"{cluster.remediations}/diego-api-r1"
    created = await cluster.create(cluster.remediations, remediation() | {"status": {"phase": "Watching"}})
    assert "status" not in created.body
    wanted = created.body | {"status": {"phase": "Watching"}, "spec": {"environment": "other"}}
    status_written = await cluster.send("PUT", f"{path}/status", wanted)
    assert status_written.body["status"] == {"phase": "Watching"}
    assert status_written.body["spec"] == {"environment": "cf"}
    labelled = status_written.body | {"status": {"phase": "Escalated"}}
    labelled["metadata"]["labels"] = {"a": "b"}
    put = await cluster.send("PUT", path, labelled)
    assert put.body["metadata"]["labels"] == {"a": "b"}
    assert put.body["status"] == {"phase": "Watching"}


async def test_a_status_is_swapped_by_version(cluster: Cluster) -> None:
    path = f"{cluster.remediations}/diego-api-r1/status"
    created = await cluster.create(cluster.remediations, remediation())
    winner = await cluster.send("PUT", path, created.body | {"status": {"phase": "Watching"}})
    loser = await cluster.send("PUT", path, created.body | {"status": {"phase": "Escalated"}})
    assert [winner.status, loser.status] == [200, 409]
    assert loser.body["reason"] == "Conflict"


async def test_a_custom_resource_can_not_be_put_without_a_version(cluster: Cluster) -> None:
    await cluster.create(cluster.remediations, remediation())
    reply = await cluster.send("PUT", f"{cluster.remediations}/diego-api-r1/status", remediation())
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert "must be specified for an update" in reply.body["message"]


async def test_the_spec_of_a_remediation_can_not_change(cluster: Cluster) -> None:
    created = await cluster.create(cluster.remediations, remediation())
    changed = created.body | {"spec": {"environment": "other"}}
    reply = await cluster.send("PUT", f"{cluster.remediations}/diego-api-r1", changed)
    assert (reply.status, reply.body["reason"]) == (422, "Invalid")
    assert "spec is immutable" in reply.body["message"]


async def test_a_plan_is_written_once_and_an_end_is_final(cluster: Cluster) -> None:
    path = f"{cluster.remediations}/diego-api-r1/status"
    await cluster.create(cluster.remediations, remediation())
    plan = {"decidedAt": "2026-01-01T00:00:00Z", "diagnosis": "no_active_bbs", "steps": []}
    assert (await cluster.patch(path, {"status": {"phase": "Restarting", "plan": plan}})).status == 200
    other_plan = await cluster.patch(path, {"status": {"plan": {"diagnosis": "other"}}})
    assert (other_plan.status, "the plan is written once" in other_plan.body["message"]) == (422, True)
    assert (await cluster.patch(path, {"status": {"phase": "Escalated"}})).status == 200
    reopened = await cluster.patch(path, {"status": {"phase": "Watching"}})
    assert (reopened.status, "stays ended" in reopened.body["message"]) == (422, True)
    taken_away = await cluster.patch(path, {"status": None})
    assert taken_away.status == 422


async def test_the_generation_counts_changes_of_the_spec_only(cluster: Cluster) -> None:
    path = f"{cluster.remediations}/diego-api-r1"
    created = await cluster.create(cluster.remediations, remediation())
    with_status = await cluster.patch(f"{path}/status", {"status": {"phase": "Watching"}})
    labelled = await cluster.patch(path, {"metadata": {"labels": {"a": "b"}}})
    assert [each.body["metadata"]["generation"] for each in (created, with_status, labelled)] == [1, 1, 1]


async def test_put_of_another_uid_is_a_conflict(cluster: Cluster) -> None:
    await cluster.create(cluster.configmaps, {"metadata": {"name": "x"}})
    reply = await cluster.send("PUT", f"{cluster.configmaps}/x", {"metadata": {"name": "x", "uid": "other"}})
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: other" in reply.body["message"]


async def test_put_creates_nothing(cluster: Cluster) -> None:
    body = pod("nobody")
    assert (await cluster.send("PUT", f"{cluster.pods}/nobody", body)).status == 404
