"""The values of the two programs."""

from charts.kinds import KEY, OBJECT_NAME, URL, piece, pieces, seconds, switch, text, texts, whole
from charts.model import Group, Value, fields_of
from exporter.settings import ExporterSettings
from remediator.settings import PolicySettings, RhythmSettings

_LEAVE_AT_ONCE = [
    {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
    for what in ("not-ready", "unreachable")
]
"""Kubernetes' own default is five minutes: as long as the outage that we are here to end."""


def _resources(memory: str, most: str) -> Value:
    """No CPU limit: throttled probes would look like a slow BBS."""
    default = {"requests": {"cpu": "20m", "memory": memory}, "limits": {"memory": most}}
    return piece("Requests and limits. No CPU limit, since a throttled probe looks like a slow BBS.", default)


def _pods(replicas: Value, resources: Value) -> dict[str, Value | Group]:
    """What both programs' pods can be told."""
    return {
        "replicas": replicas,
        "resources": resources,
        "priorityClassName": text("PriorityClass of the pods.", pattern=OBJECT_NAME),
        "nodeSelector": texts("Labels of the nodes to run on."),
        "tolerations": pieces("Leave a lost node after 30 s instead of five minutes.", _LEAVE_AT_ONCE),
        "affinity": piece("Replaces the default, which prefers a node for each replica."),
        "topologySpreadConstraints": pieces("Spread over zones, for example."),
        "podAnnotations": texts("Annotations of the pods."),
        "podLabels": texts("Labels of the pods."),
        "serviceAccount": Group(
            "Who the pods are to the Kubernetes API.",
            {
                "create": switch("Make the ServiceAccount.", default=True),
                "name": text("Its name. Default: made of the release's name.", pattern=OBJECT_NAME),
                "annotations": texts("Its annotations."),
            },
        ),
        "webConfig": Group(
            "`--web.config.file`: TLS and basic auth of the listener.",
            {
                "secret": text(
                    "A Secret with the key `web-config.yaml`, mounted at /etc/stagekeeper/web. It must not require "
                    "client certificates, since kubelet's probes have none.",
                    "",
                    OBJECT_NAME,
                ),
                "tls": switch("It switches TLS on, so probes and scrapes must use it.", default=False),
            },
        ),
    }


def _secret_key(about: str) -> Group:
    """A reference to one key of a Secret in the release's namespace."""
    return Group(
        f"{about} A Secret in the release's namespace.",
        {"secret": text("Its name.", pattern=OBJECT_NAME), "key": text("The key in it.", pattern=KEY)},
        required=("secret", "key"),
    )


ALERTMANAGER = Group(
    "One Alertmanager to ask. Of an HA pair, name both.",
    {
        "url": Value(
            "", "Its address, such as http://alertmanager.monitoring:9093.", {"type": "string", "pattern": URL}
        ),
        "timeout": seconds("Seconds for its answer. Default: 3.", 3.0, 3600),
        "bearer_token": _secret_key("The bearer token to send."),
        "username": text("The user of basic auth."),
        "password": _secret_key("The password of basic auth."),
        "ca": _secret_key("The CA that its certificate must come from."),
    },
    required=("url",),
)

EXPORTER = Group(
    "The exporter: looks whenever it is scraped, and may only read.",
    {
        "enabled": switch("Install it.", default=True),
        "config": Value({}, "The section `exporter:` of the configuration file.", fields_of(ExporterSettings)),
        **_pods(
            whole("Copies of it. The rules take the best answer of all.", 1, 1, 10),
            _resources("96Mi", "192Mi"),
        ),
    },
)

REMEDIATOR = Group(
    "The remediator: takes Alertmanager's webhook, and restarts the BBS pods once when that is proven to be the cure.",
    {
        "enabled": switch("Install it. Without it nothing is ever restarted.", default=True),
        "mode": Value(
            "",
            "No default: a person decides. `observe` writes down what it would do and has no right to delete; `act` "
            "restarts.",
            {"type": "string"},
        ),
        "webhook": Group(
            "How Alertmanager comes in. The token is always yours: a chart that made one would make another at every "
            "upgrade, or keep it in the release, and Alertmanager needs the same one.",
            {
                "secret": text(
                    "The Secret with the bearer token that Alertmanager sends.", "stagekeeper-webhook", OBJECT_NAME
                ),
                "key": text("The key in it.", "token", KEY),
            },
        ),
        "alertname": text("The alert that opens an episode.", "StagerUnavailable", "^[a-zA-Z_][a-zA-Z0-9_]*$"),
        "alertmanagers": Value(
            [],
            "Where to ask, right before acting, whether the alert is still active and not silenced. `act` needs one.",
            {"type": "array"},
            ALERTMANAGER,
        ),
        "rhythm": Value({}, "`remediator.rhythm` of the configuration file.", fields_of(RhythmSettings)),
        "policy": Value({}, "`remediator.policy` of the configuration file.", fields_of(PolicySettings)),
        **_pods(
            whole("Copies of it. Two are safe, and one stays while the other moves.", 2, 1, 10),
            _resources("96Mi", "256Mi"),
        ),
    },
)
