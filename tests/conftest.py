"""What holds for every test: fixtures of the test bed, no leaked tasks, and a loud end where something did not run."""

import asyncio
import gc
from collections.abc import Generator

import pytest
from pytest_asyncio import is_async_test
from xdist.remote import Producer

from tests.order import TogetherScheduling, arrange
from tests.testbed.control_plane import ControlPlane
from tests.testbed.missing import missing_components

pytest_plugins = ["tests.testbed.fixtures"]


def pytest_sessionstart() -> None:
    """Tell asyncio that there is no event loop yet: else pytest-asyncio makes one by asking, and never closes it."""
    asyncio.set_event_loop(None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into their order, and give each async one the leak check.

    First in, so that it looks last, after all other fixtures are gone.
    """
    arrange(items)
    for item in items:
        if isinstance(item, pytest.Function) and is_async_test(item):
            item.fixturenames.insert(0, "no_leaked_tasks")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was collected, and come seldom: a tenth of all computing was its."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherScheduling | None:
    """With `--dist loadgroup`, hand out the tests in this order, those together that share something dear."""
    return TogetherScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the control plane's logs under the report of a failed test that used it."""
    report = yield
    plane = getattr(item, "funcargs", {}).get("control_plane")
    if report.failed and isinstance(plane, ControlPlane):
        report.sections.append(("control plane", plane.log_tails()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what did not run because a component is missing."""
    skipped = terminalreporter.stats.get("skipped", [])
    missing = missing_components(str(report.longrepr) for report in skipped)
    if not missing:
        return
    terminalreporter.section("NOT EVERYTHING RAN", sep="!", red=True, bold=True)
    for component, tests in sorted(missing.items()):
        terminalreporter.line(f"{tests} test(s) did not run without {component}", red=True)
