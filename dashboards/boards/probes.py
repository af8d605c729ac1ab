"""How fast the BBS answers, why it does not, for how much of the time, and when its certificates end."""

from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import FieldColor, FieldColorModeId, Panel

from dashboards.field_config import ALWAYS_IDLE, BAD, GOOD, WARN, Field, lanes, named, yes_no
from dashboards.mappings import FAILURE_COLORS
from dashboards.panels import Caption, Query, series_of, stat_of, timeline_of
from dashboards.promql import EXPIRES_SOON, EXPIRES_TODAY, OBJECTIVE, ONE, REACHABLE, ROUND_TRIP, SLOW, exporters, worst


def panels() -> tuple[Panel, ...]:
    """One line, and the deep probe below it."""
    return _latency(), _failures(), _available(), _certificates(), _deep()


def _latency() -> Panel:
    about = (
        "Areas: the phases of the last probe of the Service. Line: nine probes of ten are answered within this time. "
        f"A ping takes about 6 ms; {SLOW:g} s is slow."
    )
    caption = Caption("Probe duration", about, ("StagerSlow",), width=8, height=8)
    line = named(
        "nine of ten",
        custom__stacking=common.StackingConfig(common.StackingMode.NONE),
        custom__fillOpacity=0,
        custom__lineWidth=2,
        color=FieldColor(FieldColorModeId.FIXED, "text"),
    )
    return series_of(
        caption,
        Field("s", ((None, GOOD), (SLOW, BAD))),
        Query(f"max by (phase) ({exporters('bbs_probe_duration_seconds', ONE)})", "{{phase}}"),
        Query(f"max({ROUND_TRIP})", "nine of ten"),
        stacked=True,
        overrides=(line,),
    )


def _failures() -> Panel:
    about = (
        "The share of probes of the Service that failed, by reason. refused: nobody listens. timeout: network or node. "
        "dns: the name does not resolve. tls: certificates. unavailable: 503, migrations or dead database connections."
    )
    caption = Caption("Failed probes by reason", about, ("StagerUnavailable", "StagerFlapping"), width=8, height=8)
    failed = f"sum by (reason) (rate({exporters('bbs_probe_failures_total', ONE)}[$__rate_interval]))"
    probes = f"sum(rate({exporters('bbs_probes_total', ONE)}[$__rate_interval]))"
    field = Field("percentunit", ((None, GOOD), (0.01, BAD)), highest=1)
    query = Query(f"{failed}\n/ on () group_left () {probes}", "{{reason}}")
    return series_of(caption, field, query, stacked=True, overrides=lanes(FAILURE_COLORS))


def _available() -> Panel:
    about = f"The share of the time range in which the BBS answered. The usual objective is {OBJECTIVE:.1%}."
    caption = Caption("Availability", about, ("StagerBudgetBurnsFast",), width=4, height=8)
    steps = ((None, BAD), (OBJECTIVE - 0.005, WARN), (OBJECTIVE, GOOD))
    return stat_of(
        caption, Field("percentunit", steps, decimals=2), Query(f"min(avg_over_time({REACHABLE}[$__range]))")
    )


def _certificates() -> Panel:
    about = "Time until the certificates end: the BBS's, our client's and the CA's. No restart helps once one has."
    runbooks = ("StagerCertificateExpiresSoon", "StagerCertificateExpired")
    caption = Caption("Certificates expire in", about, runbooks, width=4, height=8)
    ends = exporters("bbs_certificate_expiry_timestamp_seconds", ONE)
    steps = ((None, BAD), (EXPIRES_TODAY, WARN), (EXPIRES_SOON, GOOD))
    query = Query(f"min by (which) ({ends}) - time()", "{{which}}")
    return stat_of(caption, Field("s", steps, lowest=None, decimals=0), query)


def _deep() -> Panel:
    about = (
        "With `deep_probe`: whether the BBS could list its domains from its database, which a ping does not touch, "
        "and whether cf-apps is among them, which says that the Cloud Controller's bulk sync works."
    )
    caption = Caption("Deep probe", about, ("StagerUnavailable",), width=24, height=4)
    field = Field(steps=ALWAYS_IDLE, texts=yes_no("yes", "no"), none="Not configured, or no BBS serves")
    queries = (
        Query(worst(exporters("bbs_deep_probe_success", ONE)), "database answers"),
        Query(worst(exporters("bbs_deep_probe_cf_apps_fresh", ONE)), "cf-apps is fresh"),
    )
    return timeline_of(caption, field, *queries)
