"""Fixtures for everything that is not Python. Each starts lazily, once per xdist worker."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from tests.testbed.binaries import (
    Binaries,
    MissingProgramError,
    find_binaries,
    find_newest,
    find_packaged,
    find_program,
)
from tests.testbed.control_plane import ControlPlane
from tests.testbed.control_plane import control_plane as running_control_plane
from tests.testbed.leaks import leaked_tasks
from tests.testbed.missing import missing_component
from tests.testbed.netns import NamespaceError, way_into_namespace
from tests.testbed.wheels import locked_wheels

T = TypeVar("T")


@pytest.fixture(scope="session")
def program() -> Callable[[str], Path]:
    """`program("promtool")` is its path: Debian's programs, kube-apiserver and its kind, helm, kubeconform."""
    return lambda name: _found_or_skipped(partial(find_program, name))


# By `make test-node` alone: who wants to test need not build it first.
@pytest.fixture(scope="session", params=["packaged", pytest.param("newest", marks=pytest.mark.node)])
def monitoring(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """As `program`, for Prometheus' and Alertmanager's: a test runs with Debian's, which are old, and with today's."""
    find = find_packaged if request.param == "packaged" else find_newest
    return lambda name: _found_or_skipped(partial(find, name))


@pytest.fixture(scope="session")
def control_plane_binaries() -> Binaries:
    """The programs of a control plane, for a test that starts its own (inside a namespace, for one)."""
    return _found_or_skipped(find_binaries)


def _found_or_skipped(find: Callable[[], T]) -> T:
    try:
        return find()
    except MissingProgramError as error:
        missing_component(error.name, error.how_to_get_it)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, control_plane_binaries: Binaries) -> Iterator[ControlPlane]:
    """A real Kubernetes API on loopback. Shared: each test makes its own namespace in it (`create_namespace`)."""
    with running_control_plane(tmp_path_factory.mktemp("control-plane"), control_plane_binaries) as plane:
        yield plane


@pytest.fixture(scope="session")
def network_namespaces(program: Callable[[str], Path]) -> None:
    """Asks for network namespaces: skips the test loudly where none can be made."""
    program("unshare")
    try:
        way_into_namespace()
    except NamespaceError as error:
        missing_component("network namespaces", f"{error}; run as root or allow unprivileged user namespaces")


@pytest.fixture(scope="session")
def wheels() -> Path:
    """A folder with the libraries of the runtime's lock."""
    return locked_wheels()


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fails a test that leaves asyncio tasks behind; every async test has it (tests/conftest.py)."""
    yield
    if leaks := await leaked_tasks():
        pytest.fail("the test left tasks behind:\n" + "\n".join(leaks), pytrace=False)
