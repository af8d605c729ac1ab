"""An engine of NetworkPolicies for a node: kube-router's controller, on iptables and ipset."""

import contextlib
from collections.abc import Iterator

from tests.testbed.binaries import find_program
from tests.testbed.node.node import Node
from tests.testbed.node.runtime import NODE
from tests.testbed.patience import HANG_GUARD


@contextlib.contextmanager
def policy_engine(node: Node) -> Iterator[None]:
    """Enforce all NetworkPolicies while the body runs. Raises MissingProgramError, ProcessError."""
    find_program("ipset")
    engine = node.plane.start_program(
        find_program("network-policies"),
        f"--kubeconfig={node.plane.kubeconfig}",
        f"--hostname-override={NODE}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--iptables-sync-period=5s",
    )
    try:
        engine.wait_until(lambda: "KUBE-ROUTER-FORWARD" in node.run("iptables", "-S"), "its chains", HANG_GUARD)
        yield
    finally:
        engine.stop()
