"""Expressions that several panels need."""

from alerts.thresholds import EXPORTER, REMEDIATOR

HERE = 'environment="$environment"'
"""For a dashboard of one environment."""
CHOSEN = 'environment=~"$environment"'
"""For a dashboard on which several can be chosen."""


NO_EPISODE = "none"


def of(part: str, whole: str) -> str:
    """How far `part` is below `whole`, as a series with both numbers as labels: `{part="1", whole="2"} -1`."""
    return (
        f"({part} - {whole})"
        f'\n  + on () group_left (part) 0 * count_values ("part", {part})'
        f'\n  + on () group_left (whole) 0 * count_values ("whole", {whole})'
    )


OF = "{{part}} of {{whole}}"
"""The legend for `of`."""


def some(expression: str, label: str) -> str:
    """What is not 0, so that a legend names nothing else; `none` where all is 0, and nothing where nobody knows."""
    return f'{expression} > 0\nor on () label_replace(sum({expression}) == 0, "{label}", "none", "", "")'


def newly(counter: str, by: str, window: str = "$__range") -> str:
    """How often each series of a counter grew in a time range.

    A series that did not exist before counts from 0. Our counters do begin at 0, but `increase` sees only what happens
    after the first scrape, and a remediator that follows one that crashed may go on with its restart before that.
    """
    return (
        f"sum by ({by}) (\n  (last_over_time({counter}[{window}]) unless {counter} offset {window})\n"
        f"  or increase({counter}[{window}])\n)"
    )


def since(timestamp: str) -> str:
    """Seconds since a time; never negative, though a look ends after the scrape began for which it was taken."""
    return f"clamp_min(time() - {timestamp}, 0)"


def exporters(metric: str, scope: str) -> str:
    """A series of the exporter."""
    return f"{metric}{{{EXPORTER}, {scope}}}"


def remediators(metric: str, scope: str) -> str:
    """A series of the remediator."""
    return f"{metric}{{{REMEDIATOR}, {scope}}}"


def doing(scope: str) -> str:
    """1 for the phase of the open episode, or `Escalated`, or `none`; nothing where no remediator says so."""
    phase = remediators("stagekeeper_episode_phase", scope)
    escalated = remediators("stagekeeper_escalated", scope)
    return (
        f"max by (environment, phase) ({phase}) == 1"
        f'\nor on (environment) label_replace(max by (environment) ({escalated}) == 1, "phase", "Escalated", "", "")'
        f'\nor on (environment) label_replace(max by (environment) ({phase}) == 0, "phase", "{NO_EPISODE}", "", "")'
    )


DOING = doing(HERE)
