import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import schemas
from tests.chart.cluster import (
    CRD_PATH,
    RELEASE,
    admit,
    ensure_namespace,
    installed,
    namespace_for_a_release,
    path_of,
    secret,
)
from tests.chart.helm import CI, FOLDER, Helm, HelmError, parsed
from tests.testbed.api import ApiError
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import until_true

pytestmark = [pytest.mark.real, pytest.mark.programs]

OBSERVE: dict[str, Any] = {"remediator": {"mode": "observe"}}


@pytest.fixture(scope="module")
def environments(control_plane: ControlPlane) -> None:
    """The namespaces that the ci files speak of."""
    for name in ("cf", "kubecf", "diego"):
        ensure_namespace(control_plane, name)


@pytest.fixture
def release(control_plane: ControlPlane, environments: None) -> str:  # noqa: ARG001 -- they must be there
    """A namespace to install into."""
    return namespace_for_a_release(control_plane)


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_it_installs_upgrades_rolls_back_and_leaves_nothing(
    cluster: Helm, control_plane: ControlPlane, release: str, values: Path
) -> None:
    place = ("--namespace", release)
    # The next test has the server validate, which is stricter than what Helm does here.
    given = ("--values", values, "--disable-openapi-validation")
    made = json.loads(cluster.run("install", RELEASE, FOLDER, *place, *given, "--output", "json"))
    try:
        first = made["manifest"]
        _pods_are_admitted(control_plane, release, [first, *(each["manifest"] for each in made["hooks"])])
        cluster.run("upgrade", RELEASE, FOLDER, *place, *given, "--set", "logging.level=error")
        assert "--log.level=error" in _arguments(control_plane, release)
        cluster.run("rollback", RELEASE, "1", *place)
        assert "--log.level=error" not in _arguments(control_plane, release)
        assert cluster.run("get", "manifest", RELEASE, *place).strip() == first.strip()
    finally:
        cluster.run("uninstall", RELEASE, *place)
    assert [path for each in parsed(first).objects if control_plane.api.exists(path := path_of(each))] == []
    assert control_plane.api.exists(CRD_PATH), "the records outlive the release"


@pytest.mark.usefixtures("operator")
def test_no_object_has_an_unknown_misspelt_or_repeated_field_says_the_api_server(
    cluster: Helm, control_plane: ControlPlane, release: str
) -> None:
    manifests = [cluster.manifests("--namespace", release, "--values", values) for values in CI]
    judge = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
    said = control_plane.kubectl(*judge, stdin="\n---\n".join(manifests))
    objects = [each for manifest in manifests for each in parsed(manifest).objects]
    assert said.count("(server dry run)") == len(objects)


def _pods_are_admitted(plane: ControlPlane, namespace: str, manifests: Iterable[str]) -> None:
    for rendered in map(parsed, manifests):
        for deployment in rendered.of("Deployment"):
            admit(plane, namespace, deployment["spec"]["template"])
        for test in rendered.of("Pod"):
            admit(plane, namespace, test)


def _arguments(plane: ControlPlane, namespace: str) -> list[str]:
    """What all programs of the release are started with."""
    found = plane.api.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    return [argument for each in found for argument in each["spec"]["template"]["spec"]["containers"][0]["args"]]


def test_pod_security_refuses_a_pod_that_may_more(control_plane: ControlPlane, cluster: Helm, release: str) -> None:
    with installed(
        cluster, release, values={**OBSERVE, "containerSecurityContext": {"allowPrivilegeEscalation": None}}
    ):
        manifest = cluster.run("get", "manifest", RELEASE, "--namespace", release)
        with pytest.raises(ApiError, match=r"violates PodSecurity .*restricted"):
            _pods_are_admitted(control_plane, release, [manifest])


def test_a_namespace_that_does_not_exist_is_named(cluster: Helm, release: str) -> None:
    values = {**OBSERVE, "environments": [{"name": "cf", "namespace": "not-there"}]}
    with pytest.raises(HelmError, match='namespaces "not-there" not found'), installed(cluster, release, values=values):
        pass


