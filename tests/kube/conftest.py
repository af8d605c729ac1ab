"""What the tests of this package share. Hypothesis has no limit on the time of one example: speed is not the claim."""

import pytest
import structlog
from hypothesis import settings
from structlog.testing import CapturingLogger

from stagekeeper.kube import access, credentials, oidc
from tests.kube.clock import Clock

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


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
