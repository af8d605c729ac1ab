"""The same desk in front of the simulated environment."""

import re
import shutil
from pathlib import Path

import yaml

from simulator.environment import Environment
from tests.runbooks.shell import Shell


def simulated_desk(desk: Shell, environment: Environment, folder: Path, netcat: Path) -> Shell:
    """The same programs in front of the simulated API, which tells nobody which resources there are.

    kubectl has that from the real one. What it would run in a pod runs on this machine.
    """
    shell = Shell(folder, environment.kubeconfig, {"diego-api.cf.svc.cluster.local": environment.service_host})
    here = re.sub(r"[^\w/.]", "_", environment.api_url.removeprefix("https://"))
    [known] = (desk.folder / ".kube/cache/discovery").iterdir()
    shutil.copytree(known, folder / ".kube/cache/discovery" / here)
    shell.give("real-kubectl", desk.folder / "bin/kubectl")
    run_it_here = 'while [ "$1" != "--" ]; do shift; done; shift; exec "$@"'
    shell.give_script("kubectl", f'case "$*" in *exec*) {run_it_here};; esac\nexec real-kubectl "$@"')
    shell.give("nc", netcat)
    shell.give_stagekeeper()
    (folder / "stagekeeper.yaml").write_text(yaml.safe_dump({"environments": [entry(environment)]}), encoding="utf-8")
    return shell


def entry(environment: Environment) -> dict[str, object]:
    """The environment as a configuration has it."""
    address = {"host": environment.service_host, "port": environment.bbs_port}
    return {"name": "prod", "profile": "cfee-2", "service": address, "timeouts": {"probe": 2, "api": 5}}
