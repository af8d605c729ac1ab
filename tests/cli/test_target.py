"""Which environment a command means, and how it says so in what is to be pasted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stagekeeper.cli.output import coloured
from stagekeeper.cli.target import Target
from stagekeeper.config.document import Document, parse, read
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.kube.own_pod import way_in
from tests.cli.operating import desk, on_a_terminal
from tests.testbed.patience import HANG_GUARD

TWO = "environments: [{name: one, namespace: first}, {name: two, namespace: second}]\n"


@pytest.fixture
def two(tmp_path: Path) -> Document:
    file = tmp_path / "two.yaml"
    file.write_text(TWO)
    return read(file)


def test_a_namespace_chooses_among_the_environments_of_a_file(two: Document) -> None:
    assert Target(namespace="second").one(two).name == "two"
    assert [each.name for each in Target().every(two)] == ["one", "two"]
    with pytest.raises(ConfigurationError, match="no environment in namespace third"):
        Target(namespace="third").one(two)


def test_without_a_file_the_flags_describe_the_environment() -> None:
    found = Target(namespace="diego").one(Document())
    assert (found.name, found.namespace, found.profile) == ("cf", "diego", "auto")
    assert Target(profile="kubecf").one(Document()).namespace == "kubecf"


def test_a_command_of_an_escalation_needs_no_file_it_names_environment_and_namespace() -> None:
    found = Target(namespace="diego", name="prod").one(Document())
    assert (found.name, found.namespace, found.profile) == ("prod", "diego", "auto")
    with pytest.raises(ConfigurationError, match=r"There is no environment prdo\. Known are cf\."):
        Target(name="prdo").one(Document())


def test_a_profile_leaves_the_file_aside(two: Document) -> None:
    assert Target(namespace="third", profile="auto").one(two).namespace == "third"
    assert Target(namespace="third", profile="cfee-3").one(two).profile == "cfee-3"


def test_only_what_nobody_said_is_assumed(two: Document) -> None:
    assert Target().assumes(Document())
    assert not Target(namespace="cf").assumes(Document())
    assert not Target().assumes(two)
    assert Target(profile="kubecf").assumes(two)
    assert not Target(profile="kubecf", namespace="first").assumes(two)


def test_a_profile_keeps_the_namespace_of_a_file_with_one_environment() -> None:
    single = parse("environments: [{name: prod, namespace: prod}]\n", "one.yaml")
    assert Target(profile="kubecf").one(single).namespace == "prod"
    assert not Target(profile="kubecf").assumes(single)


@pytest.mark.parametrize("given", [{"namespace": "CF"}, {"namespace": "my_ns"}, {"namespace": "cf", "name": "Prod"}])
def test_a_name_that_is_none_is_a_sentence(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="the flags: "):
        Target(**given).one(Document())  # type: ignore[arg-type]


async def test_an_empty_namespace_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        ended = await at.types("pause", "--reason", "tests", "--for", "2m", "-n", "")
        assert (ended.code, at.pause()) == (2, None)
        assert "it is empty; name a namespace, or leave the flag out." in ended.err


def test_a_command_to_paste_repeats_every_flag() -> None:
    given = Target(Path("a b.yaml"), True, None, "diego", "cfee-2", Path("/k"), "ctx")  # noqa: FBT003 -- typed
    environment = given.one(Document())
    assert given.command("resume", environment) == (
        "stagekeeper resume --config.file 'a b.yaml' -n diego --profile cfee-2 --kubeconfig /k --context ctx "
        "--environment cf"
    )
    assert given.kubectl_command(environment, "get pods") == "kubectl --kubeconfig /k --context ctx -n diego get pods"


def test_a_file_that_nobody_typed_needs_no_repeating() -> None:
    assert Target(Path("/etc/stagekeeper/stagekeeper.yaml")).own == ""


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        ("stagekeeper-exporter-7c9d5b8f6-x2x4z", "kubectl -n ours exec deploy/stagekeeper-exporter -- "),
        ("exporter-0", "kubectl -n ours exec exporter-0 -- "),
    ],
)
def test_in_a_pod_the_way_into_it_is_said_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pod: str, said: str
) -> None:
    for name, text in (("token", "t"), ("namespace", "ours")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("stagekeeper.kube.own_pod.SERVICE_ACCOUNT", tmp_path)
    assert way_in() == ""
    for name, value in (("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("KUBERNETES_SERVICE_PORT", "443"), ("HOSTNAME", pod)):
        monkeypatch.setenv(name, value)
    assert way_in() == said
    assert Target(namespace="cf").command("explain", Target().one(Document())) == (
        f"{said}stagekeeper explain -n cf --environment cf"
    )


async def test_a_command_that_writes_asks_first_where_the_environment_is_only_assumed(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.config.write_text("{}\n")
        for arguments in (("reset",), ("pause", "--reason", "tests", "--for", "2m"), ("resume",)):
            ended = await at.types(*arguments)
            assert (ended.code, ended.out, at.pause()) == (2, "", None)
            assert "Assumed: namespace cf, StatefulSet diego-api (profile cfee-2). Say it with -n cf" in ended.err
        assert (await at.types("pause", "--reason", "tests", "--for", "2m", "-n", "cf")).code == 0
        assert (await at.types("resume", "--yes")).code == 0
        assert at.pause() is None


async def test_where_there_is_no_diego_nothing_is_written(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.config.write_text("{}\n")
        ended = await at.types("pause", "--reason", "tests", "--for", "2m", "-n", "empty")
        assert ended.code == 1
        assert "there is no Diego in namespace empty" in ended.err


async def test_every_environment_is_paused_and_resumed_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        given = yaml.safe_load(at.config.read_text())
        given["environments"].append({**given["environments"][0], "name": "other", "statefulsets": ["another"]})
        at.config.write_text(yaml.safe_dump(given))
        assert (await at.types("pause", "--reason", "tests", "--for", "2m")).code == 2
        ended = await at.types("pause", "--reason", "tests", "--for", "2m", "--all")
        assert (ended.code, ended.err) == (0, "")
        assert "in cf until" in ended.out
        assert "in other until" in ended.out
        ended = await at.types("resume", "--all")
        assert "the pause of cf" in ended.out
        assert "Nothing is paused in other." in ended.out, "one namespace has one pause"


async def test_one_environment_that_fails_keeps_no_other_from_being_paused(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        given = yaml.safe_load(at.config.read_text())
        nowhere = {"name": "first", "namespace": "empty", "profile": "auto"}
        at.config.write_text(yaml.safe_dump({**given, "environments": [nowhere, *given["environments"]]}))
        ended = await at.types("pause", "--reason", "tests", "--for", "2m", "--all")
        assert ended.code == 1
        assert "in cf until" in ended.out
        assert "first: No environment to work on" in ended.err
        assert "It was not done in first." in ended.err
        assert at.pause() is not None


def test_colours_are_for_a_terminal_and_no_color_is_heeded() -> None:
    assert coloured("serving", "green") == "serving", "pytest's stdout is no terminal"
    code = "from stagekeeper.cli.output import coloured; print(coloured('serving', 'green'))"
    assert "\x1b[32mserving" in on_a_terminal([sys.executable, "-c", code])
    assert "\x1b" not in on_a_terminal([sys.executable, "-c", code], NO_COLOR="1")


def test_a_command_of_the_remediators_is_given_the_flags_too() -> None:
    given = Target(kubeconfig=Path("/k"))
    told = 'kubectl logs -n cf a | grep b ; if not: kubectl -n cf annotate c="$(kubectl auth whoami)"'
    assert given.as_given(told).count("kubectl --kubeconfig /k ") == 3
    assert given.as_given(given.as_given(told)) == given.as_given(told)
    assert Target().as_given(told) == told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_subcommands(shell: str) -> None:
    command = [sys.executable, "-m", "stagekeeper", "completion", shell]
    script = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=True).stdout
    assert "_STAGEKEEPER_COMPLETE=" in script
    environment = {"_STAGEKEEPER_COMPLETE": "bash_complete", "COMP_WORDS": "stagekeeper sta", "COMP_CWORD": "1"}
    completed = subprocess.run(
        [sys.executable, "-m", "stagekeeper"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=HANG_GUARD,
        check=False,
    )
    assert completed.stdout.strip() == "plain,status"


def test_kubectl_finds_us_as_a_plugin() -> None:
    code = "import sys; sys.argv[0] = '/usr/bin/kubectl-stagekeeper'; from stagekeeper.cli import main; main()"
    command = [sys.executable, "-c", code, "status", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=HANG_GUARD, check=True).stdout
    assert said.startswith("Usage: kubectl stagekeeper status ")
