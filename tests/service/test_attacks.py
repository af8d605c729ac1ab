"""Both programs as processes, attacked by somebody who has no token: nobody gets in, nobody holds them up.

What an attack costs is measured in the processor time of the program, which other work on this machine does not change.
"""

import asyncio
import base64
import itertools
import re
import resource
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import trustme
import yaml

from tests.exporter.programs import down
from tests.service.kit import bomb
from tests.testbed.patience import HANG_GUARD, until
from tests.testbed.process import Process, free_port

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-of-the-tests"
PASSWORD = "correct horse"
PATHS = ("/", "/metrics", "/-/healthy", "/-/reload", "/api/v1/alerts", "/none")


@dataclass(frozen=True, slots=True)
class Attacked:
    """A program that is attacked."""

    port: int
    process: Process

    async def send(self, request: bytes, own: str = "127.0.0.1") -> tuple[int, str]:
        """Status and whole answer of one request on a connection of its own; 0 if there was none."""
        async with asyncio.timeout(HANG_GUARD):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(own, 0))
            try:
                with suppress(ConnectionError):
                    writer.write(request)
                    await writer.drain()
                answer = (await reader.read()).decode(errors="replace")
            except ConnectionError:
                answer = ""
            finally:
                writer.close()
        return (int(answer.split()[1]) if answer else 0), answer

    async def get(self, path: str, *headers: str) -> int:
        """The status of an ordinary question."""
        return (await self.send(head("GET", path, *headers)))[0]

    @property
    def processor_seconds(self) -> float:
        """What it has computed until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100  # in ticks of a hundredth, as proc(5) says

    @property
    def largest_memory(self) -> int:
        """Bytes, at their most until now."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0

    def log(self) -> str:
        """All that it has logged."""
        return self.process.log.read_text()


def head(method: str, path: str, *headers: str) -> bytes:
    """A request's head, of a caller that hangs up after the answer."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def basic(password: str) -> str:
    """The header of basic authentication."""
    return f"Authorization: Basic {base64.b64encode(f'prometheus:{password}'.encode()).decode()}"


@contextmanager
def running(name: str, folder: Path, *flags: str, wrapper: Sequence[str] = ()) -> Iterator[Attacked]:
    """A program, once it answers that it is healthy."""
    (folder / "token").write_text(TOKEN)
    configuration = {
        "environments": [{"name": "cf", "profile": "cfee-2", "service": {"host": "127.0.0.1"}}],
        "remediator": {"mode": "observe", "webhook": {"token_file": str(folder / "token")}},
    }
    (folder / "stagekeeper.yaml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    own = [f"--config.file={folder / 'stagekeeper.yaml'}", f"--kubeconfig={down(folder)}"]
    own += ["--web.enable-lifecycle"] if name == "exporter" else []
    argv = [*wrapper, sys.executable, "-m", name, f"--web.listen-address=127.0.0.1:{port}", *own, *flags]
    with Process(name, argv, folder / f"{name}.log") as process:
        process.wait_until(lambda: "Listening." in process.log.read_text(), "listens", HANG_GUARD)
        yield Attacked(port, process)


@pytest.fixture(scope="module", params=("exporter", "remediator"))
def attacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """One program for all attacks: it must come through all of them."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


async def test_nothing_is_unpacked_before_the_token(attacked: Attacked) -> None:
    """It took half a second and more of each program's only thread for each path, and health was not answered."""
    body = bomb(1000)
    memory, processor = attacked.largest_memory, attacked.processor_seconds
    for path in PATHS:
        status, _ = await attacked.send(
            head("POST", path, "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body
        )
        assert 400 <= status < 500 or (path, status) == ("/-/reload", 200) or status == 500
        assert await attacked.get("/-/healthy") == 200
    assert attacked.processor_seconds - processor < 1
    assert attacked.largest_memory - memory < 32 * 2**20


async def test_even_with_the_token_a_bomb_is_unpacked_no_further_than_a_body_may_be(attacked: Attacked) -> None:
    body = bomb(900)
    memory, processor = attacked.largest_memory, attacked.processor_seconds
    headers = ("Content-Encoding: gzip", f"Authorization: Bearer {TOKEN}", f"Content-Length: {len(body)}")
    for _ in range(5):
        status, _ = await attacked.send(head("POST", "/api/v1/alerts", *headers) + body)
        assert status == (413 if attacked.process.name == "remediator" else 404)
    assert attacked.processor_seconds - processor < 1
    assert attacked.largest_memory - memory < 32 * 2**20


async def test_garbage_in_an_encoding_is_one_line_and_no_traceback(attacked: Attacked) -> None:
    body = b"this was never packed"
    for encoding in ("gzip", "deflate", "br", "zstd", "\xff"):
        headers = (f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}", f"Authorization: Bearer {TOKEN}")
        for path in PATHS:
            status, answer = await attacked.send(head("POST", path, *headers) + body)
            assert status
            if (attacked.process.name, path) == ("remediator", "/api/v1/alerts"):
                assert status == 400
                assert len(answer.partition("\r\n\r\n")[2].splitlines()) == 1
    assert "Traceback" not in attacked.log()


async def test_idle_connections_shut_nobody_out(attacked: Attacked) -> None:
    """They did, for the keep-alive time of 75 s: the limit was one of all connections, and nobody gave way."""
    idle = []
    try:
        for _ in range(600):
            reader, writer = await asyncio.open_connection("127.0.0.1", attacked.port)
            idle.append(writer)
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"Healthy."), HANG_GUARD)
        for path in ("/-/healthy", "/-/ready", "/metrics", "/"):
            assert await attacked.get(path) in {200, 503 if path == "/-/ready" else 200}
    finally:
        for writer in idle:
            writer.close()


