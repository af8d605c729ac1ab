"""Every number and selector of the rules, once, with its unit and its reason."""

from dataclasses import dataclass, fields, replace

EXPORTER = 'job="stagekeeper-exporter"'
REMEDIATOR = 'job="stagekeeper-remediator"'
BOTH = 'job=~"stagekeeper-(exporter|remediator)"'
RUNBOOKS = "https://github.com/stagekeeper/stagekeeper/blob/main/docs/runbooks/en/"
DASHBOARDS = "https://grafana.example/d/"
"""Both links have one base each, so that a chart can replace them as text."""

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

NOT_WAITS = frozenset({"flapping_changes", "certificate_soon", "certificate_today"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules wait for. Times in seconds."""

    look_back: int = 90
    """Bridges missed scrapes: five at 15 s, two at 30 s. A failed scrape ends a series at once, and `for` with it."""
    unavailable: int = 2 * MINUTE
    """A fail-over takes up to 60 s (KubeCF); operators want a restart or a person after 3 to 5 minutes."""
    unavailable_keep: int = 1 * MINUTE
    """With the look-back it bridges a roll-out of the exporter in an outage: no false "resolved"."""
    planned_work: int = 13 * MINUTE
    """How long after the last service a roll-out excuses an outage. With `unavailable` the page comes at 15 minutes."""
    split_brain: int = 2 * MINUTE
    """A fail-over shows two active labels for up to a minute."""
    label: int = 5 * MINUTE
    """Labels follow the lock by up to 30 s; five minutes are no hand-over any more."""
    slow_seconds: float = 1.0
    """A ping takes about 6 ms and never touches the database."""
    slow: int = 10 * MINUTE
    slow_window: int = 5 * MINUTE
    """Over which nine probes of ten are counted: 20 of them at 15 s."""
    flapping_window: int = 30 * MINUTE
    flapping_changes: int = 6
    """Three losses of service. An upgrade of two pods hands over twice: four changes."""
    readiness: int = 15 * MINUTE
    """An ordinary upgrade, with a passive pod missing, takes up to 10 minutes."""
    certificate_soon: int = 21 * DAY
    """Long enough to plan the rotation, which restarts Diego."""
    certificate_today: int = 1 * DAY
    """The last day: a person at night is better than an outage in the morning."""
    own_down: int = 5 * MINUTE
    """A roll-out, or a pod's move to another node, takes less."""
    instance_down: int = 15 * MINUTE
    blind: int = 5 * MINUTE
    look_age: int = 5 * MINUTE
    """The exporter looks whenever it is scraped, so a look this old means that looks do not end."""
    environment_memory: int = 1 * HOUR
    """How long an environment that was seen is expected to be seen again."""
    cannot_judge: int = 15 * MINUTE
    kubernetes: int = 5 * MINUTE
    observing: int = 3 * DAY
    """To watch first is wise; to have forgotten it is not."""
    paused: int = 4 * HOUR
    """Longer than a maintenance window, shorter than a night."""
    reload: int = 5 * MINUTE
    alertmanager: int = 5 * MINUTE
    webhook_window: int = 10 * MINUTE
    objective: float = 0.995
    """The share of a 30-day window in which the BBS should answer: 3.6 hours may be missing."""

    def faster(self, factor: float) -> "Thresholds":
        """The same rules for a demonstration in which all waits are `factor` times shorter, at least 1 s each."""
        waits = [each.name for each in fields(self) if each.type is int and each.name not in NOT_WAITS]
        return replace(self, **{name: max(1, round(getattr(self, name) / factor)) for name in waits})


def duration(seconds: int) -> str:
    """Seconds the way Prometheus writes them: 90 is `90s`, 120 is `2m`, 86400 is `1d`."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
