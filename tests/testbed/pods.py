"""What a kubelet writes about pods where none runs, and what a pod says of itself."""

from typing import Any

Object = dict[str, Any]


def running(pod: Object, ip: str | None = None) -> Object:
    """The `status` of a pod whose containers all run and are ready, with an address if there is one."""
    state = {"running": {"startedAt": "2026-11-20T10:00:00Z"}}
    return {
        "phase": "Running",
        **({"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {}),
        "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")],
        "containerStatuses": [
            {
                "name": each["name"],
                "image": each["image"],
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": state,
            }
            for each in pod["spec"]["containers"]
        ],
    }


def is_ready(pod: Object) -> bool:
    """Whether a pod is Ready and stays."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
