"""One observation of an environment: LIST the pods, probe every pod and the Service, LIST again. Never raises.

No watch and no cache, so nothing can be stale. Four things are kept between observations, and a restart of ours begins
them again, to the safe side. Since when pods have been missing, which no object says. Which pods there were, so that
they are probed while the list is under way; only what this observation's lists confirm is heard. And which BBS was last
seen to accept from here, which shows that a refusal is no firewall's. And what time it was on the API server.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from stagekeeper.diego import domains
from stagekeeper.diego.observation import (
    NOT_CONFIGURED,
    BbsPod,
    Domains,
    Locket,
    Observation,
    Part,
    Probe,
    ReadyPods,
    Reply,
    Unknown,
)
from stagekeeper.diego.probe import PING, Prober
from stagekeeper.diego.profiles import HEALTH_PORT, LOCKET_PORT, Environment
from stagekeeper.diego.questions import all_refused, listens
from stagekeeper.diego.reading import Deadline, Reader
from stagekeeper.kube.client import Kube
from stagekeeper.kube.objects import Endpoints, Pod, StatefulSet
from stagekeeper.kube.workloads import Pods

_AT_ONCE = 64
"""Probes in flight: more would run into a soft limit of 1,024 descriptors long before it made an observation faster."""
_RESERVE = 0.25
"""The share of an observation's time that is kept for the second list and the control, so that slow probes can't eat
it."""
_CONTROL_TIMEOUT = 1.5
"""Seconds for a control: SYN is sent again after 1 s, so one lost packet is forgiven."""
_CLUSTER_DNS = "kubernetes.default.svc.cluster.local:443"

_Place: TypeAlias = tuple[str, str, str | None]
_Probes: TypeAlias = Mapping[_Place, Part[Probe]]


@dataclass(frozen=True, slots=True)
class _First:
    """What is seen before the second list."""

    pods: Pods | Unknown
    probes: _Probes
    workloads: tuple[StatefulSet, ...] | Unknown
    service: Part[Probe]
    endpoints: Part[Endpoints]
    cloud_controller: Part[ReadyPods]
    locket: Part[Locket]
    database: Part[bool]
    domains: Part[Domains]


class Observer:
    """Observes one environment. `deep`: also ask whoever serves for the list of domains."""

    def __init__(
        self,
        environment: Environment,
        kube: Kube,
        prober: Prober | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        deep: bool = False,
    ) -> None:
        self.environment, self._deep = environment, deep
        self._reader, self._prober, self._now = Reader(environment, kube), prober or Prober(environment), now
        self._missing_since: float | None = None
        """By our own clock, so that no jump of the API server's makes it longer."""
        self._known: tuple[Pod, ...] = ()
        self._accepted = ""
        self._heard: tuple[datetime, float] | None = None

    async def observe(self, within: float) -> Observation:
        """Everything that can be seen within `within` seconds; what takes longer is `Unknown`."""
        end = Deadline.after(within)
        first = await self._first(end.earlier(within * _RESERVE))
        second = first.pods if isinstance(first.pods, Unknown) else await self._reader.pods(end)
        observation = self._compose(first, second)
        silent = next((each.pod for each in observation.known_pods if each.reply is Reply.TIMEOUT), None)
        if silent is not None:
            observation = replace(observation, control=await self._control(silent, end))
        return replace(observation, witness=await self._witness(observation, end))

    async def _first(self, by: Deadline) -> _First:
        async with asyncio.TaskGroup() as parts:
            pods = parts.create_task(self._pods(by))
            workloads = parts.create_task(self._reader.workloads(by))
            service = parts.create_task(self._ask(self.environment.service_host, by))
            endpoints = parts.create_task(self._reader.endpoints(by))
            cloud_controller = parts.create_task(self._reader.cloud_controller(by))
            locket = parts.create_task(self._reader.locket(by))
            database = parts.create_task(self._database(by))
            listed_domains = parts.create_task(self._domains(service, by))
        listed, probes = pods.result()
        return _First(
            pods=listed,
            probes=probes,
            workloads=workloads.result(),
            service=service.result(),
            endpoints=endpoints.result(),
            cloud_controller=cloud_controller.result(),
            locket=locket.result(),
            database=database.result(),
            domains=listed_domains.result(),
        )

    async def _pods(self, by: Deadline) -> tuple[Pods | Unknown, _Probes]:
        """The pods, and the probe of each that has an IP. Those of the last observation need not wait for the list."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def ask(pod: Pod) -> Part[Probe]:
            async with turns:
                asked = pod.ip is not None and not pod.ended  # its address may be another pod's by now
                return await self._ask(pod.ip or "", by) if asked else NOT_CONFIGURED

        async with asyncio.TaskGroup() as probes:
            asked = {_place(pod): probes.create_task(ask(pod)) for pod in self._known}
            listed = await self._reader.pods(by)
            self._known = () if isinstance(listed, Unknown) else listed.pods
            there = {_place(pod): pod for pod in self._known}
            for gone in asked.keys() - there.keys():
                asked.pop(gone).cancel()
            for new in there.keys() - asked.keys():
                asked[new] = probes.create_task(ask(there[new]))
        return listed, {place: probe.result() for place, probe in asked.items()}

    async def _domains(self, ping: asyncio.Task[Probe | Unknown], by: Deadline) -> Part[Domains]:
        """The deep probe, only where a ping succeeded: it would tell nothing new of a BBS that does not serve."""
        if not self._deep:
            return NOT_CONFIGURED
        pong = await ping
        if isinstance(pong, Unknown) or pong.reply is not Reply.OK:
            return NOT_CONFIGURED
        answer = await self._ask(self.environment.service_host, by, domains.PATH)
        return answer if isinstance(answer, Unknown) else domains.told(answer)

    async def _ask(self, host: str, by: Deadline, path: str = PING) -> Probe | Unknown:
        return await self._probe(lambda timeout: self._prober.ask(host, timeout, path), by)

    async def _probe(self, probe: Callable[[float], Awaitable[Probe | Unknown]], by: Deadline) -> Probe | Unknown:
        """A probe that had less than its time and needed it all says nothing about the other side."""
        timeout = min(self.environment.probe_timeout, by.left)
        if timeout <= 0:
            return Unknown("There was no time left for a probe.", "timeout")
        ends = Deadline.after(timeout)
        answer = await probe(timeout)
        if timeout < self.environment.probe_timeout and ends.left <= 0:
            return Unknown(f"There was too little time for a probe: {timeout:.3g} s.", "timeout")
        return answer

    async def _database(self, by: Deadline) -> Part[bool]:
        if self.environment.database_address is None:
            return NOT_CONFIGURED
        host, port = _host_port(self.environment.database_address)
        answer = await self._probe(lambda timeout: self._prober.connect(host, port, timeout), by)
        return answer if isinstance(answer, Unknown) else answer.reply is Reply.OK

    async def _control(self, silent: Pod, by: Deadline) -> str | Unknown:
        """Which neighbour of a silent port answers: if one does, the path is there and the fault is further on."""
        asked = {f"port {LOCKET_PORT} of {silent.name}": f"{silent.ip}:{LOCKET_PORT}"}
        if self.environment.cloud_controller_host:
            asked["the Cloud Controller's Service"] = self.environment.cloud_controller_host
        asked["the Kubernetes Service by its DNS name"] = _CLUSTER_DNS
        timeout = min(_CONTROL_TIMEOUT, by.left)
        if timeout <= 0:
            return Unknown("There was no time left to ask a control.", "timeout")
        return await self._first_to_accept(asked, timeout)

    async def _witness(self, observation: Observation, by: Deadline) -> Part[str]:
        """What shows that a refusal comes from the pods: asked where no label could contradict it."""
        accepting = next((each for each in observation.known_pods if listens(each)), None)
        if accepting is not None:
            self._accepted = f"{accepting.pod.name} accepted at {observation.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        pods = observation.known_pods
        if not all_refused(observation) or any(each.labelled_active is not None for each in pods):
            return NOT_CONFIGURED
        if self._accepted:
            return self._accepted
        timeout = min(_CONTROL_TIMEOUT, by.left)
        if timeout <= 0:
            return Unknown("There was no time left to ask another port.", "timeout")
        asked = {f"port {HEALTH_PORT} of {each.pod.name}": f"{each.pod.ip}:{HEALTH_PORT}" for each in pods}
        return await self._first_to_accept(asked, timeout)

    async def _first_to_accept(self, asked: Mapping[str, str], timeout: float) -> str:
        """Which of these addresses accepts a TCP connection, by its name; "" if none does."""
        targets = [_host_port(address) for address in asked.values()]
        answers = await asyncio.gather(*(self._prober.connect(host, port, timeout) for host, port in targets))
        accepted = [isinstance(answer, Probe) and answer.reply is Reply.OK for answer in answers]
        return next((what for what, answered in zip(asked, accepted, strict=True) if answered), "")

    def _compose(self, first: _First, second: Pods | Unknown) -> Observation:
        listed = first.pods if isinstance(second, Unknown) else second
        strays = self._strays(listed)
        pods = self._bbs_pods(listed, strays, first.probes) if isinstance(listed, Pods) else listed
        taken_at = self._time(listed)
        return Observation(
            environment=self.environment.name,
            taken_at=taken_at,
            service=first.service,
            pods=pods,
            workloads=first.workloads,
            steady=_steady(first.pods, second),
            endpoints=first.endpoints,
            cloud_controller=first.cloud_controller,
            locket=first.locket,
            database=first.database,
            missing_since=self._missing(first.workloads, pods, taken_at),
            bbs_container=self.environment.bbs_container,
            patience=self.environment.patience,
            readiness=self.environment.readiness,
            sought=self.environment.sought,
            domains=first.domains,
            notes=tuple(f"{pod.name} has ended and belongs to no StatefulSet of ours: left out." for pod in strays),
        )

    def _time(self, listed: Pods | Unknown) -> datetime:
        """The API server's time, as far as it was ever heard; without an answer it goes on from the last one.

        Our own clock is shown only of an observation that nothing is decided by, before the first answer.
        """
        monotonic = asyncio.get_running_loop().time()
        if isinstance(listed, Pods):
            self._heard = listed.date, monotonic
        if self._heard is None:
            return self._now()
        date, then = self._heard
        return date + timedelta(seconds=monotonic - then)

    def _bbs_pods(self, listed: Pods, strays: tuple[Pod, ...], probes: _Probes) -> tuple[BbsPod, ...]:
        label, pods = self.environment.active_label, [pod for pod in listed.pods if pod not in strays]
        unused = label.unused(pod.labels for pod in pods)
        return tuple(
            BbsPod(pod, None if unused else label.on(pod.labels), probes.get(_place(pod), NOT_CONFIGURED))
            for pod in pods
        )

    def _strays(self, listed: Pods | Unknown) -> tuple[Pod, ...]:
        """The pods that match the selector and can never serve: ended, and no StatefulSet will replace them."""
        if isinstance(listed, Unknown):
            return ()
        return tuple(pod for pod in listed.pods if pod.ended and pod.owner not in self.environment.statefulsets)

    def _missing(
        self, workloads: tuple[StatefulSet, ...] | Unknown, pods: tuple[BbsPod, ...] | Unknown, now: datetime
    ) -> datetime | None:
        """Since when pods have been missing; an observation that can't tell changes nothing."""
        monotonic = asyncio.get_running_loop().time()
        if isinstance(workloads, tuple) and isinstance(pods, tuple):
            missing = len(pods) < sum(each.replicas for each in workloads)
            since = monotonic if self._missing_since is None else self._missing_since
            self._missing_since = since if missing else None
        return None if self._missing_since is None else now - timedelta(seconds=monotonic - self._missing_since)


def _host_port(address: str) -> tuple[str, int]:
    """The two halves of `host:port`; an IPv6 address stands in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _place(pod: Pod) -> _Place:
    """What a probe speaks of: a pod keeps its name and UID for life, its address only as long as its sandbox."""
    return pod.name, pod.uid, pod.ip


def _steady(first: Pods | Unknown, second: Pods | Unknown) -> bool | Unknown:
    if isinstance(first, Unknown):
        return first
    if isinstance(second, Unknown):
        return second
    return {(pod.name, pod.uid) for pod in first.pods} == {(pod.name, pod.uid) for pod in second.pods}
