"""What runs pods: containerd, kubelet, kube-proxy, and the cluster's DNS. Their configuration, and their start."""

import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.binaries import find_program
from tests.testbed.node.plane import ADDRESS, NodePlane
from tests.testbed.patience import HANG_GUARD
from tests.testbed.process import Process

NODE = "node-1"
PAUSE = "localhost/pause:1"
DNS = "10.96.0.10"
_DOMAIN = "cluster.local"


@dataclass(slots=True)
class Runtime:
    """The running programs."""

    containerd: Process
    kubelet: Process
    proxy: Process
    dns: Process


def resolver() -> str:
    """The node's resolv.conf."""
    return f"nameserver {DNS}\nsearch svc.{_DOMAIN} {_DOMAIN}\noptions ndots:5 timeout:1 attempts:2\n"


def socket_of(folder: Path) -> Path:
    """Where containerd listens."""
    return folder / "containerd-state" / "containerd.sock"


class Starter:
    """Starts each program of a node's runtime, and starts one again."""

    def __init__(self, plane: NodePlane, folder: Path) -> None:
        self._plane = plane
        self._folder = folder
        self.containerd_socket = socket_of(folder)

    def containerd(self) -> Process:
        """Start containerd."""
        plugins = find_program("host-local").resolve().parent
        network = self._folder / "network"
        network.mkdir(exist_ok=True)
        self._write("network/10-node.conflist", json.dumps(_network()))
        config = self._write("containerd.toml", _containerd(self._folder, self.containerd_socket, plugins, network))
        return self._plane.start_program(find_program("containerd"), f"--config={config}")

    def kubelet(self) -> Process:
        """Start kubelet; it writes its own certificate."""
        config = self._write("kubelet.json", json.dumps(self._kubelet()))
        return self._plane.start_program(
            find_program("kubelet"),
            f"--config={config}",
            f"--kubeconfig={self._plane.kubeconfig}",
            f"--root-dir={self._folder / 'kubelet'}",
            f"--cert-dir={self._folder / 'kubelet-certificates'}",
            f"--hostname-override={NODE}",
            f"--node-ip={ADDRESS}",
        )

    def proxy(self) -> Process:
        """Start kube-proxy; it leaves the settings of conntrack, which are the whole machine's, alone."""
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": str(self._plane.kubeconfig)},
            "hostnameOverride": NODE,
            "clusterCIDR": "10.244.0.0/16",
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }
        path = self._write("kube-proxy.json", json.dumps(config))
        return self._plane.start_program(find_program("kube-proxy"), f"--config={path}")

    def dns(self) -> Process:
        """Start the cluster's DNS."""
        path = self._write("Corefile", _CORE_FILE.format(kubeconfig=self._plane.kubeconfig))
        return self._plane.start_program(find_program("coredns"), "-conf", str(path))

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": ADDRESS,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self._plane.kubelet_ca_file)},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._plane.within.group}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [DNS],
            "clusterDomain": _DOMAIN,
            "containerRuntimeEndpoint": f"unix://{self.containerd_socket}",
            "podLogsDir": str(self._folder / "pod-logs"),
            "volumePluginDir": str(self._folder / "volume-plugins"),
            "resolvConf": "/dev/null",
            "localStorageCapacityIsolation": False,
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,  # nobody could fetch again what it threw away
            "registryPullQPS": 0,
            "maxPods": 60,
            "syncFrequency": "5s",  # within which a changed Secret is in its pods; by default a minute or more
        }

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        return path


def start(plane: NodePlane, folder: Path, stack: contextlib.ExitStack, load: Callable[[Path], None]) -> Runtime:
    """Start all of them, and wait until the node is Ready and names are resolved. `load` gets containerd's socket."""
    starter = Starter(plane, folder)
    containerd = starter.containerd()
    stack.callback(containerd.stop)
    containerd.wait_until(starter.containerd_socket.exists, "its socket", HANG_GUARD)
    load(starter.containerd_socket)
    _install_dns(plane)
    runtime = Runtime(containerd, starter.kubelet(), starter.proxy(), starter.dns())
    for process in (runtime.dns, runtime.proxy, runtime.kubelet):
        stack.callback(process.stop)
    runtime.kubelet.wait_until(lambda: is_ready(plane), "the node's readiness", HANG_GUARD)
    runtime.dns.wait_until(lambda: plane.within.inside(_dns_answers), "its port", HANG_GUARD)
    return runtime


def is_ready(plane: NodePlane) -> bool:
    """Whether the node is Ready."""
    nodes = plane.api.request("GET", "/api/v1/nodes")["items"]
    conditions = [each for node in nodes for each in node["status"].get("conditions", [])]
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def _dns_answers() -> bool:
    try:
        socket.create_connection((ADDRESS, 53), 1).close()
    except OSError:
        return False
    return True


def _install_dns(plane: NodePlane) -> None:
    """The Service with the address that pods ask; behind it no pod, but a program on the node."""
    ports = [{"name": kind.lower(), "port": 53, "protocol": kind} for kind in ("UDP", "TCP")]
    core = "/api/v1/namespaces/kube-system"
    service = {"metadata": {"name": "kube-dns"}, "spec": {"clusterIP": DNS, "ports": ports}}
    plane.api.request("POST", f"{core}/services", service)
    endpoints = {
        "metadata": {"name": "kube-dns-node", "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        "ports": ports,
    }
    plane.api.request("POST", "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", endpoints)


def _network() -> dict[str, Any]:
    """The pods' network: a bridge on the node."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": "10.244.0.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": "/run/cni",
        },
    }
    return {"cniVersion": "1.0.0", "name": "node", "plugins": [bridge, {"type": "portmap"}]}


def _containerd(folder: Path, socket: Path, plugins: Path, network: Path) -> str:
    """For containerd 1.6 (Debian 12) and later; the shim and runc are found on the PATH that it is started with."""
    return f"""
version = 2
root = "{folder / "containerd"}"
state = "{folder / "containerd-state"}"
disabled_plugins = ["io.containerd.internal.v1.restart"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{network}"
"""


_CORE_FILE = """
.:53 {{
    errors
    cache 1
    loadbalance
    kubernetes cluster.local {{
        kubeconfig {kubeconfig}
        ttl 1
    }}
}}
"""
