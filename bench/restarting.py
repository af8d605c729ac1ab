"""From open gates to the last DELETE: the remediator, and an alert hook that starts a shell script with nc and kubectl.

The hook is what a user would pick instead: Debian's `webhook`, `nc` and `kubectl delete -l`.
"""

import asyncio
import os

import yaml

from bench.running import MILLI, Bench, Running, active_alertmanager, entry, notification, timed
from bench.table import Line, Rounds, Section, goal
from scripts import go_tools, programs
from simulator.api import Request
from simulator.bbs import BBS_PORT
from simulator.environment import Environment
from simulator.resources import REMEDIATIONS

POLICY = {"confirm_for": 0, "confirm_observations": 2, "cooldown": 0, "budget": 100, "hold_off": 0}
"""Every gate opens as soon as it may: what is measured begins there."""
PATIENCE = {"starting": 0.5, "restarted_twice": 0.5, "migrating": 0.5}
"""Seconds; what the round before has restarted is to count as old."""
RHYTHM = {"open": 0.3, "list": 0.5, "observe": 0.5, "observation_timeout": 5}
_PLANNED = 2
_SCRIPT = """#!/bin/sh
# Restart Diego's BBS when nobody listens on its port.
{nc} -z -w 3 {service} {port} && exit 0
exec {kubectl} --kubeconfig {kubeconfig} --namespace {namespace} delete pods --selector {selector} --wait=false
"""


async def restarting(bench: Bench) -> Section:
    """By turns, each on an environment of its own."""
    section = Section("From open gates to the last DELETE accepted, two pods")
    ours, hooked = await bench.environment("ours"), await bench.environment("hooked")
    receiver = await hook(bench, "hook", hooked)
    async with active_alertmanager() as url:
        more = {"mode": "act", "policy": POLICY, "rhythm": RHYTHM, "alertmanagers": [{"url": url}]}
        config = bench.remediator_file("restarting.yaml", [{**entry(ours), "patience": PATIENCE}], **more)
        remediator = await bench.program("remediator", config, ours.kubeconfig)
        mine, theirs = [], []
        for _ in range(bench.rounds):
            await asyncio.gather(ours.faults.hang(), hooked.faults.hang())
            mine.append(await _ours(bench, remediator, ours))
            theirs.append(await timed(lambda: alert_hook(bench, receiver)))
            await asyncio.gather(ours.wait_for_service(), hooked.wait_for_service())
    took, hook_took = Rounds(tuple(mine)), Rounds(tuple(theirs))
    wanted = goal("faster", met=took.over(hook_took) < 1)
    section.lines.append(Line("time", "ms", took, "webhook + nc + kubectl delete -l", hook_took, wanted))
    section.notes.append("The remediator observes the environment anew before each DELETE; the hook asks nc, once.")
    return section


async def _ours(bench: Bench, remediator: Running, environment: Environment) -> float:
    """Milliseconds from the change that stores the plan to the last DELETE, as the API server sees them."""
    environment.api.requests.clear()
    await bench.alert(remediator, notification("cf"))

    def done() -> bool:
        """A remediation that is open would be joined by the next round."""
        found = environment.store.select(REMEDIATIONS)
        return len(deletes(environment)) == _PLANNED and all(
            each["status"]["phase"] not in {"Watching", "Restarting", "Verifying"} for each in found
        )

    await environment.wait_until(done)
    made = list(environment.api.requests)
    first, last = (made.index(each) for each in deletes(environment))
    stored = max(i for i, each in enumerate(made[:first]) if each.method == "PUT")
    return (made[last].time - made[stored].time).total_seconds() * MILLI


def deletes(environment: Environment) -> list[Request]:
    """The deletions of pods that the API accepted, of anybody but the simulator."""
    pods = (each for each in environment.api.requests if each.method == "DELETE" and "/pods/" in each.path)
    return [each for each in pods if each.status == 200]  # noqa: PLR2004 -- HTTP's OK


async def hook(bench: Bench, name: str, environment: Environment) -> Running:
    """Debian's `webhook` with the script; it answers when the script has ended."""
    kubectl = go_tools.find(go_tools.CONTROL_PLANE, go_tools.CONTROL_PLANE.tools[-1])
    labels = environment.layout.bbs.labels if environment.layout.bbs else {}
    script, config = bench.folder / f"{name}.sh", bench.folder / f"{name}.yaml"
    script.write_text(
        _SCRIPT.format(
            nc=programs.required("nc.traditional"),
            service=environment.service_host,
            port=BBS_PORT,
            kubectl=kubectl,
            kubeconfig=environment.kubeconfig,
            namespace=environment.namespace,
            selector=",".join(f"{key}={value}" for key, value in labels.items()),
        )
    )
    script.chmod(0o755)
    runs = {"id": "cf", "execute-command": str(script), "include-command-output-in-response": True}
    config.write_text(yaml.safe_dump([runs]))
    argv = [programs.required("webhook"), "-hooks", config, "-ip", "127.0.0.1", "-http-methods", "post"]
    env = {"HOME": str(bench.folder), "PATH": os.defpath}  # kubectl keeps what it discovers below HOME
    return await bench.start(name, lambda port: [*argv, "-port", str(port)], "/", env)


async def alert_hook(bench: Bench, receiver: Running) -> None:
    """Send the alert; returns when the script has ended."""
    headers = {"Content-Type": "application/json"}
    async with bench.session.post(f"{receiver.url}/hooks/cf", data=notification("cf"), headers=headers) as answer:
        await answer.read()
