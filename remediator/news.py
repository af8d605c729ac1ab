"""What is told of a remediation as Kubernetes Events: about the record, and about each pod that we delete."""

from datetime import datetime

from remediator.remediation import Remediation
from stagekeeper.diego.observation import Observation
from stagekeeper.kube import events
from stagekeeper.kube.events import Event
from stagekeeper.kube.objects import Pod


def of_record(remediation: Remediation, reason: str, note: str, at: datetime, seen: Observation | None) -> Event:
    """About the record; the BBS StatefulSet has to do with it, where it is known."""
    known = seen.known_workloads if seen else ()
    about = events.remediation(remediation.name, remediation.uid)
    return Event(about, reason, note, "Remediate", at, events.statefulset(known[0]) if known else None)


def of_deletion(remediation: Remediation, pod: Pod, at: datetime) -> Event:
    """About a pod, so that `kubectl describe pod` says who deleted it, and why."""
    cause = remediation.plan.diagnosis if remediation.plan else remediation.diagnosis
    note = f"Deleted by Stagekeeper's remediator ({remediation.name}, {cause}); the StatefulSet makes a new one."
    return Event(
        events.pod(pod), "Restarted", note, "Delete", at, events.remediation(remediation.name, remediation.uid)
    )
