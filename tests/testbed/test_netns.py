import os
import sys
from pathlib import Path

import pytest

from tests.testbed.netns import NamespaceError, namespace_command, run_in_namespace, way_into_namespace
from tests.testbed.patience import HANG_GUARD, until_true

pytestmark = [pytest.mark.programs, pytest.mark.usefixtures("network_namespaces")]

_LISTEN_AND_CONNECT = """
import socket
with socket.create_server(("10.244.0.11", 8889)) as server:
    socket.create_connection(("10.244.0.11", 8889), timeout=5).close()
    print("connected to", server.getsockname()[0])
"""
_REACH_OUT = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    print(error.strerror)
"""


def test_a_program_in_a_namespace_listens_on_the_pod_address_that_was_asked_for() -> None:
    done = run_in_namespace(
        ["10.96.0.10/32", "10.244.0.11/32"], [sys.executable, "-c", _LISTEN_AND_CONNECT], HANG_GUARD
    )
    assert (done.returncode, done.stdout) == (0, "connected to 10.244.0.11\n")


def test_nothing_leaves_the_namespace() -> None:
    done = run_in_namespace([], [sys.executable, "-c", _REACH_OUT], HANG_GUARD)
    assert done.stdout == "Network is unreachable\n"


def test_the_exit_code_and_both_outputs_come_back() -> None:
    done = run_in_namespace([], ["sh", "-c", "echo out; echo err >&2; exit 7"], HANG_GUARD)
    assert (done.returncode, done.stdout) == (7, "out\nerr\n")


def test_the_environment_is_the_one_that_was_given() -> None:
    done = run_in_namespace([], ["sh", "-c", "echo $COLOUR"], HANG_GUARD, env=os.environ | {"COLOUR": "blue"})
    assert done.stdout == "blue\n"


def test_a_program_that_runs_too_long_is_ended_and_what_it_printed_is_shown() -> None:
    with pytest.raises(NamespaceError, match=r"sh ran over 10 s:\nhello\n"):
        run_in_namespace([], ["sh", "-c", "echo hello; exec sleep 6000"], 10)


def test_what_a_program_left_behind_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    run_in_namespace([], ["sh", "-c", f"sleep 60 & echo $! > {pid_file}"], HANG_GUARD)
    left_behind = Path("/proc", pid_file.read_text().strip(), "stat")
    until_true(lambda: not left_behind.exists() or left_behind.read_text().split()[2] == "Z", "its end")


def test_a_machine_without_unshare_is_told_why_nothing_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NamespaceError, match=r"no network namespace can be made here \(unshare --net: .*No such file"):
        way_into_namespace()


def test_an_argument_with_spaces_arrives_whole() -> None:
    command = namespace_command(["10.0.0.1/32"], ["echo", "a b"])
    assert command[-4:] == ["10.0.0.1/32", "--", "echo", "a b"]
