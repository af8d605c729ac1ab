"""The whole loop does the right thing where parts meet: two replicas, a crash between calls, late labels, lost answers.

What is judged right in which situation is the incidents' business (tests/incidents); here the parts are real, and what
happens follows from how the simulated Diego and Kubernetes behave, not from a script.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from remediator import intake, pause
from remediator.remediation import Phase, Request
from simulator.resources import RESOURCES, by_path
from stagekeeper.kube.objects import timestamp
from tests.whole_loop.stage import SETTINGS, Stage, stage

pytestmark = pytest.mark.looptime
BOTH = ("diego-api-0", "diego-api-1")
CONFIG_MAPS = by_path(RESOURCES)["", "v1", "configmaps"]


async def test_a_hang_is_seen_proven_restarted_once_and_proven_cured(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        await played.env.faults.hang()
        await played.assert_restarted_once(*BOTH)


@pytest.mark.parametrize("profile", ["cfee-2", "kubecf"])
async def test_a_fail_over_opens_nothing_however_late_the_label_comes(profile: str, tmp_path: Path) -> None:
    async with stage(profile, tmp_path) as played:
        await played.env.faults.failover()
        await asyncio.sleep(300)
        assert await played.remediations() == []
        assert await played.env.serves()


async def test_two_replicas_that_are_both_called_restart_each_pod_once(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path, replicas=2) as played:
        await played.env.faults.hang()
        await played.assert_restarted_once(*BOTH)
        assert max(Counter(each.path for each in played.deletions if each.status == 200).values()) == 1


@pytest.mark.parametrize("after", [1, 2])
async def test_what_a_killed_remediator_left_is_finished_by_the_next(after: int, tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        await played.env.faults.hang()
        await played.until(lambda: len(played.deletions) >= after)
        await played.replicas[0].kill()
        await asyncio.sleep(20)
        played.replicas[0].start()
        await played.assert_restarted_once(*BOTH)


async def test_deletes_whose_answers_are_lost_are_not_repeated(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        played.env.api_faults.answer("DELETE", "/pods/", 503, count=2)
        played.env.api_faults.lose_answer("DELETE", "/pods/", count=2)
        await played.env.faults.hang()
        await played.ended()
        uids = Counter(uid for each in played.deletions if each.status == 200 for uid in [each.path])
        assert max(uids.values()) == 1
        assert [each.phase for each in await played.remediations()] == [Phase.RECOVERED]


async def test_an_alert_that_no_webhook_told_of_is_found_at_alertmanager(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        played.alerting.delivers = False
        await played.env.faults.hang()
        await played.assert_restarted_once(*BOTH)


async def test_the_api_answers_503_while_the_webhook_comes_and_the_alert_is_not_lost(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        await played.env.faults.hang()
        await played.until(lambda: played.alerting.fired_at is not None)
        played.env.api_faults.answer("GET POST PUT DELETE", "/remediations", 503)
        await asyncio.sleep(90)
        played.env.api_faults.clear()
        await played.assert_restarted_once(*BOTH)


async def test_a_silence_and_a_pause_hold_everything_until_both_are_over(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        played.alerting.suppressed = {"silencedBy": ["a silence"]}
        _pause(played)
        await played.env.faults.hang()
        await asyncio.sleep(400)
        played.alerting.suppressed = {}
        await asyncio.sleep(100)
        assert played.deletions == []
        played.env.store.delete(CONFIG_MAPS, played.env.namespace, pause.NAME, {})
        await played.assert_restarted_once(*BOTH)


async def test_a_stuck_bbs_is_escalated_and_restarted_on_a_persons_word(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        await played.env.faults.stuck()
        await played.assert_left_alone(Phase.ESCALATED)
        cluster = played.replicas[0].cluster
        latest = (await cluster.listing()).remediations[-1]
        await cluster.swap(latest.released("alice", played.env.clock.now()))
        wish = Request("cf", person="alice", why="nothing migrates", accept="stuck_unavailable")
        await intake.open_or_join(cluster, wish, SETTINGS.as_policy())
        assert (await played.ended()).phase is Phase.RECOVERED
        assert sorted(played.deleted) == [*BOTH]


@pytest.mark.parametrize(
    ("profile", "fault"),
    [
        ("cfee-2", "certificate"),
        ("kubecf", "database"),
        ("cfee-2", "label_not_patched"),
        ("cfee-2", "label_stale"),
        ("cfee-2", "frozen"),
    ],
)
async def test_what_a_restart_does_not_cure_is_escalated_and_left_alone(
    profile: str, fault: str, tmp_path: Path
) -> None:
    async with stage(profile, tmp_path) as played:
        await getattr(played.env.faults, fault)()
        await played.assert_left_alone(Phase.ESCALATED)


async def test_a_migration_is_waited_for(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        await played.env.faults.migrating(420)
        await played.assert_left_alone(Phase.SELF_HEALED)


async def test_pods_that_take_ten_minutes_to_end_are_waited_for(tmp_path: Path) -> None:
    async with stage("cfee-2", tmp_path) as played:
        await played.env.faults.terminating_slow(590)
        await played.env.faults.hang()
        await played.assert_restarted_once(*BOTH)


def _pause(played: Stage) -> None:
    """As `stagekeeper pause` does."""
    until = timestamp(played.env.clock.now() + timedelta(hours=2))
    data = {"by": "alice", "reason": "a test", "until": until}
    played.env.store.create(CONFIG_MAPS, played.env.namespace, {"metadata": {"name": pause.NAME}, "data": data})
