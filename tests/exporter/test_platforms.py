"""Each platform as the simulator plays it, judged by the exporter, once by its profile and once by `auto`."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from simulator.environment import Environment, simulated_environment
from simulator.layouts import LAYOUTS, Layout
from simulator.manifests import statefulset
from simulator.resources import NAMESPACES, STATEFULSETS
from tests.exporter.programs import QUICK, configuration, exporter, number

DIEGOS = [name for name, layout in LAYOUTS.items() if layout.bbs]


def quick(profile: str) -> Layout:
    return replace(LAYOUTS[profile], label_interval=0.2)


async def told(folder: Path, environment: Environment, profile: str, wanted: str) -> str:
    """The metrics of an exporter with this profile once they have `wanted`, followed by its landing page."""
    there = configuration(folder, environment, profile=profile)
    async with exporter(folder, "--config.file", there, "--kubeconfig", environment.kubeconfig) as running:
        text = await running.until("/metrics", wanted)
        _, page = await running.get("/")
    return text + page


async def told_by_both(folder: Path, environment: Environment, profile: str, wanted: str) -> dict[str, str]:
    """The same, of one exporter: once by its profile, and after a reload by `auto`."""
    there = configuration(folder, environment, profile=profile)
    flags = ("--config.file", there, "--kubeconfig", environment.kubeconfig, "--web.enable-lifecycle")
    async with exporter(folder, *flags) as running:
        by_profile = await running.until("/metrics", wanted)
        _, first_page = await running.get("/")
        configuration(folder, environment, profile="auto")
        async with running.session.post(f"{running.url}/-/reload", raise_for_status=True):
            pass
        by_auto = await running.until("/metrics", wanted)
        _, second_page = await running.get("/")
    return {profile: by_profile + first_page, "auto": by_auto + second_page}


@pytest.mark.parametrize("profile", DIEGOS)
async def test_a_serving_platform_is_judged_right_by_its_profile_and_by_auto(tmp_path: Path, profile: str) -> None:
    async with simulated_environment(quick(profile), tmp_path, QUICK) as cf:
        both = await told_by_both(tmp_path, cf, profile, 'active_bbs_count{environment="cf"} 1.0')
    for given, text in both.items():
        assert number(text, 'bbs_reachable{environment="cf"}') == 1
        assert number(text, 'diego_api_ready{environment="cf"}') == 2
        assert number(text, 'diego_api_desired{environment="cf"}') == 2
        assert number(text, 'diego_bbs_diagnosis{diagnosis="serving",environment="cf"}') == 1
        assert number(text, 'diego_api_pod_active{environment="cf",pod="diego-api-0"}') is not None
        assert (f"cf (profile {profile}, by the label " in text) is (given == "auto")


@pytest.mark.parametrize("profile", DIEGOS)
async def test_a_hang_is_judged_right_by_its_profile_and_by_auto(tmp_path: Path, profile: str) -> None:
    hung = 'diego_bbs_diagnosis{diagnosis="no_active_bbs",environment="cf"} 1.0'
    async with simulated_environment(quick(profile), tmp_path, QUICK) as cf:
        await cf.faults.hang()
        cf.make_older(3600, *(pod["metadata"]["name"] for pod in cf.pods()))
        both = await told_by_both(tmp_path, cf, profile, hung)
    assert [number(text, 'active_bbs_count{environment="cf"}') for text in both.values()] == [0, 0]


@pytest.mark.parametrize("profile", ["kubecf", "auto"])
async def test_a_platform_without_diego_is_not_applicable(tmp_path: Path, profile: str) -> None:
    async with simulated_environment(quick("eirini"), tmp_path, QUICK) as cf:
        text = await told(tmp_path, cf, profile, 'diego_bbs_diagnosis{diagnosis="not_applicable",environment="cf"} 1.0')
    assert "bbs_reachable{" not in text
    assert "bbs_probes_total{" not in text
    assert "diego_api_ready{" not in text


async def test_where_no_pod_has_the_label_the_count_of_active_pods_is_absent(tmp_path: Path) -> None:
    unlabelled = replace(quick("cfee-1"), active_label=None)
    async with simulated_environment(unlabelled, tmp_path, QUICK) as cf:
        text = await told(tmp_path, cf, "cfee-1", 'bbs_reachable{environment="cf"} 1.0')
    assert number(text, 'diego_bbs_diagnosis{diagnosis="serving",environment="cf"}') == 1
    assert "active_bbs_count{" not in text
    assert "diego_api_pod_active{" not in text


async def test_on_kubecf_a_pod_without_the_label_is_passive(tmp_path: Path) -> None:
    async with simulated_environment(quick("kubecf"), tmp_path, QUICK) as cf:
        text = await told(tmp_path, cf, "kubecf", 'active_bbs_count{environment="cf"} 1.0')
        labels = [pod["metadata"]["labels"].get("quarks.cloudfoundry.org/pod-active") for pod in cf.pods()]
    pods = [number(text, f'diego_api_pod_active{{environment="cf",pod="diego-api-{each}"}}') for each in (0, 1)]
    assert dict(zip(labels, pods, strict=True)) == {"active": 1, None: 0}


async def test_several_environments_and_availability_zones_are_told_apart_by_one_exporter(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        cf = await stack.enter_async_context(simulated_environment(quick("cfee-2"), tmp_path, QUICK))
        path = configuration(tmp_path, cf, name="one", profile="auto")
        (one,) = yaml.safe_load(path.read_text())["environments"]
        zones = {**one, "name": "zones", "namespace": "zones", "profile": "cfee-2"}
        empty = {**one, "name": "empty", "namespace": "empty"}
        path.write_text(yaml.safe_dump({"environments": [one, {**zones, "statefulsets": ["z0", "z1"]}, empty]}))
        _add_zones(cf, "zones", "z0", "z1")
        flags = ("--config.file", path, "--kubeconfig", cf.kubeconfig)
        running = await stack.enter_async_context(exporter(tmp_path, *flags))
        text = await running.until("/metrics", 'active_bbs_count{environment="one"} 1.0')
    assert number(text, 'diego_api_desired{environment="one"}') == 2
    assert number(text, 'diego_api_desired{environment="zones"}') == 4
    assert number(text, 'diego_bbs_diagnosis{diagnosis="not_applicable",environment="empty"}') == 1
    assert number(text, 'diego_bbs_diagnosis{diagnosis="serving",environment="one"}') == 1


def _add_zones(cf: Environment, namespace: str, *names: str) -> None:
    """StatefulSets of availability zones beside the environment's own; nobody runs their pods."""
    assert cf.layout.bbs
    cf.store.create(NAMESPACES, "", {"metadata": {"name": namespace}})
    for name in names:
        cf.store.create(STATEFULSETS, namespace, statefulset(replace(cf.layout.bbs, name=name), namespace))
