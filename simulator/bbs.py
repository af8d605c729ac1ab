"""One BBS process (after bbs:cmd/bbs/main.go): ping the database, take the lock, only then listen, hold the lock.

`python -m simulator.bbs` runs one as a process of its own; see `main`.
"""

import argparse
import asyncio
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from simulator.backend import Backend, LockAnswer, Mode
from simulator.database import DatabaseRefusedError
from simulator.diego import Timings
from simulator.listener import Handler, Listener, accept_and_wait
from simulator.locket import LocketGoneError
from simulator.remote import RemoteBackend
from simulator.tls import TlsStream
from simulator.wire import PlainStream, bbs_answer, health_answer, serve_http

BBS_PORT = 8889
HEALTH_PORT = 8890
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """What a BBS shows and trusts: its certificate, an expired one, and the clients' CA."""

    ca: Path
    certificate: Path
    key: Path
    expired_certificate: Path
    expired_key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Name the files as `certificates.py` writes them."""
        return cls(*(folder / name for name in ("ca.pem", "server.pem", "server.key", "expired.pem", "expired.key")))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a BBS is: the name it takes the lock under (its pod's), the address it listens on, its certificates."""

    owner: str
    host: str
    files: ServerFiles


class Bbs:
    """One BBS process. `run` is its life, `terminate` is SIGTERM, cancelling `run` is SIGKILL."""

    def __init__(
        self,
        identity: Identity,
        backend: Backend,
        timings: Timings,
        log: Callable[[str], None],
    ) -> None:
        self._owner = identity.owner
        self._host = identity.host
        self._files = identity.files
        self._backend = backend
        self._timings = timings
        self._log = log
        self._terminated = asyncio.Event()
        self._hung = False
        self._mode = Mode.SERVING
        self._health: Listener | None = None
        self._main: Listener | None = None

    def terminate(self) -> None:
        """Ask it to end. A hung one takes its time over that."""
        self._terminated.set()

    async def run(self) -> int:
        """Live until the lock is lost, the database refuses or `terminate`; gives the exit code."""
        work = asyncio.create_task(self._work())
        asked_to_end = asyncio.create_task(self._terminated.wait())
        try:
            await asyncio.wait((work, asked_to_end), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._end(work)
                return 0
            return work.result()
        finally:
            await _cancel(work, asked_to_end)
            await self._close()

    async def _end(self, work: asyncio.Task[int]) -> None:
        if self._hung:
            self._log("signal-received, and still waiting")
            await asyncio.sleep(self._timings.hang_exit)
            return
        active = self._main is not None
        await _cancel(work)
        await self._close()
        await asyncio.sleep(self._timings.clean_exit)
        if active:
            await self._release()
        self._log("bbs.exited")

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(self._timings.lock_ttl):
                await self._backend.release(self._owner)
        except (LocketGoneError, TimeoutError):
            self._log("locket-lock.failed-to-release-lock")

    async def _work(self) -> int:
        self._log("bbs.starting")
        try:
            await self._may_hang(self._backend.ping_database())
        except DatabaseRefusedError:
            self._log("bbs.sql-failed-to-connect")
            return 1
        self._health = await Listener.open(self._host, HEALTH_PORT, _serve_health)
        answer = await self._take_lock()
        self._log("locket-lock.acquired-lock")
        self._log("migration-manager.starting")
        await self._behave(answer.mode)
        if self._available:
            self._log("bbs.started")
        await self._hold_lock()
        self._log("locket-lock.lost-lock")
        return 1

    async def _take_lock(self) -> LockAnswer:
        """Try until the lock is ours. No attempt has a timeout: that is the fault (locket:lock/lock.go)."""
        self._log("locket-lock.started")
        collided = False
        while True:
            try:
                answer = await self._may_hang(self._backend.lock(self._owner))
            except LocketGoneError:
                self._log("locket-lock.failed-to-acquire-lock")
            else:
                if answer.granted:
                    return answer
                if not collided:
                    self._log("locket-lock.lock-collision")
                collided = True
            await asyncio.sleep(self._timings.lock_retry)

    async def _hold_lock(self) -> None:
        """Renew the lock; returns when it is somebody else's, or was not renewed for its whole time to live."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(self._timings.lock_retry)
            try:
                async with asyncio.timeout_at(renewed + self._timings.lock_ttl):
                    answer = await self._backend.lock(self._owner)
            except TimeoutError:
                return
            except LocketGoneError:
                if loop.time() - renewed >= self._timings.lock_ttl:
                    return
                continue
            if not answer.granted:
                return
            renewed = loop.time()
            await self._behave(answer.mode)

    async def _may_hang(self, call: Awaitable[T]) -> T:
        self._hung = True
        try:
            return await call
        finally:
            self._hung = False

    async def _behave(self, mode: Mode) -> None:
        """Listen in this mode; the listener is only opened anew where it must be another one."""
        self._hung = mode in {Mode.FROZEN, Mode.UNAVAILABLE}
        if self._main is None or _listens_as(mode) is not _listens_as(self._mode):
            if self._main is not None:
                await self._main.close()
            self._main = await Listener.open(self._host, BBS_PORT, self._handler(mode))
        if mode is not self._mode:
            self._log(f"bbs.now-{mode}")
        self._mode = mode

    def _handler(self, mode: Mode) -> Handler:
        if mode is Mode.FROZEN:
            return accept_and_wait
        return partial(self._serve, server_context(self._files, expired=mode is Mode.EXPIRED))

    async def _serve(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = TlsStream(reader, writer, context)
        try:
            await stream.handshake()
        except (ssl.SSLError, OSError) as error:
            self._log(f"http: TLS handshake error: {error}")
            return
        await serve_http(stream, lambda method, path: bbs_answer(method, path, available=self._available))

    @property
    def _available(self) -> bool:
        return self._mode is not Mode.UNAVAILABLE

    async def _close(self) -> None:
        for listener in (self._main, self._health):
            if listener is not None:
                await listener.close()
        self._main = self._health = None


def server_context(files: ServerFiles, *, expired: bool = False) -> ssl.SSLContext:
    """Make the TLS context of a BBS: TLS 1.2 at least, a client certificate of the CA required, no ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files.ca)
    if expired:
        context.load_cert_chain(files.expired_certificate, files.expired_key)
    else:
        context.load_cert_chain(files.certificate, files.key)
    return context


