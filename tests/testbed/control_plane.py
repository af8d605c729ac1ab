"""A real Kubernetes API on this machine, without containers: etcd, kube-apiserver, kube-controller-manager.

No kubelet runs: whoever needs running pods plays it. The endpoints controllers refuse loopback pod addresses, so tests
with endpoints run inside a network namespace (tests/testbed/netns.py) and give an `address` of that namespace.
Everything here blocks; an async test calls it through `asyncio.to_thread`.
"""

import contextlib
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.testbed.api import Api, ApiError
from tests.testbed.binaries import Binaries
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process, free_port

_KUBECTL_SECONDS = 60.0
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CONTROLLERS = (
    "statefulset-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "serviceaccount-controller",
    "garbage-collector-controller",
    "disruption-controller",
    "validatingadmissionpolicy-status-controller",
)


class ControlPlane:
    """A running control plane; made by `control_plane()`."""

    etcd: Process
    apiserver: Process
    controller_manager: Process

    def __init__(self, folder: Path, binaries: Binaries, address: str) -> None:
        self.folder = folder
        self.binaries = binaries
        self.address = address
        self.url = f"https://{address}:{self._free_port()}"
        self.token = secrets.token_hex(16)
        # kube-apiserver makes this self-signed certificate at its first start and keeps it over restarts.
        self.ca_file = folder / "certificates" / "apiserver.crt"
        self.kubeconfig = folder / "kubeconfig.json"
        self.api = Api(self.url, self.ca_file, self.token)
        self._etcd_url = f"http://{address}:{self._free_port()}"

    def start(self, stack: contextlib.ExitStack) -> None:
        """Start all three in order and put the end of each on the stack; raises ProcessError."""
        self._write_files()
        self.etcd = self._start_etcd()
        stack.callback(self.etcd.stop)
        self.apiserver = self._start_apiserver()
        stack.callback(self._stop_apiserver)
        self._wait_for_apiserver()  # it makes the certificate that the controller manager wants to read
        self.controller_manager = self._start_controller_manager()
        stack.callback(self.controller_manager.stop)
        self._wait_for_controllers("default")

    def restart_apiserver(self) -> None:
        """Kill the API server and wait until a new one, on the same address with the same data, is ready."""
        self.apiserver.kill()
        self.apiserver = self._start_apiserver()
        self._wait_for_apiserver()

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as the admin and return its standard output; raises CalledProcessError."""
        command: list[str | Path] = [self.binaries.kubectl, "--kubeconfig", self.kubeconfig, *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=_KUBECTL_SECONDS, check=False
        )
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
        return done.stdout

    def create_namespace(self, prefix: str = "test") -> str:
        """Make a namespace of a new name and wait for its default ServiceAccount, without which no pod can be made."""
        metadata = {"generateName": f"{prefix}-"}
        name: str = self.api.request("POST", "/api/v1/namespaces", {"metadata": metadata})["metadata"]["name"]
        self._wait_for_controllers(name)
        return name

    def service_account_token(self, namespace: str, name: str) -> str:
        """A token of an existing ServiceAccount, valid for an hour (TokenRequest)."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.api.request("POST", path, {"spec": {"expirationSeconds": 3600}})
        return str(answer["status"]["token"])

    def wait_for_definitions(self, *names: str) -> None:
        """Wait until CustomResourceDefinitions are served. `kubectl wait` fails on one that has no conditions yet."""
        for name in names:
            self.apiserver.wait_until(partial(self._is_established, name), f"the definition {name}", HANG_GUARD)

    def log_tails(self) -> str:
        """The ends of all three logs, for the report of a failed test."""
        return "\n".join(process.tail() for process in (self.etcd, self.apiserver, self.controller_manager))

    def _is_established(self, name: str) -> bool:
        try:
            found = self.api.request("GET", f"{_DEFINITIONS}/{name}")
        except ApiError:
            return False
        conditions = found.get("status", {}).get("conditions") or []
        return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)

    def _stop_apiserver(self) -> None:
        self.apiserver.stop()  # the present one: each restart makes another

    def _wait_for_apiserver(self) -> None:
        self.apiserver.wait_until(
            lambda: self.ca_file.exists() and self.api.exists("/readyz"), "its readiness", HANG_GUARD
        )

    def _wait_for_controllers(self, namespace: str) -> None:
        self.controller_manager.wait_until(
            lambda: self.api.exists(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"),
            f"the default ServiceAccount of {namespace}",
            HANG_GUARD,
        )

    def _write_files(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "service-account.pem").write_bytes(key)
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        self.kubeconfig.write_text(json.dumps(self._kubeconfig(), indent=2))

    def _kubeconfig(self) -> dict[str, object]:
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        context = {"cluster": "testbed", "user": "admin", "namespace": "default"}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "testbed", "context": context}],
            "current-context": "testbed",
        }

    def _free_port(self) -> int:
        return free_port(self.address)

    def _start(self, program: Path, *arguments: str) -> Process:
        return Process(program.name, [program, *arguments], self.folder / f"{program.name}.log")

    def _start_etcd(self) -> Process:
        peer_url = f"http://{self.address}:{self._free_port()}"
        return self._start(
            self.binaries.etcd,
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
        )

    def _start_apiserver(self) -> Process:
        key = self.folder / "service-account.pem"
        return self._start(
            self.binaries.apiserver,
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",  # else it looks for a default route, which a namespace lacks
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--cert-dir={self.ca_file.parent}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            *self._more_for_apiserver(),
        )

    def _more_for_apiserver(self) -> tuple[str, ...]:
        return ("--endpoint-reconciler-type=none",)  # else a loopback address is refused at start

    def _start_controller_manager(self) -> Process:
        return self._start(
            self.binaries.controller_manager,
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",  # nobody asks it anything, and two of them would want the same port
            *self._more_for_controller_manager(),
        )

    def _more_for_controller_manager(self) -> tuple[str, ...]:
        return (f"--controllers={','.join(_CONTROLLERS)}",)


@contextlib.contextmanager
def control_plane(folder: Path, binaries: Binaries, address: str = "127.0.0.1") -> Iterator[ControlPlane]:
    """A control plane that is ready, ended on leaving; logs stay in `folder`. Raises ProcessError with the log's end.

    `address` is where all three listen, and the API server's advertised address.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder / "etcd", ignore_errors=True)  # 64 MB and more of preallocated files
        plane = ControlPlane(folder, binaries, address)
        plane.start(stack)
        yield plane
