"""Programs that we build from pinned Go modules: the Kubernetes control plane, and the tools that check the chart.

`python -m scripts.go_tools control-plane` finds or builds a set, `--folder NAME` prints where its build is. Each set
has a folder tests/testbed/NAME with go.mod and go.sum. A program is looked for in `$KUBEBUILDER_ASSETS`, on PATH (only
in exactly our version), and in the cache, whose key holds a hash of everything that the build depends on: a stale one
is never used.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.cache import ROOT, SetupError, cache_folder, made_once, must, on_path, output_of, run, say, tail
from scripts.go_toolchain import find_go, required_version

_PROGRESS_EVERY = 15.0  # seconds; longer silences look like a hang


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: its Go package, and the arguments that make it print its version."""

    name: str
    package: str
    version_arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolSet:
    """Programs that are built together from the go.mod in tests/testbed/NAME."""

    name: str
    version: str
    version_variable: str  # the Go variable that the linker sets to the version
    tools: tuple[Tool, ...]
    cold_build: str  # how long, for a person who waits
    flags: tuple[str, ...] = ()  # more flags of the build
    module: str = ""  # the module that they are of, where their packages do not say
    module_version: str = ""  # that module's, where the programs call it differently
    lacks: tuple[str, ...] = ()  # files that the module embeds, and that the module proxy has not: built pages

    @property
    def folder(self) -> Path:
        """Where go.mod and go.sum are."""
        return ROOT / "tests" / "testbed" / self.name

    @property
    def linker_flags(self) -> str:
        """No symbol tables (half the size), and the version, which a build from a module cannot know."""
        return f"-s -w -X {self.version_variable}={self.version}"


CONTROL_PLANE = ToolSet(
    name="control-plane",
    version="v1.37.2",
    version_variable="k8s.io/component-base/version.gitVersion",
    tools=(
        Tool("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", ("--version",)),
        Tool("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", ("--version",)),
        Tool("kubectl", "k8s.io/kubernetes/cmd/kubectl", ("version", "--client")),
    ),
    cold_build="about 8 minutes on 2 cores",
)
# The oldest one that the chart promises (1.25) and that the module proxy has whole.
OLDEST = ToolSet(
    name="oldest",
    version="v1.29.6",
    version_variable=CONTROL_PLANE.version_variable,
    tools=CONTROL_PLANE.tools,
    cold_build="about 8 minutes on 2 cores",
    flags=("-tags", "providerless"),  # the cloud providers that were in the tree then
)
KUBELET = ToolSet(
    name="kubelet",
    version="v1.37.2",
    version_variable="k8s.io/component-base/version.gitVersion",
    tools=(
        Tool("kubelet", "k8s.io/kubernetes/cmd/kubelet", ("--version",)),
        Tool("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy", ("--version",)),
        Tool("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler", ("--version",)),
    ),
    cold_build="about 2 minutes on 2 cores after the control plane",
)
COREDNS = ToolSet(
    name="coredns",
    version="v1.15.0",
    version_variable="main.version",
    tools=(Tool("coredns", ".", ("-version",)),),
    cold_build="about 4 minutes on 2 cores",
)
HELM = ToolSet(
    name="helm",
    version="v3.22.0",
    version_variable="helm.sh/helm/v3/internal/version.version",
    tools=(Tool("helm", "helm.sh/helm/v3/cmd/helm", ("version", "--short")),),
    cold_build="about 2 minutes on 2 cores",
)
KUBECONFORM = ToolSet(
    name="kubeconform",
    version="v0.8.0",
    version_variable="main.version",
    tools=(Tool("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", ("-v",)),),
    cold_build="under a minute",
)
PROMETHEUS = ToolSet(
    name="prometheus",
    version="3.16.0",
    version_variable="github.com/prometheus/common/version.Version",
    tools=(
        Tool("prometheus", "github.com/prometheus/prometheus/cmd/prometheus", ("--version",)),
        Tool("promtool", "github.com/prometheus/prometheus/cmd/promtool", ("--version",)),
    ),
    cold_build="about 6 minutes on 2 cores",
    # Of the ways to find targets only Kubernetes': the others compile the SDK of every cloud.
    flags=("-tags", "netgo,remove_all_sd,enable_kubernetes_sd"),
    module_version="v0.316.0",
)
ALERTMANAGER = ToolSet(
    name="alertmanager",
    version="0.35.0",
    version_variable="github.com/prometheus/common/version.Version",
    tools=(
        Tool("alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", ("--version",)),
        Tool("amtool", "github.com/prometheus/alertmanager/cmd/amtool", ("--version",)),
    ),
    cold_build="about 3 minutes on 2 cores",
    module="github.com/prometheus/alertmanager",
    module_version="v0.35.0",
    lacks=("ui/app/dist/elm/index.html", "ui/app/dist/mantine/index.html"),
)
NETWORK_POLICIES = ToolSet(
    name="network-policies",
    version="v2.1.0",
    version_variable="main.version",
    tools=(Tool("network-policies", ".", ("--version",)),),
    cold_build="about a minute on 2 cores",
    module="github.com/cloudnativelabs/kube-router/v2",
)
TOOL_SETS = (CONTROL_PLANE, OLDEST, HELM, KUBECONFORM, KUBELET, COREDNS, PROMETHEUS, ALERTMANAGER, NETWORK_POLICIES)