def _listens_as(mode: Mode) -> Mode:
    """Give the mode whose listener serves this one too."""
    return Mode.SERVING if mode is Mode.UNAVAILABLE else mode


async def _serve_health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await serve_http(PlainStream(reader, writer), health_answer)


async def _cancel(*tasks: asyncio.Task[int] | asyncio.Task[bool]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run_process(arguments: argparse.Namespace) -> int:
    """Run one BBS as this process, over a backend that another process serves."""
    backend = await RemoteBackend.open(arguments.backend, arguments.owner)
    timings = Timings(arguments.lock_ttl, arguments.lock_retry, arguments.hang_exit)
    identity = Identity(arguments.owner, arguments.host, ServerFiles.in_folder(arguments.certificates))
    bbs = Bbs(identity, backend, timings, _print)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, bbs.terminate)
    try:
        return await bbs.run()
    finally:
        await backend.close()


def main() -> int:
    """Read the command line and live. Exit codes: 0 after SIGTERM, 1 when the lock or the database was lost."""
    parser = argparse.ArgumentParser(prog="python -m simulator.bbs", description="One simulated BBS.")
    parser.add_argument("--owner", required=True, help="name of the pod, under which the lock is taken")
    parser.add_argument("--host", required=True, help="IP address to listen on")
    parser.add_argument("--certificates", required=True, type=Path, help="folder with the server's certificates")
    parser.add_argument("--backend", required=True, help="HOST:PORT of the database and Locket")
    parser.add_argument("--lock-ttl", type=float, default=15.0, help="seconds that the lock lives unrenewed")
    parser.add_argument("--lock-retry", type=float, default=1.0, help="seconds between two attempts on the lock")
    parser.add_argument("--hang-exit", type=float, default=60.0, help="seconds that it takes to end when it hangs")
    return asyncio.run(run_process(parser.parse_args()))


def _print(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
