"""The same desk in front of the simulated environment, or with our own pods on this machine."""

import re
import shutil
from pathlib import Path

import yaml

from simulator.environment import Environment
from tests.runbooks.shell import Shell

RUN_EXEC_HERE = """\
case "$*" in *exec*) while [ "$1" != "--" ]; do shift; done; shift; exec "$@";; esac
exec real-kubectl "$@\""""
"""A kubectl that runs here what it should run in a pod."""


def simulated_desk(desk: Shell, environment: Environment, folder: Path, netcat: Path) -> Shell:
    """The same programs in front of the simulated API, which tells nobody which resources there are.

    kubectl has that from the real one. What it would run in a pod runs on this machine.
    """
    shell = Shell(folder, environment.kubeconfig, {"diego-api.cf.svc.cluster.local": environment.service_host})
    here = re.sub(r"[^\w/.]", "_", environment.api_url.removeprefix("https://"))
    [known] = (desk.folder / ".kube/cache/discovery").iterdir()
    shutil.copytree(known, folder / ".kube/cache/discovery" / here)
    shell.give("real-kubectl", desk.folder / "bin/kubectl")
    shell.give_script("kubectl", RUN_EXEC_HERE)
    shell.give("nc", netcat)
    shell.give_stagekeeper()
    (folder / "stagekeeper.yaml").write_text(yaml.safe_dump({"environments": [entry(environment)]}), encoding="utf-8")
    return shell


def desk_in_our_pods(desk: Shell, folder: Path) -> Shell:
    """The same desk; what it would run in a pod of ours runs here, with the configuration that the pod has."""
    shell = Shell(folder, desk.kubeconfig, desk.names)
    shell.give("real-kubectl", desk.folder / "bin/kubectl")
    shell.give_script("kubectl", f"export STAGEKEEPER_CONFIG={desk.folder / 'stagekeeper.yaml'}\n{RUN_EXEC_HERE}")
    shell.give_stagekeeper()
    return shell


def entry(environment: Environment) -> dict[str, object]:
    """The environment as a configuration has it."""
    address = {"host": environment.service_host, "port": environment.bbs_port}
    return {"name": "prod", "profile": "cfee-2", "service": address, "timeouts": {"probe": 2, "api": 5}}
