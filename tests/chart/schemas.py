"""Kubernetes' own schemas of the kinds that the chart makes, 1.25 to 1.37, in the layout that kubeconform reads.

`python -m tests.chart.schemas` makes schemas.json anew from the API description in Kubernetes' Go modules, of each
minor version the first release (which knows the fewest fields): 13 downloads of about 16 MB. A definition stands there
once for each version that changed it, as [minor version, schema]; null where it went away.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.cache import child_environment
from scripts.go_toolchain import find_go

FILE = Path(__file__).with_name("schemas.json")
MINORS = range(25, 38)
KINDS = {
    "core": ("ConfigMap", "Pod", "Service", "ServiceAccount"),
    "apps": ("Deployment",),
    "policy": ("PodDisruptionBudget",),
    "networking.k8s.io": ("NetworkPolicy",),
    "rbac.authorization.k8s.io": ("Role", "RoleBinding"),
    "admissionregistration.k8s.io": ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
}
"""All of them v1; `core` stands for the group without a name."""
# The two types that the API description calls a text and that may be numbers too.
_NUMBERS_TOO = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
}
_PREFIX = "#/definitions/"
_GO = (1, 24)
_SECONDS = 300.0

Schema = dict[str, Any]
History = dict[str, list[tuple[int, Schema | None]]]


def write(folder: Path, minor: int, history: Mapping[str, Any]) -> None:
    """One file for each kind that this version has: strict, and with all that it refers to."""
    known = {name: schema for name, each in history.items() if (schema := in_force(each, minor)) is not None}
    for kind, name in _kinds(known).items():
        (folder / f"{kind}.json").write_text(json.dumps({"$ref": f"{_PREFIX}{name}", "definitions": known}))


def in_force(changes: list[tuple[int, Schema | None]], minor: int) -> Schema | None:
    """What it is in one version; None if that has no such definition."""
    return next((schema for since, schema in reversed(changes) if since <= minor), None)


def _kinds(definitions: Mapping[str, Schema]) -> dict[str, str]:
    """The definition of each kind, by the name that kubeconform asks for: `deployment-apps-v1`, `pod-v1`."""
    found: dict[str, str] = {}
    for group, kinds in KINDS.items():
        short = group.partition(".")[0]
        for kind in kinds:
            names = [each for each in definitions if each.endswith(f".{short}.v1.{kind}")]
            prefix = kind.lower() if group == "core" else f"{kind.lower()}-{short}"
            found |= {f"{prefix}-v1": name for name in names}
    return found


def history(descriptions: Mapping[int, Mapping[str, Schema]]) -> History:
    """What each definition was, from which version on; only those that our kinds need."""
    found: History = {}
    for minor, definitions in descriptions.items():
        needed = _closure(definitions)
        for name in sorted({*found, *needed}):
            changes = found.setdefault(name, [])
            if (changes[-1][1] if changes else None) != needed.get(name):
                changes.append((minor, needed.get(name)))
    return dict(sorted(found.items()))


def _closure(definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    open_ends = list(_kinds(definitions).values())
    while open_ends:
        if (name := open_ends.pop()) not in found:
            found[name] = _NUMBERS_TOO.get(name) or strict(definitions[name])
            open_ends += _references(found[name])
    return found


def strict(schema: Schema) -> Schema:
    """Types and fields alone, and no others. The words of an enumeration are known to running servers only."""
    kept: Schema = {key: schema[key] for key in ("$ref", "type", "required") if key in schema}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            kept[key] = strict(schema[key])
    if "properties" in schema:
        kept["properties"] = {name: strict(each) for name, each in schema["properties"].items()}
        kept.setdefault("additionalProperties", False)
    return kept


def _references(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(_PREFIX)
    inner = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in [*inner, *schema.get("properties", {}).values()]:
        yield from _references(each)


def _description(minor: int) -> Mapping[str, Schema]:
    """The definitions of 1.MINOR.0, from its Go module; raises CalledProcessError where that can't be had."""
    with tempfile.TemporaryDirectory() as empty:
        (Path(empty) / "go.mod").write_text("module schemas\n")
        command: list[str | Path] = [find_go(_GO), "mod", "download", "-json", f"k8s.io/kubernetes@v1.{minor}.0"]
        done = subprocess.run(
            command,
            cwd=empty,
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    folder = Path(json.loads(done.stdout)["Dir"])
    found: Mapping[str, Schema] = json.loads((folder / "api/openapi-spec/swagger.json").read_text())["definitions"]
    return found


def main() -> None:
    """Write the file."""
    descriptions = {}
    for minor in MINORS:
        descriptions[minor] = _description(minor)
        sys.stdout.write(f"Kubernetes 1.{minor}: {len(descriptions[minor])} definitions\n")
    lines = [
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(each, separators=(",", ":")) for each in changes) + "]"
        for name, changes in history(descriptions).items()
    ]
    FILE.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
