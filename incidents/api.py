"""The Kubernetes API of a replay, held in memory: it answers the product's own client as an API server does."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incidents.clock import Clock
from incidents.deletions import Deletions
from incidents.format import PauseChange
from incidents.journal import Journal
from incidents.pods import Json
from incidents.words import Delete, Part
from incidents.world import World
from remediator import pause
from stagekeeper.kube.client import Call, Kube, Response
from stagekeeper.kube.errors import Conflict, NotFound, Unreachable, from_status
from stagekeeper.kube.objects import timestamp
from stagekeeper.kube.remediations import KIND

_NO_ANSWER = 503
_REFUSALS = {Delete.REFUSED: 503, Delete.TOO_MANY: 429, Delete.FORBIDDEN: 403, Delete.INVALID: 422}
_NOT_THERE = 404


@dataclass(slots=True)
class Server:
    """What every client of the API sees."""

    world: World
    clock: Clock
    pods: Deletions
    journal: Journal
    records: dict[str, Json] = field(default_factory=dict)
    pause: PauseChange | None = None
    next_deletes: deque[Delete] = field(default_factory=deque)
    back_dated: datetime | None = None
    """What creation times are while the records of before are put in."""
    _version: int = 0

    @property
    def now(self) -> datetime:
        """The API server's clock."""
        return self.back_dated or self.clock.now

    def next_version(self) -> str:
        """A resourceVersion that no object has had."""
        self._version += 1
        return str(self._version)

    def newest(self) -> Json | None:
        """The record with the highest ordinal."""
        return max(self.records.values(), key=lambda each: _ordinal(each["metadata"]["name"]), default=None)

    def forge(self, name: str, status: Mapping[str, Any] | None) -> None:
        """What somebody who may write records does to one: takes it away, or writes what he likes."""
        if name == "latest":
            newest = self.newest()
            name = newest["metadata"]["name"] if newest else ""
        if status is None:
            self.records.pop(name, None)
        elif name:
            record = self.records.setdefault(name, self.record(name, {}))
            record["status"] = {**record.get("status", {}), **status}
            record["metadata"]["resourceVersion"] = self.next_version()

    def record(self, name: str, spec: Mapping[str, Any]) -> Json:
        """A new record."""
        metadata = {"name": name, "uid": f"{name}-uid", "creationTimestamp": timestamp(self.now)}
        metadata["resourceVersion"] = self.next_version()
        return {"apiVersion": "stagekeeper.dev/v1alpha1", "kind": KIND, "metadata": metadata, "spec": dict(spec)}


