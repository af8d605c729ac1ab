"""What becomes of notifications: each alert is judged by itself, and a 200 means that it is recorded."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from remediator.remediation import Request
from stagekeeper.kube.errors import Unavailable, Unreachable
from tests.remediator.receiving import Receiving, alert, notification, payload, receiving

POD_OF_SOMEBODY = {"namespace": "kube-system", "pod": "kube-dns-abc", "statefulset": "kube-dns"}


@pytest.fixture
async def remediator(tmp_path: Path) -> AsyncIterator[Receiving]:
    async with receiving(tmp_path) as found:
        yield found


@pytest.mark.parametrize("version", ["0.25", "0.32", "0.34"])
async def test_what_alertmanager_sends_opens_a_remediation(remediator: Receiving, version: str) -> None:
    response = await remediator.post(payload(f"alertmanager-{version}-firing"))
    assert await response.json() == {
        "results": [
            {
                "fingerprint": "9200997df13b5e32",
                "environment": "cf",
                "judgement": "opened",
                "why": "diego-api-r1 was opened.",
                "remediation": "diego-api-r1",
            }
        ],
        "count": 1,
    }
    (request,) = (each.request for each in remediator.environments["cf"].records.remediations.values())
    assert (request.environment, request.alertname, request.fingerprint) == (
        "cf",
        "StagerUnavailable",
        "9200997df13b5e32",
    )
    assert request.starts_at.startswith("2026-11-23T13:54:16")


async def test_resolved_opens_nothing_and_has_the_worker_look(remediator: Receiving) -> None:
    assert await remediator.judgements(payload("alertmanager-0.25-resolved")) == ["looked"]
    assert (remediator.opened(), remediator.environments["cf"].woken) == ({"cf": 0}, 1)


async def test_the_receiver_that_calls_is_known_from_then_on_if_its_token_is_right(remediator: Receiving) -> None:
    body = notification(alert(), receiver="ours")
    refused = await remediator.post(body, headers={"Authorization": "Bearer wrong"})
    assert (refused.status, "ours" in remediator.receivers) == (401, False)
    await remediator.judgements(body)
    assert "ours" in remediator.receivers


async def test_a_duplicate_joins(remediator: Receiving) -> None:
    body = payload("alertmanager-0.25-firing")
    assert [await remediator.judgements(body) for _ in range(3)] == [["opened"], ["joined"], ["joined"]]
    assert remediator.environments["cf"].woken == 3


async def test_workers_look_once_nobody_waits_for_an_answer_any_more(tmp_path: Path) -> None:
    async with receiving(tmp_path, "cf", "slow") as remediator:
        remediator.environments["slow"].records.until = stored = asyncio.Event()
        slow = asyncio.create_task(remediator.judgements(notification(alert("slow"))))
        await remediator.environments["slow"].records.asked_for.wait()
        assert await remediator.judgements(notification(alert("cf"))) == ["opened"]
        assert remediator.environments["cf"].woken == 0
        stored.set()
        assert await slow == ["opened"]
        assert [each.woken for each in remediator.environments.values()] == [1, 1]


async def test_the_status_of_each_alert_counts_not_that_of_the_group(remediator: Receiving) -> None:
    mixed = notification(alert(status="resolved"), alert(), alert(status="resolved"), status="resolved")
    assert await remediator.judgements(mixed) == ["looked", "opened", "looked"]


async def test_a_cut_notification_is_taken_for_what_it_holds(remediator: Receiving) -> None:
    assert await remediator.judgements(notification(alert(), truncatedAlerts=900)) == ["opened"]


@pytest.mark.parametrize(
    ("given", "judgement"),
    [
        (alert(alertname="Watchdog"), "foreign_alert"),
        (alert(alertname="stagerunavailable"), "foreign_alert"),
        (alert("prod"), "unknown_environment"),
        (alert(None), "unknown_environment"),
        (alert(""), "unknown_environment"),
        (alert("../cf"), "unknown_environment"),
    ],
)
async def test_what_is_not_ours_is_rightly_ignored(
    remediator: Receiving, given: dict[str, Any], judgement: str
) -> None:
    (found,) = (await (await remediator.post(notification(given))).json())["results"]
    assert (found["judgement"], "remediation" in found) == (judgement, False)
    assert remediator.opened() == {"cf": 0}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"labels": {"alertname": "Watchdog", "severity": 7}},
            "alerts.0.labels.severity: Input should be a valid string",
        ),
        ({"labels": None}, "alerts.0.labels: "),
        ({"status": "smouldering"}, "alerts.0.status: Input should be 'firing' or 'resolved'"),
        ({"labels": {"x" * 100_000: 7}}, "alerts.0.labels.xxx"),
    ],
)
async def test_one_alert_that_is_none_keeps_no_other_from_being_heard(
    remediator: Receiving, changed: dict[str, Any], why: str
) -> None:
    """A tool between Prometheus and Alertmanager makes such ones; ours comes in the same notification."""
    response = await remediator.post(notification({**alert(), **changed}, alert()))
    results = (await response.json())["results"]
    assert (response.status, [each["judgement"] for each in results]) == (200, ["malformed_alert", "opened"])
    assert why in results[0]["why"]
    assert len(results[0]["why"]) < 600
    assert remediator.opened() == {"cf": 1}


async def test_another_clusters_alert_is_not_ours(tmp_path: Path) -> None:
    """Environments share names from cluster to cluster, and one Alertmanager may serve all of them."""
    async with receiving(tmp_path, matchers={"cluster": "eu1"}) as remediator:
        given = notification(alert(), alert(cluster="eu2"), alert(cluster="eu1"))
        assert await remediator.judgements(given) == ["foreign_alert", "foreign_alert", "opened"]
        assert remediator.opened() == {"cf": 1}


async def test_an_alert_of_labels_alone_opens_with_what_is_known(remediator: Receiving) -> None:
    bare = {"status": "firing", "labels": alert()["labels"]}
    assert await remediator.judgements({"version": "4", "alerts": [bare]}) == ["opened"]
    (found,) = remediator.environments["cf"].records.remediations.values()
    assert found.request == Request("cf", alertname="StagerUnavailable", mode=found.request.mode)


async def test_labels_choose_no_target(remediator: Receiving) -> None:
    """Incident 23: the targets come from the configuration."""
    assert await remediator.judgements(notification(alert(**POD_OF_SOMEBODY))) == ["opened"]
    (found,) = remediator.environments["cf"].records.remediations.values()
    assert "kube" not in str(found)


async def test_long_labels_are_not_repeated_into_the_senders_log(remediator: Receiving) -> None:
    given = {**alert("x" * 100_000), "fingerprint": "f" * 100_000}
    response = await remediator.post(notification(given))
    assert len(await response.read()) < 1000


async def test_the_log_tells_of_100_environments_that_nobody_configured_each_once(remediator: Receiving) -> None:
    with capture_logs() as lines:
        for half in "ab":
            await remediator.post(notification(*(alert(f"{half}-{number % 60}") for number in range(61))))
    told = [line["event"].split()[-1] for line in lines if "not configured here" in line["event"]]
    assert len({*told}) == len(told) == 100


async def test_each_alert_is_counted_by_its_judgement(remediator: Receiving) -> None:
    await remediator.judgements(notification(alert(), alert(), alert("prod")))
    name, found = "stagekeeper_webhook_alerts_total", remediator.registry.get_sample_value
    assert found(name, {"environment": "cf", "judgement": "opened"}) == 2
    assert found(name, {"environment": "", "judgement": "unknown_environment"}) == 1
    assert found(name, {"environment": "prod", "judgement": "unknown_environment"}) is None


# Durable, or not taken ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [Unavailable("etcd is away"), Unreachable("no answer")])
async def test_when_the_record_can_not_be_stored_the_sender_is_to_try_again(
    remediator: Receiving, trouble: Unavailable | Unreachable
) -> None:
    records = remediator.environments["cf"].records
    records.trouble = trouble
    response = await remediator.post(notification(alert()))
    assert (response.status, await response.json()) == (503, {"error": f"Not recorded, try again: {trouble}"})
    assert remediator.opened() == {"cf": 0}
    records.trouble = None
    assert await remediator.judgements(notification(alert())) == ["opened"]


async def test_one_environment_in_trouble_does_not_keep_the_others_from_being_recorded(tmp_path: Path) -> None:
    async with receiving(tmp_path, "a", "b") as remediator:
        remediator.environments["a"].records.trouble = Unavailable("etcd is away")
        body = notification(alert("a"), alert("b"))
        assert (await remediator.post(body)).status == 503
        assert remediator.opened() == {"a": 0, "b": 1}
        remediator.environments["a"].records.trouble = None
        assert await remediator.judgements(body) == ["opened", "joined"]


async def test_while_it_stops_it_sends_alerts_elsewhere(remediator: Receiving) -> None:
    remediator.stopping[0] = True
    assert (await remediator.post(notification(alert()))).status == 503
    assert remediator.opened() == {"cf": 0}


# Many ---------------------------------------------------------------------------------------------------------------


async def test_ten_thousand_alerts_for_three_environments_are_three_remediations(tmp_path: Path) -> None:
    names = ("a", "b", "c")
    async with receiving(tmp_path, *names) as remediator:
        for start in range(0, 10_000, 1000):
            alerts = [alert(names[each % 3], pod=f"p-{start + each}") for each in range(1000)]
            response = await remediator.post(notification(*alerts))
            found = await response.json()
            assert (response.status, found["count"], len(found["results"])) == (200, 1000, 20)
        assert remediator.opened() == {"a": 1, "b": 1, "c": 1}


async def test_a_hundred_notifications_at_once_are_one_remediation(remediator: Receiving) -> None:
    found = await asyncio.gather(*(remediator.judgements(notification(alert())) for _ in range(100)))
    assert sorted(each for (each,) in found) == ["joined"] * 99 + ["opened"]
    assert remediator.opened() == {"cf": 1}