@pytest.fixture(scope="module")
def keeper(control_plane: ControlPlane, cluster: Helm, environments: None) -> Iterator[None]:  # noqa: ARG001 -- it must be there
    """A release that keeps two StatefulSets, and Locket's."""
    locket = {"statefulset": "locket", "selector": "app=locket"}
    kept = {"name": "one", "namespace": "kubecf", "statefulsets": ["bbs-z0", "bbs-z1"], "locket": locket}
    with installed(cluster, namespace_for_a_release(control_plane), values={**OBSERVE, "environments": [kept]}):
        yield


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize(
    ("second", "both"),
    [
        ({"statefulsets": ["bbs-z0", "bbs-z1"]}, "bbs-z0"),
        ({"statefulsets": ["other", "bbs-z0"]}, "bbs-z0"),
        ({"statefulsets": ["bbs-z1", "other"]}, "bbs-z1"),
        ({"statefulsets": ["other"], "locket": {"statefulset": "bbs-z1", "selector": "a=b"}}, "bbs-z1"),
        ({"statefulsets": ["locket"]}, "locket"),
    ],
    ids=["the same", "the first, listed last", "the last, listed first", "as its Locket", "the other's Locket"],
)
def test_two_releases_on_one_statefulset_are_refused_however_they_name_and_list_it(
    cluster: Helm, release: str, second: dict[str, Any], both: str
) -> None:
    environment = {"name": "two", "namespace": "kubecf", "locket": False, **second}
    values = {**OBSERVE, "fullnameOverride": "other", "environments": [environment]}
    says = f'Role "stagekeeper-keeps-{both}" in namespace "kubecf" exists and cannot be'
    with pytest.raises(HelmError, match=says), installed(cluster, release, values=values):
        pass


@pytest.mark.usefixtures("keeper")
def test_two_releases_on_two_statefulsets_of_one_namespace_do_not_disturb_each_other(
    cluster: Helm, release: str
) -> None:
    other = {"name": "two", "namespace": "kubecf", "statefulsets": ["other"], "locket": False}
    with installed(cluster, release, values={**OBSERVE, "environments": [other]}):
        pass


def test_a_statefulset_that_does_not_count_from_0_is_told_with_what_to_say(
    control_plane: ControlPlane, cluster: Helm, release: str
) -> None:
    namespace, labels = control_plane.create_namespace("ordinals"), {"app": "bbs"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "bbs", "image": "x"}]}}
    spec = {"replicas": 0, "serviceName": "x", "selector": {"matchLabels": labels}, "template": template}
    body = {"metadata": {"name": "diego-api"}, "spec": {**spec, "ordinals": {"start": 3}}}
    control_plane.api.request("POST", f"/apis/apps/v1/namespaces/{namespace}/statefulsets", body)
    act = {"mode": "act", "alertmanagers": [{"url": "http://alertmanager:9093"}]}
    values = {"environments": [{"name": "cf", "namespace": namespace}], "remediator": act}
    with pytest.raises(HelmError) as refused, installed(cluster, release, values=values):
        pass
    said = str(refused.value)
    assert f"StatefulSet {namespace}/diego-api counts its pods from 3" in said
    with installed(cluster, release, "--set-json", said.partition("--set-json '")[2].partition("'")[0], values=values):
        role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/stagekeeper-keeps-diego-api"
        found = control_plane.api.request("GET", role)["rules"][1]["resourceNames"]
    assert found == [f"diego-api-{ordinal}" for ordinal in range(3, 9)]


def test_a_secret_that_comes_later_is_asked_for_in_the_notes(cluster: Helm, release: str) -> None:
    said = cluster.run("install", RELEASE, FOLDER, "--namespace", release, values=OBSERVE)
    cluster.run("uninstall", RELEASE, "--namespace", release)
    assert f"NOT THERE YET: Secret stagekeeper-webhook in namespace {release}." in said
    assert "create secret generic stagekeeper-webhook --from-literal=token=" in said
    assert "remediations.stagekeeper.dev" not in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"tokn": "a"}, "has no key token, which the remediator needs (it has: tokn)."),
        ({"token": ""}, "the key token, which the remediator needs, is empty."),
    ],
    ids=["another key", "empty"],
)
def test_a_secret_that_cannot_be_right_is_refused(
    control_plane: ControlPlane, cluster: Helm, release: str, content: dict[str, str], says: str
) -> None:
    secret(control_plane, release, "stagekeeper-webhook", **content)
    with pytest.raises(HelmError) as refused, installed(cluster, release, values=OBSERVE):
        pass
    assert says in str(refused.value)


def test_the_secret_of_an_environment_is_checked_for_both_programs(
    control_plane: ControlPlane, cluster: Helm, release: str
) -> None:
    secret(control_plane, release, "diego", **{"ca.crt": "x", "tls.crt": "x"})
    values = {**OBSERVE, "environments": [{"name": "cf", "tls": {"secret": "diego"}}]}
    with pytest.raises(HelmError) as refused, installed(cluster, release, values=values):
        pass
    for program in ("exporter", "remediator"):
        assert f"diego has no key tls.key, which the {program} needs" in str(refused.value)


