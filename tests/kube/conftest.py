"""Hypothesis without a limit on the time of one example: the machine is shared, and speed is not the claim here."""

import pytest
from hypothesis import settings

from tests.kube.clock import Clock

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks of the credentials."""
    return Clock(monkeypatch)
