"""Stagekeeper on a node, by its own chart, and Prometheus and Alertmanager beside it, as programs of the node."""

import base64
import contextlib
import json
import secrets
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml

from simulator.demo.configuration import faster, rules
from tests.chart.cluster import RELEASE, RESTRICTED
from tests.chart.helm import FOLDER, Helm
from tests.testbed.binaries import find_newest, find_packaged
from tests.testbed.node.diego import Diego
from tests.testbed.node.images import Image
from tests.testbed.node.node import Node
from tests.testbed.node.plane import ADDRESS
from tests.testbed.patience import HANG_GUARD
from tests.testbed.pods import is_ready

NAMESPACE = "stagekeeper"
FASTER = 6
"""How many times shorter than in production the waits of rules and policy are. Diego's own are the real ones."""
CONFIRM_FOR = 120 // FASTER
_ALERTMANAGER, _PROMETHEUS = f"{ADDRESS}:9093", f"{ADDRESS}:9090"
_COMPONENT = "app.kubernetes.io/component"
_PORTS = {"exporter": 9889, "remediator": 9890}
TOKEN = "stagekeeper-webhook"
CLIENT = "diego-client"
Object = dict[str, Any]
T = TypeVar("T")


def until(condition: Callable[[], T], what: str) -> T:
    """The first true answer of a condition; fails when it does not come. While the API is away it is not true."""
    end = time.monotonic() + 2 * HANG_GUARD  # the rules, the remediator and the grace of pods take their time, too
    while True:
        with contextlib.suppress(OSError):
            if answer := condition():
                return answer
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.25)


@dataclass(frozen=True, slots=True)
class Product:
    """The installed product."""

    node: Node
    helm: Helm
    diego: Diego

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints, in the release's namespace."""
        return self.node.plane.kubectl("--namespace", NAMESPACE, *arguments)

    def stagekeeper(self, *arguments: str) -> str:
        """What the command prints in the exporter's pod; raises CalledProcessError."""
        return self.kubectl("exec", f"deploy/{RELEASE}-exporter", "--", "stagekeeper", *arguments)

    def records(self) -> list[Object]:
        """The environment's remediations, the oldest first."""
        path = f"/apis/stagekeeper.dev/v1alpha1/namespaces/{self.diego.layout.namespace}/remediations"
        found: list[Object] = self.node.plane.api.request("GET", path)["items"]
        return sorted(found, key=lambda each: int(each["metadata"]["name"].rpartition("-r")[2]))

    def pods(self, program: str = "") -> list[Object]:
        """The product's pods: a program's, or all."""
        found = self.node.plane.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
        return [pod for pod in found if program in {"", pod["metadata"]["labels"].get(_COMPONENT)}]

    def token(self) -> str:
        """The webhook's token that its Secret has."""
        secret = self.node.plane.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{TOKEN}")
        return base64.b64decode(secret["data"]["token"]).decode()

    def value(self, query: str) -> float | None:
        """The value of a PromQL query; None where it finds nothing."""
        url = f"http://{_PROMETHEUS}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        found = self.node.within.inside(partial(_json, url))["data"]["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None


def prepare(node: Node, diego: Diego) -> None:
    """What a person makes before the chart: a namespace that admits only restricted pods, and the Secrets in it."""
    api, core = node.plane.api, f"/api/v1/namespaces/{NAMESPACE}"
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": RESTRICTED}})
    for name, data in ((CLIENT, client_files(diego)), (TOKEN, {"token": secrets.token_urlsafe()})):
        api.request("POST", f"{core}/secrets", {"metadata": {"name": name}, "stringData": data})


def client_files(diego: Diego) -> dict[str, str]:
    """What the Secret of Diego's client certificate holds, by key."""
    certificates = diego.certificates
    files = {
        "ca.crt": certificates.server.ca,
        "tls.crt": certificates.client_certificate,
        "tls.key": certificates.client_key,
    }
    return {key: file.read_text() for key, file in files.items()}


def install(node: Node, helm: Helm, diego: Diego, image: Image) -> Product:
    """Prepare, install the chart, and wait until all pods are Ready."""
    prepare(node, diego)
    helm.run("install", RELEASE, FOLDER, "--namespace", NAMESPACE, values=values(diego, image))
    product = Product(node, helm, diego)
    until(partial(all_ready, product), "the product's readiness")
    return product


