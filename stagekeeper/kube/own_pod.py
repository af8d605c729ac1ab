"""Whether we run in a pod with a ServiceAccount, and how somebody outside reaches a command in it."""

import os
import re
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_DEPLOYMENT = re.compile(r"(?P<name>.+)-[a-z0-9]{5,10}-[a-z0-9]{5}")
"""The name of a Deployment's pod: the Deployment, the hash of the ReplicaSet, the pod's own five characters."""


def in_cluster() -> bool:
    """Whether we run in a pod with a ServiceAccount's token."""
    named = os.environ.get("KUBERNETES_SERVICE_HOST") and os.environ.get("KUBERNETES_SERVICE_PORT")
    return bool(named) and (SERVICE_ACCOUNT / "token").is_file()


def way_in() -> str:
    """What is typed before `stagekeeper` to call it where we run, in a pod: `kubectl ... exec ... -- `; else ""."""
    pod = os.environ.get("HOSTNAME", "")
    if not pod or not in_cluster():
        return ""
    try:
        namespace = (SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    found = _DEPLOYMENT.fullmatch(pod)
    where = f"deploy/{found['name']}" if found else pod
    return f"kubectl -n {namespace} exec {where} -- "
