"""One node of Kubernetes, complete: `node()` brings it up, and takes all of it away.

A control plane, kubelet, containerd, kube-proxy, a pod network and DNS, as root, in a network and a mount namespace of
their own; only cgroups are made outside, in a group of our own. Nothing leaves the network. There is no registry:
images are imported, and pods say `imagePullPolicy: Never`.
"""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.binaries import find_binaries, find_program
from tests.testbed.node import runtime
from tests.testbed.node.images import Image, pause_archive
from tests.testbed.node.namespaces import Namespaces, namespaces
from tests.testbed.node.plane import NodePlane
from tests.testbed.patience import HANG_GUARD


@dataclass(frozen=True, slots=True)
class Node:
    """A running node. `plane` is its API, with kubectl."""

    plane: NodePlane
    within: Namespaces
    folder: Path
    running: runtime.Runtime

    def tool(self, name: str) -> Path:
        """A program of the test bed (`helm`) as one that runs on the node."""
        return self.within.wrapped(find_program(name), self.folder / name)

    def tag(self, image: Image, name: str) -> None:
        """Give a loaded image another name, which a pod may name it by."""
        ctr = (find_program("ctr"), "--address", runtime.socket_of(self.folder), "--namespace", "k8s.io")
        self.run(*ctr, "images", "tag", f"{image.name}:node", name)

    def run(self, *command: str | Path) -> str:
        """Run a command on the node; what it prints. Raises CalledProcessError."""
        whole = self.within.command(*command)
        return subprocess.run(whole, capture_output=True, text=True, timeout=HANG_GUARD, check=True).stdout

    def log_tails(self) -> str:
        """The ends of all logs, for the report of a failed test."""
        processes = (self.running.containerd, self.running.kubelet, self.running.proxy, self.running.dns)
        return "\n".join([self.plane.log_tails(), *(each.tail() for each in processes)])


@contextlib.contextmanager
def node(folder: Path, images: Sequence[Image] = ()) -> Iterator[Node]:
    """A node that is Ready, with these images by tag and digest. Raises NodeError, ProcessError, MissingProgramError.

    Logs stay in `folder`; everything else goes on leaving, and all processes with it, also if we are killed.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resolv.conf").write_text(runtime.resolver())
    with contextlib.ExitStack() as stack:
        within = stack.enter_context(namespaces(folder))
        plane = NodePlane(folder / "control-plane", find_binaries(), within)
        plane.start(stack)

        def load_all(socket: Path) -> None:
            _load(within, socket, pause_archive(folder))
            for image in images:
                _load(within, socket, "--digests", "--base-name", image.name, image.archive)

        yield Node(plane, within, folder, runtime.start(plane, folder, stack, load_all))


def _load(within: Namespaces, socket: Path, *arguments: str | Path) -> None:
    """Import an archive's images where kubelet looks for them."""
    command = within.command(find_program("ctr"), "--address", socket, "--namespace", "k8s.io", "images", "import")
    subprocess.run([*command, *arguments], capture_output=True, timeout=HANG_GUARD, check=True)
