"""`make demo` is ended early, or cannot begin: it says so and leaves nothing behind."""

import signal

import pytest

from tests.demo.conftest import Start

pytestmark = pytest.mark.programs


@pytest.mark.parametrize(
    "moment",
    [
        "simulator     starting a Kubernetes API",
        "demo          starting Alertmanager",
        "remediator    Listening",
        "fault         The active BBS",
    ],
)
def test_ctrl_c_at_any_moment_leaves_no_process_and_no_file(demo: Start, moment: str) -> None:
    running = demo("--fault", "failover")
    running.wait_for(moment)
    running.signal(signal.SIGINT)
    assert running.end() == 130, running.output
    assert running.output.endswith("\nStopped; every program has ended.\n")
    assert running.left_behind() == []


def test_sigterm_ends_it_as_ctrl_c_does(demo: Start) -> None:
    running = demo()
    running.wait_for("exporter      Listening")
    running.signal(signal.SIGTERM)
    assert running.end() == 130, running.output
    assert running.left_behind() == []


def test_a_program_that_is_missing_is_named_with_the_way_to_get_it(demo: Start) -> None:
    running = demo(path="/nowhere")
    assert running.end() == 1
    assert "prometheus is not on PATH" in running.output or "alertmanager is not on PATH" in running.output
    assert "`make demo` fetches it" in running.output
    assert "Traceback" not in running.output
    assert running.left_behind() == []
