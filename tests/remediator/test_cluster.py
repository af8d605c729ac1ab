"""What goes over the wire for each thing that a reconciler asks of its cluster: whole requests, one after the other."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from remediator import record
from remediator.cluster import Cluster, TargetRecords
from remediator.record import Unreadable
from remediator.remediation import Asked, Remediation, Request
from stagekeeper.kube import events
from stagekeeper.kube.client import Call, Kube, Response
from stagekeeper.kube.errors import Conflict, KubeError, NotFound, Unavailable
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import timestamp
from tests.diego.observations import NOW, pod
from tests.remediator.builders import CF, remediation

RECORDS = "/apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations"
PROD = replace(CF, name="prod", api_timeout=7.0)
KIM = Request("cf", person="kim", why="it hangs")


class Recorded(Kube):
    """Gives these answers, one after the other, and remembers what was asked."""

    def __init__(self, *answers: Mapping[str, Any] | KubeError) -> None:
        """Without a way to anything."""
        self.answers, self.calls = [*answers], list[Call]()

    async def send(self, call: Call, *, timeout: float) -> Response:
        """The next answer."""
        assert 6 < timeout <= PROD.api_timeout
        self.calls.append(call)
        answer = self.answers.pop(0)
        if isinstance(answer, KubeError):
            raise answer
        return Response(dict(answer), NOW)


def stored(found: Remediation, **metadata: str) -> dict[str, Any]:
    """As the API has it."""
    own = {"name": found.name, "resourceVersion": "7", "creationTimestamp": timestamp(found.created), **metadata}
    return {"metadata": own, "spec": record.spec(found.request), "status": {}}


def created(name: str, request: Request) -> Call:
    """The request that creates a record, or what asks for one."""
    metadata = {"name": name, "namespace": "cf", "labels": {"stagekeeper.dev/environment": "prod"}}
    head = {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": "Remediation", "metadata": metadata}
    return Call("POST", RECORDS, body={**head, "spec": record.spec(request)})


def deleted(name: str, uid: str) -> Call:
    """The request that deletes this record, and no later one of its name."""
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    return Call("DELETE", f"{RECORDS}/{name}", body=options)


async def test_a_record_is_created_read_and_swapped() -> None:
    found = stored(remediation())
    kube = Recorded(found, found, found)
    cluster = Cluster(PROD, kube)
    made = await cluster.create(1, remediation().request)
    assert made == await cluster.load("diego-api-r1") == await cluster.swap(made) == record.load(found)
    assert kube.calls == [
        created("diego-api-r1", remediation().request),
        Call("GET", f"{RECORDS}/diego-api-r1"),
        Call("PUT", f"{RECORDS}/diego-api-r1/status", body=record.store(made)),
    ]


async def test_a_listing_has_the_targets_own_records_in_order_and_what_is_asked() -> None:
    second, first = (stored(remediation(name=f"diego-api-r{each}", age=-each)) for each in (2, 1))
    others = [stored(remediation(name="locket-r1")), {"metadata": None}, "junk"]
    wish = stored(replace(remediation(name="diego-api-request"), request=KIM), uid="u1")
    kube = Recorded({"items": [wish, second, *others, first]}, {"items": []})
    listing = await Cluster(PROD, kube).listing()
    assert listing == TargetRecords([record.load(first), record.load(second)], NOW, record.asked(wish, "prod"))
    assert await Cluster(PROD, kube).listing() == TargetRecords([], NOW)
    assert [(call.method, call.path) for call in kube.calls] == [("GET", RECORDS)] * 2


async def test_only_a_record_that_changed_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (stored(remediation(name=f"diego-api-r{each}"), uid="u") for each in (1, 2))
    changed = {
        **second,
        "status": {"phase": "Escalated"},
    }  # with the same resourceVersion, as an etcd that was restored
    another = stored(remediation(name="diego-api-r1"), uid="v")
    lists = [copy.deepcopy({"items": each}) for each in ([first, second], [first, changed], [another], [])]
    parsed: list[str] = []
    load = record.load

    def counted(source: Mapping[str, Any]) -> Remediation:
        parsed.append(source["metadata"]["name"])
        return load(source)

    monkeypatch.setattr(record, "load", counted)
    cluster = Cluster(PROD, Recorded(*lists))
    for items, anew in (([first, second], 2), ([first, changed], 1), ([another], 1), ([], 0)):
        parsed.clear()
        assert (await cluster.listing()).remediations == [load(each) for each in items]
        assert len(parsed) == anew


async def test_what_can_not_be_understood_is_refused_each_time() -> None:
    found = stored(remediation())
    junk = {**found, "status": {"phase": "Dancing"}}
    cluster = Cluster(PROD, Recorded({"items": [found]}, {"items": [junk]}, {"items": [junk]}))
    await cluster.listing()
    for _ in range(2):
        with pytest.raises(Unreadable, match="Dancing"):
            await cluster.listing()


async def test_without_the_custom_resource_it_says_how_to_install_it() -> None:
    with pytest.raises(
        NotFound, match=r"^The custom resource Remediation .* is not installed .*crds/remediations.yaml"
    ):
        await Cluster(PROD, Recorded(NotFound("HTTP 404"))).listing()


async def test_a_wish_is_created_once_and_withdrawn_as_the_one_that_was_read() -> None:
    kube = Recorded({"metadata": {"uid": "u1"}}, {}, NotFound("gone"), Conflict("another"))
    cluster = Cluster(PROD, kube)
    assert await cluster.ask(KIM) == "u1"
    for _ in range(3):
        await cluster.withdraw(Asked("diego-api-request", "u1", NOW, KIM))
    assert kube.calls == [created("diego-api-request", KIM), *[deleted("diego-api-request", "u1")] * 3]


async def test_old_records_are_deleted_as_those_that_were_read_and_one_that_stays_is_no_trouble() -> None:
    old = [remediation(name=f"diego-api-r{each}", extra={"metadata": {"uid": f"u{each}"}}) for each in (1, 2)]
    kube = Recorded(Unavailable("HTTP 500"), {})
    await Cluster(PROD, kube).prune(old)
    assert kube.calls == [deleted("diego-api-r1", "u1"), deleted("diego-api-r2", "u2")]


async def test_a_pod_is_deleted_and_told_of_in_the_environments_namespace() -> None:
    kube = Recorded({}, {}, Unavailable("HTTP 500"))
    cluster = Cluster(PROD, kube)
    await cluster.delete_pod(pod(0))
    for _ in range(2):
        await cluster.tell(Event(events.pod(pod(0)), "Restarted", "-", "Delete", NOW))
    told = Call("POST", "/apis/events.k8s.io/v1/namespaces/cf/events", body=kube.calls[1].body)
    preconditions = {"uid": "uid-0", "resourceVersion": "100"}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
    assert kube.calls == [Call("DELETE", "/api/v1/namespaces/cf/pods/diego-api-0", body=options), told, told]


async def test_the_pause_is_read_anew() -> None:
    kube = Recorded({"data": {"by": "kim", "reason": "work", "until": "2026-11-23T12:30:00Z"}}, NotFound("-"))
    cluster = Cluster(PROD, kube)
    assert (await cluster.pause()).paused
    assert not (await cluster.pause()).paused
    assert kube.calls == [Call("GET", "/api/v1/namespaces/cf/configmaps/stagekeeper-pause")] * 2
