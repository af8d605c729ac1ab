"""What happened in the environment, when, and who said it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from simulator.clock import Clock


@dataclass(frozen=True, slots=True)
class Entry:
    """One sentence of the journal."""

    time: datetime
    who: str
    sentence: str


class Journal:
    """A list of entries, and whoever wants to hear of new ones at once."""

    def __init__(self, clock: Clock) -> None:
        self.entries: list[Entry] = []
        self.clock = clock
        self._listeners: list[Callable[[Entry], None]] = []

    def say(self, who: str, sentence: str) -> None:
        """Write one sentence down and tell the listeners."""
        entry = Entry(self.clock.now(), who, sentence)
        self.entries.append(entry)
        for listener in self._listeners:
            listener(entry)

    def subscribe(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `listener` with each new entry until the function that this returns is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
