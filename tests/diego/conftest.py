"""Hypothesis without a limit on the time of one example: the machine is shared, and speed is not the claim here."""

import pytest
from hypothesis import settings

from tests.diego import listeners
from tests.diego.listeners import Certificates

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA with a client certificate."""
    return listeners.certificates(tmp_path_factory.mktemp("certificates"))
