"""What the tests of the service package share: certificates, a served application, files that change."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.typedefs import Middleware

from stagekeeper.service.address import ListenAddress
from stagekeeper.service.connections import Limits
from stagekeeper.service.listen import serving
from stagekeeper.service.web_config import WebConfigFile
from tests.service.kit import Eventually, Hello, PemFiles, Replace, Serve, Trusting, replace
from tests.testbed.patience import HANG_GUARD


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG_GUARD)) as session:
        yield session


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(
            app: web.Application,
            *,
            web_config: WebConfigFile | None = None,
            limits: Limits = Limits(),  # noqa: B008 - frozen
            grace: float = 1.0,
        ) -> str:
            address = ListenAddress("127.0.0.1", 0)
            resource = serving(app, [address], web_config=web_config, limits=limits, grace=grace)
            listening = await stack.enter_async_context(resource)
            return listening.urls[0]

        yield start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def replace_file() -> Replace:
    return replace


@pytest.fixture
def pem_files(tmp_path: Path, authority: trustme.CA) -> PemFiles:
    files = PemFiles(tmp_path / "ca.crt", tmp_path / "tls.crt", tmp_path / "tls.key")
    files.write(authority, authority.issue_cert("127.0.0.1", "localhost"))
    return files


@pytest.fixture
def trusting() -> Trusting:
    """Make a client's context that trusts a CA and, if given, shows a certificate."""

    def make(authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        return context

    return make


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds; fail after the hang guard."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(HANG_GUARD):
            while not condition():  # noqa: ASYNC110 - any condition, of any object
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def hello() -> Hello:
    """Make an application that answers every path with the word hello."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    def make(middlewares: Sequence[Middleware] = ()) -> web.Application:
        app = web.Application(middlewares=middlewares)
        app.router.add_route("*", "/{path:.*}", answer)
        return app

    return make
