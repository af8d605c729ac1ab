"""What a web page may not have a browser do."""

import aiohttp
import pytest

from stagekeeper.service.auth import BearerToken, bearer_auth
from stagekeeper.service.origin import is_ours
from tests.service.kit import Serve, hello

TOKEN = "the-token-of-the-tests"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9889",
        "10.0.0.7",
        "[::1]:9889",
        "localhost:9889",
        "exporter.localhost",
        "stagekeeper-exporter:9889",
        "stagekeeper-exporter.stagekeeper.svc:9889",
        "stagekeeper-exporter.stagekeeper.svc.cluster.local",
        "stagekeeper-exporter.stagekeeper.svc.cluster.local.:9889",
    ],
)
def test_addresses_and_names_of_our_own_network_are_ours(host: str) -> None:
    assert is_ours(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":9889",
        "evil.example",
        "evil.example:9889",
        "127.0.0.1.evil.example",
        "a.svc.evil.example",
        "localhost.evil.example",
        "svc.cluster.local.evil.example",
        "evil.example\n.svc",
        "x@evil.example",
        "evil\u3002example",
        "evil\uff0esvc",
        "http://evil.example/-/reload",
    ],
)
def test_names_that_anybody_can_register_are_not(host: str) -> None:
    assert not is_ours(host)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost:9889", "Origin": "http://localhost:9889"}, 200),
        ({"Host": "localhost:9889", "Origin": "http://localhost:3000"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "//"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
    ],
)
async def test_a_change_is_refused_where_a_web_page_may_ask_for_it(
    serve: Serve, client: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    url = await serve(hello())
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        async with client.request(method, f"{url}/-/reload", headers=headers) as response:
            assert (method, response.status) == (method, status)
    async with client.get(url, headers=headers) as response:
        assert response.status == 200


async def test_the_name_that_is_refused_is_said_as_it_can_be_shown(serve: Serve, client: aiohttp.ClientSession) -> None:
    async with client.post(await serve(hello()), headers={"Host": "evil\x9b.example"}) as response:
        assert (await response.text()).startswith(r"This program does not know itself as evil\x9b.example. Ask it by ")


async def test_whoever_has_proved_who_he_is_may_call_us_what_he_likes(
    serve: Serve, client: aiohttp.ClientSession, tmp_path_token: BearerToken
) -> None:
    url = await serve(hello([bearer_auth(tmp_path_token, ["/webhook"], guess_delay=0)]))
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "alerts.example.com"}
    for path, status in {"/webhook": 200, "/-/reload": 403}.items():
        async with client.post(url + path, headers=headers) as response:
            assert (path, response.status) == (path, status)
    async with client.post(f"{url}/webhook", headers={**headers, "Origin": "http://evil.example"}) as response:
        assert response.status == 403


@pytest.fixture
def tmp_path_token(tmp_path_factory: pytest.TempPathFactory) -> BearerToken:
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(TOKEN)
    return BearerToken(path)
