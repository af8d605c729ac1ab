"""What each value does: the value, what it is set to, where that shows, and what stands there then. Data only."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.chart.helm import MISSING, merged

BASE: dict[str, Any] = {"remediator": {"mode": "act", "alertmanagers": [{"url": "http://alertmanager:9093"}]}}
ENTRIES: dict[str, dict[str, Any]] = {
    "environments": {"name": "cf"},
    "remediator.alertmanagers": {"url": "http://alertmanager:9093"},
    "imagePullSecrets": {"name": "a"},
}
"""What an entry of each list must have besides the key that is looked at."""
PROGRAMS = {"exporter": 9889, "remediator": 9890}
ON, OFF = True, False
METADATA = "metadata > labels > "
SPEC = "spec > template > spec > "
CONTAINER = f"{SPEC}containers > 0 > "


@dataclass(frozen=True, slots=True)
class Effect:
    """Setting `path` to `value` makes `place` be `expected`; without it, `place` is something else."""

    path: str
    value: Any
    place: str
    expected: Any
    also: dict[str, Any] = field(default_factory=dict)
    """Other values that it needs to have an effect."""
    beside: dict[str, Any] = field(default_factory=dict)
    """Other keys of the same entry of a list."""

    @property
    def without(self) -> dict[str, Any]:
        """The values before."""
        around = merged(BASE, self.also)
        *before, _ = self.path.split("[].")
        return merged(around, self._nested(before[0].split("."), [self._entry()])) if before else around

    @property
    def values(self) -> dict[str, Any]:
        """The values with this one."""
        *before, rest = self.path.split("[].")
        inner = self._nested(rest.split("."), self.value)
        given = self._nested(before[0].split("."), [merged(self._entry(), inner)]) if before else inner
        return merged(self.without, given)

    def _entry(self) -> dict[str, Any]:
        return merged(ENTRIES[self.path.partition("[]")[0]], self.beside)

    @staticmethod
    def _nested(keys: list[str], value: Any) -> dict[str, Any]:
        for key in reversed(keys):
            value = {key: value}
        found: dict[str, Any] = value
        return found


def _names() -> Iterator[Effect]:
    own = "Deployment/stagekeeper-exporter > "
    yield Effect(
        "nameOverride", "other", f"Deployment/stagekeeper-other-exporter > {METADATA}app.kubernetes.io/name", "other"
    )
    yield Effect("fullnameOverride", "other", "Service/other-exporter > metadata > namespace", "stagekeeper")
    yield Effect("commonLabels", {"team": "a"}, f"{own}{METADATA}team", "a")
    image = f"{own}{CONTAINER}image"
    yield Effect("image.repository", "registry.example/it", image, "registry.example/it:0.2.0")
    yield Effect("image.tag", "v9", image, "registry.example/stagekeeper:v9")
    digest = f"sha256:{'0' * 64}"
    yield Effect("image.digest", digest, image, f"registry.example/stagekeeper@{digest}")
    registry = "mirror.example/registry.example/stagekeeper:0.2.0"
    yield Effect("global.imageRegistry", "mirror.example", image, registry)
    yield Effect("image.pullPolicy", "Always", f"{own}{CONTAINER}imagePullPolicy", "Always")
    yield Effect("imagePullSecrets", [{"name": "a"}], f"{own}{SPEC}imagePullSecrets", [{"name": "a"}])
    yield Effect("imagePullSecrets[].name", "b", f"{own}{SPEC}imagePullSecrets > 0 > name", "b")
    yield Effect("podSecurityContext", {"fsGroup": 7}, f"{own}{SPEC}securityContext > fsGroup", 7)
    yield Effect(
        "containerSecurityContext", {"privileged": False}, f"{own}{CONTAINER}securityContext > privileged", OFF
    )
    yield Effect("logging.level", "debug", f"{own}{CONTAINER}args > 3", "--log.level=debug")
    yield Effect("logging.format", "json", f"{own}{CONTAINER}args > 4", "--log.format=json")


def _environments() -> Iterator[Effect]:
    here = "config > environments > 0 > "
    role = "Role/stagekeeper-exporter-cf > "
    yield Effect("environments", [{"name": "x"}], f"{here}name", "x")
    yield Effect("environments[].name", "x", "Role/stagekeeper-exporter-x > metadata > namespace", "cf")
    yield Effect("environments[].profile", "kubecf", f"{role}metadata > namespace", "kubecf")
    yield Effect("environments[].namespace", "other", f"{role}metadata > namespace", "other")
    yield Effect("environments[].statefulsets", ["a", "b"], f"{role}rules > 2 > resourceNames", ["a", "b"])
    guard = "ValidatingAdmissionPolicy/stagekeeper-stagekeeper-deletes > spec > validations > 0 > expression"
    allowed = (
        "(request.namespace == 'cf' && variables.owner in ['diego-api'] && variables.labels[?'a'].orValue('') == 'b')"
    )
    yield Effect("environments[].selector", "a=b", guard, allowed)
    yield Effect("environments[].service.host", "bbs.cf", f"{here}service > host", "bbs.cf")
    yield Effect("environments[].service.name", "bbs", f"{here}service > name", "bbs")
    port = "NetworkPolicy/stagekeeper-exporter > spec > egress > 2 > ports > 0 > port"
    yield Effect("environments[].service.port", 18889, port, 18889, {"networkPolicy": {"enabled": True}})
    label = {"active_label": {"key": "k", "value": "v"}}
    yield Effect("environments[].active_label.key", "a", f"{here}active_label > key", "a", beside=label)
    yield Effect("environments[].active_label.value", "b", f"{here}active_label > value", "b", beside=label)
    yield Effect(
        "environments[].active_label.may_be_absent", ON, f"{here}active_label > may_be_absent", ON, beside=label
    )
    yield Effect("environments[].bbs_container", "bbs", f"{here}bbs_container", "bbs")
    yield Effect("environments[].readiness", "active", f"{here}readiness", "active")
    volume = f"Deployment/stagekeeper-exporter > {SPEC}volumes > 1 > projected > sources > "
    tls = {"tls": {"secret": "s"}}
    yield Effect("environments[].tls.secret", "a", f"{volume}0 > secret > name", "a", beside=tls)
    for index, (key, file) in enumerate((("ca", "ca.crt"), ("cert", "tls.crt"), ("key", "tls.key"))):
        item = {"key": "mine", "path": f"cf/{file}"}
        yield Effect(f"environments[].tls.{key}", "mine", f"{volume}{index} > secret > items > 0", item, beside=tls)
    yield Effect("environments[].tls.server_name", "bbs", f"{here}tls > server_name", "bbs", beside=tls)
    locket = {"statefulset": "locket", "selector": "a=b"}
    yield Effect("environments[].locket", locket, f"{role}rules > 2 > resourceNames", ["diego-api", "locket"])
    yield Effect("environments[].cloud_controller.selector", "a=b", f"{here}cloud_controller > selector", "a=b")
    yield Effect("environments[].cloud_controller.address", "api:9022", f"{here}cloud_controller > address", "api:9022")
    address = "NetworkPolicy/stagekeeper-exporter > spec > egress > 3 > ports > 0 > port"
    yield Effect("environments[].database.address", "db:5432", address, 5432, {"networkPolicy": {"enabled": True}})
    yield Effect("environments[].timeouts.probe", 1, f"{here}timeouts > probe", 1)
    yield Effect("environments[].timeouts.api", 1, f"{here}timeouts > api", 1)
    deep = {"tls": {"secret": "s"}}
    yield Effect("environments[].deep_probe", ON, f"{here}deep_probe", ON, beside=deep)
    yield Effect("environments[].patience", {"starting": 60}, f"{here}patience > starting", 60)


def _program(name: str, port: int) -> Iterator[Effect]:
    own = f"Deployment/stagekeeper-{name} > "
    yield Effect(f"{name}.enabled", OFF, f"{own}kind", MISSING)
    yield Effect(f"{name}.replicas", 3, f"{own}spec > replicas", 3)
    yield Effect(f"{name}.resources", {"limits": {"cpu": "1"}}, f"{own}{CONTAINER}resources > limits > cpu", "1")
    yield Effect(f"{name}.priorityClassName", "high", f"{own}{SPEC}priorityClassName", "high")
    yield Effect(f"{name}.nodeSelector", {"a": "b"}, f"{own}{SPEC}nodeSelector", {"a": "b"})
    yield Effect(f"{name}.tolerations", [{"key": "a"}], f"{own}{SPEC}tolerations", [{"key": "a"}])
    yield Effect(f"{name}.affinity", {"nodeAffinity": {}}, f"{own}{SPEC}affinity", {"nodeAffinity": {}})
    spread = [{"topologyKey": "zone"}]
    yield Effect(f"{name}.topologySpreadConstraints", spread, f"{own}{SPEC}topologySpreadConstraints", spread)
    yield Effect(f"{name}.dnsConfig", {"searches": ["a"]}, f"{own}{SPEC}dnsConfig > searches", ["a"])
    yield Effect(f"{name}.extraArgs", ["--a=b"], f"{own}{CONTAINER}args > 5", "--a=b")
    variable = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    yield Effect(f"{name}.extraEnv", [variable], f"{own}{CONTAINER}env > 1", variable)
    extra = {"name": "more", "emptyDir": {}}
    last = {"exporter": 1, "remediator": 2}[name]
    yield Effect(f"{name}.extraVolumes", [extra], f"{own}{SPEC}volumes > {last}", extra)
    mount = {"name": "more", "mountPath": "/more"}
    yield Effect(f"{name}.extraVolumeMounts", [mount], f"{own}{CONTAINER}volumeMounts > {last}", mount)
    yield Effect(
        f"{name}.service.annotations", {"a": "b"}, f"Service/stagekeeper-{name} > metadata > annotations > a", "b"
    )
    yield Effect(f"{name}.podAnnotations", {"a": "b"}, f"{own}spec > template > metadata > annotations > a", "b")
    yield Effect(f"{name}.podLabels", {"a": "b"}, f"{own}spec > template > metadata > labels > a", "b")
    account = f"ServiceAccount/stagekeeper-{name} > "
    yield Effect(f"{name}.serviceAccount.create", OFF, f"{account}kind", MISSING)
    yield Effect(f"{name}.serviceAccount.name", "me", f"{own}{SPEC}serviceAccountName", "me")
    yield Effect(f"{name}.serviceAccount.annotations", {"a": "b"}, f"{account}metadata > annotations > a", "b")
    argument = "--web.config.file=/etc/stagekeeper/web/web-config.yaml"
    yield Effect(f"{name}.webConfig.secret", "web", f"{own}{CONTAINER}args > 3", argument)
    web = {name: {"webConfig": {"secret": "web"}}}
    yield Effect(f"{name}.webConfig.tls", ON, f"{own}{CONTAINER}livenessProbe > httpGet > scheme", "HTTPS", web)
    scrape = f"{own}spec > template > metadata > annotations > prometheus.io/port"
    if name == "exporter":
        yield Effect("prometheusAnnotations.enabled", ON, scrape, str(port))


def _remediator() -> Iterator[Effect]:
    here = "config > remediator > "
    own = "Deployment/stagekeeper-remediator > "
    first = f"{here}alertmanagers > 0 > "
    yield Effect("exporter.config", {"recent_observations": 5}, "config > exporter", {"recent_observations": 5})
    yield Effect("remediator.mode", "observe", f"{here}mode", "observe")
    secret = f"{own}{SPEC}volumes > 1 > projected > sources > 0 > secret > "
    yield Effect("remediator.webhook.secret", "mine", f"{secret}name", "mine")
    yield Effect("remediator.webhook.key", "mine", f"{secret}items > 0 > key", "mine")
    yield Effect("remediator.webhook.largest_body", 4096, f"{here}webhook > largest_body", 4096)
    yield Effect("remediator.alertname", "Other", f"{here}alertname", "Other")
    yield Effect("remediator.receiver", "other", f"{here}receiver", "other")
    yield Effect("remediator.matchers", {"cluster": "eu1"}, f"{here}matchers", {"cluster": "eu1"})
    yield Effect("remediator.alertmanagers", [{"url": "http://b"}], f"{first}url", "http://b")
    yield Effect("remediator.alertmanagers[].url", "http://b", f"{first}url", "http://b")
    yield Effect("remediator.alertmanagers[].external_url", "https://b", f"{first}external_url", "https://b")
    yield Effect("remediator.alertmanagers[].timeout", 1.5, f"{first}timeout", 1.5)
    reference = {"secret": "x", "key": "x"}
    volume = f"{own}{SPEC}volumes > 1 > projected > sources > 0 > secret > "
    for name, other in (("bearer_token", {}), ("password", {"username": "x"}), ("ca", {})):
        path = f"remediator.alertmanagers[].{name}"
        whole = {name: reference, **other}
        yield Effect(f"{path}.secret", "s", f"{volume}name", "s", beside=whole)
        yield Effect(f"{path}.key", "k", f"{volume}items > 0", {"key": "k", "path": f"0/{name}"}, beside=whole)
    pair = {"cert": reference, "key": reference}
    for source, name in enumerate(pair):
        volume = f"{own}{SPEC}volumes > 1 > projected > sources > {source} > secret > "
        path = f"remediator.alertmanagers[].{name}"
        yield Effect(f"{path}.secret", "s", f"{volume}name", "s", beside=pair)
        yield Effect(f"{path}.key", "k", f"{volume}items > 0", {"key": "k", "path": f"0/{name}"}, beside=pair)
    yield Effect("remediator.alertmanagers[].tenant", "t", f"{first}tenant", "t")
    yield Effect("remediator.alertmanagers[].proxy_url", "http://p:1", f"{first}proxy_url", "http://p:1")
    login = {"username": "x", "password": reference}
    yield Effect("remediator.alertmanagers[].username", "u", f"{first}username", "u", beside=login)
    yield Effect("remediator.rhythm", {"open": 2}, f"{here}rhythm", {"open": 2})
    yield Effect("remediator.policy", {"budget": 1}, f"{here}policy", {"budget": 1})


def _safety() -> Iterator[Effect]:
    policy = "ValidatingAdmissionPolicy/stagekeeper-stagekeeper-deletes > kind"
    place, named = "Role/stagekeeper-keeps-diego-api > rules > 1 > resourceNames > 0", {"cf/diego-api": 3}
    yield Effect("rbac.firstOrdinals", named, place, "diego-api-3")
    yield Effect("rbac.create", OFF, "Role/stagekeeper-exporter-cf > kind", MISSING)
    yield Effect("admissionPolicy.enabled", OFF, policy, MISSING)
    yield Effect("podDisruptionBudget.enabled", OFF, "PodDisruptionBudget/stagekeeper-remediator > kind", MISSING)
    on = {"networkPolicy": {"enabled": True}}
    own = "NetworkPolicy/stagekeeper-remediator > "
    peer: dict[str, Any] = {"podSelector": {}}
    yield Effect("networkPolicy.enabled", ON, f"{own}kind", "NetworkPolicy")
    yield Effect("networkPolicy.apiServerPorts", [6], f"{own}spec > egress > 1 > ports > 0 > port", 6, on)
    yield Effect("networkPolicy.dnsPorts", [5], f"{own}spec > egress > 0 > ports > 1 > port", 5, on)
    yield Effect("networkPolicy.prometheusPeers", [peer], f"{own}spec > ingress > 0 > from > 0", peer, on)
    yield Effect("networkPolicy.alertmanagerPeers", [peer], f"{own}spec > egress > 3 > to", [peer], on)
    yield Effect("networkPolicy.extraEgress", [{"to": [peer]}], f"{own}spec > egress > 4 > to", [peer], on)


def _monitoring() -> Iterator[Effect]:
    for feature, kind, name in (
        ("serviceMonitor", "ServiceMonitor", "stagekeeper-exporter"),
        ("prometheusRule", "PrometheusRule", "stagekeeper"),
        ("alertmanagerConfig", "AlertmanagerConfig", "stagekeeper"),
        ("dashboards", "ConfigMap", "stagekeeper-dashboard-cf-stager"),
    ):
        on = {feature: {"enabled": True}}
        yield Effect(f"{feature}.enabled", ON, f"{kind}/{name} > kind", kind)
        yield Effect(f"{feature}.labels", {"a": "b"}, f"{kind}/{name} > {METADATA}a", "b", on)
    monitor, on = "ServiceMonitor/stagekeeper-exporter > spec > endpoints > 0 > ", {"serviceMonitor": {"enabled": True}}
    away = "ServiceMonitor/stagekeeper-exporter > metadata > namespace"
    yield Effect("serviceMonitor.namespace", "monitoring", away, "monitoring", on)
    yield Effect("serviceMonitor.interval", "30s", f"{monitor}interval", "30s", on)
    yield Effect("serviceMonitor.scrapeTimeout", "5s", f"{monitor}scrapeTimeout", "5s", on)
    yield Effect("serviceMonitor.endpoint", {"basicAuth": {}}, f"{monitor}basicAuth", {}, on)
    caller, on = "AlertmanagerConfig/stagekeeper > spec > receivers > 0 > ", {"alertmanagerConfig": {"enabled": True}}
    verified = f"{caller}webhookConfigs > 0 > httpConfig > tlsConfig > serverName"
    yield Effect("alertmanagerConfig.tlsConfig", {"serverName": "a"}, verified, "a", on)
    rule, on = "PrometheusRule/stagekeeper > spec > groups > ", {"prometheusRule": {"enabled": True}}
    yield Effect("prometheusRule.objective", ON, f"{rule}4 > name", "stagekeeper.objective", on)
    annotations = f"{rule}0 > rules > 7 > annotations > "
    runbook = "https://wiki.example/StagerUnavailable.md"
    yield Effect("prometheusRule.runbookUrl", "https://wiki.example/", f"{annotations}runbook_url", runbook, on)
    korean = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/runbooks/ko/StagerUnavailable.md"
    yield Effect("prometheusRule.runbookLanguage", "ko", f"{annotations}runbook_url", korean, on)
    yield Effect("prometheusRule.namespace", "b", "PrometheusRule/stagekeeper > metadata > namespace", "b", on)
    yield Effect(
        "prometheusRule.disabled", ["StagerUnavailable"], f"{rule}0 > rules > 7 > alert", "StagerSplitBrain", on
    )
    yield Effect("prometheusRule.for", {"StagerUnavailable": "90s"}, f"{rule}0 > rules > 7 > for", "90s", on)
    board = (
        "https://grafana.example/x/stagekeeper-stager{{ with $labels.environment }}?var-environment={{ . }}"
        "{{ with $labels.cluster }}&var-cluster={{ . }}{{ end }}{{ end }}"
    )
    yield Effect("prometheusRule.dashboardUrl", "https://grafana.example/x", f"{annotations}dashboard_url", board, on)
    folder = "ConfigMap/stagekeeper-dashboard-cf-stager > metadata > annotations > folder"
    yield Effect("dashboards.annotations", {"folder": "b"}, folder, "b", {"dashboards": {"enabled": True}})


EFFECTS = (
    *_names(),
    *_environments(),
    *(effect for name, port in PROGRAMS.items() for effect in _program(name, port)),
    *_remediator(),
    *_safety(),
    *_monitoring(),
)
