import signal
import socket
import time
from collections.abc import Callable

import pytest

from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, ProcessError, free_port

Python = Callable[..., Process]


def test_a_process_that_ends_early_is_reported_with_its_exit_code_and_the_end_of_its_log(python: Python) -> None:
    process = python("-c", "import sys; print('no room left'); sys.exit(3)")
    with pytest.raises(ProcessError, match=r"python ended with 3 before its readiness\n(.*\n)*no room left"):
        process.wait_until(lambda: False, "its readiness", HANG_GUARD)


def test_a_process_that_never_gets_ready_is_reported_after_the_deadline(python: Python) -> None:
    process = python("-c", "import time; time.sleep(60)")
    with pytest.raises(ProcessError, match="its readiness did not come within 0 s"):
        process.wait_until(lambda: False, "its readiness", 0.1)


def test_a_frozen_process_can_be_stopped(python: Python) -> None:
    process = python("-c", "import time; time.sleep(60)")
    process.freeze()
    process.stop()
    assert process.exit_code == -signal.SIGTERM


def test_a_process_that_ignores_sigterm_is_killed_after_the_deadline(python: Python) -> None:
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
    process = python("-c", f"{ignore}; time.sleep(60)")
    process.wait_until(lambda: "deaf" in process.log.read_text(), "its deafness", HANG_GUARD)
    started = time.monotonic()
    process.stop(deadline=0.2)
    assert process.exit_code == -signal.SIGKILL
    assert time.monotonic() - started >= 0.2


def test_a_free_port_can_be_listened_on_and_is_not_one_that_clients_are_given() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert port < 32_768
