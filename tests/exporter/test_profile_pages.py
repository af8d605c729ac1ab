"""docs/profiles says what each profile assumes, in the very words of the code."""

import re
from pathlib import Path

import pytest
import yaml

from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import resolve
from stagekeeper.diego.profiles import AUTO, PROFILES, Environment, ReadinessMeaning

FOLDER = Path(__file__).parents[2] / "docs" / "profiles"


def table(page: str, heading: str) -> list[tuple[str, ...]]:
    """The rows of the table below a heading of a page."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    rows = re.findall(r"^\| (.*) \|$", text.partition("\n## ")[0], re.MULTILINE)
    return [tuple(row.split(" | ")) for row in rows[1:]]


def assumed(environment: Environment) -> list[tuple[str, str]]:
    """What a page must say."""
    label, locket = environment.active_label, environment.locket
    absent = "may be absent on all pods" if label.may_be_absent else "absent means passive"
    own = f"StatefulSet `{locket.statefulset}`, pods `{locket.selector}`" if locket else "inside the BBS pods"
    return [
        ("namespace", f"`{environment.namespace}`"),
        ("BBS StatefulSet", f"`{environment.statefulsets[0]}`"),
        ("BBS pods", f"`{environment.selector}`"),
        ("BBS container", f"`{environment.bbs_container}`"),
        ("BBS Service", f"`{environment.service_host}:{environment.port}`"),
        ("active label", f"`{label.key}={label.value}`; {absent}"),
        ("name in the server's certificate", f"`{environment.tls_server_name}`"),
        ("Locket", own),
        ("Cloud Controller pods", f"`{environment.cloud_controller_selector}`"),
        (
            "pods that become Ready",
            {ReadinessMeaning.EVERY: "every one", ReadinessMeaning.ACTIVE: "the active one"}[environment.readiness],
        ),
    ]


def of(profile: str) -> Environment:
    return resolve(EnvironmentSettings(name="cf", profile=profile))


def test_each_profile_has_a_page_and_each_page_a_profile() -> None:
    assert {page.stem for page in FOLDER.glob("*.md")} == {*PROFILES, "custom", AUTO}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_page_says_what_the_profile_assumes(profile: str) -> None:
    assert table(profile, "What it assumes") == assumed(of(profile))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_commands_of_a_page_ask_for_what_the_profile_names(profile: str) -> None:
    commands = (FOLDER / f"{profile}.md").read_text(encoding="utf-8").partition("## The same by hand")[2]
    environment = of(profile)
    wanted = [
        f"kubectl get pods -n {environment.namespace} -l {environment.selector} -L {environment.active_label.key}",
        f"kubectl get statefulset -n {environment.namespace} {environment.statefulsets[0]}",
        f"-l kubernetes.io/service-name={environment.service_name}",
        f"nc -zv {environment.service_host} {environment.port}",
        *([f"-l {environment.locket.selector}"] if environment.locket else []),
    ]
    assert [each for each in wanted if each not in commands] == []


def test_the_page_of_auto_tells_each_profile_by_the_labels_that_the_code_asks_for() -> None:
    environments = [of(name) for name in PROFILES]
    assert table(AUTO, "What it picks") == [
        (f"`{each.selector}`", f"`{each.locket.selector}`" if each.locket else "none", f"`{each.profile}`")
        for each in environments
    ]


def test_the_page_of_custom_gives_an_example_that_is_understood() -> None:

    text = (FOLDER / "custom.md").read_text(encoding="utf-8")
    block = re.search(r"^    environments:\n(?:      .*\n)+", text, re.MULTILINE)
    assert block
    (entry,) = yaml.safe_load(block[0])["environments"]
    assert resolve(EnvironmentSettings.model_validate(entry)).profile == "custom"
