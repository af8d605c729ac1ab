"""A Kubernetes API that gives the same prepared bytes to everybody: `python -m bench.stand_in --port P --ip A`.

For measurements of growth, where the server's own work must not be what grows. Every namespace holds one Diego of two
pods on the addresses A and A+1, and `--remediations` closed records.
"""

import argparse
import json
from typing import Any

from aiohttp import web

from simulator.layouts import CFEE_2
from simulator.manifests import statefulset

Object = dict[str, Any]
_THEN = "2026-11-20T12:00:00Z"
_STORED = {"resourceVersion": "1", "creationTimestamp": _THEN}


def pod(name: str, ip: str, labels: dict[str, str]) -> Object:
    """A pod that has been ready for days."""
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": _THEN}]
    running = {"ready": True, "restartCount": 0, "state": {"running": {"startedAt": _THEN}}}
    containers = [{"name": each, "image": "example.invalid/image:1"} for each in ("diego-api", "loggregator-agent")]
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "resourceVersion": "1",
            "creationTimestamp": _THEN,
            "labels": labels | {"controller-revision-hash": "revision-1"},
            "ownerReferences": [{"kind": "StatefulSet", "name": name.rpartition("-")[0], "controller": True}],
        },
        "spec": {"nodeName": "node-0", "containers": containers},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "conditions": conditions,
            "containerStatuses": [{"name": each["name"], **running} for each in containers],
        },
    }


def remediation(number: int) -> Object:
    """A record as a restart leaves it."""
    plan = {
        "decidedAt": _THEN,
        "diagnosis": "no_active_bbs",
        "steps": [{"workload": "diego-api", "deadlineSeconds": 900, "pods": [{"name": "diego-api-0", "uid": "u"}] * 2}],
    }
    lines = [("Restarting", "GatesOpen"), ("Verifying", "PodsDeleted"), ("Recovered", "Serving")]
    said = "Restarting diego-api-0, diego-api-1: all pods refuse, are ready and old enough, and nobody serves."
    status = {
        "phase": "Recovered",
        "reason": "Serving",
        "message": said,
        "since": _THEN,
        "diagnosis": "serving",
        "evidence": ["diego-api-0: connection refused", "diego-api-1: connection refused", "Service: refused"],
        "plan": plan,
        "gates": [{"name": f"gate-{number}", "answer": "pass", "why": said} for number in range(8)],
        "deletions": [{"name": f"diego-api-{n}", "uid": f"u{n}", "result": "deleted", "at": _THEN} for n in range(2)],
        "transitions": [{"at": _THEN, "phase": phase, "reason": reason, "message": said} for phase, reason in lines],
    }
    return {
        "apiVersion": "stagekeeper.dev/v1alpha1",
        "kind": "Remediation",
        "metadata": {"name": f"diego-api-{number}", "uid": f"e{number}", **_STORED},
        "spec": {"environment": "cf", "alertname": "StagerUnavailable", "startsAt": _THEN},
        "status": status,
    }


def answers(ip: str, remediations: int) -> dict[str, bytes]:
    """The bytes by what a path ends with."""
    network, _, host = ip.rpartition(".")
    bbs = [
        pod(f"diego-api-{n}", f"{network}.{int(host) + n}", {"skiff-role-active": "false" if n else "true"})
        for n in range(2)
    ]
    workload = statefulset(CFEE_2.bbs, "cf") if CFEE_2.bbs else {}
    workload["metadata"] |= {"uid": "uid-of-set", "generation": 1, "resourceVersion": "1"}
    workload["status"] = {"observedGeneration": 1, "updateRevision": "revision-1", "replicas": 2}
    found = {
        "pods": {"items": bbs},
        "endpointslices": {"items": [{"endpoints": [{"addresses": [ip], "conditions": {"ready": True}}]}]},
        "statefulsets/diego-api": workload,
        "remediations": {"items": [remediation(number) for number in range(1, remediations + 1)]},
    }
    return {end: json.dumps(body).encode() for end, body in found.items()}


def application(prepared: dict[str, bytes]) -> web.Application:
    """GET answers what is prepared, POST what was sent, everything else 404."""

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST":
            body = json.loads(await request.read())
            body["metadata"] |= {"uid": "new", "resourceVersion": "2", "creationTimestamp": _THEN}
            return web.json_response(body, status=201)
        found = next((body for end, body in prepared.items() if request.path.endswith(f"/{end}")), None)
        if found is None:
            return web.json_response({"reason": "NotFound", "message": "not found"}, status=404)
        return web.Response(body=found, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.stand_in")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ip", required=True, help="of pod 0; that of pod 1 is the next")
    parser.add_argument("--remediations", type=int, default=0)
    given = parser.parse_args()
    prepared = answers(given.ip, given.remediations)
    web.run_app(application(prepared), host="127.0.0.1", port=given.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
