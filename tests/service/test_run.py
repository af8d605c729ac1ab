import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from stagekeeper.config.errors import ConfigurationError, StartError
from stagekeeper.service.run import Program, report, run
from stagekeeper.service.runtime import Runtime
from tests.testbed.patience import HANG_GUARD

Start = Callable[[Runtime], Awaitable[None]]


@asynccontextmanager
async def resource(name: str, ended: list[str], seconds: float = 0) -> AsyncIterator[str]:
    """A resource that notes its end, and takes its time for it."""
    yield name
    await asyncio.sleep(seconds)
    ended.append(name)


async def run_and_log(start: Start, grace: float = 5) -> tuple[int, list[str]]:
    """Run a program: its exit code and its log lines, as event, part and reason."""
    with capture_logs() as logs:
        async with asyncio.timeout(HANG_GUARD):
            code = await run(Program("test", start, grace))
    return code, [" | ".join(filter(None, (line["event"], line.get("part"), line.get("reason")))) for line in logs]


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_was_opened_last_is_closed_first_and_each_is_named() -> None:
    ended: list[str] = []

    async def start(runtime: Runtime) -> None:
        assert await runtime.open("The client", resource("client", ended)) == "client"
        runtime.eternal("The worker", worker(ended))
        await runtime.open("The HTTP listener", resource("http", ended))
        runtime.stop("Enough.")

    code, log = await run_and_log(start)
    assert (code, ended) == (0, ["http", "worker", "client"])
    assert log == [
        "Stopping. | Enough.",
        "A part has stopped. | The HTTP listener",
        "A part has stopped. | The worker",
        "A part has stopped. | The client",
        "A part has stopped. | The reload on SIGHUP",
        "Stopped.",
    ]


async def worker(ended: list[str]) -> None:
    try:
        await forever()
    finally:
        ended.append("worker")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_program_cleanly(number: signal.Signals) -> None:
    async def start(_runtime: Runtime) -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)

    code, log = await run_and_log(start)
    assert (code, log[0]) == (0, f"Stopping. | Received {number.name}.")


async def test_a_signal_during_the_start_cancels_it_and_closes_what_was_open() -> None:
    ended: list[str] = []

    async def start(runtime: Runtime) -> None:
        await runtime.open("The client", resource("client", ended))
        os.kill(os.getpid(), signal.SIGTERM)
        await forever()

    code, _ = await run_and_log(start)
    assert (code, ended) == (0, ["client"])


async def test_a_resource_that_does_not_stop_is_named_and_left_behind_and_the_others_still_close() -> None:
    ended: list[str] = []

    async def start(runtime: Runtime) -> None:
        await runtime.open("The client", resource("client", ended))
        await runtime.open("The slow one", resource("slow", ended, seconds=1000))
        runtime.stop("Enough.")

    code, log = await run_and_log(start, grace=0.2)
    assert (code, ended) == (1, ["client"])
    assert "A part did not stop in time and was left behind. | The slow one" in log


async def test_a_task_that_ignores_its_cancellation_is_named_and_left_behind() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async def start(runtime: Runtime) -> None:
        runtime.eternal("The stubborn one", stubborn())
        await asyncio.sleep(0)
        runtime.stop("Enough.")

    code, log = await run_and_log(start, grace=0.2)
    release.set()
    assert code == 1
    assert "A part did not stop in time and was left behind. | The stubborn one" in log


async def test_a_resource_whose_closing_fails_does_not_keep_the_others_open() -> None:
    ended: list[str] = []

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        yield
        raise OSError("disk on fire")

    async def start(runtime: Runtime) -> None:
        await runtime.open("The client", resource("client", ended))
        await runtime.open("The broken one", broken())
        runtime.stop("Enough.")

    code, log = await run_and_log(start)
    assert (code, ended) == (1, ["client"])
    assert "A part could not be closed. | The broken one | disk on fire" in log


async def test_a_timeout_of_its_own_is_not_mistaken_for_the_deadline() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        yield
        raise TimeoutError("its own")

    async def start(runtime: Runtime) -> None:
        await runtime.open("The broken one", broken())
        runtime.stop("Enough.")

    _, log = await run_and_log(start)
    assert "A part could not be closed. | The broken one | its own" in log


async def raise_in_a_moment(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (lambda: asyncio.sleep(0), "It has ended by itself."),
        (lambda: raise_in_a_moment(ValueError("no")), "ValueError: no"),
        (lambda: raise_in_a_moment(ConfigurationError("Line 3.")), "Line 3."),
    ],
    ids=["returns", "raises", "has a problem"],
)
async def test_an_eternal_task_that_ends_ends_the_program(work: Callable[[], Awaitable[None]], reason: str) -> None:
    ended: list[str] = []

    async def start(runtime: Runtime) -> None:
        runtime.eternal("The worker", work())  # type: ignore[arg-type]
        await runtime.open("The HTTP listener", resource("http", ended))

    code, log = await run_and_log(start)
    assert (code, ended, log[0]) == (1, ["http"], f"A part that must always run has failed. | The worker | {reason}")


@pytest.mark.parametrize("problem", [ConfigurationError, StartError])
async def test_a_refused_start_closes_what_was_open_and_is_passed_on(problem: type[ConfigurationError]) -> None:
    ended: list[str] = []

    async def start(runtime: Runtime) -> None:
        await runtime.open("The client", resource("client", ended))
        raise problem("It is so.")

    with pytest.raises(problem, match="It is so"):
        await run_and_log(start)
    assert ended == ["client"]


async def test_an_unforeseen_fault_at_the_start_is_logged_and_is_exit_code_1() -> None:
    async def start(_runtime: Runtime) -> None:
        raise ValueError("no")

    code, log = await run_and_log(start)
    assert code == 1
    assert "The program can't start: unexpected error." in log


@pytest.mark.parametrize(
    ("problem", "code"), [(ConfigurationError("Bad.\nWorse."), 2), (StartError("Bad.\nWorse."), 1)]
)
def test_a_problem_is_a_log_record_for_each_mistake_and_an_exit_code(problem: ConfigurationError, code: int) -> None:
    with capture_logs() as logs:
        assert report("exporter", problem) == code
    assert [(line["log_level"], line["program"], line["reason"]) for line in logs] == [
        ("error", "exporter", "Bad."),
        ("error", "exporter", "Worse."),
    ]


async def test_sighup_reloads_and_a_refused_reload_goes_on_with_the_old_configuration() -> None:
    reloads: list[int] = []
    happened = asyncio.Event()

    async def reload() -> None:
        reloads.append(len(reloads))
        happened.set()
        if len(reloads) == 1:
            raise ConfigurationError("line 3.")
        if len(reloads) == 2:
            raise ValueError("unforeseen")

    async def hang_up(runtime: Runtime) -> None:
        for _ in range(3):
            happened.clear()
            os.kill(os.getpid(), signal.SIGHUP)
            await happened.wait()
        await runtime.reload()  # waits until the one before has ended
        runtime.stop("Enough.")
        await forever()

    async def start(runtime: Runtime) -> None:
        runtime.on_reload(reload)
        runtime.eternal("The test", hang_up(runtime))

    code, log = await run_and_log(start)
    assert (code, len(reloads)) == (0, 4)
    assert "The configuration was not reloaded; the old one stays in force. | line 3." in log
    assert "The configuration was not reloaded: unexpected error; the old one stays in force." in log
    assert log.count("The configuration was reloaded.") == 2