def test_a_listener_that_would_shut_kubelet_out_is_refused(
    control_plane: ControlPlane, cluster: Helm, release: str
) -> None:
    web = {"tls_server_config": {"client_auth_type": "RequireAndVerifyClientCert"}}
    secret(control_plane, release, "web", **{"web-config.yaml": yaml.safe_dump(web)})
    values = {**OBSERVE, "exporter": {"webConfig": {"secret": "web", "tls": True}}}
    with pytest.raises(HelmError, match="would shut kubelet's probes out"), installed(cluster, release, values=values):
        pass


@pytest.mark.parametrize(
    "web", ["# not RequireAndVerifyClientCert\n", "tls_server_config:\n", "tls_server_config: {}", "- a list"]
)
def test_a_listener_that_asks_kubelet_for_no_certificate_is_not_refused(
    control_plane: ControlPlane, cluster: Helm, release: str, web: str
) -> None:
    secret(control_plane, release, "web", **{"web-config.yaml": web})
    values = {**OBSERVE, "exporter": {"webConfig": {"secret": "web", "tls": False}}}
    cluster.run("install", RELEASE, FOLDER, "--namespace", release, "--dry-run=server", values=values)


@pytest.mark.parametrize(
    ("web", "tls", "says"),
    [
        ("basic_auth_users: {}\n", True, "has no tls_server_config, but exporter.webConfig.tls is true"),
        ("tls_server_config: {cert_file: a}\n", False, "has a tls_server_config, but exporter.webConfig.tls is false"),
    ],
)
def test_a_listener_that_kubelet_would_ask_by_the_wrong_scheme_is_refused(
    control_plane: ControlPlane, cluster: Helm, release: str, *, web: str, tls: bool, says: str
) -> None:
    secret(control_plane, release, "web", **{"web-config.yaml": web})
    values = {**OBSERVE, "exporter": {"webConfig": {"secret": "web", "tls": tls}}}
    with pytest.raises(HelmError, match=says), installed(cluster, release, values=values):
        pass


def test_an_older_definition_of_the_records_is_refused_with_the_command_that_mends_it(
    control_plane: ControlPlane, cluster: Helm, release: str
) -> None:
    place = ("--namespace", release)
    with installed(cluster, release, values=OBSERVE):
        older = control_plane.api.request("GET", CRD_PATH)
        older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"].pop("overdue")
        control_plane.api.request("PUT", CRD_PATH, older)
        try:
            with pytest.raises(HelmError, match=r"is not that of chart [\d.]+, and.*kubectl apply --server-side"):
                cluster.run("upgrade", RELEASE, FOLDER, *place, values=OBSERVE)
            cluster.run("upgrade", RELEASE, FOLDER, *place, values={**OBSERVE, "crds": {"check": False}})
        finally:
            _apply_definition(control_plane)
        until_true(lambda: "overdue" in str(control_plane.api.request("GET", CRD_PATH)))
        cluster.run("upgrade", RELEASE, FOLDER, *place, values=OBSERVE)


def test_a_missing_definition_of_the_records_is_told_and_refuses_an_upgrade(
    control_plane: ControlPlane, cluster: Helm, release: str
) -> None:
    place = ("--namespace", release)
    control_plane.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=_definition())
    try:
        said = cluster.run("install", RELEASE, FOLDER, *place, "--skip-crds", values=OBSERVE)
        with pytest.raises(
            HelmError, match=r"remediations\.stagekeeper\.dev is missing, and Helm makes it only at the first"
        ):
            cluster.run("upgrade", RELEASE, FOLDER, *place, values=OBSERVE)
        cluster.run("uninstall", RELEASE, *place)
    finally:
        _apply_definition(control_plane)
    assert "NOT THERE YET: the CustomResourceDefinition remediations.stagekeeper.dev" in said


def _definition() -> str:
    return (FOLDER / "crds" / "remediations.yaml").read_text()


def _apply_definition(plane: ControlPlane) -> None:
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=_definition())
    plane.wait_for_definitions("remediations.stagekeeper.dev")


def test_the_definition_in_the_chart_is_what_helm_installs(
    cluster: Helm, control_plane: ControlPlane, release: str
) -> None:
    with installed(cluster, release, values=OBSERVE):
        ours = yaml.safe_load(_definition())
        theirs = control_plane.api.request("GET", CRD_PATH)
        assert theirs["spec"]["versions"][0]["schema"] == ours["spec"]["versions"][0]["schema"]


def test_the_committed_schemas_are_those_of_the_running_api_server(control_plane: ControlPlane) -> None:
    description = control_plane.api.request("GET", "/openapi/v2")["definitions"]
    committed = json.loads(schemas.FILE.read_text())
    newest = schemas.MINORS[-1]
    for name, ((_, schema),) in schemas.history({newest: description}).items():
        assert schemas.in_force(committed[name], newest) == schema, f"{name}: run `python -m tests.chart.schemas`"
