"""`python -m simulator.pods.listen [HOST PORT]`: a Cloud Controller of which only the accept counts, or a sidecar."""

import asyncio
import signal
import sys

from simulator.programs import ListeningProgram

_WITH_PORT = 3


async def run(arguments: list[str]) -> int:
    """Listen until SIGTERM."""
    host, port = (arguments[1], int(arguments[2])) if len(arguments) == _WITH_PORT else ("", None)
    program = ListeningProgram(host, port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, program.terminate)
    return await program.run()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv)))
