"""What is published works by itself: the wheel's commands with the locked libraries alone, the sdist as a checkout."""

import os
import re
import subprocess
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from scripts.cache import ROOT
from tests.kube import api_server
from tests.testbed.patience import HANG_GUARD

pytestmark = pytest.mark.programs

INCIDENT = ROOT / "tests" / "incidents" / "01-tutorial.yaml"


def _run(command: str | Path, *arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(cwd), **variables}
    return subprocess.run(
        [command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=HANG_GUARD, check=False
    )


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Of a cluster that is not there."""
    return api_server.kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1")


def test_the_wheel_holds_the_programs_and_nothing_that_only_a_checkout_needs(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    packages = {name for name in names if not name.endswith(".dist-info")}
    assert "stagekeeper" in packages
    assert packages <= {"exporter", "remediator", "stagekeeper", "incidents"}


def test_the_metadata_says_licence_addresses_and_what_it_is_for(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
    metadata = HeaderParser().parsestr(archive.read(name).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    urls = dict(each.split(", ", 1) for each in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Documentation", "Changelog", "Issues"}
    classifiers = metadata.get_all("Classifier", [])
    assert "Programming Language :: Python :: 3.13" in classifiers
    assert not metadata.get_all("Provides-Extra")


def test_every_command_has_its_help_and_completes_its_flags_and_none_is_the_demo(
    environment: Path, tmp_path: Path
) -> None:
    command = environment / "stagekeeper"
    listed = _run(command, "--help", cwd=tmp_path).stdout.partition("Commands:")[2]
    names = re.findall(r"^  ([a-z-]+)  ", listed, re.MULTILINE)
    assert {"exporter", "remediator", "diagnose", "explain", "pause", "restart", "check-config"} <= set(names)
    assert "demo" not in names
    for name in names:
        shown = _run(command, name, "--help", cwd=tmp_path)
        assert (shown.returncode, shown.stderr) == (0, ""), name
        words = {"COMP_WORDS": f"stagekeeper {name} --", "COMP_CWORD": "2"}
        completed = _run(command, cwd=tmp_path, _STAGEKEEPER_COMPLETE="bash_complete", **words)
        assert completed.stderr == "", name
        assert "plain,--help" in completed.stdout.split(), name


def test_check_config_and_explain_need_nothing_but_their_file(environment: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("environments: [{name: cf}]\n")
    checked = _run(environment / "stagekeeper", "check-config", "--config.file", config, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    told = _run(environment / "stagekeeper", "explain", INCIDENT, cwd=tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("diagnose",),
        ("pause", "--reason", "x", "--for", "1h", "--as-person", "me"),
        ("resume", "--as-person", "me"),
        ("restart", "--reason", "x", "--as-person", "me"),
        ("reset", "--as-person", "me"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_cluster_that_is_not_there_is_told_in_sentences(
    environment: Path, tmp_path: Path, kubeconfig: Path, arguments: tuple[str, ...]
) -> None:
    done = _run(environment / "stagekeeper", *arguments, "--kubeconfig", kubeconfig, cwd=tmp_path)
    assert done.returncode not in {0, 2}, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "127.0.0.1:1" in done.stdout + done.stderr


def test_every_command_of_the_sdist_s_makefile_names_only_what_is_there(sdist: Path) -> None:
    listed = _run("make", "help", cwd=sdist)
    targets = re.findall(r"^  ([a-z-]+) ", listed.stdout, re.MULTILINE)
    assert {"demo", "test", "check", "lock", "fresh"} <= set(targets)
    for target in targets:
        planned = _run("make", "--dry-run", target, cwd=sdist)
        assert planned.returncode == 0, planned.stderr
        scripts = set(re.findall(r"\bscripts/[\w-]+", planned.stdout))
        modules = {each.replace(".", "/") for each in re.findall(r"python -m ([\w.]+)", planned.stdout)}
        missing = [each for each in scripts if not os.access(sdist / each, os.X_OK)]
        missing += [
            each for each in modules if not ((sdist / f"{each}.py").exists() or (sdist / each / "__main__.py").exists())
        ]
        assert not missing, target
