"""Files for the programs of the demo: as in production, with every wait shortened by the same factor."""

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from simulator.environment import Environment

FASTER = 20
"""How many times shorter than in production the waits of rules and policy are."""
NAME = "demo"
_ALERTS = Path(__file__).parents[2] / "alerts"
_DURATION = re.compile(r"(?<=\[)(\d+)([smh])(?=\])")
_IN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHORTEST_WINDOW = 4
"""Seconds: less than a few scrapes of 1 s each would miss them."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports, chosen free."""

    exporter: int
    remediator: int
    prometheus: int
    alertmanager: int


@dataclass(frozen=True, slots=True)
class Files:
    """Where the configuration files are."""

    folder: Path
    stagekeeper: Path
    prometheus: Path
    alertmanager: Path


def write(folder: Path, environment: Environment, ports: Ports) -> Files:
    """Write every file into `folder`."""
    token_file = folder / "webhook-token"
    token_file.write_text(secrets.token_urlsafe(), encoding="utf-8")
    files = Files(folder, folder / "stagekeeper.yaml", folder / "prometheus.yaml", folder / "alertmanager.yaml")
    _dump(files.stagekeeper, _stagekeeper(environment, ports, token_file))
    _dump(files.alertmanager, _alertmanager(ports, token_file))
    _dump(files.prometheus, _prometheus(ports))
    _dump(folder / "rules.yaml", faster(yaml.safe_load(rules())))
    return files


def rules() -> str:
    """The alert rules that production uses."""
    return (_ALERTS / "stagekeeper.rules.yaml").read_text(encoding="utf-8")


def faster(document: dict[str, Any], factor: int = FASTER, shortest_window: int = _SHORTEST_WINDOW) -> dict[str, Any]:
    """The rules with every `for`, `keep_firing_for` and range `factor` times shorter.

    A range becomes no shorter than `shortest_window` seconds: it has to hold a few scrapes.
    """
    for group in document["groups"]:
        for rule in group["rules"]:
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = f"{_seconds(rule[key]) / factor * 1000:.0f}ms"
            rule["expr"] = _DURATION.sub(
                lambda found: f"{max(shortest_window, _seconds(found[0]) // factor)}s", rule["expr"]
            )
    return document


def _seconds(duration: str) -> int:
    return sum(int(number) * _IN_SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


def _stagekeeper(environment: Environment, ports: Ports, token_file: Path) -> dict[str, Any]:
    return {
        "environments": [
            {
                **environment.entry(NAME),
                "cloud_controller": {"address": environment.cloud_controller_address},
                "timeouts": {"probe": 0.8, "api": 2},
                "patience": {"starting": 300 / FASTER, "pending": 600 / FASTER, "restarted_twice": 600 / FASTER},
            }
        ],
        "remediator": {
            "mode": "act",
            "webhook": {"token_file": str(token_file)},
            "alertmanagers": [{"url": f"http://127.0.0.1:{ports.alertmanager}"}],
            "rhythm": {"open": 0.5, "list": 1, "observe": 1, "resync": 3, "observation_timeout": 3},
            "policy": {
                "confirm_for": 120 / FASTER,
                "never_for": 120 / FASTER,
                "locket_settles": 30 / FASTER + 2,
                "verify_for": 60,  # not 9: a busy machine must not make the cure look like none
                "hold_off": 600 / FASTER,
            },
        },
    }


def _prometheus(ports: Ports) -> dict[str, Any]:
    jobs = {"stagekeeper-exporter": ports.exporter, "stagekeeper-remediator": ports.remediator}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ports.alertmanager}"]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in jobs.items()
        ],
    }


def _alertmanager(ports: Ports, token_file: Path) -> dict[str, Any]:
    """The example that production starts from, with its waits shortened; people's receivers reach nobody."""
    example: dict[str, Any] = yaml.safe_load((_ALERTS / "alertmanager.example.yaml").read_text(encoding="utf-8"))
    _shorten(example["route"])
    for receiver in example["receivers"]:
        webhooks = receiver.pop("webhook_configs")
        if receiver["name"] == "stagekeeper":
            (webhook,) = receiver["webhook_configs"] = webhooks
            webhook["url"] = f"http://127.0.0.1:{ports.remediator}/api/v1/alerts"
            webhook["http_config"]["authorization"]["credentials_file"] = str(token_file)
    return example


def _shorten(route: dict[str, Any]) -> None:
    for key in ("group_wait", "group_interval", "repeat_interval"):
        if key in route:
            route[key] = f"{_seconds(route[key]) / FASTER * 1000:.0f}ms"
    for below in route.get("routes", ()):
        _shorten(below)


def _dump(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")  # JSON is YAML, and reads as well
