"""Programs as processes: signals, exit codes and what stderr says, as an operator or Kubernetes sees them."""

import asyncio
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.testbed.patience import HANG_GUARD

ROOT = Path(__file__).parents[2]
HEAD = """
import asyncio, contextlib, sys, time
from aiohttp import web
from stagekeeper.service.address import parse_listen_address
from stagekeeper.service.listen import serving
from stagekeeper.service.logs import configure
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.run import Program, main

address = parse_listen_address(sys.argv[1])

async def slow(request):
    print("entered", flush=True)
    await asyncio.sleep(0.5)
    return web.Response(text="finished")

async def start(runtime):
    app = web.Application()
    app.router.add_get("/", slow)
    listening = await runtime.open("The HTTP listener", serving(app, [address]))
    print(listening.urls[0], flush=True)
"""
TAIL = """
configure()
sys.exit(main(Program("test", start, grace=GRACE)))
"""


@dataclass(frozen=True)
class Running:
    """A program that runs."""

    process: asyncio.subprocess.Process

    async def line(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and stderr."""
        _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@asynccontextmanager
async def program(*, body: str = "", address: str = "127.0.0.1:0", grace: float = 10) -> AsyncIterator[Running]:
    code = HEAD + textwrap.dedent(body) + TAIL.replace("GRACE", str(grace))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, address, stdout=pipe, stderr=pipe, cwd=ROOT
    )
    try:
        async with asyncio.timeout(HANG_GUARD):
            yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_exit_code_0(number: signal.Signals) -> None:
    async with program() as running:
        await running.line()
        running.process.send_signal(number)
        code, errors = await running.end()
    assert code == 0
    assert f'msg=Stopping. logger=stagekeeper.service.runtime reason="Received {number.name}."' in errors
    assert "msg=Stopped." in errors
    assert "A part has stopped" not in errors


async def test_sigterm_lets_a_request_in_flight_finish(client: aiohttp.ClientSession) -> None:
    async with program() as running:
        url = await running.line()
        request = asyncio.create_task(client.get(url))
        assert await running.line() == "entered"
        running.process.send_signal(signal.SIGTERM)
        async with await request as response:
            assert await response.text() == "finished"
        assert (await running.end())[0] == 0


async def test_a_port_in_use_is_one_sentence_and_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with program(address=address) as running:
            code, errors = await running.end()
    assert code == 1
    assert errors.splitlines()[-1].endswith(
        f"program=test reason=\"Can't listen on {address}: the port is in use; stop the program that has it, "
        'or choose another one with --web.listen-address."'
    )
    assert "Traceback" not in errors


async def test_a_configuration_that_cannot_be_used_is_one_sentence_and_exit_code_2() -> None:
    body = """
    async def start(runtime):
        raise ConfigurationError("web.yml, line 3: wrong.")
    """
    async with program(body=body) as running:
        code, errors = await running.end()
    assert code == 2
    assert errors.splitlines()[-1].endswith('program=test reason="web.yml, line 3: wrong."')


async def test_a_task_that_ends_is_exit_code_1() -> None:
    body = """
    async def start(runtime):
        runtime.eternal("The worker", asyncio.sleep(0))
    """
    async with program(body=body) as running:
        code, errors = await running.end()
    assert code == 1
    assert 'part="The worker" reason="It has ended by itself."' in errors


STUBBORN = {
    "a task that ignores its cancellation": """
        async def stubborn():
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(1000)

        async def start(runtime):
            runtime.eternal("The stubborn one", stubborn())
            print("started", flush=True)
        """,
    "a resource that ignores its cancellation": """
        @contextlib.asynccontextmanager
        async def stubborn():
            yield
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(1000)

        async def start(runtime):
            await runtime.open("The stubborn one", stubborn())
            print("started", flush=True)
        """,
    "a thread that does not end": """
        async def work():
            await asyncio.to_thread(time.sleep, 1000)

        async def start(runtime):
            runtime.eternal("The stubborn one", work())
            print("started", flush=True)
        """,
    "an event loop that is blocked": """
        @contextlib.asynccontextmanager
        async def stubborn():
            yield
            time.sleep(1000)

        async def start(runtime):
            await runtime.open("The stubborn one", stubborn())
            print("started", flush=True)
        """,
}


@pytest.mark.parametrize("body", STUBBORN.values(), ids=STUBBORN)
async def test_the_end_is_certain_whatever_hangs(body: str) -> None:
    async with program(body=body, grace=0.5) as running:
        assert await running.line() == "started"
        running.process.send_signal(signal.SIGTERM)
        code, errors = await running.end()
    assert code == 1
    assert 'msg="The stop took too long; ending by force."' in errors
