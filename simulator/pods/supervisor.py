"""`python -m simulator.pods.supervisor SECONDS COMMAND [-- COMMAND]...`: what monit and fissile's scripts are in a pod.

It keeps programs running, each started again so many seconds after its end, in the same container, so that Kubernetes
sees no restart. On SIGTERM it ends them as `kill_and_wait` does (diego-release src/pid_utils.sh): TERM, after 20 s
QUIT, after 5 s KILL.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

_TERM_SECONDS = 20.0
_QUIT_SECONDS = 5.0


class Supervisor:
    """Keeps programs running until SIGTERM."""

    def __init__(self, commands: Sequence[Sequence[str]], cycle: float) -> None:
        self._commands = commands
        self._cycle = cycle
        self._ending = threading.Event()

    def end(self) -> None:
        """Stop all of them; returns at once."""
        self._ending.set()

    def run(self) -> None:
        """Run all of them, each in a thread of its own, until they are stopped."""
        threads = [threading.Thread(target=self._keep, args=(command,)) for command in self._commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _keep(self, command: Sequence[str]) -> None:
        while not self._ending.is_set():
            with subprocess.Popen(command) as program:  # noqa: S603 -- the pod's own
                while program.poll() is None and not self._ending.wait(0.1):
                    pass
                _stop(program)
            self._ending.wait(self._cycle)


def _stop(program: "subprocess.Popen[bytes]") -> None:
    for number, patience in ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGQUIT, _QUIT_SECONDS), (signal.SIGKILL, None)):
        if program.poll() is not None:
            return
        program.send_signal(number)
        try:
            program.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def split(words: Sequence[str]) -> list[list[str]]:
    """Commands that are separated by `--`."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def main() -> None:
    """Keep what the command line names running."""
    supervisor = Supervisor(split(sys.argv[2:]), cycle=float(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda *_: supervisor.end())
    supervisor.run()


if __name__ == "__main__":
    main()
