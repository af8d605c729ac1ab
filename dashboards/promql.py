"""Selectors, series and expressions that several panels need, and the limits that the alert rules have too."""

CLUSTER = 'cluster=~"$cluster"'
"""Where one Prometheus rules over several clusters. "All" also matches series without the label."""
EXPORTER = f'job="stagekeeper-exporter", {CLUSTER}'
REMEDIATOR = f'job="stagekeeper-remediator", {CLUSTER}'
BOTH = f'job=~"stagekeeper-(exporter|remediator)", {CLUSTER}'

ONE = 'environment="$environment"'
"""For a dashboard of one environment."""
CHOSEN = 'environment=~"$environment"'
"""For a dashboard on which several can be chosen."""
HERE = f"{CLUSTER}, {ONE}"
"""For series that have no job: those that rules record, and alerts."""

REACHABLE = f"environment:bbs_reachable:max{{{HERE}}}"
READY = f"environment:diego_api_ready:max{{{HERE}}}"
DESIRED = f"environment:diego_api_desired:max{{{HERE}}}"
ACTIVE = f"environment:active_bbs_count:max{{{HERE}}}"
DIAGNOSIS = f"environment_diagnosis:diego_bbs_diagnosis:max{{{HERE}}}"
ROUND_TRIP = f"environment:bbs_probe_round_trip_seconds:p90{{{HERE}}}"

UNAVAILABLE = 120
"""Seconds of an outage before `StagerUnavailable` fires."""
LOOK_BACK = 90
"""Seconds that the rules bridge without a scrape."""
CHECK_AGE = 300
"""Seconds after which `StagekeeperBlind` takes checks for stopped."""
SLOW = 1.0
"""Seconds from which on `StagerSlow` calls an answer slow."""
EXPIRES_SOON, EXPIRES_TODAY = 21 * 86400, 86400
"""Seconds before a certificate's end."""
OBJECTIVE = 0.995
"""The share of 30 days in which the BBS should answer."""

NO_REMEDIATION = "none"


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
    """Seconds since a time; never negative, though a check ends after the scrape began for which it was made."""
    return f"clamp_min(time() - {timestamp}, 0)"


def worst(metric: str, by: str = "") -> str:
    """Of several clusters the lowest, each with its best replica: an outage in one must not hide behind another."""
    among = f"by ({by}) " if by else ""
    return f"min {among}(max by ({', '.join(filter(None, ('cluster', by)))}) ({metric}))"


def exporters(metric: str, scope: str) -> str:
    """A series of the exporter."""
    return f"{metric}{{{EXPORTER}, {scope}}}"


def remediators(metric: str, scope: str) -> str:
    """A series of the remediator."""
    return f"{metric}{{{REMEDIATOR}, {scope}}}"


def doing(scope: str) -> str:
    """1 for the phase of the open remediation, or `Escalated`, or `none`; nothing where no remediator says so."""
    phase = remediators("stagekeeper_remediation_phase", scope)
    escalated = remediators("stagekeeper_escalated", scope)
    return (
        f"max by (environment, phase) ({phase}) == 1"
        f'\nor on (environment) label_replace(max by (environment) ({escalated}) == 1, "phase", "Escalated", "", "")'
        f'\nor on (environment) label_replace(max by (environment) ({phase}) == 0, "phase", "{NO_REMEDIATION}", "", "")'
    )
