"""The command line of the demo."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import click

from simulator.actors import ActorOptions
from simulator.demo import configuration
from simulator.demo.configuration import FASTER, Ports
from simulator.demo.page import pages, serve_page
from simulator.demo.programs import REASON, DemoError, Started, approve, free_ports, running
from simulator.demo.scenarios import SCENARIOS, Scenario
from simulator.demo.story import Story
from simulator.demo.watch import EVERY, Watcher
from simulator.diego import Timings
from simulator.environment import Options, simulated_environment

LONGEST = 300.0
"""Seconds after which the story has failed, whatever it is: a guard against hanging, also on a busy machine."""
TIMINGS = Timings(
    lock_ttl=3.0, lock_retry=0.2, hang_exit=5.0, clean_exit=0.2, monit_cycle=10 / FASTER, kill_after=25 / FASTER
)


@click.command("demo")
@click.option(
    "--fault", type=click.Choice(sorted(SCENARIOS)), default="hang", show_default=True, help="What goes wrong."
)
@click.option("--keep", is_flag=True, help="Keep everything up afterwards, and print where to look.")
def command(fault: str, *, keep: bool) -> None:
    """Watch a stager die on this machine, and what the real programs make of it.

    Exit codes: 0 the right thing was done (for the default fault: it recovered), 1 it was not.
    """
    sys.exit(asyncio.run(_until_signal(SCENARIOS[fault], keep=keep)))


async def _until_signal(scenario: Scenario, *, keep: bool) -> int:
    """Play; Ctrl-C and SIGTERM end the play, and with it every process that it started."""
    play = asyncio.create_task(_play(scenario, keep=keep))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, play.cancel)
    try:
        return await play
    except asyncio.CancelledError:
        print("\nStopped; every program has ended.", flush=True)  # noqa: T201 -- the demo speaks to a person
        return 130


async def _play(scenario: Scenario, *, keep: bool) -> int:
    story = Story()
    story.say(f"Stagekeeper demo: {scenario.title}")
    story.say(f"Everything is real but Diego and Kubernetes; waits are {FASTER} times shorter than in production.\n")
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stagekeeper-demo-")))
        options = Options(actors=ActorOptions(timings=TIMINGS, label_interval=0.3))
        story.tell("simulator", "starting a Kubernetes API with a Diego of two BBS")
        environment = await stack.enter_async_context(simulated_environment(scenario.layout, folder, options))
        ports = Ports(*free_ports(4))
        files = configuration.write(folder, environment, ports)
        story.tell("demo", "starting Alertmanager, the exporter, the remediator and Prometheus")
        started = await stack.enter_async_context(running(files, ports, environment.kubeconfig, story.tell))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        watcher = Watcher(environment, scenario, ports, story, session)
        right = await _tell(watcher, started, partial(approve, files, environment.kubeconfig))
        if keep:
            await _keep(stack, watcher, started)
    return 0 if right else 1


async def _tell(watcher: Watcher, started: list[Started], accept: Callable[[str], Awaitable[None]]) -> bool:
    """From the healthy state through the fault to the end; whether it ended as it should."""
    story, environment, scenario = watcher.story, watcher.environment, watcher.scenario
    if not await _watch(watcher.is_ready, started):
        raise DemoError(f"Prometheus has not seen a BBS that serves within {LONGEST:.0f} s, so the demo ends.")
    story.tell("prometheus", "the BBS serves, all is well")
    watcher.remember_pods()
    story.begin()
    environment.journal.subscribe(lambda entry: story.tell(entry.who, entry.sentence))
    cause = asyncio.create_task(scenario.cause(environment), name="fault")

    async def is_over() -> bool:
        over = cause.done() and await watcher.ended()
        await watcher.turn()
        if scenario.accept and watcher.phase() == "Escalated" and story.mark("approved"):
            story.tell("person", f"stagekeeper restart --accept {scenario.accept} --reason {REASON!r}")
            await accept(scenario.accept)
        return over

    try:
        if not await _watch(is_over, started):
            story.tell("demo", f"not over after {LONGEST:.0f} s")
        await asyncio.sleep(EVERY)  # the record is there before the log line that tells of it is read
    finally:
        cause.cancel()
        await asyncio.gather(cause, return_exceptions=True)
    return _judge(watcher)


async def _watch(is_over: Callable[[], Awaitable[bool]], started: list[Started]) -> bool:
    """Ask until it is over; False if it is not within the longest time. Raises `ProgramEnded`."""
    try:
        async with asyncio.timeout(LONGEST):
            while not await is_over():
                for program in started:
                    program.check()
                await asyncio.sleep(EVERY)
    except TimeoutError:
        return False
    return True


def _judge(watcher: Watcher) -> bool:
    """Print the end, and whether it is the right one."""
    story, scenario = watcher.story, watcher.scenario
    deleted = watcher.deleted()
    story.summary(deleted)
    wrong = list(_wrong(watcher, deleted))
    record = watcher.record()
    if record is not None and not wrong:
        story.say(
            f"\nRemediation {record['metadata']['name']}: {record['status']['phase']}. {record['status']['message']}"
        )
    story.say("\n" + (f"Right: {scenario.moral}" if not wrong else "WRONG: " + " ".join(wrong)))
    return not wrong


def _wrong(watcher: Watcher, deleted: list[str]) -> Iterator[str]:
    """Everything that should have gone otherwise."""
    scenario, phase = watcher.scenario, watcher.phase()
    status = (watcher.record() or {}).get("status", {})
    if phase != (scenario.phase or ""):
        yield f"the remediation is {phase or 'not there'}, and should be {scenario.phase or 'not there'}."
    elif scenario.reason and status.get("reason") != scenario.reason:
        yield f"the remediation ended for {status.get('reason')}, and should have for {scenario.reason}."
    expected = sorted(name for name in watcher.uids.values() if name.rpartition("-")[0] in scenario.deletes)
    if deleted != expected:
        yield f"deleted were {deleted or 'no pods'}, and should have been {expected or 'none'}."
    if scenario.alert and "alert" not in watcher.story.marks:
        yield f"alert {scenario.alert} did not fire."


async def _keep(stack: contextlib.AsyncExitStack, watcher: Watcher, started: list[Started]) -> None:
    """Stay until Ctrl-C, or until a program ends."""
    story = watcher.story
    page = await stack.enter_async_context(serve_page(watcher))
    kubectl = f"kubectl --kubeconfig {watcher.environment.kubeconfig} -n {watcher.environment.namespace}"
    story.say("")
    for what, where in (
        ("This demo", page),
        *await pages(watcher),
        ("kubectl", f"{kubectl} get remediations,pods"),
        ("", f"{kubectl} describe statefulset {watcher.environment.layout.bbs_service}"),
    ):
        story.say(f"  {what:<13} {where}")
    story.say("Everything stays up until Ctrl-C.")
    while True:
        for program in started:
            program.check()
        await asyncio.sleep(1)
