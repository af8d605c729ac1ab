"""Two real Alertmanagers and two remediators: however often an alert is delivered, there is one remediation."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.environment import Environment, simulated_environment
from simulator.layouts import LAYOUTS
from simulator.resources import REMEDIATIONS
from tests.testbed.patience import until
from tests.testbed.process import Process, free_port

pytestmark = pytest.mark.programs
PYTHON = Path(__file__).parents[2] / ".venv" / "bin" / "python"


@dataclass(frozen=True)
class Pair:
    """The addresses of two Alertmanagers and of the remediators that each of them calls."""

    environment: Environment
    session: aiohttp.ClientSession
    alertmanagers: tuple[str, str]
    remediators: tuple[str, str]

    async def post(self, status: str) -> None:
        """Give the alert to both Alertmanagers, as Prometheus does."""
        now = datetime.now(UTC)
        ends = {"endsAt": now.isoformat()} if status == "resolved" else {}
        alert = {
            "labels": {"alertname": "StagerUnavailable", "environment": "prod", "pod": "kube-dns-1", "namespace": "x"},
            "startsAt": (now - timedelta(minutes=2)).isoformat(),
            **ends,
        }
        for url in self.alertmanagers:
            async with self.session.post(f"{url}/api/v2/alerts", json=[alert]) as response:
                assert response.status == 200, await response.text()

    async def received(self, judgement: str) -> int:
        """How many alerts both remediators together have judged so."""
        return sum([await self._counted(url, f'judgement="{judgement}"') for url in self.remediators])

    def records(self) -> list[str]:
        """The names of all Remediations."""
        return [each["metadata"]["name"] for each in self.environment.store.select(REMEDIATIONS)]

    async def _counted(self, url: str, label: str) -> int:
        async with self.session.get(f"{url}/metrics") as response:
            lines = (await response.text()).splitlines()
        found = [line for line in lines if line.startswith("stagekeeper_webhook_alerts_total") and label in line]
        return sum(int(float(line.split()[-1])) for line in found)


@pytest.mark.parametrize("clustered", [True, False], ids=["one cluster", "both notify"])
async def test_an_alert_delivered_by_two_alertmanagers_to_two_remediators_opens_one_remediation(
    *, clustered: bool, tmp_path: Path, monitoring: Callable[[str], Path]
) -> None:
    async with _pair(tmp_path, monitoring("alertmanager"), clustered=clustered) as pair:
        await pair.post("firing")
        deliveries = 1 if clustered else 2

        async def heard() -> bool:
            kinds = [await pair.received(each) for each in ("opened", "joined", "held_off")]
            return kinds[0] == 1 and sum(kinds) >= deliveries

        await until(heard, "the webhook")
        assert pair.records() == ["diego-api-r1"]
        await pair.post("resolved")

        async def resolved() -> bool:
            return await pair.received("looked") >= deliveries

        await until(resolved, "the webhook of the end")
        assert pair.records() == ["diego-api-r1"]


@asynccontextmanager
async def _pair(folder: Path, alertmanager: Path, *, clustered: bool) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        environment = await stack.enter_async_context(simulated_environment(LAYOUTS["cfee-2"], folder))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        ports = [free_port() for _ in range(6)]
        stack.enter_context(_programs(folder, alertmanager, environment, ports, clustered=clustered))
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        pair = Pair(environment, session, (urls[0], urls[1]), (urls[2], urls[3]))
        for url in urls[:4]:
            await until(partial(_ready, session, url), f"{url} to be ready")
        yield pair


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/-/ready") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


@contextmanager
def _programs(
    folder: Path, alertmanager: Path, environment: Environment, ports: list[int], *, clustered: bool
) -> Iterator[None]:
    token = folder / "webhook-token"
    token.write_text("a-token-of-the-test")
    ours = folder / "stagekeeper.yaml"
    ours.write_text(json.dumps(_stagekeeper(environment, token, ports)))
    with ExitStack() as stack:
        for number in range(2):
            listen = f"127.0.0.1:{ports[2 + number]}"
            flags: list[str | Path] = [
                "--config.file",
                ours,
                "--kubeconfig",
                environment.kubeconfig,
                "--web.listen-address",
                listen,
            ]
            _start(stack, f"remediator-{number}", [PYTHON, "-m", "remediator", *flags], folder)
            own = folder / f"alertmanager-{number}.yaml"
            own.write_text(json.dumps(_alertmanager(ports[2 + number], token)))
            cluster = [
                f"--cluster.listen-address=127.0.0.1:{ports[4 + number]}",
                f"--cluster.peer=127.0.0.1:{ports[5 - number]}",
                "--cluster.settle-timeout=2s",
                "--cluster.peer-timeout=2s",
            ]
            flags = [
                f"--config.file={own}",
                f"--storage.path={folder / f'data-{number}'}",
                f"--web.listen-address=127.0.0.1:{ports[number]}",
                *(cluster if clustered else ["--cluster.listen-address="]),
            ]
            _start(stack, f"alertmanager-{number}", [alertmanager, *flags], folder)
        yield


def _start(stack: ExitStack, name: str, command: list[str | Path], folder: Path) -> None:
    stack.callback(Process(name, command, folder / f"{name}.log").stop)


def _stagekeeper(environment: Environment, token: Path, ports: list[int]) -> dict[str, Any]:
    return {
        "environments": [environment.entry("prod")],
        "remediator": {
            "mode": "act",
            "webhook": {"token_file": str(token)},
            "alertmanagers": [{"url": f"http://127.0.0.1:{port}"} for port in ports[:2]],
        },
    }


def _alertmanager(remediator: int, token: Path) -> dict[str, Any]:
    webhook = {
        "url": f"http://127.0.0.1:{remediator}/api/v1/alerts",
        "http_config": {"authorization": {"credentials_file": str(token)}},
    }
    return {
        "route": {
            "receiver": "stagekeeper",
            "group_wait": "100ms",
            "group_interval": "1s",
            "group_by": ["environment"],
        },
        "receivers": [{"name": "stagekeeper", "webhook_configs": [webhook]}],
    }
