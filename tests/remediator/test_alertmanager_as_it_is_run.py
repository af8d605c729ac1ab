"""A real Alertmanager as people run it: behind a prefix, with client certificates, beyond a proxy, for two clusters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from remediator.alertmanager import MUTES_UNKNOWN, Alertmanager, AlertmanagerView, Receivers
from remediator.inputs import AlertState
from remediator.settings import AlertmanagerSettings
from tests.kube.certificates import authority, issued
from tests.kube.test_proxies import proxy
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

pytestmark = pytest.mark.programs
RECEIVER = "stagekeeper"
ALWAYS = "always"
ROUTES = {"receiver": RECEIVER, "group_by": ["environment", "cluster"], "group_wait": "0s"}


@dataclass(frozen=True)
class Running:
    """One, and how it is reached."""

    session: aiohttp.ClientSession
    settings: dict[str, Any]

    async def ask(self, cluster: str = "", **changes: Any) -> AlertmanagerView:
        """What we find there of the alert of an environment whose name two clusters share."""
        settings = AlertmanagerSettings.model_validate({**self.settings, **changes})
        matchers = {"cluster": cluster} if cluster else {}
        return await Alertmanager(settings, self.session, "StagerUnavailable", Receivers(RECEIVER), matchers).ask("cf")

    async def post(self, path: str, body: Any) -> None:
        """Say something to it, as Prometheus and amtool do."""
        ours = Alertmanager(AlertmanagerSettings.model_validate(self.settings), self.session, "x", Receivers(RECEIVER))
        tls = ours._tls.current() if ours._tls else True
        async with self.session.post(f"{ours.url}{path}", json=body, ssl=tls) as response:
            assert response.status == 200, await response.text()

    async def version(self) -> tuple[int, ...]:
        """Major and minor, as it tells them."""
        ours = Alertmanager(AlertmanagerSettings.model_validate(self.settings), self.session, "x", Receivers(RECEIVER))
        said = (await ours._get("status"))["versionInfo"]["version"]
        return tuple(map(int, said.split(".")[:2]))

    async def until(self, state: AlertState, cluster: str = "") -> None:
        """Wait until what is found there is that."""
        async with asyncio.timeout(HANG_GUARD):
            while (await self.ask(cluster)).view.state is not state:  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.1)

    async def until_not(self, state: AlertState, cluster: str) -> None:
        """Wait until it is anything else."""
        async with asyncio.timeout(HANG_GUARD):
            while (await self.ask(cluster)).view.state is state:  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.1)


def written(folder: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """Files of a server that wants a certificate: what its web configuration names, and what ours does."""
    own, ours = issued(), authority("clients").issue_cert("remediator.example")
    contents = {
        "server.crt": own.chain,
        "server.key": own.key,
        "ca.crt": own.authority,
        "clients.crt": authority("clients").cert_pem.bytes(),
        "client.crt": b"".join(each.bytes() for each in ours.cert_chain_pems),
        "client.key": ours.private_key_pem.bytes(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    named = {"cert_file": "server.crt", "key_file": "server.key", "client_ca_file": "clients.crt"}
    web = {"tls_server_config": {**named, "client_auth_type": "RequireAndVerifyClientCert"}}
    shown = {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"}
    return web, {key: folder / name for key, name in shown.items()}


@contextmanager
def started(program: Path, folder: Path, web: dict[str, Any], prefix: str, second: dict[str, Any]) -> Iterator[int]:
    """An Alertmanager, with more about the second cluster's route; its port."""
    routes = {**ROUTES, "routes": [{"matchers": ['cluster="two"'], **second}]}
    configuration = {
        "route": routes,
        "receivers": [{"name": RECEIVER, "webhook_configs": [{"url": "http://127.0.0.1:1"}]}],
        "time_intervals": [
            {"name": ALWAYS, "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
        ],
    }
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(configuration))
    (folder / "web.yaml").write_text(yaml.safe_dump(web))
    port = free_port()
    arguments = [
        f"--config.file={folder / 'alertmanager.yaml'}", f"--web.config.file={folder / 'web.yaml'}",
        f"--storage.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
        f"--web.route-prefix={prefix}", "--cluster.listen-address=",
    ]  # fmt: skip
    with Process("Alertmanager", [str(program), *arguments], folder / "log"):
        yield port


@asynccontextmanager
async def alertmanager(program: Callable[[str], Path], folder: Path, **route: Any) -> AsyncIterator[Running]:
    """A running one that has the alert of two clusters. `route` is said of the second's besides."""
    web, shown = written(folder)
    with started(program("alertmanager"), folder, web, "/a/prefix", route) as port:
        async with aiohttp.ClientSession() as session:
            running = Running(session, {"url": f"https://127.0.0.1:{port}/a/prefix/", **shown})
            await running.until(AlertState.ABSENT)
            for cluster in ("one", "two"):
                labels = {"alertname": "StagerUnavailable", "environment": "cf", "cluster": cluster}
                await running.post("/api/v2/alerts", [{"labels": labels}])
                await running.until_not(AlertState.ABSENT, cluster)
            yield running


async def test_it_is_reached_with_a_certificate_and_not_without(
    tmp_path: Path, monitoring: Callable[[str], Path]
) -> None:
    async with alertmanager(monitoring, tmp_path) as running:
        assert len((await running.ask("one")).requests) == 1
        without = await running.ask("one", cert_file=None, key_file=None)
        assert without.view.state is AlertState.UNREADABLE
        elsewhere = await running.ask("one", url=running.settings["url"].replace("/a/prefix", ""))
        assert (elsewhere.view.state, elsewhere.view.detail) == (AlertState.UNREADABLE, "HTTP 404")


async def test_it_is_reached_through_a_proxy(tmp_path: Path, monitoring: Callable[[str], Path]) -> None:
    async with alertmanager(monitoring, tmp_path) as running, proxy() as way:
        assert (await running.ask("one", proxy_url=way.url)).view.state is AlertState.ACTIVE
        assert [f"https://{each}/a/prefix/" for each in way.asked] == [running.settings["url"]]


async def test_a_silence_for_one_cluster_holds_that_one(tmp_path: Path, monitoring: Callable[[str], Path]) -> None:
    async with alertmanager(monitoring, tmp_path) as running:
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "cluster", "value": "one", "isRegex": False}],
            "startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "on-call", "comment": "a drill",
        }  # fmt: skip
        await running.post("/api/v2/silences", silence)
        await running.until(AlertState.SUPPRESSED, "one")
        assert (await running.ask("two")).view.state is AlertState.ACTIVE
        assert (await running.ask()).view.state is AlertState.SUPPRESSED, "without `matchers` it is the same alert"


async def test_an_alert_in_its_mute_time_is_suppressed_where_alertmanager_tells_it(
    tmp_path: Path, monitoring: Callable[[str], Path]
) -> None:
    async with alertmanager(monitoring, tmp_path, mute_time_intervals=[ALWAYS]) as running:
        if await running.version() < (0, 28):
            view = (await running.ask("two")).view
            assert (view.state, view.detail) == (AlertState.ACTIVE, MUTES_UNKNOWN)
        else:
            await running.until(AlertState.SUPPRESSED, "two")
            assert (await running.ask("two")).view.detail == "muted"
        assert (await running.ask("one")).view.state is AlertState.ACTIVE
