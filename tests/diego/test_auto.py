"""Profile `auto`: it picks by the labels that it finds, says which, and refuses to guess."""

from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from simulator.layouts import LAYOUTS
from simulator.manifests import manifests
from stagekeeper.config.document import Document
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.auto import AutoObserver, fitting, observer
from stagekeeper.diego.diagnosis import Condition, diagnose
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import environments, pinned_environments, resolve
from stagekeeper.diego.observation import AMBIGUOUS, Observation, Probe, Reply, Unknown
from stagekeeper.diego.profiles import PROFILES, Environment, LocketWorkload
from stagekeeper.kube import objects
from stagekeeper.kube.objects import StatefulSet
from tests.diego.world import CC, ENOUGH, SETS, Cluster
from tests.kube.api_server import answering, hanging, refusing
from tests.testbed.process import free_port

SKIFF, COMPONENT = {"skiff-role-name": "diego-api"}, {"app.kubernetes.io/component": "diego-api"}
QUARKS = {"quarks.cloudfoundry.org/instance-group-name": "diego-api"}


def auto(**given: Any) -> Environment:
    return resolve(EnvironmentSettings.model_validate({"name": "cf", "profile": "auto", "namespace": "cf", **given}))


def local(**given: Any) -> Environment:
    """An environment whose Service is a port of this machine on which nobody listens."""
    return auto(service={"host": "127.0.0.1", "port": free_port()}, **given)


def labelled(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}}
    return {"metadata": {"name": name}, "spec": {"replicas": 2, "template": template}, "status": {}}


def parsed(*sets: dict[str, Any]) -> list[StatefulSet]:
    return [objects.statefulset(each) for each in sets]


def of_platform(profile: str) -> list[StatefulSet]:
    return parsed(*(each for _, each in manifests(LAYOUTS[profile]) if each["kind"] == "StatefulSet"))


@pytest.mark.parametrize("profile", PROFILES)
def test_each_platform_is_told_by_what_its_objects_look_like(profile: str) -> None:
    (picked,) = fitting(auto(), of_platform(profile))
    assert picked == resolve(EnvironmentSettings(name="cf", profile=profile, namespace="cf"))


def test_a_platform_without_diego_fits_no_profile() -> None:
    assert fitting(auto(), of_platform("eirini")) == ()


def test_availability_zones_have_their_statefulsets_found() -> None:
    zones = parsed(labelled("diego-api-z0", SKIFF), labelled("diego-api-z1", SKIFF), labelled("api", {}))
    (picked,) = fitting(auto(), zones)
    assert (picked.profile, picked.statefulsets) == ("cfee-2", ("diego-api-z0", "diego-api-z1"))


@pytest.mark.parametrize(
    ("names", "service"),
    [
        (("kubecf-diego-api",), "kubecf-diego-api"),
        (("kubecf-diego-api-z0", "kubecf-diego-api-z1"), "kubecf-diego-api"),
        (("my-cf-diego-api",), "my-cf-diego-api"),
        (("kubecf-diego-api-v1",), "kubecf-diego-api"),
        (("scf-diego-api-z0-v2", "scf-diego-api-z1-v2"), "scf-diego-api"),
        (("diego-api-z0", "diego-api-z1"), "diego-api"),
        (("bbs",), "diego-api"),
    ],
)
def test_the_service_has_the_prefix_that_the_release_gives_its_objects(names: tuple[str, ...], service: str) -> None:
    """KubeCF 0.x and 1.x (kubecf #51, #386, #483, #555)."""
    (picked,) = fitting(auto(), parsed(*(labelled(name, QUARKS) for name in names)))
    assert (picked.profile, picked.statefulsets) == ("kubecf", names)
    assert (picked.service_name, picked.service_host) == (service, f"{service}.cf.svc.cluster.local")


def test_a_service_that_is_configured_keeps_its_name() -> None:
    given = auto(service={"host": "bbs.example", "name": "bbs"})
    (picked,) = fitting(given, parsed(labelled("kubecf-diego-api", QUARKS)))
    assert (picked.service_name, picked.service_host) == ("bbs", "bbs.example")


def test_two_releases_side_by_side_are_not_guessed_between() -> None:
    both = fitting(auto(), parsed(labelled("a-diego-api", QUARKS), labelled("b-diego-api", QUARKS)))
    assert [each.statefulsets for each in both] == [("a-diego-api",), ("b-diego-api",)]


