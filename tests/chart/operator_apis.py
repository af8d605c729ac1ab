"""The Prometheus Operator's own CustomResourceDefinitions, from its Go module (pinned in tests/chart/operator)."""

import json
import subprocess
from pathlib import Path

from scripts.cache import SetupError
from scripts.go_toolchain import find_go, required_version
from tests.testbed.missing import missing_component

FOLDER = Path(__file__).parent / "operator"
PLURALS = {
    "ServiceMonitor": "servicemonitors",
    "PrometheusRule": "prometheusrules",
    "AlertmanagerConfig": "alertmanagerconfigs",
}
_SECONDS = 120.0


def definitions() -> list[Path]:
    """The files of those that the chart makes objects of; skips the test where they can't be had."""
    modules = (FOLDER / "go.mod").read_text()
    module = next(line for line in modules.splitlines() if line.startswith("require ")).split()[1:]
    try:
        go = find_go(required_version(modules))
        done = subprocess.run(
            [go, "mod", "download", "-json", "@".join(module)],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, SetupError, subprocess.SubprocessError) as problem:
        missing_component(
            "The Prometheus Operator's definitions", f"go mod download in {FOLDER.name}/ failed: {problem}"
        )
    folder = Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    return [folder / f"monitoring.coreos.com_{plural}.yaml" for plural in PLURALS.values()]
