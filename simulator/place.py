"""Where an actor works: which API, which namespace, whose clock and journal."""

from dataclasses import dataclass

from simulator.api_client import ApiClient
from simulator.clock import Clock
from simulator.journal import Journal


@dataclass(frozen=True, slots=True)
class Place:
    """One namespace of one API, and where to say what happens there."""

    api: ApiClient
    namespace: str
    journal: Journal

    @property
    def clock(self) -> Clock:
        """The clock that stamps what happens."""
        return self.journal.clock
