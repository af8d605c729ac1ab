r"""What the Cloud Controller's own log says: how often code 170010 (CF-StagerUnavailable), and with which tail.

Each line is a JSON object whose `message` holds a Ruby hash, so the code stands there as `\"code\"=>170010`, in newer
Rubies with spaces around `=>`. V2 logs it as an error, V3 as info, so the level says nothing
(cloud_controller_ng:errors/v2.yml, lib/sinatra/vcap.rb; Steno writes the JSON).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from stagekeeper.kube.client import Call, Kube
from stagekeeper.kube.errors import Forbidden, KubeError
from stagekeeper.kube.objects import Pod
from stagekeeper.kube.wording import sentence

CODE = re.compile(r'\\*"code\\*"\s*=(?:>|\\+u003e)\s*170010\b')
TAILS = {
    "execution expired": "no endpoints, or the network",
    "Connection refused": "no endpoints, or nobody listens",
    "getaddrinfo": "DNS, or a headless Service without endpoints",
    "certificate verify failed": "certificates",
    "failed with status: 503": "migrations, or dead database connections",
}
"""How the message ends for each cause, and what that points to."""
OTHER = "another tail"
_CODE = "CF-StagerUnavailable (170010)"
_NO_RIGHT = "this account has no right to `get` `pods/log`; `kubectl logs` shows it to an account that has."
_SINCE_SECONDS = 3600
_LINES, _BYTES = 5000, 8 * 2**20
"""The newest lines of each container, and how much of them is read."""


@dataclass(frozen=True, slots=True)
class StagerErrors:
    """What was found in the logs of the last hour."""

    tails: tuple[tuple[str, int], ...] = ()
    """Tail and count, the most frequent first."""
    logs: int = 0
    """How many containers' logs were read."""
    unread: str | None = None
    """Why one or all could not be read."""

    @property
    def count(self) -> int:
        """All lines with the code."""
        return sum(count for _, count in self.tails)

    def sentence(self) -> str:
        """For a person."""
        if not self.logs:
            return sentence(f"The Cloud Controller's log could not be read: {self.unread or 'there is no pod of it'}")
        containers = "1 container" if self.logs == 1 else f"{self.logs} containers"
        where = f"in the Cloud Controller logs of the last hour ({containers})"
        tails = "; ".join(f"{count} x {tail} ({TAILS.get(tail, 'see the log')})" for tail, count in self.tails)
        found = f"{self.count} x {_CODE} {where}: {tails}." if self.count else f"No {_CODE} {where}."
        return sentence(f"{found} Not all could be read: {self.unread}") if self.unread else found


def tails(log: str) -> Counter[str]:
    """How often each tail follows the code in `log`."""
    lines = (line for line in log.splitlines() if CODE.search(line))
    return Counter(next((tail for tail in TAILS if tail in line), OTHER) for line in lines)


async def read_errors(kube: Kube, namespace: str, pods: Iterable[Pod], *, timeout: float) -> StagerErrors:
    """Read the log of every container of `pods`, within `timeout` seconds each. Never raises."""
    reads = [_log(kube, namespace, pod.name, container.name, timeout) for pod in pods for container in pod.containers]
    logs = await asyncio.gather(*reads)
    found: Counter[str] = sum((tails(log) for log in logs if isinstance(log, str)), Counter())
    failed = next((log for log in logs if isinstance(log, KubeError)), None)
    unread = None if failed is None else _NO_RIGHT if isinstance(failed, Forbidden) else str(failed)
    return StagerErrors(tuple(found.most_common()), sum(isinstance(log, str) for log in logs), unread)


async def _log(kube: Kube, namespace: str, pod: str, container: str, timeout: float) -> str | KubeError:
    query = {
        "container": container,
        "sinceSeconds": str(_SINCE_SECONDS),
        "tailLines": str(_LINES),
        "limitBytes": str(_BYTES),
    }
    try:
        text, _ = await kube.text(Call("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query), timeout=timeout)
    except KubeError as problem:
        return problem
    return text
