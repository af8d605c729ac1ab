"""`python -m simulator.pods.database`: the database, with the lock, that all processes of one Diego stand on.

It serves Diego's processes on PORT, and on CONTROL_PORT whoever plays a fault: a line `{"do": NAME}` is answered by
one with what is there now, `{"owner", "lockets", "processes"}`, or by `{"error"}`.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from simulator.backend import Mode
from simulator.diego import Diego, Timings
from simulator.remote import BackendServer

PORT = 5524
CONTROL_PORT = 5525


class Control:
    """What can be done to a Diego."""

    def __init__(self, diego: Diego) -> None:
        self._diego = diego
        self._deeds: Mapping[str, Callable[[], None]] = {
            "look": lambda: None,
            "cut": diego.database.cut,
            "refuse": diego.database.refuse,
            "restore": diego.database.restore,
            "stick": self._stick,
            "heal": self._heal,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do what each line says."""
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.do(json.loads(line)["do"])).encode() + b"\n")
        finally:
            writer.close()

    def do(self, name: str) -> dict[str, Any]:
        """Do something; what is there now, or why it cannot be done."""
        if name not in self._deeds:
            return {"error": f"there is no {name}: {', '.join(self._deeds)}"}
        self._deeds[name]()
        diego = self._diego
        return {"owner": diego.owner, "lockets": sorted(diego.lockets), "processes": sorted(diego.processes)}

    def _stick(self) -> None:
        """Let the BBS that holds the lock answer 503 until it is restarted."""
        if (owner := self._diego.owner) is not None:
            self._diego.processes[owner].mode = Mode.UNAVAILABLE

    def _heal(self) -> None:
        for process in self._diego.processes.values():
            process.mode = None


async def run(arguments: argparse.Namespace) -> None:
    """Serve until cancelled."""
    timings = Timings(lock_ttl=arguments.lock_ttl, lock_retry=arguments.lock_retry)
    diego = Diego(asyncio.get_running_loop().time, timings, own_locket=arguments.own_locket)
    await BackendServer.listen(diego, arguments.host, PORT)
    control = await asyncio.start_server(Control(diego).serve, arguments.host, CONTROL_PORT)
    await control.serve_forever()


def main() -> None:
    """Read the command line and serve. SIGTERM ends it at once."""
    parser = argparse.ArgumentParser(prog="python -m simulator.pods.database", description="A simulated database.")
    parser.add_argument("--host", required=True, help="IP address to listen on")
    parser.add_argument("--own-locket", action="store_true", help="Locket has pods of its own")
    parser.add_argument("--lock-ttl", type=float, default=15.0, help="seconds that the lock lives unrenewed")
    parser.add_argument("--lock-retry", type=float, default=1.0, help="seconds between two attempts on the lock")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