class Api(Kube):
    """One client's way to the server. `killed` is called where a file has this client's process killed."""

    def __init__(self, server: Server, killed: Callable[[], None]) -> None:
        self._server, self._killed = server, killed
        self._lists = 0
        self._listed_at = -1.0

    @property
    def server(self) -> str:
        """For messages."""
        return "the API server"

    async def send(self, call: Call, *, timeout: float) -> Response:  # noqa: ARG002 -- nothing here takes time
        """The answer. Raises `KubeError` where the incident says so, or the API would refuse."""
        await asyncio.sleep(0)  # others may come first, as on a network
        part, answer = self._route(call)
        self._fail(part, call)
        body = await answer(call) if call.method == "DELETE" and part is Part.DELETE else answer(call)
        return Response(body, self._server.now)

    def _fail(self, part: Part, call: Call) -> None:
        around = self._server.world.around
        status = around.answers.get(part, around.answers.get(Part.API))
        if {part, Part.API} & around.unreadable:
            status = _NO_ANSWER
        if status is not None:
            raise _error(call, status, "the API answers so at this moment of the incident")

    def _route(self, call: Call) -> tuple[Part, Callable[[Call], Any]]:
        """Which part of the API is asked, and who answers."""
        _, kind, name = _place(call.path)
        world = self._server.world
        locket = world.environment.locket
        routes: Mapping[tuple[str, str], tuple[Part, Callable[[Call], Any]]] = {
            ("DELETE", "pods"): (Part.DELETE, self._delete_pod),
            ("GET", "statefulsets"): (
                Part.LOCKET if locket and name == locket.statefulset else Part.STATEFULSET,
                self._statefulset,
            ),
            ("GET", "endpointslices"): (Part.API, lambda _: _list(world.slices())),
            ("GET", "configmaps"): (Part.PAUSE, self._pause),
            ("POST", "events"): (Part.API, lambda _: {}),
        }
        if kind == "remediations":
            return Part.RECORDS, self._records
        if (call.method, kind, name) == ("GET", "pods", ""):
            return self._lists_of(call.query.get("labelSelector", ""))
        return routes.get((call.method, kind), (Part.API, _nothing))

    def _lists_of(self, selector: str) -> tuple[Part, Callable[[Call], Any]]:
        """Which pods a selector means."""
        world = self._server.world
        if selector == world.environment.selector:
            return (Part.SECOND_LIST if self._is_second() else Part.PODS), self._bbs_pods
        if world.environment.locket is not None and selector == world.environment.locket.selector:
            return Part.LOCKET, lambda _: _list(world.manifests(world.locket))
        return Part.CLOUD_CONTROLLER, lambda _: _list(world.cloud_controllers())

    # Pods and StatefulSets ----------------------------------------------------------------------------------------

    def _is_second(self) -> bool:
        """Whether this LIST of the BBS pods is an observation's second one; the first counts once it has succeeded."""
        now = asyncio.get_running_loop().time()
        if now != self._listed_at:
            self._listed_at, self._lists = now, 0
        return self._lists % 2 == 1

    def _bbs_pods(self, _call: Call) -> Json:
        world = self._server.world
        found = world.manifests(world.pods)
        self._lists += 1
        if not world.around.steady and self._lists % 2:
            found.append({"metadata": {"name": "gone-by-the-second-list", "uid": "gone"}})
        return _list(found)

    def _statefulset(self, call: Call) -> Json:
        _, _, name = _place(call.path)
        found = self._server.world.statefulset(name)
        if found is None:
            raise _error(call, _NOT_THERE, f'statefulsets.apps "{name}" not found')
        return found

    async def _delete_pod(self, call: Call) -> Json:
        """Delete a pod if it is still the one that the preconditions name, or fail as the incident says."""
        server = self._server
        _, _, name = _place(call.path)
        fate = server.next_deletes.popleft() if server.next_deletes else Delete.DONE
        if fate is Delete.KILLED_BEFORE:
            await self._be_killed()
        if fate is Delete.LOST_BEFORE:
            raise Unreachable(f"{call}: no answer.")
        if fate in _REFUSALS:
            raise _error(call, _REFUSALS[fate], f'pods "{name}" can\'t be deleted: refused in this incident')
        present = server.world.group(name).get(name)
        if present is None:
            raise NotFound(f"{call}: {name} is not there.")
        wanted = (call.body or {}).get("preconditions", {})
        actual = {"uid": present.uid, "resourceVersion": str(present.version)}
        if fate is Delete.CONFLICT or any(wanted[key] != actual.get(key) for key in wanted):
            raise Conflict(f"{call}: {name} changed since the observation.")
        server.pods.delete(name)
        server.journal.deleted(server.newest(), name)
        if fate is Delete.KILLED_AFTER:
            await self._be_killed()
        if fate is Delete.LOST:
            raise Unreachable(f"{call}: no answer.")
        return {}

    async def _be_killed(self) -> None:
        self._killed()
        await asyncio.Event().wait()

    def _pause(self, call: Call) -> Json:
        given = self._server.pause
        if given is None:
            raise NotFound(f"{call}: there is no ConfigMap {pause.NAME}.")
        if given.unreadable:
            raise _error(call, _NO_ANSWER, "the API answers so at this moment of the incident")
        until = given.until
        if isinstance(until, int | float):
            until = timestamp(self._server.clock.start + timedelta(seconds=until))
        found = {"by": given.by, "reason": given.reason, "until": until or ""}
        return {"data": {key: value for key, value in found.items() if value}}

    # Records ------------------------------------------------------------------------------------------------------

    def _records(self, call: Call) -> Json:
        server = self._server
        _, _, name = _place(call.path)
        match call.method:
            case "GET" if not name:
                return _list(list(server.records.values())) | {"metadata": {"resourceVersion": "1"}}
            case "POST":
                body: Any = json.loads(json.dumps(call.body))
                name = body["metadata"]["name"]
                if name in server.records:
                    raise _error(call, 409, f"{name} exists", "AlreadyExists")
                server.records[name] = server.record(name, body["spec"])
                server.journal.opened(server.records[name])
            case _ if name not in server.records:
                raise _error(call, _NOT_THERE, f'remediations.stagekeeper.dev "{name}" not found')
            case "PUT":
                self._swap(call, name)
            case "DELETE":
                return server.records.pop(name)
        return server.records[name]

    def _swap(self, call: Call, name: str) -> None:
        """Replace the status if the record is still as it was read."""
        server, before = self._server, self._server.records[name]
        given: Any = json.loads(json.dumps(call.body))
        if given["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
            raise Conflict(f"{call}: {name} changed since it was read.")
        metadata = {**before["metadata"], "resourceVersion": server.next_version()}
        server.records[name] = {**before, "metadata": metadata, "status": given["status"]}
        server.journal.changed(before, server.records[name])


def _place(path: str) -> tuple[str, str, str]:
    """Namespace, kind and name in a path; "" for what it does not have."""
    namespace, kind, name = [*path.partition("/namespaces/")[2].split("/"), "", "", ""][:3]
    return namespace, kind, name


def _list(items: list[Json]) -> Json:
    return {"items": items, "metadata": {}}


def _nothing(call: Call) -> Json:
    raise _error(call, _NOT_THERE, "the server could not find the requested resource")


def _error(call: Call, status: int, why: str, reason: str = "") -> Exception:
    return from_status(status, reason, f"{call}: HTTP {status}: {why}")


def _ordinal(name: str) -> int:
    number = name.rpartition("-")[2].lstrip("r")
    return int(number) if number.isdecimal() else 0
