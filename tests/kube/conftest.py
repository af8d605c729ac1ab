"""What the tests of this package share. Hypothesis has no limit on the time of one example: speed is not the claim."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from structlog.testing import CapturingLogger

from stagekeeper.kube import access, credentials, oidc
from stagekeeper.kube.client import Kube
from tests.kube.api_server import ApiServer, api_server, connected
from tests.kube.clock import Clock

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with api_server() as running:
        yield running


@pytest.fixture
async def kube(server: ApiServer, tmp_path: Path) -> AsyncIterator[Kube]:
    """A client of the server."""
    async with connected(server.url, tmp_path) as client:
        yield client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks of the credentials."""
    return Clock(monkeypatch)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    """What is logged, however a test of another package has set logging up in this process."""
    kept = CapturingLogger()
    for module in (access, credentials, oidc):
        monkeypatch.setattr(
            module, "_log", structlog.wrap_logger(kept, processors=[structlog.processors.KeyValueRenderer()])
        )
    return kept
