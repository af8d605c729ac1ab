"""`make demo` is ended early, or cannot begin: it says so and leaves nothing behind."""

import signal
from collections.abc import Callable
from pathlib import Path

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


def test_a_program_that_ends_is_one_sentence_with_its_last_lines(
    demo: Start, program: Callable[[str], Path], tmp_path: Path
) -> None:
    prometheus = tmp_path / "bin" / "prometheus"
    prometheus.parent.mkdir()
    prometheus.write_text("#!/bin/sh\necho no more memory\nexit 3\n")
    prometheus.chmod(0o755)
    running = demo(path=f"{prometheus.parent}:{program('prometheus-alertmanager').parent}:/usr/bin:/bin")
    assert running.end() == 1
    last_words = "prometheus ended with exit code 3 and the demo with it. It wrote last:\n    no more memory\n"
    assert running.output.endswith(f"Error: {last_words}"), running.output
    assert "Traceback" not in running.output
    assert running.left_behind() == []
