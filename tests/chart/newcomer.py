"""Somebody who follows docs/install.md word by word: a clean folder with what a clone has, tools, and a cluster."""

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts.cache import ROOT
from tests.chart import guide
from tests.chart.guide import Step
from tests.chart.helm import merged
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import HANG_GUARD

NAMESPACE = RELEASE = "stagekeeper"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
SECRET = f"{SECRETS}/stagekeeper-webhook"
_AMTOOL_SAYS = "Warning: --config.file flag overrides the --alertmanager.url."
"""It has a default for the one that was not given."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The person, in `folder`."""

    folder: Path
    environment: dict[str, str]
    plane: ControlPlane
    enter: tuple[str | Path, ...]
    """What stands before a command that has to run where the cluster can be reached."""

    def follow(self, step: Step) -> str:
        """Write the file down (into what is there of it already), or type the command; returns what it printed."""
        path = self.folder / step.file
        if step.file:
            old = yaml.safe_load(path.read_text()) if "the section" in step.content else {}
            path.write_text(yaml.safe_dump(merged(old, yaml.safe_load(step.content))))
            return ""
        return self.type(step.content)

    def type(self, command: str) -> str:
        """Type a command into bash; fails if it fails."""
        done = subprocess.run(
            self.command(command),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=HANG_GUARD,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        said = [line for line in done.stderr.splitlines() if line != _AMTOOL_SAYS]
        assert "warning" not in "\n".join(said).lower(), f"{command}\n{done.stderr}"
        return done.stdout

    def command(self, typed: str) -> list[str | Path]:
        """What runs a typed command, in the folder."""
        return [*self.enter, "bash", "-euo", "pipefail", "-c", f"cd '{self.folder}'\n{typed}"]

    def token(self) -> str:
        """The webhook's token that is in force."""
        return base64.b64decode(self.plane.api.request("GET", SECRET)["data"]["token"]).decode()

    def prepare(self) -> None:
        """What both situations need before the chart: the namespace and the Secrets."""
        for command in (*preparation("For 1 and 2"), *preparation("1.")):
            self.type(command)

    @contextlib.contextmanager
    def situation(self, title: str) -> Iterator[None]:
        """One situation up to the installed release, which is uninstalled as the guide says."""
        done = preparation(title)
        try:
            for step in guide.of(title):
                if step.content not in done:
                    self.follow(step)
            yield
        finally:
            for step in guide.of("Uninstalling"):
                self.follow(step)


def arrive(folder: Path, plane: ControlPlane, tools: Iterable[Path], *enter: str | Path) -> Newcomer:
    """A newcomer with these tools and a kubeconfig, in which the cluster is called as in the guide."""
    for name in ("alerts", "charts"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "bin").mkdir()
    for tool in tools:
        (folder / "bin" / tool.name).symlink_to(tool)
    config = json.loads(plane.kubeconfig.read_text())
    config["contexts"].append({**config["contexts"][0], "name": "my-cluster"})
    (folder / "kubeconfig").write_text(json.dumps(config))
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
    }
    return Newcomer(folder, environment, plane, enter)


def preparation(situation: str) -> list[str]:
    """The commands of a situation that make what the chart does not."""
    typed = [step.content for step in guide.of(situation) if not step.file]
    return [command for command in typed if command.startswith("kubectl") and " create " in command]
