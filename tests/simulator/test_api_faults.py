"""Faults of the API befall users only, as often as asked, and change exactly what they say."""

import asyncio

import aiohttp
import pytest

from simulator.api_client import ApiClient
from simulator.environment import Environment
from tests.simulator.kit import Builder, client, exchange

pytestmark = pytest.mark.looptime
MAPS = "/api/v1/namespaces/cf/configmaps"


async def names(api: ApiClient) -> list[str]:
    """The names of all ConfigMaps."""
    return [item["metadata"]["name"] for item in (await api.send("GET", MAPS)).body["items"]]


async def create(api: ApiClient, name: str = "x") -> int:
    """Create a ConfigMap and give the status of the answer."""
    return (await api.send("POST", MAPS, {"metadata": {"name": name}})).status


async def test_an_answer_replaces_the_deed_as_often_as_asked(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.answer("POST", "/configmaps", 503, retry_after=2, count=2)
        assert [await create(api), await create(api), await create(api)] == [503, 503, 201]


async def test_only_the_named_method_and_path_are_hit(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.answer("PUT PATCH", "/configmaps", 500)
        env.api_faults.answer("POST", "/secrets", 500)
        assert await create(api) == 201


@pytest.mark.parametrize("hang", [False, True])
async def test_a_lost_answer_leaves_the_change_made(build: Builder, hang: bool) -> None:  # noqa: FBT001
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.lose_answer("POST", "/configmaps", hang=hang, count=1)
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await create(api)
        assert await names(api) == ["x"]


@pytest.mark.parametrize("fault", ["hang", "close"])
async def test_a_request_that_hangs_or_is_cut_changes_nothing(build: Builder, fault: str) -> None:
    async with build("cfee-2") as env, client(env) as api:
        getattr(env.api_faults, fault)("POST", "/configmaps", count=1)
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await create(api)
        assert await names(api) == []


async def test_a_delayed_answer_comes_late_and_right(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.delay("POST", "/configmaps", seconds=7)
        began = asyncio.get_running_loop().time()
        assert await create(api) == 201
        assert asyncio.get_running_loop().time() - began >= 7


async def test_garbage_is_no_json(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.garbage("GET", "/configmaps")
        with pytest.raises(ValueError, match="Expecting"):
            await api.send("GET", MAPS)


async def test_a_frozen_api_answers_nobody_until_it_thaws(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.freeze()
        with pytest.raises(TimeoutError):
            await create(api)
        env.api_faults.thaw()
        assert (await api.send("GET", MAPS)).status == 200


async def test_a_revoked_token_is_unauthorized(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        env.api_faults.token_revoked = True
        assert (await api.send("GET", MAPS)).status == 401
        env.api_faults.clear()
        assert (await api.send("GET", MAPS)).status == 200


async def test_the_environment_lives_on_while_its_api_is_faulty(build: Builder) -> None:
    async with build("cfee-2") as env:
        env.api_faults.answer("GET PATCH POST DELETE", "/", 500)
        env.api_faults.token_revoked = True
        await env.faults.failover()
        await asyncio.sleep(60)
        assert (await exchange(env, env.service_host)).startswith(b"HTTP/1.1 200")


async def test_requests_of_users_are_remembered_with_their_answer(build: Builder) -> None:
    async with build("cfee-2") as env, client(env) as api:
        await create(api)
        await api.send("DELETE", f"{MAPS}/nobody")
        assert _remembered(env) == [("POST", MAPS, 201), ("DELETE", f"{MAPS}/nobody", 404)]


def _remembered(env: Environment) -> list[tuple[str, str, int]]:
    return [(each.method, each.path, each.status) for each in env.api.requests]
