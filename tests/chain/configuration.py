"""The configuration of every program of the loop: as in production, with waits `FASTER` times shorter.

In the namespace nobody else listens, so each program has the port that it has in production.
"""

import json
import secrets
from pathlib import Path
from typing import Any

import yaml

from simulator.demo.configuration import faster
from simulator.demo.configuration import rules as production_rules

FASTER = 20
ENVIRONMENT = "cf"
EXPORTER, REMEDIATOR = "127.0.0.1:9889", "127.0.0.1:9890"
PROMETHEUS, ALERTMANAGER = "127.0.0.1:9090", "127.0.0.1:9093"
CONFIRM_FOR = 120 / FASTER
UNAVAILABLE_FOR = 120 / FASTER
"""Seconds that the shortened rules wait before StagerUnavailable fires."""
PATIENCE = {"starting": 5, "pending": 30, "restarted_twice": 5}
"""Seconds; all pods here are only just older than that."""


def write_token(folder: Path) -> Path:
    """A fresh token for the webhook."""
    path = folder / "webhook-token"
    path.write_text(secrets.token_urlsafe())
    return path


def stagekeeper(environment: dict[str, Any], token: Path, **remediator: Any) -> dict[str, Any]:
    """The configuration file of our two programs."""
    return {
        "environments": [environment],
        "remediator": {
            "mode": "act",
            "webhook": {"token_file": str(token)},
            "alertmanagers": [{"url": f"http://{ALERTMANAGER}"}],
            "rhythm": {"open": 0.5, "list": 1, "observe": 1, "observation_timeout": 5},
            # Pods as young as these count as just restarted: the cooldown starts with their creation.
            "policy": {"confirm_for": CONFIRM_FOR, "never_for": CONFIRM_FOR, "cooldown": 15},
            **remediator,
        },
    }


def alertmanager(token: Path) -> dict[str, Any]:
    """Alertmanager's: people always, and the remediator."""
    webhook = {
        "url": f"http://{REMEDIATOR}/api/v1/alerts",
        "send_resolved": True,
        "http_config": {"authorization": {"type": "Bearer", "credentials_file": str(token)}},
    }
    return {
        "route": {
            "receiver": "people",
            "group_by": ["environment"],
            "group_wait": "250ms",
            "group_interval": "3s",
            "routes": [{"receiver": "stagekeeper", "matchers": ['alertname="StagerUnavailable"'], "continue": True}],
        },
        "receivers": [{"name": "people"}, {"name": "stagekeeper", "webhook_configs": [webhook]}],
    }


def prometheus() -> dict[str, Any]:
    """Prometheus' own, with the rules beside it in rules.yaml."""
    jobs = {"stagekeeper-exporter": EXPORTER, "stagekeeper-remediator": REMEDIATOR}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [ALERTMANAGER]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [address]}]} for job, address in jobs.items()
        ],
    }


def rules() -> str:
    """The rules that users get, with shorter waits."""
    return json.dumps(faster(yaml.safe_load(production_rules()), FASTER))


def dump(path: Path, document: dict[str, Any]) -> Path:
    """Write a document; JSON is YAML."""
    path.write_text(json.dumps(document, indent=2))
    return path
