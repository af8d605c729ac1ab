"""Rules about the environment: what is wrong with its stager."""

from alerts.diagnoses import in_words
from alerts.model import Alert, Group, Record, latest, number
from alerts.thresholds import EXPORTER, Thresholds, duration

REACHABLE = "environment:bbs_reachable:max"
READY = "environment:diego_api_ready:max"
DESIRED = "environment:diego_api_desired:max"
ACTIVE = "environment:active_bbs_count:max"
DIAGNOSIS = "environment_diagnosis:diego_bbs_diagnosis:max"
PLANNED_WORK = "environment:diego_planned_work:max"
ROUND_TRIP = "environment:bbs_probe_round_trip_seconds:p90"

PODS = f"{number(READY)} of {number(DESIRED)} pods are ready, {number(ACTIVE)} labelled active."
NAMES = (
    f'{{{{ range printf "{DIAGNOSIS}{{environment=%q}} == 1" $labels.environment | query }}}}'
    " Diagnosis: {{ .Labels.diagnosis }}.{{ end }}"
)
"""For alerts beside `StagerUnavailable`, which says the diagnosis in words: its name suffices."""


def stager(t: Thresholds) -> Group:
    """The group about the environment, with the records that the dashboards use too."""
    return Group("stagekeeper.stager", (*_records(t), *_outages(t), *_labels(t), *_quality(t), *_certificates(t)))


def _records(t: Thresholds) -> tuple[Record, ...]:
    def newest(metric: str, by: str = "environment") -> str:
        return latest(f"{metric}{{{EXPORTER}}}", t.look_back, by)

    window = duration(t.slow_window)
    buckets = f"sum by (environment, le) (rate(bbs_probe_round_trip_seconds_bucket{{{EXPORTER}}}[{window}]))"
    return (
        Record(REACHABLE, newest("bbs_reachable")),
        Record(READY, newest("diego_api_ready")),
        Record(DESIRED, newest("diego_api_desired")),
        Record(ACTIVE, newest("active_bbs_count")),
        Record(DIAGNOSIS, newest("diego_bbs_diagnosis", "environment, diagnosis")),
        Record(ROUND_TRIP, f"histogram_quantile(0.9, {buckets})"),
        Record(PLANNED_WORK, _planned_work(t)),
    )


def _planned_work(t: Thresholds) -> str:
    """1 while an outage is excused by an upgrade, which begins with a roll-out; docs/alerting.md gives the reasons."""
    now = f'max by (environment) ({DIAGNOSIS}{{diagnosis=~"rolling_out|starting|migrating"}}) == 1'
    window = duration(t.planned_work)
    begun = f'max by (environment) (max_over_time({DIAGNOSIS}{{diagnosis="rolling_out"}}[{window}])) == 1'
    served = f"max_over_time({REACHABLE}[{window}]) == 1"
    return f"({now})\nand on (environment)\n({begun})\nand on (environment)\n({served})"


def _outages(t: Thresholds) -> tuple[Alert, ...]:
    firing = 'ALERTS{alertname="StagerUnavailable", alertstate="firing"}'
    return (
        Alert(
            name="StagerUnavailable",
            severity="critical",
            # Planned work delays this alert and never ends it: the remediator's own restart is a roll-out too.
            expression=(
                f"{REACHABLE} == 0\nunless on (environment)\n"
                f"(\n  {PLANNED_WORK}\n  unless on (environment)\n  {firing}\n)"
            ),
            summary="Cloud Foundry's stager is unavailable: no BBS answers.",
            description=(
                "Apps of {{ $labels.environment }} cannot be staged, started or scaled; running apps keep serving. "
                f"{PODS}\n{in_words(DIAGNOSIS)}"
            ),
            wait=t.unavailable,
            keep=t.unavailable_keep,
        ),
        Alert(
            name="StagerSplitBrain",
            severity="critical",
            expression=(
                f'{ACTIVE} > 1\nor on (environment)\nmax by (environment) ({DIAGNOSIS}{{diagnosis="split_brain"}}) == 1'
            ),
            summary="More than one BBS is active, although only one may be.",
            description=(
                f"In {{{{ $labels.environment }}}} {PODS}{NAMES} "
                "Nothing is restarted automatically: a person has to decide which one goes."
            ),
            wait=t.split_brain,
        ),
    )


