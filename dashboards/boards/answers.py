"""How fast the BBS answers, why it does not, for how much of the time, and when its certificates end."""

from alerts.stager import REACHABLE, ROUND_TRIP
from alerts.thresholds import Thresholds
from dashboards.face import BAD, GOOD, WARN, Face, lanes, named
from dashboards.panels import Query, Question, series_of, stat_of
from dashboards.promql import HERE, exporters
from dashboards.schema import FieldColor, FieldColorModeId, Panel, common
from dashboards.words import FAILURE_COLORS

LIMITS = Thresholds()


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _latency(), _failures(), _available(), _certificates()


def _latency() -> Panel:
    about = (
        "Areas: the phases of the last probe of the Service. Line: nine probes of ten are answered within this time. "
        f"A ping takes about 6 ms; {LIMITS.slow_seconds:g} s is slow."
    )
    question = Question("How fast does the BBS answer?", about, ("StagerSlow",), width=8, height=8)
    line = named(
        "nine of ten",
        custom__stacking=common.StackingConfig(common.StackingMode.NONE),
        custom__fillOpacity=0,
        custom__lineWidth=2,
        color=FieldColor(FieldColorModeId.FIXED, "text"),
    )
    return series_of(
        question,
        Face("s", ((None, GOOD), (LIMITS.slow_seconds, BAD))),
        Query(f"max by (phase) ({exporters('bbs_probe_duration_seconds', HERE)})", "{{phase}}"),
        Query(f"{ROUND_TRIP}{{{HERE}}}", "nine of ten"),
        stacked=True,
        overrides=(line,),
    )


def _failures() -> Panel:
    about = (
        "The share of probes of the Service that failed, by reason. refused: nobody listens. timeout: network or node. "
        "dns: the name does not resolve. tls: certificates. unavailable: 503, migrations or dead database connections."
    )
    question = Question("Why do probes fail?", about, ("StagerUnavailable", "StagerFlapping"), width=8, height=8)
    failed = f"sum by (reason) (rate({exporters('bbs_probe_failures_total', HERE)}[$__rate_interval]))"
    probes = f"sum(rate({exporters('bbs_probes_total', HERE)}[$__rate_interval]))"
    face = Face("percentunit", ((None, GOOD), (0.01, BAD)), highest=1)
    query = Query(f"{failed}\n/ on () group_left () {probes}", "{{reason}}")
    return series_of(question, face, query, stacked=True, overrides=lanes(FAILURE_COLORS))


def _available() -> Panel:
    about = f"The share of the time range in which the BBS answered. The usual objective is {LIMITS.objective:.1%}."
    question = Question("How available was it?", about, ("StagerBudgetBurnsFast",), width=4, height=8)
    steps = ((None, BAD), (LIMITS.objective - 0.005, WARN), (LIMITS.objective, GOOD))
    face = Face("percentunit", steps, decimals=2)
    return stat_of(question, face, Query(f"avg_over_time({REACHABLE}{{{HERE}}}[$__range])"))


def _certificates() -> Panel:
    about = "Time until the certificates end: the BBS's, our client's and the CA's. No restart helps once one has."
    runbooks = ("StagerCertificateExpiresSoon", "StagerCertificateExpired")
    question = Question("How long do certificates last?", about, runbooks, width=4, height=8)
    ends = exporters("bbs_certificate_expiry_timestamp_seconds", HERE)
    steps = ((None, BAD), (LIMITS.certificate_today, WARN), (LIMITS.certificate_soon, GOOD))
    query = Query(f"min by (which) ({ends}) - time()", "{{which}}")
    return stat_of(question, Face("s", steps, lowest=None, decimals=0), query)
