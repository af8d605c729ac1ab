"""The pause: one ConfigMap per environment that says who paused the remediator, why, and until when. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from remediator.inputs import Pause
from stagekeeper.kube.objects import time

NAME = "stagekeeper-pause"
"""The ConfigMap's name, in the environment's namespace."""


def end(namespace: str) -> str:
    """The line of kubectl that ends a pause, for whoever has nothing else at hand."""
    return f"kubectl -n {namespace} delete configmap {NAME}"


def look(namespace: str) -> str:
    """The line of kubectl that shows whether somebody has paused it."""
    return f"kubectl -n {namespace} get configmap {NAME} -o yaml --ignore-not-found"


def read(source: Mapping[str, Any] | None, now: datetime) -> Pause:
    """The pause that a ConfigMap (None: there is none) describes at `now`; a malformed one pauses."""
    if source is None:
        return Pause(paused=False)
    data = source.get("data")
    data = data if isinstance(data, Mapping) else {}
    by, why, until = (data.get(key) for key in ("by", "reason", "until"))
    ends = time(until)
    if not (isinstance(by, str) and by and isinstance(why, str) and why) or ends is None:
        return Pause(
            paused=True,
            why=f"ConfigMap {NAME} is malformed (it needs by, reason and until as an RFC 3339 time), "
            "which counts as a pause. Mend it with `stagekeeper pause` or end it with `stagekeeper resume`.",
        )
    if ends <= now:
        return Pause(paused=False)
    return Pause(paused=True, why=f"{by} paused it until {ends:%Y-%m-%d %H:%M:%S} UTC: {why}")
