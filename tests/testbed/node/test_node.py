import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.cache import ROOT
from tests.testbed.binaries import MissingProgramError
from tests.testbed.missing import missing_component
from tests.testbed.node import machine
from tests.testbed.node.machine import traces, what_is_missing
from tests.testbed.node.node import Node
from tests.testbed.node.node import node as running_node
from tests.testbed.node.runtime import PAUSE
from tests.testbed.patience import until_true

pytestmark = pytest.mark.node
_KILLED = """
import subprocess, sys, time
from pathlib import Path
from tests.testbed.node.namespaces import namespaces

with namespaces(Path(sys.argv[1])) as within:
    program = subprocess.Popen(within.command("sleep", "1000"))
    Path("/sys/fs/cgroup/memory", within.group, "cgroup.procs").write_text(str(program.pid))
    print(program.pid, flush=True)
    time.sleep(1000)
"""


@pytest.fixture(scope="module", autouse=True)
def _able() -> None:
    if missing := what_is_missing():
        missing_component("a real node", missing)


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    """What was there before the first node of this module."""
    return traces()


@pytest.fixture(scope="module")
def node(before: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node, after which the machine has to be as it was."""
    try:
        with running_node(tmp_path_factory.mktemp("node")) as started:
            yield started
    except MissingProgramError as error:
        missing_component(error.name, error.how_to_get_it)
    assert _differences(before) == set()


def test_a_pod_runs_and_commands_run_in_it(node: Node) -> None:
    node.plane.kubectl("run", "one", f"--image={PAUSE}", "--image-pull-policy=Never")
    node.plane.kubectl("wait", "pod/one", "--for=condition=Ready")
    assert node.plane.kubectl("exec", "one", "--", "/bin/busybox", "hostname") == "one\n"


def test_a_pod_finds_services_by_name(node: Node) -> None:
    node.plane.kubectl("run", "two", f"--image={PAUSE}", "--image-pull-policy=Never")
    node.plane.kubectl("wait", "pod/two", "--for=condition=Ready")
    command = ("/bin/busybox", "nslookup", "kubernetes.default.svc.cluster.local")
    assert "10.96.0.1" in node.plane.kubectl("exec", "two", "--", *command)


def test_nothing_of_it_is_seen_from_outside(node: Node, before: dict[str, str]) -> None:
    ours = f"/{node.within.group}"
    assert {each for each in _differences(before) if ours not in each} == set()


def test_it_goes_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    found = traces()
    (tmp_path / "resolv.conf").touch()
    command = [sys.executable, "-c", _KILLED, str(tmp_path)]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    program = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    until_true(lambda: not Path("/proc", str(program)).exists())
    until_true(lambda: _differences(found) == set())


def test_who_is_not_root_is_told_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert what_is_missing() == "it makes namespaces and cgroups, which only root may"


def test_a_machine_without_cgroups_of_version_1_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cgroup_roots", lambda: [Path("/sys/fs/cgroup")])
    assert "no hierarchy of cgroups (version 1) for cpu, cpuset, devices" in what_is_missing()


def _differences(before: dict[str, str]) -> set[str]:
    """What is there now and was not, or the other way round, or has another value."""
    now = traces()
    return {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}
