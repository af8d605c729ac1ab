"""A BBS as a process of its own, in real time: it hangs, ends and is cured as the one in this process."""

import asyncio
from dataclasses import replace
from pathlib import Path

from simulator.actors import ActorOptions
from simulator.diego import Timings
from simulator.environment import Environment, Options, simulated_environment
from simulator.kubelet import KubeletOptions
from simulator.layouts import CFEE_2
from tests.simulator.kit import delete, exchange, listening
from tests.testbed.patience import HANG_GUARD

QUICK = ActorOptions(
    timings=Timings(lock_ttl=2.0, lock_retry=0.2, hang_exit=1.0, clean_exit=0.1, monit_cycle=0.2),
    kubelet=KubeletOptions(interval=0.05),
    label_interval=0.1,
)
STARTING, PASSIVE = "bbs.starting", "locket-lock.lock-collision"


def last_lines(env: Environment) -> set[str]:
    """What the two BBS logged last."""
    logs = [env.actors.kubelet.log(name, None) for name in ("diego-api-0", "diego-api-1")]
    return {line for log in logs for line in log.splitlines()[-1:]}


async def test_bbs_processes_hang_and_are_cured_by_a_restart(tmp_path: Path) -> None:
    options = Options(replace(QUICK, bbs_processes=True))
    async with simulated_environment(CFEE_2, tmp_path, options) as env:
        assert (await exchange(env, env.service_host, patience=HANG_GUARD)).startswith(b"HTTP/1.1 200")
        await env.wait_until(lambda: PASSIVE in last_lines(env))
        env.actors.diego.database.cut()
        await env.wait_until(lambda: last_lines(env) == {STARTING, PASSIVE})  # whoever was active has started anew
        env.actors.diego.database.restore()
        assert await listening(env) == []
        assert last_lines(env) == {STARTING, PASSIVE}, "both hang"
        before = {pod["metadata"]["uid"] for pod in env.pods()}
        for pod in env.pods():
            assert (await delete(env, pod)).status == 200
        async with asyncio.timeout(HANG_GUARD):
            while not await env.serves():  # noqa: ASYNC110 - a port tells nobody
                await asyncio.sleep(0.05)
        assert not before & {pod["metadata"]["uid"] for pod in env.pods()}


async def test_a_bbs_process_that_answers_503_is_followed_by_one_that_serves_when_killed(tmp_path: Path) -> None:
    options = Options(replace(QUICK, bbs_processes=True))
    async with simulated_environment(CFEE_2, tmp_path, options) as env:
        await env.faults.stuck()
        assert (await exchange(env, env.service_host, patience=HANG_GUARD)).startswith(b"HTTP/1.1 503")
        await env.faults.failover()
        async with asyncio.timeout(HANG_GUARD):
            while not await env.serves():  # noqa: ASYNC110 - a port tells nobody
                await asyncio.sleep(0.05)
