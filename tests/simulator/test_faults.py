"""Each fault looks from outside as the real one does (domain.md 3 and 4), and ends as it does."""

import asyncio
import ssl

import pytest

from simulator.environment import Environment
from simulator.listener import accepts
from tests.simulator.kit import PING, Builder, active_labels, delete, exchange, listening, ready

pytestmark = pytest.mark.looptime


def address(env: Environment, number: int) -> str:
    """The IP address of one BBS pod."""
    ip: str = env.pods()[number]["status"]["podIP"]
    return ip


def restarts(env: Environment) -> list[int]:
    """How often each pod's BBS container was restarted."""
    return [pod["status"]["containerStatuses"][0]["restartCount"] for pod in env.pods()]


async def test_failover_the_other_takes_over_after_the_lock_has_run_out(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.failover()
        await asyncio.sleep(10)
        assert await listening(env) == []
        await asyncio.sleep(10)
        assert await listening(env) == ["diego-api-1"]
        await asyncio.sleep(60)
        assert await listening(env) == ["diego-api-1"]
        assert active_labels(env) == ["false", "true"]


async def test_migrating_every_route_answers_an_empty_503_for_its_time(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.migrating(120)
        await asyncio.sleep(20)
        for request in (PING, b"GET /x HTTP/1.1\r\nHost: bbs\r\nConnection: close\r\n\r\n"):
            head, _, body = (await exchange(env, address(env, 0), request)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503")
            assert b"Content-Length: 0" in head
            assert b"Content-Type" not in head
            assert body == b""
        await asyncio.sleep(120)
        assert (await exchange(env, address(env, 0))).startswith(b"HTTP/1.1 200")


async def test_stuck_answers_503_until_the_pod_is_restarted(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.stuck()
        await asyncio.sleep(900)
        assert (await exchange(env, address(env, 0))).startswith(b"HTTP/1.1 503")
        assert restarts(env) == [0, 0]
        await delete(env, env.pods()[0])
        await asyncio.sleep(120)
        serving = await listening(env)
        assert len(serving) == 1
        assert (await exchange(env, env.service_host)).startswith(b"HTTP/1.1 200")


async def test_unavailable_is_the_passive_one_that_took_the_lock_over_a_dead_connection(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.unavailable()
        await asyncio.sleep(900)
        assert await listening(env) == ["diego-api-1"]
        assert (await exchange(env, address(env, 1))).startswith(b"HTTP/1.1 503")
        assert restarts(env) == [0, 0]
        log = env.actors.kubelet.log("diego-api-1", "diego-api")
        assert "migration-manager.starting\nbbs.now-unavailable\n" in log
        assert "bbs.started" not in log
        for pod in env.pods():
            await delete(env, pod)
        await asyncio.sleep(120)
        assert (await exchange(env, env.service_host)).startswith(b"HTTP/1.1 200")


async def test_frozen_accepts_and_says_nothing(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.frozen()
        assert await accepts(address(env, 0), 8889)
        with pytest.raises(TimeoutError):
            await exchange(env, address(env, 0))


async def test_certificate_shows_one_whose_time_is_over(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.certificate()
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await exchange(env, address(env, 0))
        await env.faults.heal()
        await asyncio.sleep(5)
        assert (await exchange(env, address(env, 0))).startswith(b"HTTP/1.1 200")


async def test_database_down_is_hidden_by_monit(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.database()
        await asyncio.sleep(120)
        assert await listening(env) == []
        assert [ready(pod) for pod in env.pods()] == ["True", "True"]
        await env.faults.heal()
        await asyncio.sleep(30)
        assert len(await listening(env)) == 1


async def test_database_down_makes_the_containers_crash_loop_and_heals_by_itself(build: Builder) -> None:
    async with build("kubecf") as env:
        await env.faults.database()
        await asyncio.sleep(60)
        assert await listening(env) == []
        states = [pod["status"]["containerStatuses"][0]["state"] for pod in env.pods()]
        assert [state["waiting"]["reason"] for state in states] == ["CrashLoopBackOff"] * 2
        assert [ready(pod) for pod in env.pods()] == ["False", "False"]
        await env.faults.heal()
        await asyncio.sleep(300)
        assert len(await listening(env)) == 1


async def test_split_brain_both_serve_until_it_is_healed(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.split_brain()
        assert await listening(env) == ["diego-api-0", "diego-api-1"]
        await env.faults.heal()
        await asyncio.sleep(30)
        assert len(await listening(env)) == 1


async def test_locket_is_only_a_fault_where_it_has_its_own_pods(build: Builder) -> None:
    async with build("cfee-2") as env:
        with pytest.raises(ValueError, match="cfee-2 has no Locket of its own"):
            await env.faults.locket()


async def test_label_not_patched_serves_without_endpoints(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.label_not_patched()
        await asyncio.sleep(30)
        assert active_labels(env) == ["false", "false"]
        assert await listening(env) == ["diego-api-0"]
        assert not await env.serves()


async def test_label_stale_claims_that_a_pod_serves_which_does_not(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.label_stale()
        await asyncio.sleep(30)
        assert active_labels(env) == ["true", "false"]
        assert await listening(env) == []


async def test_node_down_times_out_and_is_no_longer_known_to_be_ready(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.node_down("diego-api-0")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(6):
                await asyncio.open_connection(address(env, 0), 8889)
        assert [ready(pod) for pod in env.pods()] == ["False", "True"]
        await delete(env, env.pods()[0])
        await asyncio.sleep(700)
        assert "deletionTimestamp" in env.pods()[0]["metadata"], "nobody on a lost node can end the pod"
        await env.faults.heal()
        await asyncio.sleep(60)
        assert [ready(pod) for pod in env.pods()] == ["True", "True"]


async def test_pod_pending_finds_no_node(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.pod_pending("diego-api-1")
        await asyncio.sleep(30)
        status = env.pods()[1]["status"]
        assert status["phase"] == "Pending"
        assert status["conditions"][0]["reason"] == "Unschedulable"
        await env.faults.heal()
        await asyncio.sleep(30)
        assert [ready(pod) for pod in env.pods()] == ["True", "True"]


async def test_terminating_slow_pods_stay_for_their_time_and_then_end(build: Builder) -> None:
    async with build("cfee-2") as env:
        await env.faults.terminating_slow(590)
        before = env.pods()[1]
        await delete(env, before)
        await asyncio.sleep(580)
        assert env.pods()[1]["metadata"]["uid"] == before["metadata"]["uid"]
        await asyncio.sleep(30)
        assert env.pods()[1]["metadata"]["uid"] != before["metadata"]["uid"]


async def test_a_fault_of_the_active_bbs_needs_one(build: Builder) -> None:
    async with build("eirini") as env:
        with pytest.raises(RuntimeError, match="no BBS holds the lock"):
            await env.faults.stuck()
