"""One question to one BBS: `POST /v1/ping` over mutual TLS, or a bare TCP connect as `nc -z` makes it.

Under TLS 1.3 the server's refusal of our certificate arrives with the first read, after the handshake seemed to
succeed (measured with the real one).
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from stagekeeper.diego import second_handshake
from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.ping import PING, NotABbs, exchange, meaning
from stagekeeper.diego.profiles import Environment
from stagekeeper.diego.wire import Address, connect, is_ours, peer, reason, resolve
from stagekeeper.service.tls import ClientContext, TlsFilesError

__all__ = ["PING", "Prober"]

_SILENT_IN = {"dns": Reply.DNS, "connect": Reply.TIMEOUT, "tls": Reply.NO_REPLY, "request": Reply.NO_REPLY}

_NOTHING_MORE = "UNEXPECTED_EOF_WHILE_READING"
"""OpenSSL's name for a connection that ends without an alert."""
_ABOUT_OUR_CERTIFICATE = (
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
)
"""The alerts that speak of the certificate which the one who receives them has shown (RFC 8446, section 6.2)."""

T = TypeVar("T")


class _Met(Exception):
    """The probe has its result before its last phase."""

    def __init__(self, reply: Reply, detail: str) -> None:
        super().__init__(detail)
        self.reply, self.detail = reply, detail


@dataclass(slots=True)
class _Course:
    """How far a probe has come: the phase it is in, and how long each phase took."""

    phase: str = "dns"
    phases: dict[str, float] = field(default_factory=dict)
    address: str = ""
    certificate_ends: datetime | None = None
    verdict: tuple[Reply, str] | None = None
    """What is certain already, while something more is asked for."""

    async def through(self, phase: str, work: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        self.phase, began = phase, loop.time()
        try:
            return await work()
        finally:
            self.phases[phase] = loop.time() - began

    def result(self, reply: Reply, detail: str = "") -> Probe:
        return Probe(reply, detail, self.address, self.phases, self.certificate_ends)

    def timed_out(self, timeout: float) -> Probe:
        if self.verdict is not None:
            return self.result(*self.verdict)
        return self.result(_SILENT_IN[self.phase], f"no answer within {timeout:.3g} s ({self.phase})")


class Prober:
    """Asks the BBS ports of one environment. It keeps nothing but the TLS context, which follows its files."""

    def __init__(self, environment: Environment) -> None:
        self._port = environment.port
        self._server_name = environment.tls_server_name
        files = environment.tls
        self._context = ClientContext(files.ca_file, files.cert_file, files.key_file) if files else None

    async def ask(self, host: str, timeout: float, path: str = PING) -> Probe | Unknown:
        """What answers at `host`, within `timeout` seconds. Never raises; `Unknown` means that the fault is ours."""
        try:
            context = self._context.current() if self._context else None
        except TlsFilesError as problem:
            return Unknown(str(problem))
        return await _within(timeout, lambda course: self._ask(course, host, context, path))

    async def connect(self, host: str, port: int, timeout: float) -> Probe | Unknown:
        """What a bare TCP connect to `host` and `port` meets, within `timeout` seconds; an accept is `ok`."""
        return await _within(timeout, lambda course: _accept(course, host, port))

    async def _ask(self, course: _Course, host: str, context: ssl.SSLContext | None, path: str) -> Probe:
        if context is None:
            return await _accept(course, host, self._port)
        addresses, connection = await _connected(course, host, self._port)
        reader, writer = await self._handshake(course, addresses, connection, context)
        try:
            course.certificate_ends = _not_after(writer)
            status, body = await course.through("request", lambda: exchange(reader, writer, path))
            return replace(course.result(*meaning(path, status, body)), body=b"" if path == PING else body)
        except NotABbs as problem:
            return course.result(Reply.BAD_REPLY, str(problem))
        except ConnectionError as problem:
            course.verdict = _met_in("request", problem)
        finally:
            writer.transport.abort()  # a polite close could wait for a silent peer
        alert = await second_handshake.alert(addresses, context, self._server_name)
        return course.result(*(_tls(alert) if alert else course.verdict))

    async def _handshake(
        self, course: _Course, addresses: list[Address], connection: socket.socket, context: ssl.SSLContext
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """TLS over `connection`, which belongs to the transport from here on, also when this fails."""
        try:
            return await course.through(
                "tls", lambda: asyncio.open_connection(sock=connection, ssl=context, server_hostname=self._server_name)
            )
        except ssl.SSLCertVerificationError as problem:
            course.verdict = Reply.TLS, problem.verify_message.rstrip(".")
            course.certificate_ends = await second_handshake.certificate_ends(addresses, self._server_name)
            raise _Met(*course.verdict) from problem


async def _within(timeout: float, work: Callable[[_Course], Awaitable[Probe]]) -> Probe | Unknown:
    """The result of a probe that may take `timeout` seconds, however it ends."""
    course = _Course()
    try:
        async with asyncio.timeout(timeout):
            return await work(course)
    except _Met as met:
        return course.result(met.reply, met.detail)
    except TimeoutError:
        return course.timed_out(timeout)
    except OSError as problem:
        if is_ours(problem):
            return Unknown(f"We can't open a connection: {reason(problem)}.")
        return course.result(*_met_in(course.phase, problem))


async def _connected(course: _Course, host: str, port: int) -> tuple[list[Address], socket.socket]:
    addresses = await course.through("dns", lambda: resolve(host, port))
    course.address = str(addresses[0][4][0])
    connection = await course.through("connect", lambda: connect(addresses))
    course.address = peer(connection, course.address)
    return addresses, connection


async def _accept(course: _Course, host: str, port: int) -> Probe:
    _, connection = await _connected(course, host, port)
    connection.close()
    return replace(course.result(Reply.OK, "accepts TCP"), by_tcp=True)


def _met_in(phase: str, problem: OSError) -> tuple[Reply, str]:
    """What an `OSError` in a phase means for the BBS."""
    text = reason(problem)
    if phase == "dns":
        return Reply.DNS, text
    if phase == "connect":
        # Several addresses that fail in different ways are one error without a number.
        refused = isinstance(problem, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(problem)
        return (Reply.REFUSED, "connection refused") if refused else (Reply.TIMEOUT, text)
    if isinstance(problem, ssl.SSLError) and problem.reason != _NOTHING_MORE:
        return _tls(problem.reason or text)
    if phase == "tls":
        return Reply.CLOSED, f"connection closed in the handshake ({text})"
    return Reply.BAD_REPLY, f"connection closed before an answer ({text})"


def _tls(said: str) -> tuple[Reply, str]:
    """A handshake's failure, by OpenSSL's name for it: an alert holds ALERT and comes from the other side."""
    about_us = "_ALERT_" in said and said.endswith(_ABOUT_OUR_CERTIFICATE)
    return (Reply.CERTIFICATE_REFUSED if about_us else Reply.TLS), said


def _not_after(writer: asyncio.StreamWriter) -> datetime | None:
    certificate = writer.get_extra_info("peercert") or {}
    ends = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None
