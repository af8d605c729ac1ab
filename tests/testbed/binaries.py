"""Where the programs are that tests start. Free of pytest: also for programs that run on their own."""

from dataclasses import dataclass
from pathlib import Path

from scripts import go_tools, programs

_NODE = "node-programs"
_TARGETS = {"control-plane": "control-plane", "kubelet": _NODE, "coredns": _NODE, "network-policies": _NODE}
"""Which `make` target builds a set of Go programs."""


class MissingProgramError(Exception):
    """A program is not on this machine; `name` is which, `how_to_get_it` what to do."""

    def __init__(self, name: str, how_to_get_it: str) -> None:
        super().__init__(f"{name} is missing: {how_to_get_it}")
        self.name = name
        self.how_to_get_it = how_to_get_it


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of a control plane."""

    etcd: Path
    apiserver: Path
    controller_manager: Path
    kubectl: Path


def find_program(name: str) -> Path:
    """Where a program of scripts/programs.py or scripts/go_tools.py is; raises MissingProgramError."""
    for program in programs.PROGRAMS:
        if program.name == name:
            target = "test-programs" if "tests" in program.groups else "node-programs"
            return _found(name, programs.find(program), target)
    for tools in go_tools.TOOL_SETS:
        for tool in tools.tools:
            if tool.name == name:
                target = _TARGETS.get(tools.name, "chart-tools")
                return _found(name, go_tools.find(tools, tool), target)
    raise LookupError(f"{name} is none of the programs in scripts/programs.py and scripts/go_tools.py")


def find_packaged(name: str) -> Path:
    """Where Debian's program of that name is; raises MissingProgramError."""
    return find_program({"alertmanager": "prometheus-alertmanager"}.get(name, name))


def find_newest(name: str) -> Path:
    """Where today's `prometheus`, `promtool`, `alertmanager` or `amtool` is; raises MissingProgramError."""
    for tools in (go_tools.PROMETHEUS, go_tools.ALERTMANAGER):
        for tool in tools.tools:
            if tool.name == name:
                return _found(f"{name} {tools.version}", go_tools.find(tools, tool), "monitoring")
    raise LookupError(f"{name} is no program of Prometheus or Alertmanager")


def find_binaries() -> Binaries:
    """The programs of a control plane; raises MissingProgramError."""
    return Binaries(
        etcd=find_program("etcd"),
        apiserver=find_program("kube-apiserver"),
        controller_manager=find_program("kube-controller-manager"),
        kubectl=find_program("kubectl"),
    )


def _found(name: str, path: Path | None, target: str) -> Path:
    if path is None:
        raise MissingProgramError(name, f"run `make {target}`")
    return path
