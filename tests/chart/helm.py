"""The real Helm, and what it renders."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scripts.cache import ROOT

FOLDER = ROOT / "charts/stagekeeper"
KUBERNETES = "1.37.2"
CI = sorted((FOLDER / "ci").glob("*-values.yaml"))
OPERATOR_APIS = (
    "monitoring.coreos.com/v1/ServiceMonitor",
    "monitoring.coreos.com/v1/PrometheusRule",
    "monitoring.coreos.com/v1alpha1/AlertmanagerConfig",
)
MISSING = "nothing is there"
IMAGE = {"image": {"repository": "registry.example/stagekeeper"}}
"""The one value besides the mode that has no default."""
_SECONDS = 60.0

Object = dict[str, Any]


class HelmError(Exception):
    """Helm refused; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a chart became."""

    objects: Sequence[Object]

    def of(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """The object `name`; raises LookupError."""
        for each in self.of(kind):
            if each["metadata"]["name"] == name:
                return each
        raise LookupError(f"no {kind} {name} was rendered")

    def roles(self, program: str) -> list[Object]:
        """The Roles and ClusterRoles that a program's ServiceAccount is bound to."""
        bindings = [
            each
            for each in self.objects
            if each["kind"].endswith("RoleBinding") and each["subjects"][0]["name"] == f"stagekeeper-{program}"
        ]
        bound = [(each["roleRef"]["kind"], each["roleRef"]["name"], _place(each)) for each in bindings]
        return [each for each in self.objects if (each["kind"], each["metadata"]["name"], _place(each)) in bound]

    @property
    def config(self) -> str:
        """The configuration file that the programs are given."""
        return next(str(each["data"]["config.yaml"]) for each in self.of("ConfigMap") if "config.yaml" in each["data"])

    def at(self, place: str) -> Any:
        """What stands at `Kind/name > key > 0 > key`, or at `config > key`; MISSING if nothing does."""
        what, *path = place.split(" > ")
        kind, _, name = what.partition("/")
        try:
            found: Any = yaml.safe_load(self.config) if kind == "config" else self.one(kind, name)
            for key in path:
                found = found[int(key)] if isinstance(found, list) else found[key]
        except (LookupError, StopIteration):
            return MISSING
        return found


@dataclass(frozen=True, slots=True)
class Helm:
    """The program, with folders of its own; `kubeconfig` names a cluster where there is one."""

    program: Path
    home: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str | Path, values: Mapping[str, Any] | None = None) -> str:
        """Run a command and return what it printed; raises HelmError. Values get an image where they name none."""
        given = ["--values", "-"] if values is not None else []
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig or "/dev/null"),
            # It lives for a moment: collecting its garbage, on all processors, would be a quarter of its work.
            "GOGC": "400",
            "GOMAXPROCS": "1",
        }
        done = subprocess.run(
            [self.program, *arguments, *given],
            input=yaml.safe_dump(merged(IMAGE, values)) if values is not None else "",
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=environment,
        )
        if done.returncode:
            raise HelmError(done.stderr + done.stdout)
        return done.stdout

    def template(
        self,
        *arguments: str | Path,
        values: Mapping[str, Any] | None = None,
        apis: Sequence[str] = OPERATOR_APIS,
        kubernetes: str = KUBERNETES,
    ) -> Rendered:
        """Release `stagekeeper` in namespace `stagekeeper` as objects, made once: nobody may change them."""
        return _parsed(self.manifests(*arguments, values=values, apis=apis, kubernetes=kubernetes))

    def manifests(
        self,
        *arguments: str | Path,
        values: Mapping[str, Any] | None = None,
        apis: Sequence[str] = OPERATOR_APIS,
        kubernetes: str = KUBERNETES,
    ) -> str:
        """The same as text."""
        served = [argument for api in apis for argument in ("--api-versions", api)]
        place = ("--namespace", "stagekeeper", "--kube-version", kubernetes)
        given = None if values is None else json.dumps(values)
        return _templated(self, (*place, *served, *arguments), given)


@cache
def _templated(helm: Helm, arguments: tuple[str | Path, ...], values: str | None) -> str:
    """Many tests look at the same."""
    given = None if values is None else json.loads(values)
    return helm.run("template", "stagekeeper", FOLDER, *arguments, values=given)


@cache
def _parsed(manifests: str) -> Rendered:
    return parsed(manifests)


def rights(roles: Iterable[Object]) -> list[str]:
    """What Roles grant, as "verb resource", sorted; twice if it is granted twice."""
    return sorted(
        f"{verb} {resource}"
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )


def _place(item: Object) -> str:
    return str(item["metadata"].get("namespace"))


def parsed(manifests: str) -> Rendered:
    """The objects of a YAML stream."""
    return Rendered([each for each in yaml.load_all(manifests, yaml.CSafeLoader) if each])


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Values as Helm merges them: mappings by key, everything else replaced."""
    both = {key: value for key, value in base.items() if key not in more}
    for key, value in more.items():
        old = base.get(key)
        both[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both
