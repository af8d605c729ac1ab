"""Load on the webhook: each pod of the remediator is called, again and again, as Alertmanager would."""

import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial

from tests.remediator.receiving import alert, notification
from tests.testbed.node.product import Product, addresses

_EVERY = 0.2
_SECONDS = 10.0
_REFUSED = 401


class Callers:
    """Call with one token until closed; the alert that they tell of has ended, so that nothing is done about it."""

    def __init__(self, product: Product, token: str) -> None:
        self._product, self._token = product, token
        self._closing = threading.Event()
        self.answers: dict[str, list[int]] = {each: [] for each in addresses(product, "remediator")}
        """Each pod's statuses, in their order."""
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in self.answers]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End, after the calls that are under way."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def fewest(self) -> int:
        """How many answers each pod has given at least."""
        return min(map(len, self.answers.values()))

    def accepted(self) -> bool:
        """Whether each pod took the token when it was called last."""
        return all(answers and answers[-1] != _REFUSED for answers in self.answers.values())

    def changes(self) -> set[tuple[int, ...]]:
        """Each pod's statuses without repetitions of the one before."""
        return {
            tuple(status for at, status in enumerate(answers) if at == 0 or answers[at - 1] != status)
            for answers in self.answers.values()
        }

    def _run(self, address: str) -> None:
        while not self._closing.wait(_EVERY):
            answered = self._product.node.within.inside(partial(_call, f"http://{address}/api/v1/alerts", self._token))
            self.answers[address].append(answered)


@contextlib.contextmanager
def callers(product: Product, token: str) -> Iterator[Callers]:
    """Call while the body runs."""
    calling = Callers(product, token)
    calling.start()
    try:
        yield calling
    finally:
        calling.close()


def _call(url: str, token: str) -> int:
    body = json.dumps(notification(alert(status="resolved"))).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 -- the node's own
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 -- the node's own
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
