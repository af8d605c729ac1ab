"""What the objects look like that fuzzing starts from, and the words that it puts into them."""

from typing import Any

Object = dict[str, Any]
_THEN = "2026-11-20T12:00:00Z"

POD: Object = {
    "metadata": {
        "name": "diego-api-0",
        "uid": "uid-0",
        "resourceVersion": "7",
        "creationTimestamp": _THEN,
        "labels": {"skiff-role-active": "true", "controller-revision-hash": "r1"},
        "ownerReferences": [{"kind": "StatefulSet", "name": "diego-api", "controller": True}],
    },
    "spec": {"nodeName": "node-0", "containers": [{"name": "diego-api"}, {"name": "loggregator-agent"}]},
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": _THEN}],
        "containerStatuses": [
            {
                "name": "diego-api",
                "ready": True,
                "restartCount": 1,
                "state": {"running": {"startedAt": _THEN}},
                "lastState": {"terminated": {"startedAt": _THEN, "exitCode": 1}},
            }
        ],
    },
}
STATEFULSET: Object = {
    "metadata": {"name": "diego-api", "uid": "s", "resourceVersion": "1", "generation": 2, "labels": {"a": "b"}},
    "spec": {
        "replicas": 2,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "selector": {"matchLabels": {"skiff-role-name": "diego-api"}},
        "template": {"spec": {"terminationGracePeriodSeconds": 600}},
    },
    "status": {"observedGeneration": 2, "updateRevision": "r1"},
}
SLICE: Object = {"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]}
KUBERNETES: Object = {"pods": [POD, POD], "statefulset": STATEFULSET, "slices": [SLICE]}

_PLAN: Object = {
    "decidedAt": _THEN,
    "diagnosis": "no_active_bbs",
    "steps": [
        {
            "workload": "diego-api",
            "deadlineSeconds": 900,
            "pods": [{"name": "diego-api-0", "uid": "uid-0"}, {"name": "diego-api-1", "uid": "uid-1"}],
        }
    ],
}
REMEDIATION: Object = {
    "apiVersion": "stagekeeper.dev/v1alpha1",
    "kind": "Remediation",
    "metadata": {"name": "diego-api-1", "uid": "e", "resourceVersion": "3", "creationTimestamp": _THEN},
    "spec": {"environment": "cf", "alertname": "StagerUnavailable", "fingerprint": "f", "startsAt": _THEN},
    "status": {
        "phase": "Restarting",
        "reason": "GatesOpen",
        "message": "Restarting.",
        "since": _THEN,
        "diagnosis": "no_active_bbs",
        "evidence": ["refused"],
        "plan": _PLAN,
        "gates": [{"name": "mode", "answer": "pass", "why": "The mode is act."}],
        "deletions": [{"name": "diego-api-0", "uid": "uid-0", "result": "deleted", "at": _THEN}],
        "transitions": [{"at": _THEN, "phase": "Restarting", "reason": "GatesOpen", "message": "Restarting."}],
        "overdue": False,
    },
}
NOTIFICATION: Object = {
    "version": "4",
    "groupKey": "{}:{}",
    "status": "firing",
    "receiver": "stagekeeper",
    "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "StagerUnavailable", "environment": "cf"},
            "startsAt": _THEN,
            "fingerprint": "0123456789abcdef",
        },
        {"status": "resolved", "labels": {"alertname": "StagerUnavailable", "environment": "other"}},
    ],
}
CONFIGURATION: Object = {
    "environments": [
        {
            "name": "cf",
            "profile": "cfee-2",
            "namespace": "cf",
            "statefulsets": ["diego-api"],
            "selector": "skiff-role-name=diego-api",
            "service": {"host": "diego-api.cf.svc", "port": 8889},
            "active_label": {"key": "skiff-role-active", "value": "true"},
            "tls": {"ca_file": "ca", "cert_file": "cert", "key_file": "key"},
            "cloud_controller": {"address": "api.cf.svc:9022"},
            "database": {"address": "mysql:3306"},
            "timeouts": {"probe": 3, "api": 5},
            "patience": {"starting": 300},
        }
    ],
    "exporter": {"scrape_margin": 0.5, "default_deadline": 9.5, "recent_observations": 20},
    "remediator": {
        "mode": "act",
        "webhook": {"token_file": "token", "largest_body": 1048576},
        "alertmanagers": [{"url": "http://alertmanager:9093", "timeout": 3}],
        "rhythm": {"open": 5, "observation_timeout": 8},
        "policy": {"confirm_for": 120, "budget": 2},
    },
}
INCIDENT: Object = {
    "title": "Fuzzed",
    "source": "nobody",
    "environment": {"name": "cf", "profile": "cfee-4", "replicas": 2},
    "timeline": [
        {"at": 0, "alert": "active", "webhooks": [{"status": "firing"}], "pods": {"all": {"age": "3d"}}},
        {"at": "2m", "pods": {"diego-api-0": {"reply": "ok"}}, "operator": {"restart": {"person": "p", "reason": "r"}}},
    ],
    "reactions": [{"when": "deleted", "after": 5, "then": {"pods": {"diego-api-0": {"reply": "ok"}}}}],
    "until": "5m",
}
EVERYTHING = (KUBERNETES, REMEDIATION, NOTIFICATION, CONFIGURATION, INCIDENT)


def words(value: Any) -> list[str]:
    """Every key and every text in `value`."""
    if isinstance(value, dict):
        return [word for key, part in value.items() for word in (key, *words(part))]
    if isinstance(value, list | tuple):
        return [word for part in value for word in words(part)]
    return [value] if isinstance(value, str) else []


WORDS = sorted({*words(EVERYTHING), "deletionTimestamp", "waiting", "CrashLoopBackOff", "Unknown", "False", "Pending"})
"""At most as many as a byte can tell apart are ever used."""
