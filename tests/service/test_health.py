import aiohttp
import pytest
from aiohttp import web

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.health import Readiness, health_routes, reload_routes
from tests.service.kit import Serve


class Reloads:
    """Counts the reloads, and refuses them for the reason it was given."""

    def __init__(self, refusal: str | None = None) -> None:
        self.count = 0
        self.refusal = refusal

    async def __call__(self) -> None:
        """Reload."""
        self.count += 1
        if self.refusal:
            raise ConfigurationError(self.refusal)


def application(readiness: Readiness, reloads: Reloads, *, lifecycle: bool = True) -> web.Application:
    app = web.Application()
    app.add_routes([*health_routes(readiness), *reload_routes(reloads, lifecycle=lifecycle)])
    return app


async def test_a_process_that_is_not_ready_is_healthy(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(application(Readiness({"first observation": "no observation has ended yet"}), Reloads()))
    async with client.get(f"{url}/-/healthy") as response:
        assert (response.status, await response.text()) == (200, "Healthy.\n")


async def test_readiness_lists_what_is_missing_until_nothing_is(serve: Serve, client: aiohttp.ClientSession) -> None:
    readiness = Readiness({"configuration": "not loaded yet", "first observation": "no observation has ended yet"})
    url = await serve(application(readiness, Reloads()))
    readiness.met("configuration")
    async with client.get(f"{url}/-/ready") as response:
        assert response.status == 503
        assert await response.text() == "Not ready yet:\n* first observation: no observation has ended yet\n"
    readiness.met("first observation")
    async with client.get(f"{url}/-/ready") as response:
        assert (response.status, await response.text()) == (200, "Ready.\n")


def test_a_condition_that_was_never_named_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="configurtion"):
        Readiness({"configuration": "not loaded yet"}).met("configurtion")


@pytest.mark.parametrize(
    ("method", "lifecycle", "refusal", "status", "text"),
    [
        ("POST", True, None, 200, "Reloaded.\n"),
        ("PUT", True, None, 200, "Reloaded.\n"),
        ("POST", True, "line 3.", 500, "The configuration was not reloaded; the old one stays: line 3.\n"),
        ("POST", False, None, 403, "Reloading over HTTP is off; start with --web.enable-lifecycle.\n"),
        ("GET", True, None, 405, "405: Method Not Allowed"),
        ("GET", False, None, 405, "405: Method Not Allowed"),
    ],
)
async def test_a_reload_follows_the_rules_of_prometheus(
    serve: Serve,
    client: aiohttp.ClientSession,
    *,
    method: str,
    lifecycle: bool,
    refusal: str | None,
    status: int,
    text: str,
) -> None:
    reloads = Reloads(refusal)
    url = await serve(application(Readiness({}), reloads, lifecycle=lifecycle))
    async with client.request(method, f"{url}/-/reload") as response:
        assert (response.status, await response.text()) == (status, text)
    assert reloads.count == (1 if lifecycle and method != "GET" else 0)
