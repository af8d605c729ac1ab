"""Who is connected, and who gives way when there is no room: nobody can lock the others out.

A connection without a request at work is idle, whether it is kept alive, still says its headers or shakes hands; and so
is one whose request has not proved yet who sends it. Where all places are taken the one idle for longest gives way. One
caller has a share of the places, so that what it holds is its own loss; and beyond the places there are a few for
kubelet's questions alone.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """What all listeners of a program together grant their callers; times in seconds, lengths in bytes.

    Header time: ten times what a slow network needs. Request time: twice the longest scrape timeout in use. Keep-alive:
    longer than Prometheus' default interval of 60 s, so that a scrape finds its connection open. Connections: all
    together half of the 1,024 descriptors that a process usually has.
    """

    handshake_seconds: float = 10.0
    header_seconds: float = 10.0
    request_seconds: float = 120.0
    keepalive_seconds: float = 75.0
    line_bytes: int = 8190
    field_bytes: int = 8190
    headers: int = 64
    connections: int = 448
    per_caller: int = 224
    """Connections of one IP address, or of one /64 network of IPv6: half, since a proxy may speak for everybody."""
    health_only: int = 64
    """Connections beyond the others, each for one question under `/-/` and for `health_seconds`."""
    health_seconds: float = 2.0

    def within(self, descriptors: int) -> "Limits":
        """These limits for a process that may open so many files: half of them stay for what it asks itself."""
        half = descriptors // 2
        if self.connections + self.health_only <= half:
            return self
        health_only = max(half // 8, 1)
        connections = max(half - health_only, 1)
        return replace(self, connections=connections, per_caller=max(connections // 2, 1), health_only=health_only)


@dataclass(eq=False, slots=True)
class Connection:
    """A place that is taken. `end` ends it at once, whatever it is doing."""

    caller: str
    health_only: bool = False
    end: Callable[[], object] = field(default=lambda: None)


class Connections:
    """The connections of a program's listeners."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: dict[Connection, None] = {}  # since when: the first has been idle for longest
        self._working: set[Connection] = set()
        self._health_only: dict[Connection, None] = {}

    def admit(self, address: str) -> Connection:
        """A place for whoever has just connected from an IP address."""
        caller = _caller(address)
        theirs = sum(each.caller == caller for each in (*self._idle, *self._working))
        if theirs >= self._limits.per_caller:
            has_room = self.make_room(caller)
        elif len(self._idle) + len(self._working) >= self._limits.connections:
            has_room = self.make_room()
        else:
            has_room = True
        return self._regular(caller) if has_room else self._for_health(caller)

    def make_room(self, caller: str | None = None) -> bool:
        """End the connection that is idle for longest, of `caller` or of all; False if there is none."""
        oldest = next((each for each in self._idle if caller in (None, each.caller)), None)
        if oldest is None:
            return False
        self.left(oldest)
        oldest.end()
        return True

    def working(self, connection: Connection) -> None:
        """A request of this connection is at work, and must not be cut off."""
        if connection in self._idle:
            del self._idle[connection]
            self._working.add(connection)

    def idle(self, connection: Connection) -> None:
        """Its answer is written."""
        if connection in self._working:
            self._working.remove(connection)
            self._idle[connection] = None

    def left(self, connection: Connection) -> None:
        """It has ended; that may be said more than once."""
        self._idle.pop(connection, None)
        self._working.discard(connection)
        self._health_only.pop(connection, None)

    def _regular(self, caller: str) -> Connection:
        connection = Connection(caller)
        self._idle[connection] = None
        return connection

    def _for_health(self, caller: str) -> Connection:
        """Kubelet asks as soon as it is connected, so whoever has been here for longest is not kubelet."""
        if len(self._health_only) >= self._limits.health_only:
            oldest = next(iter(self._health_only))
            self.left(oldest)
            oldest.end()
        connection = Connection(caller, health_only=True)
        self._health_only[connection] = None
        return connection


def _caller(address: str) -> str:
    """Whose share a connection counts against: of IPv6 anybody has a whole /64 network."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    return str(known.ipv4_mapped or ipaddress.IPv6Network((int(known), 64), strict=False))
