"""Diego's shared state: the database, the lock, which Locket and BBS processes live, and how they shall behave."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.backend import LockAnswer, Mode
from simulator.database import Database
from simulator.locket import Locket, LocketGoneError, LockTable


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations of Diego's processes, in seconds. The defaults are the real ones (bbs:cmd/bbs/main.go)."""

    lock_ttl: float = 15.0
    lock_retry: float = 1.0
    hang_exit: float = 60.0
    """How long a hung process takes to end after SIGTERM: 6 to 146 s were measured."""
    monit_cycle: float = 10.0
    """After which monit starts a process again that has ended."""
    kill_after: float = 25.0
    """After which fissile's pods kill a process that ignores SIGTERM (diego-release:src/pid_utils.sh: 20 s to QUIT, 5
    more to KILL)."""
    clean_exit: float = 0.3
    """How long a healthy one takes: 0.1 to 0.7 s were measured."""


class Diego:
    """One Diego. `now` gives loop seconds; `own_locket` says that Locket has its own pods."""

    def __init__(self, now: Callable[[], float], timings: Timings, *, own_locket: bool) -> None:
        self.timings = timings
        self.database = Database(now, patience=timings.lock_ttl)
        self.table = LockTable(now, timings.lock_ttl)
        self.lockets: dict[str, Locket] = {}
        self.processes: dict[str, LocalBackend] = {}
        self.now = now
        self.mode = Mode.SERVING
        """How BBS processes behave that were not told otherwise themselves."""
        self.migration = 0.0
        """Seconds for which the next process that gets the lock answers 503."""
        self.grants_to_all = False
        """Split brain: the lock is granted to everybody."""
        self.calls_end_with_locket = True
        self._own_locket = own_locket

    def start_locket(self, pod: str) -> Locket:
        """Start the Locket process of a pod, in place of the one that it had."""
        locket = Locket(self.table, self.database.connect(), calls_end_with_it=self.calls_end_with_locket)
        self.lockets[pod] = locket
        return locket

    def end_locket(self, pod: str, locket: Locket) -> None:
        """End one Locket process."""
        locket.end()
        if self.lockets.get(pod) is locket:
            del self.lockets[pod]

    def start_process(self, pod: str) -> "LocalBackend":
        """Give a new BBS process of a pod what it stands on."""
        backend = LocalBackend(self, pod)
        self.processes[pod] = backend
        return backend

    def locket_of(self, pod: str) -> Locket:
        """Give the Locket that a pod's BBS asks: its own pod's, or any of Locket's pods. LocketGoneError if none."""
        if self._own_locket:
            return self.any_locket(pod)
        locket = self.lockets.get(pod)
        if locket is None:
            raise LocketGoneError
        return locket

    def any_locket(self, pod: str) -> Locket:
        """Give the Locket of a pod, or any other. LocketGoneError if none lives."""
        locket = self.lockets.get(pod) or next(iter(self.lockets.values()), None)
        if locket is None:
            raise LocketGoneError
        return locket

    @property
    def owner(self) -> str | None:
        """The pod that holds the lock, or held it last."""
        return self.table.held.owner if self.table.held else None


class LocalBackend:
    """What one BBS process stands on when it runs in this very process."""

    def __init__(self, diego: Diego, pod: str) -> None:
        self.mode: Mode | None = None
        """How this one process shall behave; None: as Diego's default says."""
        self._diego = diego
        self._pod = pod
        self._connection = diego.database.connect()
        self._migrates_until: float | None = None

    def lose_connection(self) -> None:
        """Lose this process's connection to the database, in silence."""
        self._connection.die()

    async def ping_database(self) -> None:
        """Ping over this process's own connection."""
        await self._connection.use()

    async def lock(self, owner: str) -> LockAnswer:
        """Ask Locket, and say how to behave."""
        granted = await self._diego.locket_of(self._pod).lock(owner) or self._diego.grants_to_all
        return LockAnswer(granted, self._current_mode() if granted else Mode.SERVING)

    async def release(self, owner: str) -> None:
        """Ask Locket to take the lock back; its own pod's may have ended first, then any other's."""
        await self._diego.any_locket(self._pod).release(owner)

    def _current_mode(self) -> Mode:
        """Migrations come first: over a dead connection they never end, and every route answers 503."""
        if self._connection.is_dead:
            return Mode.UNAVAILABLE
        if self._migrates_until is None:
            self._migrates_until = self._diego.now() + self._diego.migration
            self._diego.migration = 0.0
        if self._diego.now() < self._migrates_until:
            return Mode.UNAVAILABLE
        return self.mode or self._diego.mode
