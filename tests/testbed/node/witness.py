"""What the exporter says beside the truth, once a second."""

import contextlib
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from tests.testbed.node.diego import listens
from tests.testbed.node.product import Product, exporter_address
from tests.testbed.node.repeated import repeated

_EVERY = 1.0
_LAG = 3.0
"""Seconds: an observation is a second's work, on a busy machine more."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One scrape. The times are those before and after it, by our monotonic clock."""

    asked: float
    answered: float
    said: frozenset[str]
    """The pods that serve, by `diego_api_pod_serving`."""
    before: frozenset[str]
    """The pods whose BBS listened right before the scrape: none does that does not hold the lock."""
    after: frozenset[str]
    """The same right after it."""


class Witness:
    """What was sampled, and what of it is wrong."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._url = f"http://{exporter_address(product)}/metrics"
        self.samples: list[Sample] = []

    def wrong(self) -> list[Sample]:
        """Samples that say what was not so at any moment of the scrape, nor shortly before it."""
        return [each for number, each in enumerate(self.samples) if each.said not in self._true(number)]

    def _true(self, number: int) -> set[frozenset[str]]:
        this = self.samples[number]
        recent = (each for each in self.samples[: number + 1] if each.answered >= this.asked - _LAG)
        return {true for each in recent for true in (each.before, each.after)}

    def take(self) -> None:
        """Take one sample."""
        before, asked = self._listening(), time.monotonic()
        said = self._product.node.within.inside(partial(_serving, self._url))
        answered = time.monotonic()
        self.samples.append(Sample(asked, answered, said, before, self._listening()))

    def _listening(self) -> frozenset[str]:
        diego = self._product.diego
        assert diego.layout.bbs is not None
        wanted = diego.layout.bbs.labels.items()
        found = [pod for pod in diego.pods() if pod["metadata"]["labels"].items() >= wanted]
        addresses = {pod["metadata"]["name"]: pod["status"].get("podIP") for pod in found}
        inside = diego.node.within.inside
        return frozenset(name for name, ip in addresses.items() if ip and inside(partial(listens, ip)))


@contextlib.contextmanager
def witness(product: Product) -> Iterator[Witness]:
    """One that watches while the body runs."""
    watching = Witness(product)
    with repeated(watching.take, _EVERY, OSError):  # an API server that is away, a scrape that took too long: no sample
        yield watching


def _serving(url: str) -> frozenset[str]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- the node's own
        families = text_string_to_metric_families(answer.read().decode())
    return frozenset(
        sample.labels["pod"]
        for family in families
        if family.name == "diego_api_pod_serving"
        for sample in family.samples
        if sample.value == 1
    )
