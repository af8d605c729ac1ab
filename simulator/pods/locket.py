"""`python -m simulator.pods.locket`: one Locket process, of whose port only the accept is simulated."""

import argparse
import asyncio
import signal

from simulator.listener import Listener, accept_and_wait
from simulator.locket import LOCKET_PORT, LocketGoneError
from simulator.remote import RemoteBackend


async def run(arguments: argparse.Namespace) -> None:
    """Live until SIGTERM; a hung one takes its time over that."""
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    backend = await RemoteBackend.open(arguments.backend, arguments.owner, process="locket")
    listener = await Listener.open(arguments.host, LOCKET_PORT, accept_and_wait)
    try:
        await asked_to_end.wait()
        if await _is_hung(backend):
            await asyncio.sleep(arguments.hang_exit)
    finally:
        await listener.close()
        await backend.close()


async def _is_hung(backend: RemoteBackend) -> bool:
    try:
        return await backend.is_hung()
    except (LocketGoneError, OSError):
        return False


def main() -> None:
    """Read the command line and live."""
    parser = argparse.ArgumentParser(prog="python -m simulator.pods.locket", description="One simulated Locket.")
    parser.add_argument("--owner", required=True, help="name of the pod")
    parser.add_argument("--host", required=True, help="IP address to listen on")
    parser.add_argument("--backend", required=True, help="HOST:PORT of the simulated database")
    parser.add_argument("--hang-exit", type=float, default=60.0, help="seconds that it takes to end when it hangs")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
