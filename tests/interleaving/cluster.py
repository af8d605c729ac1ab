"""A cluster as one frozen value, and what each request makes of it: what the remediator's safety rests on, no more.

Records and pods have resourceVersions; a status PUT is a swap; a DELETE honours its preconditions and is graceful; a
CREATE collides on the name. `apply` is pure, so that every order of requests can be tried from every state. It also
is the judge: a request that breaks an invariant of docs/decisions/0001-safety.md raises `Broken`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from remediator.inputs import AlertState
from remediator.record import name_of as record_name
from remediator.record import request_name
from stagekeeper.diego.observation import Locket, Observation, Reply, Unknown
from stagekeeper.kube.objects import timestamp
from tests.diego import observations
from tests.diego.observations import NOW

LOCKET = "diego-locket"
BBS = "diego-api"
RECORDS = "/apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations"
PODS = "/api/v1/namespaces/cf/pods/"
REQUEST = request_name(BBS)
OBSERVATION_AGE = 10
OWN_CLOCK = 7200
"""Seconds by which the clock that a blind observation falls back on is ahead of the API server's."""
GIVE_UP = 3600
"""Seconds after which a remediation that only watches is given up."""
CONFIRMED_BY = 3
"""Observations, in the scenarios that count them."""


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True, slots=True)
class FakePod:
    """One pod; `life` counts how often it came back, so name and life make its UID."""

    name: str
    version: int = 1
    life: int = 0
    born: int = -300_000
    """Seconds after NOW."""
    terminating: bool = False
    reply: Reply = Reply.REFUSED
    labelled: bool = False
    started: int | None = None
    """When its BBS container began to run, where that is not when the pod was born."""

    @property
    def began(self) -> int:
        """When what answers in it began."""
        return self.born if self.started is None else self.started

    @property
    def uid(self) -> str:
        """Another one in each life."""
        return f"{self.name}/{self.life}"

    @property
    def is_locket(self) -> bool:
        """Whether it is of Locket's own StatefulSet."""
        return self.name.startswith(LOCKET)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Everything outside of the replicas."""

    pods: tuple[FakePod, ...]
    records: tuple[str, ...] = ()
    """The Remediations as JSON, oldest first."""
    now: int = 0
    """Seconds after NOW, on every clock there is."""
    version: int = 10
    """The last resourceVersion given out."""
    paused: bool = False
    alert: AlertState = AlertState.ACTIVE
    database: bool | None = None
    """What the configured check of the database finds; None: none is configured."""
    blind: bool = False
    """Whether pods can't be listed, so that an observation can't tell and is dated by another clock."""
    told: int | None = None
    """How many observations could tell so far; None: they are not counted."""
    terminated: tuple[str, ...] = ()
    """UIDs whose DELETE was accepted."""
    hashed: int = field(init=False, compare=False, default=0)

    def __post_init__(self) -> None:
        parts = (
            self.pods,
            self.records,
            self.now,
            self.version,
            self.paused,
            self.alert,
            self.database,
            self.blind,
            self.told,
            self.terminated,
        )
        object.__setattr__(self, "hashed", hash(parts))

    def __hash__(self) -> int:
        return self.hashed  # a search asks a million times


@dataclass(frozen=True, slots=True)
class Request:
    """What a replica sends: to the API (HTTP's method), or `LOOK`, or `ALERTS`."""

    method: str
    path: str = ""
    body: str = ""

    @property
    def changes(self) -> bool:
        """Whether it can change anything."""
        return self.method in {"PUT", "POST", "DELETE"}

    @property
    def deletes_a_pod(self) -> bool:
        """Whether it is the one request that all this is about."""
        return self.method == "DELETE" and self.path.startswith(PODS)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a replica hears, in hashable form: `status` 0 means that no answer came."""

    status: int
    body: str = ""
    at: int = 0
    pods: tuple[FakePod, ...] = ()
    database: bool | None = None
    blind: bool = False


NO_ANSWER = Heard(0)
Talk = tuple[tuple[Request, Heard], ...]
"""What a replica has asked and heard since its step began."""
_NOT_FOUND = 404


def apply(cluster: Cluster, request: Request) -> tuple[Cluster, Heard]:
    """The cluster after a request, and its answer. Raises `Broken`."""
    match request.method:
        case "LOOK":
            return _look(cluster)
        case "ALERTS":
            return cluster, Heard(200, cluster.alert.value, cluster.now)
        case "PUT":
            return _swap(cluster, request)
        case "POST":
            return _create(cluster, request)
        case "DELETE":
            return _delete(cluster, request)
        case _:
            return cluster, _read(cluster, request.path)


def name_of(stored: str) -> str:
    """The name of a stored record."""
    return str(_parsed(stored)["metadata"]["name"])


def status_of(stored: str) -> Mapping[str, Any]:
    """The status of a stored record."""
    found: Mapping[str, Any] = _parsed(stored).get("status", {})
    return found


def is_open(stored: str) -> bool:
    """Whether the stored record is of an open remediation. Read without the code under test."""
    return name_of(stored) != REQUEST and status_of(stored).get("phase", "Watching") in {
        "Watching",
        "Restarting",
        "Verifying",
    }


@cache
def planned_uids(cluster: "Cluster") -> frozenset[str]:
    """The UIDs that any stored plan names."""
    plans = [status_of(stored).get("plan") or {"steps": []} for stored in cluster.records]
    return frozenset(pod["uid"] for plan in plans for step in plan["steps"] for pod in step["pods"])


def fresh_record(
    ordinal: int = 1, *, now: int = 0, version: int = 5, status: Mapping[str, Any] | None = None, asked: str = ""
) -> str:
    """A record as the API stores it; `asked` is the UID of the request that it was opened for."""
    stored: dict[str, Any] = {
        "metadata": {
            "name": record_name(BBS, ordinal),
            "resourceVersion": str(version),
            "creationTimestamp": timestamp(_time(now)),
        },
        "spec": {"environment": "cf", **({"requestUid": asked} if asked else {})},
    }
    return _text({**stored, "status": dict(status)} if status else stored)


def asked_for(cluster: "Cluster") -> "Cluster":
    """The cluster in which a person asks for a restart, where nobody does already."""
    if any(name_of(each) == REQUEST for each in cluster.records):
        return cluster
    version = cluster.version + 1
    metadata = {"name": REQUEST, "uid": f"asked/{version}", "creationTimestamp": timestamp(_time(cluster.now))}
    wish = _text({"metadata": metadata, "spec": {"environment": "cf", "person": "kim", "why": "it hangs"}})
    return replace(cluster, records=(*cluster.records, wish), version=version)


# The observation


def _look(cluster: Cluster) -> tuple[Cluster, Heard]:
    if cluster.blind:
        return cluster, Heard(200, at=cluster.now + OWN_CLOCK, blind=True)
    counted = None if cluster.told is None else cluster.told + 1
    seen = Heard(200, at=cluster.now, pods=cluster.pods, database=cluster.database)
    return replace(cluster, told=counted) if counted is not None else cluster, seen


@cache
def blind_observation(at: int) -> Observation:
    """One that could not list the pods."""
    return observations.observation(
        taken_at=_time(at), pods=Unknown("The API gave no answer."), workloads=Unknown("The API gave no answer.")
    )


@cache
def observation(pods: tuple[FakePod, ...], now: int, database: bool | None = None) -> Observation:  # noqa: FBT001 -- as it is seen
    """What one look at these pods sees."""
    bbs = [pod for pod in pods if not pod.is_locket]
    replicas = len({pod.name for pod in bbs})
    reachable = any(pod.reply is Reply.OK and pod.labelled for pod in bbs)
    found = observations.observation(
        *(observations.bbs(0, pod.reply, active=pod.labelled, **_changes(pod)) for pod in bbs),
        service=Reply.OK if reachable else Reply.TIMEOUT,
        taken_at=_time(now),
        workloads=(observations.workload(BBS, replicas=replicas),),
        **({} if database is None else {"database": database}),
    )
    own = tuple(observations.pod(0, **_changes(pod)) for pod in pods if pod.is_locket)
    return replace(found, locket=Locket(observations.workload(LOCKET, replicas=len(own)), own)) if own else found


def _changes(pod: FakePod) -> dict[str, Any]:
    born = _time(pod.born)
    return {
        "name": pod.name,
        "uid": pod.uid,
        "resource_version": str(pod.version),
        "created": born,
        "ready_since": born,
        "ends_at": _time(pod.born + 600) if pod.terminating else None,
        "owner": LOCKET if pod.is_locket else BBS,
        "containers": (observations.container(started_at=_time(pod.began)),),
    }


# The API ----------------------------------------------------------------------------------------------------------


def _read(cluster: Cluster, path: str) -> Heard:
    if path == RECORDS:
        return Heard(200, _text({"items": [_parsed(each) for each in cluster.records]}), cluster.now)
    if path.startswith(RECORDS):
        found = next((each for each in cluster.records if name_of(each) == path.rpartition("/")[2]), None)
        return Heard(200, found, cluster.now) if found else Heard(404, at=cluster.now)
    if not cluster.paused:
        return Heard(404, at=cluster.now)
    until = timestamp(_time(cluster.now + 86_400))
    pause = {"data": {"by": "somebody", "reason": "a test", "until": until}}
    return Heard(200, _text(pause), cluster.now)


def _swap(cluster: Cluster, request: Request) -> tuple[Cluster, Heard]:
    wanted = _parsed(request.body)
    index = next(at for at, each in enumerate(cluster.records) if name_of(each) == wanted["metadata"]["name"])
    before = cluster.records[index]
    version = wanted["metadata"].get("resourceVersion")
    if version not in {None, _parsed(before)["metadata"]["resourceVersion"]}:
        return cluster, Heard(409, at=cluster.now)
    metadata = {**_parsed(before)["metadata"], "resourceVersion": str(cluster.version + 1)}
    after = _text({**_parsed(before), "metadata": metadata, "status": wanted["status"]})
    if status_of(before).get("plan") not in (None, status_of(after).get("plan")):
        raise Broken("A plan was changed after it had been written.")
    if status_of(before).get("plan") is None and status_of(after).get("plan") and cluster.told is not None:
        _judge_confirmed(cluster.told)
    if not is_open(before) and status_of(before).get("phase") != status_of(after).get("phase"):
        raise Broken("A closed remediation did not stay closed.")
    records = (*cluster.records[:index], after, *cluster.records[index + 1 :])
    return replace(cluster, records=records, version=cluster.version + 1), Heard(200, after, cluster.now)


def _create(cluster: Cluster, request: Request) -> tuple[Cluster, Heard]:
    wanted = _parsed(request.body)
    if wanted["metadata"]["name"] in {name_of(each) for each in cluster.records}:
        return cluster, Heard(409, _text({"reason": "AlreadyExists"}), cluster.now)
    ordinal = int(wanted["metadata"]["name"].rpartition("-r")[2])
    asked = wanted["spec"].get("requestUid", "")
    if asked and any(_parsed(each)["spec"].get("requestUid") == asked for each in cluster.records):
        raise Broken("What a person asked for once was opened twice.")
    stored = fresh_record(ordinal, now=cluster.now, version=cluster.version + 1, asked=asked)
    after = replace(cluster, records=(*cluster.records, stored), version=cluster.version + 1)
    if sum(is_open(each) for each in after.records) > 1:
        raise Broken("Two remediations of one target are open at once.")
    return after, Heard(201, stored, cluster.now)


def _delete(cluster: Cluster, request: Request) -> tuple[Cluster, Heard]:
    asked = _parsed(request.body).get("preconditions", {})
    if request.path.startswith(RECORDS):
        return _withdraw(cluster, request.path.rpartition("/")[2], asked["uid"])
    pod = next((each for each in cluster.pods if each.name == request.path.removeprefix(PODS)), None)
    if pod is None:
        return cluster, Heard(404, at=cluster.now)
    if asked.get("uid", pod.uid) != pod.uid or asked.get("resourceVersion", str(pod.version)) != str(pod.version):
        return cluster, Heard(409, at=cluster.now)
    if pod.uid in cluster.terminated:
        raise Broken(f"{pod.uid} was terminated twice.")
    if pod.uid not in planned_uids(cluster):
        raise Broken(f"{pod.uid} was terminated, and no plan names it.")
    if pod.labelled:
        raise Broken(f"{pod.uid} was terminated after it had been labelled active.")
    leaving = replace(pod, terminating=True, version=cluster.version + 1)
    after = replace(
        cluster,
        pods=tuple(leaving if each is pod else each for each in cluster.pods),
        version=cluster.version + 1,
        terminated=(*cluster.terminated, pod.uid),
    )
    return after, Heard(200, _text({"kind": "Pod"}), cluster.now)


def _withdraw(cluster: Cluster, name: str, uid: str) -> tuple[Cluster, Heard]:
    record = next((each for each in cluster.records if name_of(each) == name), None)
    if record is None:
        return cluster, Heard(404, at=cluster.now)
    if _parsed(record)["metadata"].get("uid") != uid:
        return cluster, Heard(409, at=cluster.now)
    kept = tuple(each for each in cluster.records if each != record)
    return replace(cluster, records=kept, version=cluster.version + 1), Heard(200, record, cluster.now)


def _judge_confirmed(told: int) -> None:
    if told < CONFIRMED_BY:
        raise Broken(f"A plan was written before {CONFIRMED_BY} observations could tell.")


def judge_sent(cluster: Cluster, request: Request, talk: Talk) -> None:
    """Whether this DELETE may be sent, by what its replica has asked and heard in this step. Raises `Broken`."""
    assessment = next((heard for asked, heard in talk if asked.method == "LOOK"), None)
    if assessment is None or cluster.now - assessment.at > OBSERVATION_AGE:
        raise Broken("A DELETE was sent without an observation of the last 10 s.")
    if any(pod.reply is Reply.OK for pod in assessment.pods):
        raise Broken("A DELETE was sent though the observation had seen somebody serve.")
    if assessment.database is False:
        raise Broken("A DELETE was sent though the observation had found the database down.")
    if not any(asked.path.endswith("/stagekeeper-pause") and heard.status == _NOT_FOUND for asked, heard in talk):
        raise Broken("A DELETE was sent without an observation at the pause, or in spite of it.")
    if any(asked.deletes_a_pod for asked, _ in talk):
        raise Broken("A second DELETE was sent on the same observation.")
    planned = planned_uids(cluster)
    victim = next((pod for pod in assessment.pods if pod.name == request.path.removeprefix(PODS)), None)
    if victim is None or victim.uid not in planned:
        raise Broken("A DELETE was sent for a pod that no stored plan names.")
    decided = _decided_at(cluster)
    if any(
        pod.reply is Reply.UNAVAILABLE and not (pod.uid in planned and pod.began <= decided) for pod in assessment.pods
    ):
        raise Broken("A DELETE was sent though a pod that began after the plan may be migrating.")


@cache
def _decided_at(cluster: Cluster) -> int:
    """When the newest plan was made, in seconds after NOW."""
    plans = [status_of(stored).get("plan") for stored in cluster.records]
    made = [datetime.fromisoformat(plan["decidedAt"]) for plan in plans if plan]
    return int((max(made) - NOW).total_seconds()) if made else 0


def judge_written(request: Request, talk: Talk) -> None:
    """Whether a record may say this, by what its replica has observed in this step. Raises `Broken`."""
    status = _parsed(request.body).get("status", {}) if request.method == "PUT" else {}
    assessment = next((heard for asked, heard in reversed(talk) if asked.method == "LOOK"), None)
    if status.get("phase") == "Escalated" and assessment is not None:
        _judge_escalated(_parsed(request.body), assessment)
    if status.get("reason") != "SomebodyServes":
        return
    if status["phase"] == "Verifying" and assessment is not None:
        fresh = not any(asked.deletes_a_pod for asked, _ in talk)
        if fresh and not any(pod.reply is Reply.OK for pod in assessment.pods):
            raise Broken("A record says that somebody serves though nobody answered ok.")


def _judge_escalated(stored: Mapping[str, Any], assessment: Heard) -> None:
    if assessment.blind:
        raise Broken("A remediation was ended by an observation that could not tell.")
    opened = datetime.fromisoformat(stored["metadata"]["creationTimestamp"])
    if stored["status"]["reason"] == "GaveUpWatching" and _time(assessment.at - GIVE_UP) < opened:
        raise Broken("A remediation was given up before its time.")


def _time(now: int) -> datetime:
    return NOW + timedelta(seconds=now)


@cache
def _parsed(text: str) -> Any:
    return json.loads(text)


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)