def build_key(tools: ToolSet) -> str:
    """The version and a hash of all that decides what a build produces: modules, sums, flags, kind of machine."""
    files = [*sorted(tools.folder.glob("*.go")), tools.folder / "go.mod", tools.folder / "go.sum"]
    parts = [file.read_bytes() for file in files]
    parts += [tools.linker_flags.encode(), platform.machine().encode()]
    parts += [word.encode() for word in (*tools.flags, *tools.lacks)]
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return f"{tools.version}-{digest[:12]}"


def build_folder(tools: ToolSet, environment: Mapping[str, str] = os.environ) -> Path:
    """Where a build of exactly these tools is kept."""
    return cache_folder(environment) / tools.name / build_key(tools)


def has_version(tools: ToolSet, tool: Tool, path: Path) -> bool:
    """Whether a program says of itself that it is exactly our version."""
    words = (output_of([path, *tool.version_arguments]) or "").replace("+", " ").split()
    return tools.version in words


def find(tools: ToolSet, tool: Tool, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where a tool is, without building: `$KUBEBUILDER_ASSETS` (a person's explicit choice), PATH, the cache."""
    if (assets := environment.get("KUBEBUILDER_ASSETS")) and os.access(Path(assets) / tool.name, os.X_OK):
        return Path(assets) / tool.name
    if (found := on_path(tool.name, environment)) and has_version(tools, tool, found):
        return found
    cached = build_folder(tools, environment) / tool.name
    return cached if os.access(cached, os.X_OK) else None


def build(tools: ToolSet) -> None:
    """Build a set into the cache, telling the progress; raises SetupError."""

    def make(made: Path) -> None:
        go = find_go(required_version((tools.folder / "go.mod").read_text()))
        say(f"  building {tools.name} {tools.version} with {go} ({tools.cold_build} the first time, else seconds)")
        made.mkdir()
        _go_build(tools, go, made, made.with_name("build.log"))

    made_once(build_folder(tools), make)


def _go_build(tools: ToolSet, go: Path, made: Path, log: Path) -> None:
    packages = [tool.package for tool in tools.tools]
    flags = ["-v", "-trimpath", *tools.flags, "-ldflags", tools.linker_flags, "-o", f"{made}/"]
    if tools.lacks:
        flags += ["-modfile", str(_completed(tools, go, made.parent, log))]
    started = time.monotonic()
    child = run([go, "build", *flags, *packages], log, cwd=tools.folder)
    try:
        while (code := _wait(child)) is None:
            minutes, seconds = divmod(int(time.monotonic() - started), 60)
            say(f"    {tools.name}: {minutes} min {seconds:02} s, {_steps(log)} packages fetched or compiled")
    finally:
        child.kill()
        child.wait()
    if code:
        raise SetupError(f"go build of {tools.name} failed with exit code {code}:\n{tail(log)}")
    say(f"  built in {time.monotonic() - started:.0f} s")


def _completed(tools: ToolSet, go: Path, work: Path, log: Path) -> Path:
    """A go.mod that has a copy of the module in place of it, with the files that it lacks."""
    must([go, "mod", "download"], log, f"go mod download of {tools.name}", cwd=tools.folder)
    found = output_of([go, "-C", tools.folder, "list", "-m", "-f", "{{.Dir}}", tools.module])
    if not found:
        raise SetupError(f"go list found no {tools.module} in {tools.folder}")
    copy = work / "module"
    shutil.copytree(found.strip(), copy, copy_function=shutil.copyfile)
    for each in (copy, *copy.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)  # Go's cache is read-only
    for name in tools.lacks:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("This program was built without its pages.\n")
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(tools.folder / name, work / name)
    must([go, "mod", "edit", "-replace", f"{tools.module}={copy}", work / "go.mod"], log, "go mod edit")
    return work / "go.mod"


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    """The exit code, or None if it still runs after a while."""
    try:
        return child.wait(_PROGRESS_EVERY)
    except subprocess.TimeoutExpired:
        return None


def _steps(log: Path) -> int:
    """`go build -v` prints one line for each package that it fetches or compiles."""
    return log.read_bytes().count(b"\n")


def provide(tools: ToolSet) -> None:
    """Find or build a set and say where each program is; raises SetupError."""
    say(f"{tools.name} {tools.version} ($KUBEBUILDER_ASSETS, then PATH, then the project's cache, then a build):")
    if any(find(tools, tool) is None for tool in tools.tools):
        build(tools)
    for tool in tools.tools:
        say(f"  {tool.name:24} {tools.version}  [{find(tools, tool)}]")


def main(names: list[str]) -> int:
    """Provide the named sets; the exit code says whether all are there."""
    known = {tools.name: tools for tools in TOOL_SETS}
    if len(names) == 2 and names[0] == "--folder" and names[1] in known:  # noqa: PLR2004 -- the option and its value
        say(str(build_folder(known[names[1]])))
        return 0
    if not names or not set(names) <= set(known):
        say(f"usage: python -m scripts.go_tools {{{','.join(known)}}} ... | --folder NAME")
        return 2
    try:
        for name in names:
            provide(known[name])
    except (SetupError, OSError) as error:
        say(f"  MISSING: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
