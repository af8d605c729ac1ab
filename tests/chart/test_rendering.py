from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.settings import exporter_settings
from remediator.settings import remediator_settings
from stagekeeper.config.document import parse
from stagekeeper.diego.environments import environments
from stagekeeper.diego.profiles import Environment
from tests.chart.helm import CI, FOLDER, KUBERNETES, Helm, HelmError, Object, Rendered, merged, rights

pytestmark = pytest.mark.programs

PROGRAMS = ("exporter", "remediator")
PROFILES = ("cfee-1", "cfee-2", "cfee-3", "cfee-4", "kubecf", "kubecf-locket")
OLDEST = "1.25.0"


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_helm_lints_every_ci_file_without_a_word(helm: Helm, values: Path) -> None:
    said = helm.run("lint", "--strict", FOLDER, "--kube-version", KUBERNETES, "--values", values)
    assert "[ERROR]" not in said
    assert "[WARNING]" not in said


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_the_programs_accept_the_configuration_file_of_every_ci_file(helm: Helm, values: Path) -> None:
    rendered = helm.template("--values", values)
    document = parse(rendered.config, "config.yaml")
    assert environments(document)
    exporter_settings(document)
    if any(each["metadata"]["name"].endswith("-remediator") for each in rendered.of("Deployment")):
        remediator_settings(document)


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_the_rights_are_those_of_the_environments_that_the_programs_see(helm: Helm, values: Path) -> None:
    rendered = helm.template("--values", values)
    for environment in environments(parse(rendered.config, "config.yaml")):
        if environment.candidates:
            continue  # auto: its own test
        for program in PROGRAMS:
            roles = _roles_in(rendered, program, environment.namespace)
            assert _names(roles, "statefulsets") == (_workloads(environment) if roles else [])
            counts = "list endpointslices" in rights(roles)
            assert counts == (bool(roles) and environment.service_name is not None)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_gives_the_rights_that_the_programs_need_for_it(helm: Helm, profile: str) -> None:
    given = {"environments": [{"name": "it", "profile": profile}], "remediator": {"mode": "observe"}}
    rendered = helm.template(values=given)
    (environment,) = environments(parse(rendered.config, "config.yaml"))
    assert {role["metadata"]["namespace"] for role in rendered.of("Role")} == {environment.namespace}
    for program in PROGRAMS:
        assert _names(rendered.roles(program), "statefulsets") == _workloads(environment)


def test_profile_auto_may_list_statefulsets_since_it_has_to_find_them(helm: Helm) -> None:
    (role,) = helm.template("--values", FOLDER / "ci" / "exporter-only-values.yaml").of("Role")
    assert _rule(role, "statefulsets") == {
        "apiGroups": ["apps"],
        "resources": ["statefulsets"],
        "verbs": ["get", "list"],
    }
    assert _rule(role, "endpointslices")["verbs"] == ["list"]


def test_an_exporter_alone_may_look_at_two_diegos_with_one_locket(helm: Helm) -> None:
    locket = {"statefulset": "locket", "selector": "app=locket"}
    both = [{"name": name, "statefulsets": [name], "locket": locket} for name in ("a", "b")]
    values: Object = {"environments": both, "remediator": {"enabled": False}}
    names = _names(helm.template(values=values).roles("exporter"), "statefulsets")
    assert names == ["a", "locket", "b", "locket"]


def test_in_mode_observe_there_is_no_right_to_delete_pods(helm: Helm) -> None:
    rendered = helm.template(values={"remediator": {"mode": "observe"}})
    granted = [right for program in PROGRAMS for right in rights(rendered.roles(program)) if right.endswith(" pods")]
    assert granted == ["list pods", "list pods"]
    assert rendered.of("ValidatingAdmissionPolicy") == []


def test_no_right_is_for_the_whole_cluster(helm: Helm) -> None:
    for values in CI:
        rendered = helm.template("--values", values)
        assert rendered.of("ClusterRole") + rendered.of("ClusterRoleBinding") == []


def test_no_secret_is_made_and_none_of_their_values_is_in_what_is_rendered(helm: Helm) -> None:
    for values in CI:
        assert helm.template("--values", values).of("Secret") == []


OF_EACH = (("bbs-z0", 0), ("bbs-z1", 4), ("locket", 0))


def test_the_largest_plan_bounds_which_pods_can_be_deleted(helm: Helm) -> None:
    rendered = helm.template("--values", FOLDER / "ci" / "several-environments-values.yaml")
    deletes = _names(_roles_in(rendered, "remediator", "diego"), "pods")
    assert deletes == [f"{name}-{ordinal}" for name in ("bbs-z0", "bbs-z1", "locket") for ordinal in range(3)]


