"""Our client's paged list against a real API, which really forgets and really keeps the moment of the first page."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from stagekeeper.kube import paging
from stagekeeper.kube.client import Kube, Response, connect
from stagekeeper.kube.remediations import Remediations
from tests.contract.cluster import Cluster, remediation
from tests.kube.api_server import kubeconfig

ENOUGH = 30.0
NAMES = [f"diego-api-r{number}" for number in range(1, 8)]


class Between(Kube):
    """The client, with another party that deletes a record after the first page."""

    cluster: Cluster
    pages = 0

    async def get(self, path: str, *, timeout: float, query: Mapping[str, str] | None = None) -> Response:
        """As the client's own."""
        answer = await super().get(path, timeout=timeout, query=query)
        self.pages += 1
        if self.pages == 1:
            await self.cluster.send("DELETE", f"{self.cluster.remediations}/{NAMES[-1]}")
        return answer


async def test_a_paged_list_is_the_list_of_one_moment(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    for name in NAMES:
        await cluster.create(cluster.remediations, remediation(name))
    user, trusted = {"token": cluster.token}, {"certificate-authority": str(cluster.ca_file)}
    async with connect(kubeconfig(tmp_path / "config", cluster.url, user, **trusted)) as kube:
        between = Between(kube._transport)
        between.cluster = cluster
        found = [await Remediations(each, cluster.namespace, ENOUGH).list(dict) for each in (between, kube)]
    assert [[each["metadata"]["name"] for each in listed.items] for listed in found] == [NAMES, NAMES[:-1]]
