"""Hypothesis without a limit on the time of one example: the machine is shared, and speed is not the claim here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.diego import listeners
from tests.diego.listeners import Certificates, environment
from tests.diego.world import SETS, SLICES, Cluster, pod, statefulset
from tests.kube.api_server import answering, api_server, connected
from tests.testbed.process import free_port

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA with a client certificate."""
    return listeners.certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Two pods that refuse, a Service that refuses, everything readable."""
    async with api_server() as api, connected(api.url, tmp_path) as kube:
        made = Cluster(api, kube, environment(free_port()))
        made.pods([pod("diego-api-0"), pod("diego-api-1")])
        api.answers[f"{SETS}/diego-api"] = answering(statefulset())
        api.answers[SLICES] = answering({"items": [{"endpoints": []}]})
        yield made