def test_the_role_names_the_pods_of_a_statefulset_that_does_not_count_from_0(helm: Helm) -> None:
    ordinals = {"rbac": {"firstOrdinals": {"diego/bbs-z1": 4}}}
    values = merged(yaml.safe_load((FOLDER / "ci" / "several-environments-values.yaml").read_text()), ordinals)
    deletes = _names(_roles_in(helm.template(values=values), "remediator", "diego"), "pods")
    assert deletes == [f"{name}-{first + each}" for name, first in OF_EACH for each in range(3)]


@pytest.mark.parametrize("kubernetes", [OLDEST, "1.29.9", "1.30.0", KUBERNETES])
def test_it_renders_for_every_supported_kubernetes(helm: Helm, kubernetes: str) -> None:
    rendered = helm.template("--values", FOLDER / "ci" / "old-kubernetes-values.yaml", kubernetes=kubernetes)
    groups = {each["apiVersion"] for each in rendered.objects}
    assert groups == {"v1", "apps/v1", "policy/v1", "rbac.authorization.k8s.io/v1"}, "all of them served since 1.21"
    healthy = rendered.of("PodDisruptionBudget")[0]["spec"].get("unhealthyPodEvictionPolicy")
    assert healthy == (None if kubernetes == OLDEST else "AlwaysAllow")


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"requires kubeVersion: >=1\.25"):
        helm.template(values={"remediator": {"mode": "observe"}}, kubernetes="1.24.9")


def test_a_drain_a_roll_out_and_a_lost_node_always_leave_a_remediator(helm: Helm) -> None:
    rendered = helm.template("--values", FOLDER / "ci" / "act-values.yaml")
    deployment = rendered.one("Deployment", "stagekeeper-remediator")["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert rendered.one("PodDisruptionBudget", "stagekeeper-remediator")["spec"]["maxUnavailable"] == 1
    pod = deployment["template"]["spec"]
    assert [each["tolerationSeconds"] for each in pod["tolerations"]] == [30, 30]
    assert pod["terminationGracePeriodSeconds"] == 30
    (spread,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert spread["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert spread["podAffinityTerm"]["labelSelector"] == deployment["selector"]


def test_a_single_exporter_does_not_hold_up_a_drain(helm: Helm) -> None:
    names = [each["metadata"]["name"] for each in _observe(helm).of("PodDisruptionBudget")]
    assert names == ["stagekeeper-remediator"]


def test_probes_ask_the_process_and_not_the_target(helm: Helm) -> None:
    for deployment in _observe(helm).of("Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        asked = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
        assert asked == {"startupProbe": "/-/healthy", "livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}


def test_secrets_are_mounted_so_that_kubelet_renews_them(helm: Helm) -> None:
    for values in CI:
        for deployment in helm.template("--values", values).of("Deployment"):
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            assert not any("subPath" in mount for mount in container["volumeMounts"])
            assert not any("valueFrom" in each for each in container["env"]), (
                "no Secret as a variable: those never change"
            )


def _observe(helm: Helm) -> Rendered:
    return helm.template(values={"remediator": {"mode": "observe"}})


def _rule(role: Object, resource: str) -> Any:
    return next(rule for rule in role["rules"] if resource in rule["resources"])


def _roles_in(rendered: Rendered, program: str, namespace: str) -> list[Object]:
    return [role for role in rendered.roles(program) if role["metadata"]["namespace"] == namespace]


def _names(roles: list[Object], resource: str) -> list[str]:
    """The names that rights on a resource are narrowed to."""
    rules = [rule for role in roles for rule in role["rules"] if rule["resources"] == [resource]]
    return [name for rule in rules for name in rule.get("resourceNames", [])]


def _workloads(environment: Environment) -> list[str]:
    return [*environment.statefulsets, *([environment.locket.statefulset] if environment.locket else [])]


def test_an_empty_text_is_the_default_and_a_name_of_digits_stays_a_text(helm: Helm) -> None:
    empty = {
        "name": "cf",
        "namespace": "",
        "selector": "",
        "service": {"host": "", "name": ""},
        "cloud_controller": {"selector": "", "address": ""},
        "database": {"address": ""},
    }
    digits = {"name": "later", "profile": "cfee-2", "namespace": "2024"}
    rendered = helm.template(values={"environments": [empty, digits], "remediator": {"mode": "observe"}})
    first, second = environments(parse(rendered.config, "config.yaml"))
    assert (first.namespace, first.service_name, second.namespace) == ("cf", "diego-api", "2024")
    assert {each["metadata"]["namespace"] for each in rendered.of("Role")} >= {"cf", "2024"}