async def test_connections_that_say_nothing_shut_nobody_out(attacked: Attacked) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", attacked.port) for _ in range(600)]
    try:
        for path in ("/-/healthy", "/metrics"):
            assert await attacked.get(path) == 200
    finally:
        for _, writer in silent:
            writer.close()


async def test_who_asks_for_much_and_reads_nothing_holds_nobody_up(attacked: Attacked) -> None:
    """All that was asked for was worked off before anybody else was accepted: 80 s and more."""
    idle, askers = attacked.processor_seconds, []
    try:
        for _ in range(220):
            _, writer = await asyncio.open_connection("127.0.0.1", attacked.port)
            askers.append(writer)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        for path in ("/-/healthy", "/metrics"):
            processor = attacked.processor_seconds
            status, _ = await attacked.send(head("GET", path), own="127.0.0.9")
            assert status == 200
            assert attacked.processor_seconds - processor < 1
    finally:
        for writer in askers:
            writer.transport.abort()
    assert attacked.processor_seconds > idle


async def test_under_200_wrong_logins_at_once_the_right_one_waits_at_most_a_second(tmp_path: Path) -> None:
    """It waited for all of them, 59 ms of a core for each; and without end where each was followed by the next."""
    users = {"prometheus": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()}
    (tmp_path / "web.yaml").write_text(yaml.safe_dump({"basic_auth_users": users}))
    with running("exporter", tmp_path, f"--web.config.file={tmp_path / 'web.yaml'}") as attacked:
        numbers, idle = itertools.count(), attacked.processor_seconds

        async def guess_without_end() -> None:
            while True:
                await attacked.get("/", basic(f"guess {next(numbers)}"))

        guessers = [asyncio.create_task(guess_without_end()) for _ in range(200)]
        await until(lambda: attacked.processor_seconds - idle > 1)
        for _ in range(3):
            processor = attacked.processor_seconds
            assert await attacked.get("/", basic(PASSWORD)) == 200
            assert attacked.processor_seconds - processor < 1
        for each in guessers:
            each.cancel()
        await asyncio.wait(guessers)


async def test_without_a_free_descriptor_the_disk_is_not_filled_and_health_is_answered(tmp_path: Path) -> None:
    """The library logs a hundred tracebacks a second where it can't accept: 1.7 MB/s of them."""
    with running("exporter", tmp_path, wrapper=["prlimit", "--nofile=64:64"]) as attacked:
        lines = len(attacked.log().splitlines())
        assert resource.prlimit(attacked.process.pid, resource.RLIMIT_NOFILE) == (64, 64)
        callers = [await asyncio.open_connection("127.0.0.1", attacked.port) for _ in range(200)]
        for _, writer in callers:
            writer.write(b"GET /metrics HTTP/1.1\r\n")
        for _ in range(10):
            assert await attacked.get("/-/healthy") == 200
        assert len(attacked.log().splitlines()) - lines <= 3
        for _, writer in callers:
            writer.close()


async def test_handshakes_that_are_never_ended_fill_no_memory(tmp_path: Path) -> None:
    """They took 256 KiB each, which stayed for long after they had ended: 600 MiB after these."""
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files = {"cert_file": "both.pem", "key_file": "both.pem"}
    (tmp_path / "web.yaml").write_text(yaml.safe_dump({"tls_server_config": files}))
    with running("exporter", tmp_path, f"--web.config.file={tmp_path / 'web.yaml'}") as attacked:
        memory = attacked.largest_memory
        for said in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            half_open = [await asyncio.open_connection("127.0.0.1", attacked.port) for _ in range(500)]
            for _, writer in half_open:
                writer.write(said)
            async with asyncio.timeout(HANG_GUARD):
                reader, writer = await asyncio.open_connection("localhost", attacked.port, ssl=context)
                writer.write(head("GET", "/-/healthy"))
                assert b" 200 OK" in await reader.readline()
            for _, each in (*half_open, (reader, writer)):
                each.transport.abort()
        assert attacked.largest_memory - memory < 96 * 2**20


async def test_a_host_name_that_is_not_ours_reloads_nothing(attacked: Attacked) -> None:
    request = b"POST /-/reload HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    status, answer = await attacked.send(request)
    assert (status, "evil.example" in answer) == (403, True)


async def test_a_url_in_place_of_a_path_reloads_nothing_whatever_the_host(attacked: Attacked) -> None:
    """What it names counts more than `Host` (RFC 9112, 3.2.2), which was all that was looked at."""
    for url in ("http://evil.example/-/reload", "http://evil\u3002example/-/reload"):
        request = f"POST {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        assert (await attacked.send(request))[0] in {400, 403}


async def test_http_0_9_is_refused(attacked: Attacked) -> None:
    assert (await attacked.send(b"GET /-/healthy HTTP/0.9\r\n\r\n"))[0] == 505
