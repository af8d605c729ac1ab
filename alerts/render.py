"""The generated files as text: rules and runbooks."""

import yaml

from alerts import objective, own, stager
from alerts.model import Alert, Group
from alerts.runbooks.pages import pages
from alerts.thresholds import Thresholds

HEADER = "# Written by `python -m alerts` from the modules in alerts/. Change those, not this file.\n"


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, which people can read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def groups(thresholds: Thresholds) -> tuple[Group, ...]:
    """What every installation wants."""
    return (stager.stager(thresholds), own.exporter(thresholds), own.remediator(thresholds), own.programs(thresholds))


def optional_groups(thresholds: Thresholds) -> tuple[Group, ...]:
    """What only those want who keep an objective."""
    return (objective.objective(thresholds),)


def alerts(thresholds: Thresholds) -> tuple[Alert, ...]:
    """Every alert, the optional ones last."""
    wanted = (*groups(thresholds), *optional_groups(thresholds))
    return tuple(alert for group in wanted for alert in group.alerts())


def text(wanted: tuple[Group, ...]) -> str:
    """A rule file of Prometheus, which is the `spec` of a PrometheusRule too."""
    content = {"groups": [group.as_group() for group in wanted]}
    return HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


def files(thresholds: Thresholds) -> dict[str, str]:
    """Every generated file: its path from the repository's root, and its text."""
    usual, optional = text(groups(thresholds)), text(optional_groups(thresholds))
    return {
        "alerts/stagekeeper.rules.yaml": usual,
        "alerts/objective.rules.yaml": optional,
        "charts/stagekeeper/files/rules.yaml": usual,
        "charts/stagekeeper/files/objective.yaml": optional,
        **pages(alerts(thresholds)),
    }
