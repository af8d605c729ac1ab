"""The tutorial's own test: connect to the BBS from inside a Cloud Controller pod, with `nc` or bash.

`kubectl exec` does it, under the operator's own rights: exec needs a WebSocket, which our client does not speak.
"""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.probe import PING, Prober
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.own_pod import in_cluster

_SCRIPT = """
if command -v nc >/dev/null 2>&1; then nc -v -z -w "$3" "$1" "$2" 2>&1
elif command -v bash >/dev/null 2>&1; then timeout "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1
else echo "neither nc nor bash"; (exit 127)
fi
echo "stagekeeper-exit=$?"
"""
_EXIT = re.compile(r"^stagekeeper-exit=(\d+)$", re.MULTILINE)
_TIMED_OUT = 124  # the exit code of timeout(1)
_NO_TOOL = 127
_SIGNS = (
    (Reply.REFUSED, re.compile(r"refused", re.IGNORECASE)),
    (Reply.TIMEOUT, re.compile(r"timed? ?out|unreachable|no route", re.IGNORECASE)),
    (Reply.DNS, re.compile(r"getaddrinfo|not known|bad address|resol|unknown host|host lookup", re.IGNORECASE)),
)
"""What OpenBSD's nc, the traditional one, ncat, busybox and bash say. DNS last: the traditional nc also complains of an
address that has no name."""
_START_SECONDS = 5.0
"""For kubectl to reach the pod, on top of the probe's own time."""


class NoKubectl(Exception):
    """There is no kubectl on PATH; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """How to call kubectl: the program, and the flags and variables that name the cluster."""

    program: str
    flags: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    async def execute(self, namespace: str, pod: str, script: Sequence[str], within: float) -> tuple[str, str]:
        """Run a command in `pod`; return stdout and stderr. TimeoutError after `within` seconds."""
        process = await asyncio.create_subprocess_exec(
            self.program, *self.flags, "exec", "-n", namespace, pod, "--", *script,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            start_new_session=True, env={**os.environ, **self.variables},
        )  # fmt: skip
        try:
            async with asyncio.timeout(within):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # with a credential plugin that it may have started
                await process.communicate()
        return out.decode(errors="replace"), err.decode(errors="replace")


def kubectl(kubeconfig: Path | None, context: str | None) -> Kubectl:
    """The kubectl on PATH, for the cluster that we look at ourselves. Raises `NoKubectl`."""
    program = shutil.which("kubectl")
    if program is None:
        raise NoKubectl("--from-pod needs kubectl on PATH: install it, or run without --from-pod inside the cluster.")
    flags = [*(("--kubeconfig", str(kubeconfig)) if kubeconfig else ()), *(("--context", context) if context else ())]
    # In a pod we are its ServiceAccount, whatever $KUBECONFIG says; kubectl only if that says nothing.
    own = not flags and in_cluster()
    return Kubectl(program, tuple(flags), {"KUBECONFIG": os.devnull} if own else {})


class PodProber(Prober):
    """Probes from inside a pod: only TCP, so an accept counts as ok."""

    def __init__(self, environment: Environment, kubectl: Kubectl, pod: str) -> None:
        super().__init__(environment)
        self.pod = pod
        self._namespace, self._bbs_port, self._kubectl = environment.namespace, environment.port, kubectl

    async def ask(self, host: str, timeout: float, path: str = PING) -> Probe | Unknown:  # noqa: ARG002 -- TCP has no path
        """What the pod meets at the BBS port of `host`."""
        return await self.connect(host, self._bbs_port, timeout)

    async def connect(self, host: str, port: int, timeout: float) -> Probe | Unknown:
        """What the pod meets at `host` and `port`, when it waits at most `timeout` seconds, rounded up."""
        seconds = max(1, round(timeout))
        script = ("sh", "-c", _SCRIPT, "stagekeeper", host, str(port), str(seconds))
        try:
            out, err = await self._kubectl.execute(self._namespace, self.pod, script, seconds + _START_SECONDS)
        except TimeoutError:
            return Unknown(
                f"kubectl exec in pod {self.pod} did not end within {seconds + _START_SECONDS:.0f} s.", "timeout"
            )
        return met(self.pod, out, err)


def met(pod: str, out: str, err: str) -> Probe | Unknown:
    """What the script in `pod` met, from what it and kubectl wrote."""
    ended = _EXIT.search(out)
    if ended is None:
        said = next((line for line in err.splitlines() if line.lower().startswith("error")), err.strip()[:200])
        return Unknown(f"kubectl exec in pod {pod} failed: {said or 'no reason given'}")
    said, code = " ".join(_EXIT.sub("", out).split()), int(ended[1])
    if code == 0:
        return Probe(Reply.OK, f"accepts TCP from pod {pod}", by_tcp=True)
    if code == _NO_TOOL:
        return Unknown(f"Pod {pod} has neither nc nor bash to test with.")
    if code == _TIMED_OUT or not said:  # some nc say nothing when -w ends their attempt
        return Probe(Reply.TIMEOUT, f"no answer to pod {pod}")
    reply = next((reply for reply, sign in _SIGNS if sign.search(said)), None)
    return Probe(reply, f"pod {pod}: {said}") if reply else Unknown(f"The test in pod {pod} says: {said}")
