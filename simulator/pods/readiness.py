"""`python -m simulator.pods.readiness POD HOST PORT KEY=ACTIVE,PASSIVE`: fissile's readiness probe.

kubelet runs it in the pod. It tells the world by a label whether this pod's BBS listens (fissile:readiness-probe.sh
PATCHes it with the pod's own token), and exits with 0 where the pod is ready. Releases of SCF differ in the port that
says so (stagekeeper/diego/profiles.py, `Readiness`).
"""

import os
import socket
import ssl
import sys
from pathlib import Path

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_BBS_PORT = 8889
_SECONDS = 2.0


def accepts(host: str, port: int) -> bool:
    """Whether somebody accepts a connection there."""
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError:
        return False
    return True


def set_label(pod: str, key: str, value: str) -> None:
    """PATCH this pod's label. OSError if the API refuses or is away. By hand: a probe has no time to import much."""
    namespace, token = ((_ACCOUNT / name).read_text() for name in ("namespace", "token"))
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    body = f'{{"metadata":{{"labels":{{"{key}":"{value}"}}}}}}'
    request = (
        f"PATCH /api/v1/namespaces/{namespace}/pods/{pod} HTTP/1.0",
        f"Authorization: Bearer {token}",
        "Content-Type: application/merge-patch+json",
        f"Content-Length: {len(body)}",
    )
    context = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    with (
        socket.create_connection((host, port), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(("\r\n".join(request) + f"\r\n\r\n{body}").encode())
        answer = tls.makefile("rb").readline()
    if b" 200 " not in answer:
        raise OSError(f"the API answered {answer!r}")


def main(arguments: list[str]) -> int:
    """Judge this pod; the exit code is kubelet's."""
    pod, host, port, label = arguments
    key, _, values = label.partition("=")
    active, _, passive = values.partition(",")
    set_label(pod, key, active if accepts(host, _BBS_PORT) else passive)
    return 0 if accepts(host, int(port)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
