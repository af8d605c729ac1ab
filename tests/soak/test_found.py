"""What soaking and measuring found, each kept from coming back."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from exporter.scrape import AT_ONCE, Targets
from simulator.environment import simulated_environment
from simulator.layouts import EIRINI
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.observation import Observation, Unknown
from stagekeeper.kube.client import connect
from tests.diego.observations import NOW


async def test_a_thousand_environments_are_all_looked_at_and_never_too_many_at_once() -> None:
    """All at once they waited for each other's requests until all of them had timed out."""
    under_way, most = 0, 0

    async def take(_within: float) -> Observation:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        why = Unknown("not looked at")
        return Observation("cf", NOW, service=why, pods=why, workloads=why, steady=why)

    async with aclosing(Targets(lambda _environment: take)) as targets:
        await targets.use([resolve(EnvironmentSettings(name=f"cf-{number}")) for number in range(1000)], 0)
        seen = await targets.scrape(60)
    assert all(each.assessment is not None and each.assessment.complete for each in seen)
    assert most == AT_ONCE


async def test_a_netrc_with_an_entry_for_the_api_server_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its password and our token exclude each other, so every request failed."""
    async with simulated_environment(EIRINI, tmp_path) as environment:
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine {environment.network.api} login somebody password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        async with connect(environment.kubeconfig) as kube:
            answer = await kube.get("/api/v1/namespaces", timeout=10)
    assert answer.body["kind"] == "NamespaceList"