@pytest.mark.parametrize("locket", ["locket", "kubecf-locket"])
def test_a_kubecf_whose_locket_has_its_own_statefulset_is_looked_at_whole(locket: str) -> None:
    """Kubecf PRs 1697 and 1734."""
    own = labelled(locket, {"quarks.cloudfoundry.org/instance-group-name": "locket"})
    (picked,) = fitting(auto(), parsed(labelled("diego-api", QUARKS), own))
    assert picked.profile == "kubecf-locket"
    assert picked.locket == LocketWorkload(locket, "quarks.cloudfoundry.org/instance-group-name=locket")


@pytest.mark.parametrize(
    ("bbs", "lockets", "locket"),
    [
        ("diego-api", ("a-locket", "locket"), "locket"),
        ("kubecf-diego-api", ("a-locket", "kubecf-locket", "locket"), "kubecf-locket"),
        ("kubecf-diego-api-z0", ("kubecf-locket-z0", "kubecf-locket-z1"), "kubecf-locket-z0"),
        ("bbs", ("locket-of-bbs",), "locket-of-bbs"),
    ],
)
def test_of_several_lockets_the_one_of_the_bbs_release_is_looked_at(
    bbs: str, lockets: tuple[str, ...], locket: str
) -> None:
    others = (labelled(each, {"quarks.cloudfoundry.org/instance-group-name": "locket"}) for each in lockets)
    (picked,) = fitting(auto(), parsed(labelled(bbs, QUARKS), *others))
    assert picked.locket is not None
    assert picked.locket.statefulset == locket


def test_labels_of_two_platforms_are_not_guessed_between() -> None:
    both = fitting(auto(), parsed(labelled("diego-api", {**SKIFF, **QUARKS})))
    assert [each.profile for each in both] == ["cfee-2", "kubecf"]


@pytest.mark.parametrize(
    ("lockets", "profile", "locket"), [((), "cfee-3", None), (("locket",), "cfee-4", "locket")], ids=["2.15", "2.16"]
)
def test_scf_with_the_old_label_beside_the_new_one_is_told_by_the_new_one(
    lockets: tuple[str, ...], profile: str, locket: str | None
) -> None:
    """From 2.15 to 2.20 the pods have both (fissile: "legacy RoleNameLabel to maintain upgradability")."""
    sets = [
        labelled(name, {"skiff-role-name": name, "app.kubernetes.io/component": name})
        for name in ("diego-api", "api-group", *lockets)
    ]
    (picked,) = fitting(auto(), parsed(*sets))
    assert (picked.profile, picked.statefulsets, picked.service_name) == (profile, ("diego-api",), "diego-api-bbs")
    assert (picked.locket and picked.locket.statefulset) == locket


