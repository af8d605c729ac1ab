"""Optional rules for those who keep an objective: availability, and how fast its error budget burns."""

from alerts.model import Alert, Group, Record
from alerts.stager import REACHABLE
from alerts.thresholds import Thresholds

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")


def objective(t: Thresholds) -> Group:
    """Multi-window burn-rate alerts (Site Reliability Workbook, chapter 5) on the share of time without an answer."""
    records = tuple(Record(_ratio(window), f"1 - avg_over_time({REACHABLE}[{window}])") for window in WINDOWS)
    missed = "{{ $labels.environment }} was unavailable for {{ $value | humanizePercentage }}"
    target = f"the objective is {t.objective:.2%} over 30 days."
    return Group(
        "stagekeeper.objective",
        (
            *records,
            Alert(
                name="StagerBudgetBurnsFast",
                severity="critical",
                expression=f"{_burns(t, 14.4, '1h', '5m')}\nor on (environment)\n{_burns(t, 6, '6h', '30m')}",
                summary="The stager's error budget burns fast.",
                description=f"{missed} of the last hours; {target}",
                wait=120,
            ),
            Alert(
                name="StagerBudgetBurnsSlowly",
                severity="warning",
                expression=f"{_burns(t, 3, '1d', '2h')}\nor on (environment)\n{_burns(t, 1, '3d', '6h')}",
                summary="The stager's error budget will not last.",
                description=f"{missed} of the last days; {target}",
                wait=3600,
            ),
        ),
        interval=60,
    )


def _ratio(window: str) -> str:
    return f"environment:bbs_unreachable:ratio_{window}"


def _burns(t: Thresholds, rate: float, long: str, short: str) -> str:
    """The long window says that it matters, the short one that it still goes on."""
    limit = f"{rate * (1 - t.objective):.4g}"
    return f"({_ratio(long)} > {limit} and on (environment) {_ratio(short)} > {limit})"
