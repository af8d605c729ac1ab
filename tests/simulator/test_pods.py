"""Diego's processes as those of pods."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from simulator.diego import Diego, Timings
from simulator.pods.database import Control
from simulator.pods.supervisor import split
from simulator.remote import BackendServer, RemoteBackend
from tests.testbed.patience import HANG_GUARD, until_true
from tests.testbed.process import free_port


def _diego(now: Callable[[], float] = time.monotonic) -> Diego:
    return Diego(now, Timings(), own_locket=False)


async def test_a_locket_lives_as_long_as_its_connection() -> None:
    diego, port = _diego(), free_port()
    server = await BackendServer.listen(diego, "127.0.0.1", port)
    locket = await RemoteBackend.open(f"127.0.0.1:{port}", "diego-api-0", process="locket")
    assert not await locket.is_hung()
    bbs = await RemoteBackend.open(f"127.0.0.1:{port}", "diego-api-0")
    assert (await bbs.lock("diego-api-0")).granted
    await locket.close()
    async with asyncio.timeout(HANG_GUARD):
        while diego.lockets:  # noqa: ASYNC110 -- a Locket's end is nobody's event
            await asyncio.sleep(0.01)
    await bbs.close()
    await server.close()


async def test_a_cut_for_longer_than_the_locks_life_leaves_a_locket_hung() -> None:
    clock = count(step=20)
    diego, port = _diego(lambda: float(next(clock))), free_port()
    server = await BackendServer.listen(diego, "127.0.0.1", port)
    locket = await RemoteBackend.open(f"127.0.0.1:{port}", "diego-api-0", process="locket")
    assert not await locket.is_hung()
    control = Control(diego)
    control.do("cut")
    assert control.do("restore")["lockets"] == ["diego-api-0"]
    assert await locket.is_hung()
    await locket.close()
    await server.close()


def test_what_the_control_does_not_know_it_says_with_what_it_knows() -> None:
    assert Control(_diego()).do("cure") == {"error": "there is no cure: look, cut, refuse, restore, stick, heal"}


def test_commands_are_separated_by_two_dashes() -> None:
    assert split(["a", "--b", "--", "c"]) == [["a", "--b"], ["c"]]


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """A program that writes down its own number at each start."""
    path = tmp_path / "starts"
    program = f"import os, time; open({str(path)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(1000)"
    (tmp_path / "program.py").write_text(program)
    return path


def test_a_supervisor_starts_again_what_ended_and_ends_all_on_sigterm(started: Path) -> None:
    program = (sys.executable, started.with_name("program.py"))
    supervisor = subprocess.Popen((sys.executable, "-m", "simulator.pods.supervisor", "0.1", *program))
    os.kill(_numbers(started, 1)[0], signal.SIGKILL)
    again = _numbers(started, 2)[1]
    supervisor.terminate()
    assert supervisor.wait(HANG_GUARD) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(again, 0)


def _numbers(started: Path, count: int) -> list[int]:
    until_true(lambda: started.exists() and len(started.read_text().split()) >= count)
    return [int(number) for number in started.read_text().split()]
