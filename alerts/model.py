"""What a rule file is made of, and the two shapes every expression of ours has."""

from dataclasses import dataclass
from typing import Literal

from alerts.thresholds import DASHBOARDS, RUNBOOKS, duration

Severity = Literal["critical", "warning", "info"]
"""critical: wake a person. warning: somebody should look today. info: a person should know."""

STAGER_BOARD = "stagekeeper-stager"
OWN_BOARD = "stagekeeper-health"
"""The uids of our dashboards."""
OF_ENVIRONMENT = "{{ with $labels.environment }}?var-environment={{ . }}{{ end }}"

Mapping = dict[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule: an expression that two users need."""

    name: str
    expression: str

    def as_rule(self) -> Mapping:
        """The rule as Prometheus reads it."""
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule; times in seconds. Its runbook is the file of its name."""

    name: str
    severity: Severity
    expression: str
    summary: str
    description: str
    wait: int = 0
    keep: int = 0
    board: str = STAGER_BOARD

    def as_rule(self) -> Mapping:
        """The rule as Prometheus reads it."""
        times = {"for": self.wait, "keep_firing_for": self.keep}
        return {
            "alert": self.name,
            "expr": self.expression,
            **{key: duration(seconds) for key, seconds in times.items() if seconds},
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}{self.name}.md",
                "dashboard_url": f"{DASHBOARDS}{self.board}{OF_ENVIRONMENT}",
            },
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, in order: records before the alerts that use them."""

    name: str
    rules: tuple[Record | Alert, ...]
    interval: int = 0
    """Seconds between evaluations; 0 leaves it to Prometheus."""

    def as_group(self) -> Mapping:
        """The group as Prometheus reads it."""
        interval = {"interval": duration(self.interval)} if self.interval else {}
        return {"name": self.name, **interval, "rules": [rule.as_rule() for rule in self.rules]}

    def alerts(self) -> tuple[Alert, ...]:
        """Its alerting rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))


def latest(series: str, look_back: int, by: str = "environment") -> str:
    """The newest value of each replica, missed scrapes bridged, the largest of the replicas taken."""
    return f"max by ({by}) (last_over_time({series}[{duration(look_back)}]))"


def number(series: str) -> str:
    """A template for the value of a series of the alert's environment, or "unknown" where there is none."""
    asked = f'printf "{series}{{environment=%q}}" $labels.environment | query'
    return f"{{{{ with {asked} }}}}{{{{ . | first | value }}}}{{{{ else }}}}unknown{{{{ end }}}}"
