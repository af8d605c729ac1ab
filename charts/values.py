"""Every value of the chart, once: type, default and meaning."""

from typing import Any

from charts.environment import ENVIRONMENT
from charts.kinds import (
    DURATION,
    NAME,
    OBJECT_NAME,
    URL,
    choice,
    piece,
    pieces,
    ports,
    switch,
    text,
    texts,
)
from charts.model import Group, Value
from charts.programs import EXPORTER, REMEDIATOR

_EVERYWHERE: list[dict[str, Any]] = [{"namespaceSelector": {}}]
_UNPRIVILEGED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_NOTHING_TO_GAIN = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

_NETWORK = Group(
    "NetworkPolicies for both programs, both directions. Ports are those of the pods, not of Services.",
    {
        "enabled": switch("Make them. Only for clusters whose network plugin enforces them.", default=False),
        "apiServerPorts": ports(
            "Where the API server's endpoints listen. They are no pods, so only ports narrow it.", [443, 6443]
        ),
        "dnsPorts": ports("Where the cluster's DNS pods listen (OpenShift: 5353).", [53]),
        "prometheusPeers": pieces("Who may scrape. Default: every pod of the cluster.", _EVERYWHERE),
        "alertmanagerPeers": pieces("Who may call the webhook, and where Alertmanager is asked.", _EVERYWHERE),
        "extraEgress": pieces("More egress rules, for a Service whose port differs from its pods', for example."),
    },
)

_OPERATOR: dict[str, Value | Group] = {
    "serviceMonitor": Group(
        "Scraping by the Prometheus Operator.",
        {
            "enabled": switch("Make a ServiceMonitor for each program.", default=False),
            "labels": texts("Labels that your Prometheus selects ServiceMonitors by."),
            "interval": text("Time between scrapes. The rules expect at most 30s.", "15s", DURATION),
            "scrapeTimeout": text(
                "How long a scrape may take; the exporter answers half a second earlier.", "10s", DURATION
            ),
            "endpoint": piece("More fields of the endpoints: tlsConfig, basicAuth, metricRelabelings."),
        },
    ),
    "prometheusRule": Group(
        "Alerts for the Prometheus Operator.",
        {
            "enabled": switch("Make a PrometheusRule of the rules in files/rules.yaml.", default=False),
            "labels": texts("Labels that your Prometheus selects PrometheusRules by."),
            "objective": switch("Add the rules for those who keep an objective.", default=False),
            "runbookUrl": text("Where your copy of the runbooks is. Default: the project's.", pattern=URL),
            "dashboardUrl": text(
                "Where your Grafana's dashboards are. Default: alerts carry no link to them.", "", URL
            ),
        },
    ),
    "alertmanagerConfig": Group(
        "The remediator's route for the Prometheus Operator.",
        {
            "enabled": switch("Make an AlertmanagerConfig.", default=False),
            "labels": texts("Labels that your Alertmanager selects AlertmanagerConfigs by."),
        },
    ),
    "dashboards": Group(
        "Grafana dashboards as ConfigMaps, for Grafana's sidecar.",
        {
            "enabled": switch("Make them.", default=False),
            "labels": texts("Labels that your Grafana's sidecar selects by.", {"grafana_dashboard": "1"}),
            "annotations": texts("Annotations, such as the folder."),
        },
    ),
}

VALUES = Group(
    "All values.",
    {
        "nameOverride": text("Replaces the chart's name in the names of objects.", pattern=NAME),
        "fullnameOverride": text("Replaces release and chart in the names of objects.", pattern=NAME),
        "commonLabels": texts("Labels of every object."),
        "image": Group(
            "The image; image/Containerfile makes it.",
            {
                "repository": Value(
                    "ghcr.io/stagekeeper/stagekeeper",
                    "Where it is, without tag.",
                    {"type": "string", "pattern": r"^[a-z0-9][^\s@]*$"},
                ),
                "tag": text("Its tag. Default: the chart's appVersion.", pattern="^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}$"),
                "digest": text(
                    "Its digest, which wins over the tag: what was reviewed is what runs.", "", "^sha256:[0-9a-f]{64}$"
                ),
                "pullPolicy": choice("When nodes pull it.", "IfNotPresent", "Always", "Never"),
            },
        ),
        "imagePullSecrets": Value(
            [],
            "Secrets for the registry.",
            {"type": "array"},
            Group("A Secret.", {"name": text("Its name.", pattern=OBJECT_NAME)}, required=("name",)),
        ),
        "environments": Value(
            [{"name": "cf", "profile": "cfee-2"}],
            "The Diegos to look after, one block for each. The default is the tutorial's.",
            {"type": "array", "minItems": 1},
            ENVIRONMENT,
        ),
        "logging": Group(
            "What both programs write.",
            {
                "level": choice("From which level on.", "info", "debug", "warning", "error"),
                "format": choice("How.", "logfmt", "json"),
            },
        ),
        "exporter": EXPORTER,
        "remediator": REMEDIATOR,
        "podSecurityContext": piece(
            'Pod Security "restricted". On OpenShift set the three numbers to null.', _UNPRIVILEGED
        ),
        "containerSecurityContext": piece('Pod Security "restricted", and a read-only root.', _NOTHING_TO_GAIN),
        "rbac": Group(
            "Rights, in each environment's namespace.",
            {"create": switch("Make Roles and RoleBindings. docs/install.md lists every right.", default=True)},
        ),
        "admissionPolicy": Group(
            "A ValidatingAdmissionPolicy on the remediator's deletes: only the environments' own pods, only by UID and "
            "resourceVersion, never with less than their own grace period.",
            {"enabled": switch("Make it, in mode `act`. Needs Kubernetes 1.30.", default=True)},
        ),
        "crds": Group(
            "The CustomResourceDefinition of the records. Helm installs it, and never upgrades or deletes it.",
            {
                "check": switch(
                    "Refuse to go on with another one than this chart's. Needs the right to read it.", default=True
                )
            },
        ),
        "podDisruptionBudget": Group(
            "For programs with two or more replicas.",
            {"enabled": switch("Let a drain take one pod at a time.", default=True)},
        ),
        "networkPolicy": _NETWORK,
        "prometheusAnnotations": Group(
            "For a Prometheus that finds pods by annotations.",
            {"enabled": switch("Put prometheus.io/scrape and its kind on the pods.", default=False)},
        ),
        **_OPERATOR,
        "global": piece("Not used; Helm adds it where this chart is a dependency."),
    },
)
