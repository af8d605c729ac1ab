"""The control plane of a node: all controllers, a scheduler, and an API server that knows its way to the kubelet."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.testbed.api import Api
from tests.testbed.binaries import Binaries, find_program
from tests.testbed.control_plane import ControlPlane
from tests.testbed.node.identity import write_client
from tests.testbed.node.namespaces import Namespaces
from tests.testbed.process import Process, free_port

ADDRESS = "10.10.0.1"
"""The node's, on which all its programs listen."""


@dataclass(frozen=True, slots=True)
class NodeApi(Api):
    """The API server, asked from within the node's network."""

    inside: Callable[[Callable[[], Any]], Any]

    def request(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """As `Api.request`."""
        return self.inside(partial(Api.request, self, method, path, body, content_type))


class NodePlane(ControlPlane):
    """The control plane in the node's namespaces; kubectl works as it does elsewhere."""

    scheduler: Process

    def __init__(self, folder: Path, binaries: Binaries, within: Namespaces) -> None:
        self.within = within
        folder.mkdir(parents=True, exist_ok=True)
        kubectl = within.wrapped(binaries.kubectl, folder / "kubectl")
        super().__init__(folder, replace(binaries, kubectl=kubectl), ADDRESS)
        self.api = NodeApi(self.url, self.ca_file, self.token, within.inside)
        self.kubelet_ca_file = folder / "kubelet-ca.pem"
        self._kubelet_client = folder / "kubelet-client.pem"

    def start(self, stack: contextlib.ExitStack) -> None:
        """As `ControlPlane.start`, and the scheduler."""
        super().start(stack)
        self.scheduler = self.start_program(
            find_program("kube-scheduler"),
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
        )
        stack.callback(self.scheduler.stop)

    def start_program(self, program: Path, *arguments: str) -> Process:
        """Start a program of the node; its log is in the folder, under its name."""
        return Process(program.name, self.within.command(program, *arguments), self.folder / f"{program.name}.log")

    def _free_port(self) -> int:
        return self.within.inside(partial(free_port, self.address))

    def _start(self, program: Path, *arguments: str) -> Process:
        return self.start_program(program, *arguments)

    def _write_files(self) -> None:
        super()._write_files()
        write_client(self.kubelet_ca_file, self._kubelet_client)

    def _more_for_apiserver(self) -> tuple[str, ...]:
        return (
            "--allow-privileged=true",
            f"--kubelet-client-certificate={self._kubelet_client}",
            f"--kubelet-client-key={self._kubelet_client}",
            "--kubelet-preferred-address-types=InternalIP",
        )

    def _more_for_controller_manager(self) -> tuple[str, ...]:
        return (
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.folder / 'service-account.pem'}",
            f"--root-ca-file={self.ca_file}",
        )
