"""A remediator of a replay: the product's own parts, put together as its program does, on stand-ins for the rest.

What the replay needs of the remediator is here, and nowhere else.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from incidents.api import Api, Server
from incidents.format import ALERTMANAGER, AlertWord, Incident
from incidents.words import Heard, Part
from incidents.world import World
from remediator.alertmanager import Alertmanager, AlertmanagerView, Receivers
from remediator.cluster import Cluster
from remediator.inputs import AlertState, AlertView
from remediator.policy import Mode
from remediator.reconciler import Reconciler, resync_forever
from remediator.remediation import LONGEST_FIELD, Request
from remediator.webhook import Notification, Webhook
from stagekeeper.diego.diagnosis import Diagnosis
from stagekeeper.diego.observation import Probe, Reply, Unknown
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.probe import PING, Prober
from stagekeeper.diego.profiles import LOCKET_PORT

ALERT = "StagerUnavailable"
_RESTART_TAKES = 10.0
"""Seconds until a killed remediator runs again."""
_WORDS: Mapping[AlertWord, tuple[AlertState, str]] = {
    "active": (AlertState.ACTIVE, ""),
    "absent": (AlertState.ABSENT, ""),
    "unreachable": (AlertState.UNREADABLE, "no answer in time"),
    "silenced": (AlertState.SUPPRESSED, "silenced"),
    "inhibited": (AlertState.SUPPRESSED, "inhibited"),
    "muted": (AlertState.SUPPRESSED, "muted"),
    "elsewhere": (AlertState.SUPPRESSED, "routed to people, not to receiver stagekeeper"),
}


class Alerting:
    """What the Alertmanagers have."""

    def __init__(self, since: str) -> None:
        self.words: Mapping[str, AlertWord] = {ALERTMANAGER: "absent"}
        self.since = since
        """`startsAt` of the alert."""

    def change(self, words: Mapping[str, AlertWord], now: str) -> None:
        """Every Alertmanager's word from now on; an alert that none had begins `now`."""
        if all(word in {"absent", "unreachable"} for word in self.words.values()):
            self.since = now
        self.words = dict(words)


class ModelAlertmanager(Alertmanager):
    """One Alertmanager, as the product asks it."""

    def __init__(self, name: str, alerting: Alerting) -> None:
        self.url, self._alerting = name, alerting

    async def ask(self, environment: str, within: float = 0) -> AlertmanagerView:  # noqa: ARG002 -- nothing takes time
        """What it has of the alert now."""
        seen, detail = _WORDS[self._alerting.words.get(self.url, "absent")]
        request = Request(environment=environment, alertname=ALERT, starts_at=self._alerting.since[:LONGEST_FIELD])
        return AlertmanagerView(AlertView(self.url, seen, detail), (request,) if seen is AlertState.ACTIVE else ())


class ModelProber(Prober):
    """What probes meet in the world of a replay."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def ask(self, host: str, timeout: float, path: str = PING) -> Probe | Unknown:  # noqa: ARG002 -- nothing takes time
        """The answer of the BBS port of `host`: the Service's, or a pod's."""
        await asyncio.sleep(0)
        if host == self._world.environment.service_host:
            return self._world.service()
        pod = self._world.at(host)
        return pod.answer(tcp_only=self._world.tcp_only) if pod else Probe(Reply.TIMEOUT)

    async def connect(self, host: str, port: int, timeout: float) -> Probe | Unknown:  # noqa: ARG002 -- nothing takes time
        """A TCP connect: to the database, to another port of a pod, or to something else that shows a path."""
        around, database = self._world.around, self._world.environment.database_address
        if f"{host}:{port}" == database:
            unread = Part.DATABASE in around.unreadable
            return Unknown("the probe could not be made") if unread else _tcp(accepts=around.database != "down")
        pod = self._world.at(host)
        if pod is not None and port != LOCKET_PORT:
            silent = pod.health == "silent" or pod.heard is Heard.TIMEOUT
            runs = pod.bbs.started is not None and not pod.bbs.waiting
            return Probe(Reply.TIMEOUT) if silent else _tcp(accepts=runs and pod.health == "answers")
        return _tcp(accepts=True) if around.control == "answers" else Probe(Reply.TIMEOUT)


def _tcp(*, accepts: bool) -> Probe:
    return Probe(Reply.OK, "accepts TCP", by_tcp=True) if accepts else Probe(Reply.REFUSED, "connection refused")


def client(incident: Incident, server: Server, alerting: Alerting, killed: Callable[[], None]) -> Cluster:
    """Somebody's way to everything outside. `killed` is called where a file has the process killed that uses it."""

    def own_clock() -> datetime:
        """The wall clock of the machine that it runs on."""
        return server.clock.at(server.clock.seconds) + timedelta(seconds=server.world.around.worker_clock)

    situations = (*incident.timeline, *(each.then for each in incident.reactions))
    names = dict.fromkeys(name for each in situations for name in each.alert) or [ALERTMANAGER]
    kube = Api(server, killed)
    observer = Observer(server.world.environment, kube, ModelProber(server.world), own_clock)
    asked = [ModelAlertmanager(name, alerting) for name in names]
    return Cluster(observer.environment, kube, asked, observer, incident.rhythm.observation_timeout.total_seconds())


class Process:
    """One remediator: started, killed, stopped and replaced like a process; what it remembers ends with it."""

    def __init__(self, incident: Incident, server: Server, alerting: Alerting, mode: Mode) -> None:
        self._incident, self._server, self._alerting = incident, server, alerting
        self._mode = mode
        self._tasks: list[asyncio.Task[None]] = []
        self._coming: asyncio.Task[None] | None = None
        self._cluster = client(incident, server, alerting, self._be_killed)
        self.running = False

    def start(self, mode: Mode | None = None) -> None:
        """A new process, without memory, in place of the one that runs."""
        self.stop()
        self._mode = mode or self._mode
        rhythm = self._incident.rhythm
        cluster = client(self._incident, self._server, self._alerting, self._be_killed)
        policy = self._incident.policy_in(self._mode)
        reconciler = Reconciler(cluster, policy, rhythm)
        self._webhook = Webhook(ALERT, {cluster.environment.name: reconciler}, lambda: False, Receivers("stagekeeper"))
        self._cluster, self._reconciler = cluster, reconciler
        self.running = True
        self._tasks = [
            asyncio.create_task(reconciler.run()),
            asyncio.create_task(resync_forever([reconciler], rhythm.resync.total_seconds())),
        ]

    def stop(self) -> None:
        """End it, wherever it is."""
        self.running = False
        for task in [*self._tasks, *([self._coming] if self._coming else [])]:
            task.cancel()
        self._tasks, self._coming = [], None

    def check(self) -> None:
        """Raise what a part of the process died of."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def judge(self, notification: Notification) -> Sequence[Mapping[str, Any]]:
        """What it makes of a notification. Raises `KubeError`."""
        return await self._webhook.judge(notification)

    @property
    def late(self) -> bool:
        """Whether by its own clock the open remediation has been open for too long, which pages a person too."""
        return self.running and self._reconciler.state.late

    async def observe(self) -> Diagnosis:
        """What it finds now."""
        return (await self._cluster.observe()).diagnosis

    def _be_killed(self) -> None:
        self.stop()
        self._coming = asyncio.create_task(self._come_back())

    async def _come_back(self) -> None:
        await asyncio.sleep(_RESTART_TAKES)
        self._coming = None
        self.start()
