"""The section `remediator:`: what is wrong is told by line, key and remedy; what is right becomes the policy."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.policy import Mode, Policy, PolicySettings
from remediator.settings import AlertmanagerSettings, RemediatorSettings, remediator_settings
from stagekeeper.config.document import parse
from stagekeeper.config.errors import ConfigurationError

GOOD = {"mode": "act", "webhook": {"token_file": "/t"}, "alertmanagers": [{"url": "http://am:9093"}]}


def problem(text: str) -> str:
    with pytest.raises(ConfigurationError) as found:
        remediator_settings(parse(text, "sk.yaml"))
    return str(found.value)


def section(**changes: str) -> str:
    """A good section, one key a line, with changes; a key with the value "" is left out."""
    lines = {"mode": "observe", "webhook": "{token_file: /t}", **changes}
    return "remediator:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items() if value)


MODE = "must be act (restart the pods when every gate is open) or observe (only write down what act would do)."
ADDRESS = "must be an Alertmanager's address, such as http://alertmanager:9093."
DURATION = "must be a duration: seconds as a number, or such as 90s, 20m, 1h30m or 3d."
KNOWN = ", ".join(PolicySettings.model_fields)
BAD = {
    "environments: []\n": (
        "sk.yaml: remediator: is missing. It needs at least mode (act or observe) and webhook.token_file."
    ),
    section(mode=""): "sk.yaml:1: remediator.mode: is missing and has no default.",
    section(webhook=""): "sk.yaml:1: remediator.webhook: is missing and has no default.",
    section(webhook="{}"): "sk.yaml:3: remediator.webhook.token_file: is missing and has no default.",
    section(mode="dry-run"): f"sk.yaml:2: remediator.mode: {MODE} It is 'dry-run'.",
    section(mode="on"): f"sk.yaml:2: remediator.mode: {MODE} It is true.",
    section(mode="[act]"): f"sk.yaml:2: remediator.mode: {MODE}",
    section(mode="{act: true}"): f"sk.yaml:2: remediator.mode: {MODE}",
    section(mode="act"): (
        "sk.yaml:1: remediator: mode act needs at least one entry in alertmanagers: "
        "silences are asked there before acting."
    ),
    section(alertname="'a b'"): (
        "sk.yaml:4: remediator.alertname: string should match pattern '^[a-zA-Z_][a-zA-Z0-9_]*$'. It is 'a b'."
    ),
    section(modes="act"): (
        "sk.yaml:4: remediator.modes: unknown key (did you mean mode?). "
        "Known are mode, webhook, alertname, matchers, receiver, alertmanagers, links, rhythm, policy."
    ),
    section(
        policy="{confirm: 1}"
    ): f"sk.yaml:4: remediator.policy.confirm: unknown key (did you mean confirm_for?). Known are {KNOWN}.",
    section(links="{dashboards: 'https://ann:secret@grafana.example/d'}"): (
        "sk.yaml:4: remediator.links.dashboards: must be an address that everybody may see: without credentials, ? or "
        "#. It is 'https://grafana.example/d'."
    ),
    section(policy="{observation_age: 60}"): (
        "sk.yaml:4: remediator.policy.observation_age: unknown key (did you mean verify_observations?). "
        f"Known are {KNOWN}."
    ),
    section(policy="{confirm_for: -1}"): ("sk.yaml:4: remediator.policy.confirm_for: must be at least 0s. It is -1."),
    section(policy="{confirm_observations: 1}"): (
        "sk.yaml:4: remediator.policy.confirm_observations: must be at least 2. It is 1."
    ),
    section(policy="{budget: 0}"): ("sk.yaml:4: remediator.policy.budget: must be at least 1. It is 0."),
    section(policy="{largest_plan: 17}"): ("sk.yaml:4: remediator.policy.largest_plan: must be at most 16. It is 17."),
    section(policy="{cooldown: 25h}"): "sk.yaml:4: remediator.policy.cooldown: must be at most 1d. It is '25h'.",
    section(policy="{cooldown: .nan}"): f"sk.yaml:4: remediator.policy.cooldown: {DURATION} It is nan.",
    section(policy="{cooldown: .inf}"): f"sk.yaml:4: remediator.policy.cooldown: {DURATION} It is inf.",
    section(policy="{cooldown: soon}"): f"sk.yaml:4: remediator.policy.cooldown: {DURATION} It is 'soon'.",
    section(rhythm="{open: 0}"): "sk.yaml:4: remediator.rhythm.open: must be more than 0s. It is 0.",
    section(rhythm="{observe: 25}"): (
        "sk.yaml:1: remediator: policy.largest_gap (30s) must be longer than rhythm.observe and "
        "rhythm.observation_timeout together (33s), else no diagnosis can ever be confirmed."
    ),
    section(rhythm="{observation_timeout: 10}"): (
        "sk.yaml:1: remediator: rhythm.observation_timeout must be below 10s: an older observation decides nothing."
    ),
    section(webhook="{token_file: /t, largest_body: 100}"): (
        "sk.yaml:3: remediator.webhook.largest_body: must be at least 1024. It is 100."
    ),
    section(alertmanagers="[{url: 'http://am:9093', timeout: 12}]"): (
        "sk.yaml:4: remediator.alertmanagers[0].timeout: must be at most 9s. It is 12."
    ),
    section(alertmanagers="[{}]"): "sk.yaml:4: remediator.alertmanagers[0].url: is missing and has no default.",
    section(alertmanagers="[{url: am}]"): f"sk.yaml:4: remediator.alertmanagers[0].url: {ADDRESS} It is 'am'.",
    section(alertmanagers="[{url: 'ftp://am'}]"): (
        f"sk.yaml:4: remediator.alertmanagers[0].url: {ADDRESS} It is 'ftp://am'."
    ),
    section(alertmanagers="[{url: 'http://am', username: x}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: username and password_file belong together."
    ),
    section(alertmanagers="[{url: 'http://am', username: x, password_file: /p, bearer_token_file: /b}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: bearer_token_file and username/password_file exclude each other."
    ),
    section(alertmanagers="[{url: 'http://x:hunter2@am'}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: "
        "the url must not hold credentials: use username and password_file, or bearer_token_file."
    ),
    section(alertmanagers="[{url: 'http://am/?a=b'}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: the url must end with Alertmanager's path, without ? or #."
    ),
    section(alertmanagers="[{url: 'http://am', bearer_token: hunter2}]"): (
        "sk.yaml:4: remediator.alertmanagers[0].bearer_token: unknown key (did you mean bearer_token_file?). "
        "Known are url, external_url, bearer_token_file, username, password_file, ca_file, cert_file, key_file, "
        "tenant, proxy_url, timeout."
    ),
    section(alertmanagers="[{url: 'https://am/prefix/api/v2'}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: the url must end before /api, which is added to it: "
        "use https://am/prefix."
    ),
    section(alertmanagers="[{url: 'https://k8s/api/v1/namespaces/m/services/am:9093/proxy/api/v2/'}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: the url must end before /api, which is added to it: "
        "use https://k8s/api/v1/namespaces/m/services/am:9093/proxy."
    ),
    section(alertmanagers="[{url: 'http://am:9093/api/v2/alerts/groups'}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: the url must end before /api, which is added to it: use http://am:9093."
    ),
    section(alertmanagers="[{url: 'http://am', proxy_url: 'http://x:hunter2@proxy'}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: "
        "the proxy_url must not hold credentials: name a proxy that asks for none."
    ),
    section(alertmanagers="[{url: 'https://am', cert_file: /c}]"): (
        "sk.yaml:4: remediator.alertmanagers[0]: cert_file and key_file belong together."
    ),
    section(matchers="{environment: prod}"): (
        "sk.yaml:4: remediator.matchers: must not name environment, which is always asked for."
    ),
}


@pytest.mark.parametrize("text", BAD)
def test_a_mistake_is_told_by_line_key_and_remedy(text: str) -> None:
    assert problem(text) == BAD[text]


@pytest.mark.parametrize("text", [text for text in BAD if "hunter2" in text])
def test_a_secret_in_the_wrong_place_is_not_repeated(text: str) -> None:
    assert "hunter2" not in problem(text)


def test_every_mistake_is_told_at_once() -> None:
    assert len(problem(section(mode="x", policy="{budget: 0}", alertname="'?'")).splitlines()) == 3


def test_without_a_policy_the_defaults_are_the_policys() -> None:
    assert RemediatorSettings.model_validate(GOOD).as_policy() == Policy(mode=Mode.ACT)


@pytest.mark.parametrize("name", sorted(PolicySettings.model_fields))
def test_what_is_set_arrives_in_the_policy(name: str) -> None:
    default = getattr(Policy(mode=Mode.ACT), name)
    given: Any = {bool: True, int: 3, timedelta: 45.0, str: "wait"}[type(default)]
    policy = RemediatorSettings.model_validate({**GOOD, "policy": {name: given}}).as_policy()
    assert getattr(policy, name) == (timedelta(seconds=given) if isinstance(default, timedelta) else given)


@pytest.mark.parametrize(
    "url",
    [
        "https://k8s:6443/api/v1/namespaces/monitoring/services/http:alertmanager-operated:9093/proxy",
        "https://rancher.example/k8s/clusters/c-1/api/v1/namespaces/m/services/alertmanager:web/proxy",
        "https://grafana.example/api/alertmanager/grafana",
        "https://mimir.example/alertmanager/",
        "http://am:9093/api",
    ],
)
def test_an_alertmanager_behind_another_api_is_reached(url: str) -> None:
    assert str(AlertmanagerSettings.model_validate({"url": url}).url) == url


def test_in_a_pod_people_are_told_its_own_namespace_and_deployment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert RemediatorSettings.model_validate(GOOD).as_policy().inside.startswith("kubectl -n stagekeeper exec ")
    for name, text in (("token", "t"), ("namespace", "ours")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("stagekeeper.kube.own_pod.SERVICE_ACCOUNT", tmp_path)
    given = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    for name, value in {**given, "HOSTNAME": "sk-remediator-7c9d5b8f6-x2x4z"}.items():
        monkeypatch.setenv(name, value)
    policy = RemediatorSettings.model_validate(GOOD).as_policy()
    assert policy.inside == "kubectl -n ours exec deploy/sk-remediator -- "