def _labels(t: Thresholds) -> tuple[Alert, ...]:
    by_pod = "environment, pod"
    active = latest(f"diego_api_pod_active{{{EXPORTER}}}", t.look_back, by_pod)
    serving = latest(f"diego_api_pod_serving{{{EXPORTER}}}", t.look_back, by_pod)
    return (
        Alert(
            name="StagerNoActiveLabel",
            severity="warning",
            expression=f"{ACTIVE} == 0",
            summary="No BBS pod is active.",
            description=f"In {{{{ $labels.environment }}}} {PODS}{NAMES}",
            wait=t.label,
        ),
        Alert(
            name="StagerLabelContradictsProbe",
            severity="warning",
            expression=f"{active}\n!= on (environment, pod)\n{serving}",
            summary="A BBS pod's active label contradicts what the probe sees.",
            description=(
                "The label of {{ $labels.pod }} in {{ $labels.environment }} says "
                '{{ if eq $value 1.0 }}"active", but the pod does not serve'
                '{{ else }}"passive", but the pod serves{{ end }}.'
            ),
            wait=t.label,
        ),
    )


def _quality(t: Thresholds) -> tuple[Alert, ...]:
    changes = f"changes({REACHABLE}[{duration(t.flapping_window)}])"
    return (
        Alert(
            name="StagerSlow",
            severity="warning",
            expression=f"{ROUND_TRIP} > {t.slow_seconds:g}",
            summary="The BBS answers slowly.",
            description=(
                "One probe in ten of {{ $labels.environment }} takes {{ $value | humanizeDuration }} or longer; "
                "a healthy BBS answers a ping within milliseconds."
            ),
            wait=t.slow,
        ),
        Alert(
            name="StagerFlapping",
            severity="warning",
            expression=f"{changes} >= {t.flapping_changes}",
            summary="The BBS comes and goes.",
            description=(
                "The BBS of {{ $labels.environment }} changed between reachable and unreachable "
                f"{{{{ $value }}}} times in {duration(t.flapping_window)}."
            ),
        ),
        Alert(
            name="StagerReadinessShort",
            severity="warning",
            expression=f"{READY} < on (environment) {DESIRED}",
            summary="Fewer BBS pods are ready than desired.",
            description=(
                f"In {{{{ $labels.environment }}}} {PODS} Should the active one fail, there may be none to take over."
            ),
            wait=t.readiness,
        ),
    )


def _certificates(t: Thresholds) -> tuple[Alert, ...]:
    expiry = latest(f"bbs_certificate_expiry_timestamp_seconds{{{EXPORTER}}}", t.look_back, "environment, which")
    left = f"{expiry.replace('max by', 'min by', 1)} - time()"
    which = "The {{ $labels.which }} certificate of the BBS in {{ $labels.environment }} "
    return (
        Alert(
            name="StagerCertificateExpiresSoon",
            severity="warning",
            expression=f"{left} < {t.certificate_soon}",
            summary="A certificate of the BBS expires soon.",
            description=f"{which}expires in {{{{ $value | humanizeDuration }}}}. No restart helps once it has.",
        ),
        Alert(
            name="StagerCertificateExpiresToday",
            severity="critical",
            expression=f"{left} < {t.certificate_today}",
            summary="A certificate of the BBS expires within a day.",
            description=f"{which}expires in {{{{ $value | humanizeDuration }}}}. No restart helps once it has.",
        ),
        Alert(
            name="StagerCertificateExpired",
            severity="critical",
            expression=f"{left} <= 0",
            summary="A certificate of the BBS has expired.",
            description=f"{which}has expired. No restart helps: it has to be renewed.",
        ),
    )
