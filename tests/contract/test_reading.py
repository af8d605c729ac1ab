"""LIST, selectors and the errors of a request that makes no sense or comes from nobody."""

import pytest

from tests.contract.cluster import Cluster, pod, remediation


async def names(cluster: Cluster, query: str) -> list[str]:
    """The names of the pods that a LIST with this query gives."""
    reply = await cluster.get(f"{cluster.pods}?{query}")
    assert reply.status == 200, reply.body
    return [item["metadata"]["name"] for item in reply.body["items"]]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", ["a", "b", "c"]),
        ("role=api", ["a", "b"]),
        ("role==api,active=true", ["a"]),
        ("role!=api", ["c"]),
        ("role in (api, other)", ["a", "b"]),
        ("role notin (api)", ["c"]),
        ("active", ["a", "b"]),
        ("!active", ["c"]),
        ("role=api,active notin (true)", ["b"]),
        ("example.com/x=1", []),
    ],
)
async def test_a_label_selector_selects(cluster: Cluster, selector: str, expected: list[str]) -> None:
    await cluster.create(cluster.pods, pod("a", {"role": "api", "active": "true"}))
    await cluster.create(cluster.pods, pod("b", {"role": "api", "active": "false"}))
    await cluster.create(cluster.pods, pod("c"))
    assert await names(cluster, f"labelSelector={selector}") == expected


async def test_a_field_selector_finds_one_name(cluster: Cluster) -> None:
    await cluster.create(cluster.pods, pod("a"))
    await cluster.create(cluster.pods, pod("b"))
    assert await names(cluster, "fieldSelector=metadata.name=b") == ["b"]


async def test_malformed_selectors_are_bad_requests(cluster: Cluster) -> None:
    for query in ("labelSelector=a b c", "fieldSelector=spec.nonsense=1"):
        assert (await cluster.get(f"{cluster.pods}?{query}")).status == 400


async def test_a_list_says_its_kind_and_version(cluster: Cluster) -> None:
    body = (await cluster.get(cluster.pods)).body
    assert (body["kind"], body["apiVersion"], body["items"]) == ("PodList", "v1", [])
    assert body["metadata"]["resourceVersion"]


async def test_listed_pods_do_not_say_their_kind_but_custom_resources_do(cluster: Cluster) -> None:
    await cluster.create(cluster.pods, pod("p"))
    await cluster.create(cluster.remediations, remediation())
    listed_pod = (await cluster.get(cluster.pods)).body["items"][0]
    listed_remediation = (await cluster.get(cluster.remediations)).body["items"][0]
    assert "kind" not in listed_pod
    assert listed_remediation["kind"] == "Remediation"


async def test_a_new_pod_is_pending(cluster: Cluster) -> None:
    created = await cluster.create(cluster.pods, pod("p") | {"status": {"phase": "Running"}})
    assert created.body["status"]["phase"] == "Pending"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/readyz", 200),
        ("/version", 200),
        ("/api/v1/namespaces/{namespace}/pods/nobody", 404),
        ("/api/v1/namespaces/{namespace}/nonsense", 404),
        ("/apis/nobody.example/v1/namespaces/{namespace}/things", 404),
    ],
)
async def test_paths_answer(cluster: Cluster, path: str, status: int) -> None:
    assert (await cluster.get(path.format(namespace=cluster.namespace))).status == status


async def test_an_unknown_token_is_unauthorized(cluster: Cluster) -> None:
    reply = await cluster.send("GET", cluster.pods, token="nobody")
    assert (reply.status, reply.body["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"metadata": {}}, 422),
        ({"metadata": {"name": "Not_A_Name"}}, 422),
        ({"metadata": {"name": "x", "namespace": "other"}}, 400),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}}, 400),
    ],
)
async def test_odd_objects_are_refused(cluster: Cluster, body: dict[str, object], status: int) -> None:
    reply = await cluster.send("POST", cluster.configmaps, body)
    assert (reply.status, reply.body["kind"]) == (status, "Status")


async def test_nothing_can_be_created_in_a_missing_namespace(cluster: Cluster) -> None:
    path = cluster.configmaps.replace(cluster.namespace, "no-such-namespace")
    reply = await cluster.send("POST", path, {"metadata": {"name": "x"}})
    assert (reply.status, reply.body["message"]) == (404, 'namespaces "no-such-namespace" not found')


async def test_a_method_that_makes_no_sense_is_not_allowed(cluster: Cluster) -> None:
    reply = await cluster.send("POST", f"{cluster.configmaps}/x", {})
    assert (reply.status, reply.body["reason"]) == (405, "MethodNotAllowed")