def values(diego: Diego, image: Image) -> Object:
    """The chart's values."""
    environment = {
        "name": "cf",
        "profile": diego.layout.profile,
        "tls": {"secret": CLIENT},
        # Everything here is only just older than that.
        "patience": {"starting": 20, "pending": 60, "migrating": 30, "restarted_twice": 20},
    }
    share = {"requests": {"cpu": "200m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}}
    return {
        "exporter": {"resources": share},
        "image": {"repository": image.name, "digest": image.digest, "pullPolicy": "Never"},
        "environments": [environment],
        "remediator": {
            "mode": "act",
            "resources": share,
            "alertmanagers": [{"url": f"http://{_ALERTMANAGER}"}],
            "rhythm": {"open": 2, "list": 4, "observe": 2},
            "policy": {
                "confirm_for": CONFIRM_FOR,
                "never_for": CONFIRM_FOR,
                "cooldown": 60,
                "hold_off": 60,
                "budget": 20,
            },
        },
    }


def start_monitoring(product: Product, folder: Path, stack: contextlib.ExitStack, *, newest: bool) -> None:
    """Alertmanager, and Prometheus with the project's rules, faster, today's or Debian's; the stack gets their end."""

    def start(program: Path, *arguments: str) -> None:
        stack.callback(product.node.plane.start_program(program, *arguments).stop)

    find = find_newest if newest else find_packaged
    folder.mkdir()
    (folder / "token").write_text(product.token())
    (folder / "alertmanager.json").write_text(json.dumps(_alertmanager(folder / "token")))
    (folder / "rules.yaml").write_text(json.dumps(faster(yaml.safe_load(rules()), FASTER)))
    (folder / "prometheus.json").write_text(json.dumps(_prometheus()))
    start(
        find("alertmanager"),
        f"--config.file={folder / 'alertmanager.json'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={_ALERTMANAGER}",
        "--cluster.listen-address=",
    )
    start(
        find("prometheus"),
        f"--config.file={folder / 'prometheus.json'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={_PROMETHEUS}",
    )
    for address in (_ALERTMANAGER, _PROMETHEUS):
        until(
            partial(product.node.within.inside, partial(_serves, f"http://{address}/-/ready")), f"{address}'s readiness"
        )


def all_ready(product: Product) -> bool:
    """Whether the product's three pods are Ready, and no other is left."""
    pods = product.pods()
    return len(pods) == len(_PORTS) + 1 and all(is_ready(pod) for pod in pods)


def service(program: str) -> str:
    """Where a program's Service is, as the cluster's DNS knows it: `HOST:PORT`."""
    return f"{RELEASE}-{program}.{NAMESPACE}.svc.cluster.local:{_PORTS[program]}"


def _alertmanager(token: Path) -> Object:
    webhook = {
        "url": f"http://{service('remediator')}/api/v1/alerts",
        "send_resolved": True,
        "http_config": {"authorization": {"type": "Bearer", "credentials_file": f"{token}"}},
    }
    return {
        "route": {
            "receiver": "people",
            "group_by": ["environment"],
            "group_wait": "1s",
            "group_interval": "10s",
            "routes": [{"receiver": "stagekeeper", "matchers": ['alertname="StagerUnavailable"'], "continue": True}],
        },
        "receivers": [{"name": "people"}, {"name": "stagekeeper", "webhook_configs": [webhook]}],
    }


def _prometheus() -> Object:
    # By its Service, since a pod's address ends with the pod.
    jobs = [
        {
            "job_name": f"stagekeeper-{program}",
            "honor_labels": True,
            "static_configs": [{"targets": [service(program)]}],
        }
        for program in _PORTS
    ]
    return {
        "global": {"scrape_interval": "3s", "scrape_timeout": "2s", "evaluation_interval": "2s"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_ALERTMANAGER]}]}]},
        "scrape_configs": jobs,
    }


def exporter_address(product: Product) -> str:
    """Where the exporter listens in the node's network: `IP:PORT`."""
    return addresses(product, "exporter")[0]


def addresses(product: Product, program: str) -> list[str]:
    """Where each pod of a program listens: `IP:PORT`."""
    return [f"{pod['status']['podIP']}:{_PORTS[program]}" for pod in product.pods(program)]


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):  # noqa: S310 -- the node's own
            return True
    except OSError:
        return False


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- the node's own
        return json.load(answer)
