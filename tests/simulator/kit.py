"""What the simulator's tests look at an environment with: from outside, as a probe or a client would."""

import asyncio
import contextlib
import gc
import ssl
import warnings
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.api_client import ApiAccess, ApiClient, Reply, pods_path
from simulator.environment import Environment, Options, simulated_environment
from simulator.layouts import LAYOUTS
from simulator.listener import accepts
from tests.testbed.patience import HANG_GUARD

PING = b"POST /v1/ping HTTP/1.1\r\nHost: bbs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds environments by their profile's name."""

    folder: Path
    options: Options

    def __call__(self, profile: str) -> AbstractAsyncContextManager[Environment]:
        """An environment of this profile."""
        return simulated_environment(LAYOUTS[profile], self.folder, self.options)


@contextlib.asynccontextmanager
async def client(env: Environment) -> AsyncIterator[ApiClient]:
    """A client with the user's token: the faults of the API befall it."""
    async with ApiClient(ApiAccess(env.api_url, env.token, env.ca_file), timeout=HANG_GUARD) as api:
        yield api


def client_context(env: Environment, *, certificate: bool = True) -> ssl.SSLContext:
    """TLS as a probe with the environment's client certificate speaks it."""
    context = ssl.create_default_context(cafile=env.certificates.server.ca)
    if certificate:
        context.load_cert_chain(env.certificates.client_certificate, env.certificates.client_key)
    return context


async def exchange(env: Environment, host: str, request: bytes = PING, *, certificate: bool = True) -> bytes:
    """Send bytes over mutual TLS and read the answer to its end. TimeoutError after 3 s, ssl.SSLError, OSError."""
    async with asyncio.timeout(3):
        context, name = client_context(env, certificate=certificate), env.layout.tls_server_name
        reader, writer = await asyncio.open_connection(host, env.bbs_port, ssl=context, server_hostname=name)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)


async def listening(env: Environment) -> list[str]:
    """The names of the BBS pods that accept connections."""
    return [name(pod) for pod in env.pods() if "podIP" in pod["status"] and await accepts(pod["status"]["podIP"], 8889)]


async def delete(env: Environment, pod: dict[str, Any]) -> Reply:
    """Delete a pod under both preconditions, as the remediator does."""
    metadata = pod["metadata"]
    preconditions = {field: metadata[field] for field in ("uid", "resourceVersion")}
    async with client(env) as api:
        return await api.send("DELETE", pods_path(env.namespace, metadata["name"]), {"preconditions": preconditions})


def complaints(run: Coroutine[None, None, None]) -> list[str]:
    """What Python warns of while this runs, and once everything of it is collected."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(run)
        gc.collect()
    return [str(each.message) for each in told]


def name(pod: dict[str, Any]) -> str:
    """A pod's name."""
    return str(pod["metadata"]["name"])


def ready(pod: dict[str, Any]) -> str | None:
    """The status of a pod's condition Ready."""
    conditions = pod["status"].get("conditions", [])
    return next((each["status"] for each in conditions if each["type"] == "Ready"), None)


def active_labels(env: Environment) -> list[str | None]:
    """The active label of each BBS pod."""
    label = env.layout.active_label
    return [pod["metadata"]["labels"].get(label.key) if label else None for pod in env.pods()]
