"""The generated files as text."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from charts.model import json_schema, rows, values_yaml
from charts.values import VALUES
from stagekeeper.diego.profiles import BBS_PORT, LOCKET_PORT, PROFILES, Profile

ROOT = Path(__file__).resolve().parent.parent
CHART = "charts/stagekeeper"
BEGIN, END = "<!-- values: written by `python -m charts` -->", "<!-- end of values -->"
_WRITTEN = "# Written by `python -m charts` from the modules in charts/. Change those, not this file.\n"


def files(root: Path = ROOT) -> dict[str, str]:
    """Every generated file: its path from the repository's root, and its text."""
    readme = (root / CHART / "README.md").read_text(encoding="utf-8")
    return {
        f"{CHART}/values.yaml": f"{_WRITTEN}# values.schema.json says what each may be.\n\n{values_yaml(VALUES)}",
        f"{CHART}/values.schema.json": json.dumps(
            {"$schema": "http://json-schema.org/draft-07/schema#", "title": "stagekeeper", **json_schema(VALUES)},
            indent=2,
        )
        + "\n",
        f"{CHART}/files/profiles.yaml": _WRITTEN + yaml.safe_dump(profiles(), sort_keys=False, width=120),
        f"{CHART}/README.md": with_table(readme, table()),
    }


def profiles() -> dict[str, Any]:
    """What templates must know of each profile to make Roles and policies."""
    return {
        "ports": {"bbs": BBS_PORT, "locket": LOCKET_PORT},
        "profiles": {name: _profile(each) for name, each in PROFILES.items()},
    }


def table() -> str:
    """The README's table of values."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for each in rows(VALUES):
        default = f"`{each.default}`" if each.default else ""
        lines.append(f"| `{each.path}` | {default} | {each.about} |")
    return "\n".join(lines)


def with_table(readme: str, content: str) -> str:
    """The README with this table between its two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def _profile(profile: Profile) -> Mapping[str, Any]:
    return {
        "namespace": profile.namespace,
        "statefulset": profile.statefulset,
        "selector": profile.selector,
        "service_name": profile.service_name,
        "cloud_controller_selector": profile.cloud_controller_selector,
        "locket": asdict(profile.locket) if profile.locket else None,
    }
