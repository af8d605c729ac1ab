"""A BBS of the benchmark as a process: `python -m bench.bbs --certificates FOLDER [--mode MODE] ADDRESS ...`.

It listens on port 8889 of each address (a pod's, and the Service's while the pod is the active one) until SIGTERM.
"""

import argparse
import asyncio
import contextlib
import signal
from functools import partial
from pathlib import Path

from simulator.bbs import BBS_PORT, ServerFiles, server_context
from simulator.listener import Handler, Listener, accept_and_wait
from simulator.tls import TlsStream
from simulator.wire import bbs_answer, serve_http

MODES = ("serving", "unavailable", "expired", "frozen")


async def serve(certificates: Path, mode: str, addresses: list[str]) -> None:
    """Listen until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with contextlib.AsyncExitStack() as stack:
        for address in addresses:
            listener = await Listener.open(address, BBS_PORT, _handler(certificates, mode))
            stack.push_async_callback(listener.close)
        await ended.wait()


def _handler(certificates: Path, mode: str) -> Handler:
    if mode == "frozen":
        return accept_and_wait
    context = server_context(ServerFiles.in_folder(certificates), expired=mode == "expired")
    answer = partial(bbs_answer, available=mode != "unavailable")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = TlsStream(reader, writer, context)
        await stream.handshake()
        await serve_http(stream, answer)

    return handle


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.bbs")
    parser.add_argument("--certificates", required=True, type=Path)
    parser.add_argument("--mode", choices=MODES, default="serving")
    parser.add_argument("addresses", nargs="+")
    given = parser.parse_args()
    asyncio.run(serve(given.certificates, given.mode, given.addresses))


if __name__ == "__main__":
    main()
