from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.cluster import (
    CRD_PATH,
    RELEASE,
    admit,
    ensure_namespace,
    installed,
    namespace_for_a_release,
    secret,
    until,
)
from tests.chart.helm import CI, FOLDER, Helm, HelmError, parsed
from tests.chart.operator_apis import PLURALS, definitions
from tests.testbed.api import ApiError
from tests.testbed.control_plane import ControlPlane

pytestmark = [pytest.mark.real, pytest.mark.programs]

OBSERVE: dict[str, Any] = {"remediator": {"mode": "observe"}}


@pytest.fixture(scope="module")
def environments(control_plane: ControlPlane) -> None:
    """The namespaces that the ci files speak of."""
    for name in ("cf", "kubecf", "diego"):
        ensure_namespace(control_plane, name)


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane) -> None:
    """The Prometheus Operator's APIs, without the Operator."""
    for file in definitions():
        control_plane.kubectl("create", "-f", str(file))
    for plural in PLURALS.values():
        name = f"crd/{plural}.monitoring.coreos.com"
        control_plane.kubectl("wait", "--for=condition=Established", name, "--timeout=60s")


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
    given = ("--values", values, "--disable-openapi-validation")  # _strictly_valid asks the server, which is stricter
    with installed(cluster, release, *given):
        first = cluster.run("get", "manifest", RELEASE, *place)
        _strictly_valid(control_plane, first)
        _pods_are_admitted(control_plane, release, first + cluster.run("get", "hooks", RELEASE, *place))
        cluster.run("upgrade", RELEASE, FOLDER, *place, *given, "--set", "logging.level=error")
        assert "--log.level=error" in _arguments(control_plane, release)
        cluster.run("rollback", RELEASE, "1", *place)
        assert "--log.level=error" not in _arguments(control_plane, release)
        assert cluster.run("get", "manifest", RELEASE, *place) == first
    left = control_plane.kubectl("get", "-f", "-", "--ignore-not-found", "-o", "name", stdin=first)
    assert left == ""
    assert control_plane.api.exists(CRD_PATH), "the records outlive the release"


def _strictly_valid(plane: ControlPlane, manifest: str) -> None:
    """No unknown, misspelt or repeated field, says the API server itself."""
    judge = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
    plane.kubectl(*judge, stdin=manifest)


def _pods_are_admitted(plane: ControlPlane, namespace: str, manifest: str) -> None:
    rendered = parsed(manifest)
    for deployment in rendered.of("Deployment"):
        admit(plane, namespace, deployment["spec"]["template"])
    for test in rendered.of("Pod"):
        admit(plane, namespace, test)


def _arguments(plane: ControlPlane, namespace: str) -> str:
    return plane.kubectl(
        "-n", namespace, "get", "deployments", "-o", "jsonpath={.items[*].spec.template.spec.containers[*].args}"
    )


def test_pod_security_refuses_a_pod_that_may_more(control_plane: ControlPlane, cluster: Helm, release: str) -> None:
    with installed(
        cluster, release, values={**OBSERVE, "containerSecurityContext": {"allowPrivilegeEscalation": None}}
    ):
        manifest = cluster.run("get", "manifest", RELEASE, "--namespace", release)
        with pytest.raises(ApiError, match=r"violates PodSecurity .*restricted"):
            _pods_are_admitted(control_plane, release, manifest)


def test_a_namespace_that_does_not_exist_is_named(cluster: Helm, release: str) -> None:
    values = {**OBSERVE, "environments": [{"name": "cf", "namespace": "not-there"}]}
    with pytest.raises(HelmError, match='namespaces "not-there" not found'), installed(cluster, release, values=values):
        pass


def test_two_releases_on_one_statefulset_are_refused(control_plane: ControlPlane, cluster: Helm, release: str) -> None:
    second = namespace_for_a_release(control_plane)
    renamed = {**OBSERVE, "fullnameOverride": "other", "environments": [{"name": "same", "profile": "cfee-2"}]}
    with (
        installed(cluster, release, values=OBSERVE),
        pytest.raises(
            HelmError, match='Role "stagekeeper-remediator-diego-api" in namespace "cf" exists and cannot be'
        ),
        installed(cluster, second, values=renamed),
    ):
        pass


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


def test_an_older_definition_of_the_records_is_refused_with_the_command_that_mends_it(
    control_plane: ControlPlane, cluster: Helm, release: str
) -> None:
    place = ("--namespace", release)
    with installed(cluster, release, values=OBSERVE):
        older = control_plane.api.request("GET", CRD_PATH)
        older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"].pop("overdue")
        control_plane.api.request("PUT", CRD_PATH, older)
        try:
            with pytest.raises(HelmError, match=r"is not that of chart 0\.1\.0.*kubectl apply --server-side"):
                cluster.run("upgrade", RELEASE, FOLDER, *place, values=OBSERVE)
            cluster.run("upgrade", RELEASE, FOLDER, *place, values={**OBSERVE, "crds": {"check": False}})
        finally:
            _apply_definition(control_plane)
        until(lambda: "overdue" in str(control_plane.api.request("GET", CRD_PATH)))
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
    plane.kubectl("wait", "--for=condition=Established", "-f", "-", "--timeout=60s", stdin=_definition())


def test_the_definition_in_the_chart_is_what_helm_installs(
    cluster: Helm, control_plane: ControlPlane, release: str
) -> None:
    with installed(cluster, release, values=OBSERVE):
        ours = yaml.safe_load(_definition())
        theirs = control_plane.api.request("GET", CRD_PATH)
        assert theirs["spec"]["versions"][0]["schema"] == ours["spec"]["versions"][0]["schema"]