@pytest.mark.parametrize(
    "given",
    [
        {"statefulsets": ["mine"]},
        {"selector": "app=bbs"},
        {"service": {"host": "bbs.example", "name": "bbs", "port": 8890}},
        {"active_label": {"key": "a", "value": "b"}},
        {"bbs_container": "bbs"},
        {"locket": {"statefulset": "l", "selector": "app=l"}},
        {"cloud_controller": {"selector": "app=cc", "address": "cc:9022"}},
        {"timeouts": {"probe": 1, "api": 1}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_every_field_can_still_be_overridden(given: dict[str, Any]) -> None:
    (picked,) = fitting(auto(**given), of_platform("cfee-2"))
    configured = {"name": "cf", "profile": "cfee-2", "namespace": "cf", **given}
    assert picked == resolve(EnvironmentSettings.model_validate(configured))


# At the API


def found(world: Cluster, *sets: dict[str, Any]) -> None:
    world.api.answers[SETS] = answering({"items": [*sets]})
    world.pods([], selector=CC)


def watching(world: Cluster, environment: Environment | None = None) -> AutoObserver:
    made = observer(environment or local(), world.kube)
    assert isinstance(made, AutoObserver)
    return made


def said(seen: Observation) -> tuple[Condition, str]:
    told = diagnose(seen)
    return told.name, told.why


async def test_an_observation_says_which_profile_was_picked_and_logs_it_once(world: Cluster) -> None:
    found(world, labelled("diego-api", SKIFF))
    observer = watching(world)
    with capture_logs() as lines:
        seen = await observer.observe(ENOUGH)
        await observer.observe(ENOUGH)
    assert len(seen.known_pods) == seen.desired == 2
    assert diagnose(seen).evidence[0] == (
        "Profile: cfee-2, by the label skiff-role-name=diego-api that diego-api gives its pods."
    )
    assert [line["event"] for line in lines] == [
        "Profile auto picked cfee-2, by the label skiff-role-name=diego-api that diego-api gives its pods."
    ]


async def test_two_that_fit_are_an_observer_fault_that_names_both(world: Cluster) -> None:
    found(world, labelled("diego-api", {**SKIFF, **QUARKS}))
    seen = await watching(world).observe(ENOUGH)
    name, why = said(seen)
    assert name is Condition.OBSERVER_FAULT
    assert "cfee-2 (skiff-role-name=diego-api, diego-api) and kubecf (quarks.cloudfoundry.org/instance-group" in why
    assert why.endswith("set `profile` and `statefulsets` to what is meant.")
    assert isinstance(seen.service, Unknown)
    assert isinstance(seen.pods, Unknown)
    assert seen.pods.word == AMBIGUOUS


async def test_a_namespace_without_diego_is_not_applicable_and_nothing_is_probed(world: Cluster) -> None:
    found(world, labelled("eirini", {"app": "eirini"}))
    seen = await watching(world).observe(ENOUGH)
    assert said(seen)[0] is Condition.NOT_APPLICABLE
    assert not isinstance(seen.service, Probe)


async def test_pods_that_are_gone_are_not_taken_for_a_namespace_without_diego(world: Cluster) -> None:
    found(world, labelled("diego-api", SKIFF))
    world.pods([])
    seen = await watching(world).observe(ENOUGH)
    assert (seen.pods, seen.desired) == ((), 2)
    assert said(seen)[0] is not Condition.NOT_APPLICABLE


async def test_an_upgrade_changes_the_pick_at_the_next_observation(world: Cluster) -> None:
    found(world, labelled("diego-api", SKIFF))
    observer = watching(world)
    assert (await observer.observe(ENOUGH)).picked.startswith("cfee-2")
    found(world, labelled("diego-api", COMPONENT), labelled("locket", {"app.kubernetes.io/component": "locket"}))
    world.pods([], selector="app.kubernetes.io/component=diego-api")
    world.pods([], selector="app.kubernetes.io/component=locket")
    assert (await observer.observe(ENOUGH)).picked.startswith("cfee-4")
    found(world)
    assert said(await observer.observe(ENOUGH))[0] is Condition.NOT_APPLICABLE


async def test_while_the_api_can_not_be_read_the_last_pick_stands_and_the_service_is_probed(world: Cluster) -> None:
    found(world, labelled("diego-api", SKIFF))
    observer = watching(world)
    await observer.observe(ENOUGH)
    world.api.answers = {"*": refusing(500)}
    seen = await observer.observe(ENOUGH)
    assert isinstance(seen.service, Probe)
    assert seen.service.reply is Reply.REFUSED
    assert said(seen)[0] is Condition.OBSERVER_FAULT


@pytest.mark.parametrize(
    ("trouble", "word"), [(refusing(403), "forbidden"), (hanging, "timeout"), (answering({"items": [{}]}), "malformed")]
)
async def test_without_any_pick_an_api_that_can_not_be_read_is_told_as_such(
    trouble: Any, word: str, world: Cluster
) -> None:
    world.api.answers = {"*": trouble}
    seen = await watching(world, local(timeouts={"api": 0.2})).observe(ENOUGH)
    assert isinstance(seen.pods, Unknown)
    assert seen.pods.word == word
    assert said(seen)[0] is Condition.OBSERVER_FAULT


# In the configuration


def document(*entries: dict[str, Any]) -> Document:
    return Document({"environments": [*entries]}, "stagekeeper.yaml")


def test_the_remediators_environments_must_have_their_profile_written_down() -> None:
    given = document({"name": "cf", "profile": "auto", "namespace": "cf"})
    assert environments(given)[0].candidates
    with pytest.raises(ConfigurationError, match=r"environments\[0\]\.profile: auto is for the exporter"):
        pinned_environments(given)


def test_several_environments_of_several_profiles_stand_side_by_side() -> None:
    entries: list[dict[str, Any]] = [
        {"name": "one", "profile": "auto", "namespace": "one"},
        {"name": "two", "profile": "kubecf", "statefulsets": ["diego-api-z0", "diego-api-z1"]},
        {"name": "three"},
    ]
    found = environments(document(*entries))
    assert [each.profile for each in found] == ["auto", "kubecf", "cfee-2"]
    assert found[1].statefulsets == ("diego-api-z0", "diego-api-z1")
