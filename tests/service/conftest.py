"""What the tests of the service package share: certificates, a served application, files that change."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from stagekeeper.service.address import ListenAddress
from stagekeeper.service.connections import Limits
from stagekeeper.service.listen import serving
from stagekeeper.service.web_config import WebConfigFile
from tests.service.kit import PemFiles, Serve
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
def pem_files(tmp_path: Path, authority: trustme.CA) -> PemFiles:
    files = PemFiles(tmp_path / "ca.crt", tmp_path / "tls.crt", tmp_path / "tls.key")
    files.write(authority, authority.issue_cert("127.0.0.1", "localhost"))
    return files
