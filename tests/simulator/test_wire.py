"""The BBS on the wire answers as the real one does (domain.md 3)."""

import asyncio
import ssl

import pytest

from simulator.listener import accepts
from tests.simulator.kit import Builder, client_context, exchange

pytestmark = pytest.mark.looptime
CLOSE = b"Host: bbs\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"POST /v1/ping HTTP/1.1", b"200", b"\x08\x01"),
        (b"POST /v1/domains/list HTTP/1.1", b"200", b"\x12\x07cf-apps"),
        (b"GET /v1/ping HTTP/1.1", b"405", None),
        (b"POST /v1/nothing HTTP/1.1", b"404", None),
    ],
)
async def test_routes_answer(build: Builder, request_line: bytes, status: bytes, body: bytes | None) -> None:
    async with build("cfee-2") as env:
        answer = await exchange(env, env.service_host, request_line + b"\r\n" + CLOSE)
        head, _, content = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        if body is not None:
            assert b"Content-Type: application/x-protobuf" in head
            assert content == body


async def test_several_requests_go_over_one_connection(build: Builder) -> None:
    async with build("cfee-2") as env:
        ping = b"POST /v1/ping HTTP/1.1\r\nHost: bbs\r\nContent-Length: 0\r\n\r\n"
        last = b"POST /v1/ping HTTP/1.1\r\n" + CLOSE
        answer = await exchange(env, env.service_host, ping * 2 + last)
        assert answer.count(b"HTTP/1.1 200") == 3


async def test_without_a_client_certificate_the_alert_says_so(build: Builder) -> None:
    async with build("cfee-2") as env:
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            await exchange(env, env.service_host, certificate=False)


async def test_a_server_certificate_is_not_enough_for_another_authority(build: Builder) -> None:
    async with build("cfee-2") as env:
        context = ssl.create_default_context(cafile=env.certificates.server.ca)
        context.load_cert_chain(env.certificates.api_server)
        reader, writer = await asyncio.open_connection(
            env.service_host, env.bbs_port, ssl=context, server_hostname=env.layout.tls_server_name
        )
        with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
            await reader.read()
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_tls_1_2_is_spoken_and_no_alpn(build: Builder) -> None:
    async with build("cfee-2") as env:
        context = client_context(env)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        _, writer = await asyncio.open_connection(
            env.service_host, env.bbs_port, ssl=context, server_hostname=env.layout.tls_server_name
        )
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_a_passive_pod_refuses_its_main_port_and_answers_health(build: Builder) -> None:
    async with build("cfee-2") as env:
        passive = env.pods()[1]["status"]["podIP"]
        assert [await accepts(passive, port) for port in (8889, 8890, 8891)] == [False, True, True]
