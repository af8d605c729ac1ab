"""What a scrape says, and what it leaves out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from exporter.assessment import JudgedObservation, blind
from exporter.counters import KUBERNETES_FAILURES, Counters
from exporter.metrics import SERIES, Scrape, families
from exporter.samples import ScrapeData
from exporter.settings import Reloads
from stagekeeper.diego.diagnosis import Condition
from stagekeeper.diego.observation import NOT_CONFIGURED, Domains, Observation, Part, Probe, Reply, Unknown
from stagekeeper.diego.profiles import ReadinessMeaning
from tests.diego.observations import NOW, workload
from tests.exporter.builders import OK, PHASES, active, assessment, hung, passive, pod, serving

Flat = dict[tuple[str, tuple[tuple[str, str], ...]], float]
NOTHING_KNOWN = Unknown("not read", "forbidden")


def scraped(taken: JudgedObservation | None, **changes: object) -> ScrapeData:
    counters = Counters().add(taken) if taken else Counters()
    applicable = taken.applicable if taken else True
    return replace(ScrapeData("cf", taken, counters, {}, applicable), **changes)  # type: ignore[arg-type]


def flat(metrics: Iterable[Metric]) -> Flat:
    """Samples by name and labels; a sample that comes twice is a mistake."""
    found: Flat = {}
    for metric in metrics:
        for sample in metric.samples:
            key = (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if k != "environment")))
            assert key not in found
            found[key] = sample.value
    return found


def told(observation: Observation) -> Flat:
    return flat(families((scraped(assessment(observation)),)))


def names(samples: Flat) -> set[str]:
    return {name for name, _ in samples}


def value(samples: Flat, name: str, **labels: str) -> float | None:
    return samples.get((name, tuple(sorted(labels.items()))))


def test_a_healthy_environment_shows_one_active_of_two() -> None:
    samples = told(serving())
    assert value(samples, "bbs_reachable") == 1
    assert value(samples, "diego_api_ready") == 2
    assert value(samples, "active_bbs_count") == 1
    assert value(samples, "diego_api_desired") == 2
    assert value(samples, "diego_api_pod_serving", pod="diego-api-0") == 1
    assert value(samples, "diego_api_pod_serving", pod="diego-api-1") == 0
    assert value(samples, "diego_api_pod_active", pod="diego-api-1") == 0
    assert value(samples, "diego_api_pod_ready", pod="diego-api-1") == 1
    assert value(samples, "stagekeeper_kubernetes_up") == 1


def test_without_a_client_certificate_nobody_is_said_to_serve() -> None:
    accepts = Probe(Reply.OK, "accepts TCP", by_tcp=True)
    refuses = Probe(Reply.REFUSED)
    samples = told(serving(service=accepts, pods=(active(probe=accepts), passive(probe=refuses))))
    assert value(samples, "bbs_reachable") == 1
    assert value(samples, "diego_api_pod_accepts", pod="diego-api-0") == 1
    assert value(samples, "diego_api_pod_accepts", pod="diego-api-1") == 0
    assert value(samples, "diego_api_pod_serving", pod="diego-api-0") is None


@pytest.mark.parametrize("reply", Reply)
def test_what_accepts_and_what_serves_are_two_things(reply: Reply) -> None:
    samples = told(serving(pods=(active(probe=Probe(reply)), passive())))
    assert value(samples, "diego_api_pod_accepts", pod="diego-api-0") == float(reply.accepted)
    assert value(samples, "diego_api_pod_serving", pod="diego-api-0") == float(reply is Reply.OK)


def test_the_last_success_is_not_shown_of_an_environment_that_has_no_diego_any_more() -> None:
    """It was answered earlier, which the counters still know."""
    counters = Counters().add(assessment(serving()))
    gone = ScrapeData("cf", None, counters, {}, applicable=False)
    assert counters.answered_at is not None
    assert "bbs_last_success_timestamp_seconds" not in names(flat(families((gone,))))


def test_the_hang_shows_ready_pods_and_nobody_active() -> None:
    samples = told(hung())
    assert value(samples, "bbs_reachable") == 0
    assert value(samples, "diego_api_ready") == 2
    assert value(samples, "active_bbs_count") == 0
    assert value(samples, "diego_bbs_diagnosis", diagnosis="no_active_bbs") == 1
    assert value(samples, "bbs_probe_failures_total", reason="refused") == 1


@pytest.mark.parametrize(
    "observation", [serving(), hung(), serving(pods=NOTHING_KNOWN), serving(pods=(), workloads=())]
)
def test_exactly_one_diagnosis_is_1_and_all_others_are_0(observation: Observation) -> None:
    states = [shown for (name, _), shown in told(observation).items() if name == "diego_bbs_diagnosis"]
    assert sorted(states) == [0.0] * (len(Condition) - 1) + [1.0]


PER_POD = {"diego_api_pod_ready", "diego_api_pod_active", "diego_api_pod_serving", "diego_api_pod_accepts"}
ABSENT_WHEN = [
    ("service", NOTHING_KNOWN, {"bbs_reachable", "bbs_probe_duration_seconds", "bbs_last_success_timestamp_seconds"}),
    (
        "pods",
        NOTHING_KNOWN,
        {"diego_api_ready", "active_bbs_count", "diego_api_pods_left_out", *PER_POD},
    ),
    ("workloads", NOTHING_KNOWN, {"diego_api_desired"}),
    ("workloads", (), {"diego_api_desired"}),
    (
        "pods",
        (active(labelled_active=None), passive(labelled_active=None)),
        {"active_bbs_count", "diego_api_pod_active"},
    ),
    (
        "pods",
        (active(probe=NOTHING_KNOWN), passive(probe=NOT_CONFIGURED)),
        {"diego_api_pod_serving", "diego_api_pod_accepts"},
    ),
    ("pods", (), PER_POD),
]


@pytest.mark.parametrize(("part", "given", "absent"), ABSENT_WHEN)
def test_a_part_that_is_not_known_has_no_series_and_takes_no_other_away(
    part: str, given: object, absent: set[str]
) -> None:
    whole, partial = told(serving()), told(serving(**{part: given}))
    assert names(partial) == names(whole) - absent


def test_no_pods_are_a_number_when_they_were_read() -> None:
    samples = told(serving(pods=(), service=Probe(Reply.REFUSED)))
    assert value(samples, "diego_api_ready") == 0
    assert value(samples, "active_bbs_count") == 0


@pytest.mark.parametrize("part", ["pods", "workloads"])
def test_a_failed_read_of_the_api_shows_as_down_with_its_reason(part: str) -> None:
    samples = told(serving(**{part: NOTHING_KNOWN}))
    assert value(samples, "stagekeeper_kubernetes_up") == 0
    assert value(samples, "stagekeeper_kubernetes_failures_total", reason="forbidden") == 1


def test_an_environment_without_diego_has_a_diagnosis_and_no_number() -> None:
    samples = told(serving(pods=(), workloads=(), service=Probe(Reply.DNS)))
    about_diego = {name for name in names(samples) if name.startswith(("bbs_", "diego_", "active_"))}
    assert about_diego == {"diego_bbs_diagnosis"}
    assert value(samples, "diego_bbs_diagnosis", diagnosis="not_applicable") == 1


def test_an_environment_without_diego_has_no_counters_either_when_its_look_is_late() -> None:
    samples = flat(families((scraped(None, applicable=False),)))
    assert names(samples) == {"stagekeeper_observations_total", "stagekeeper_kubernetes_failures_total"}


def test_a_scraper_whose_time_is_over_gets_the_counters_and_no_state() -> None:
    samples = flat(families((scraped(None),)))
    assert {name.removesuffix("_bucket") for name in names(samples)} == {
        "bbs_probes_total",
        "bbs_probe_failures_total",
        "bbs_probe_round_trip_seconds",
        "bbs_probe_round_trip_seconds_count",
        "bbs_probe_round_trip_seconds_sum",
        "stagekeeper_observations_total",
        "stagekeeper_kubernetes_failures_total",
    }


def test_an_observation_that_was_cut_off_shows_the_api_as_down_and_does_not_count_as_an_observation() -> None:
    samples = flat(families((scraped(blind("cf", Unknown("too slow", "timeout"), 1.0, 9.0)),)))
    assert value(samples, "stagekeeper_kubernetes_up") == 0
    assert value(samples, "stagekeeper_kubernetes_failures_total", reason="timeout") == 1
    assert value(samples, "diego_bbs_diagnosis", diagnosis="observer_fault") == 1
    assert value(samples, "stagekeeper_observations_total") == 0
    assert value(samples, "stagekeeper_last_observation_timestamp_seconds") is None
    assert value(samples, "bbs_reachable") is None


def test_a_terminating_pod_is_not_active_whatever_its_label_says() -> None:
    leaving = active(pod=pod("diego-api-0", ends_at=NOW + timedelta(seconds=30)))
    assert value(told(serving(pods=(leaving, passive()))), "active_bbs_count") == 0


def test_a_pod_with_one_container_not_ready_is_not_ready() -> None:
    whole = pod("diego-api-1")
    half = replace(whole, containers=(whole.containers[0], replace(whole.containers[1], ready=False)))
    samples = told(serving(pods=(active(), passive(pod=half))))
    assert value(samples, "diego_api_ready") == 1
    assert value(samples, "diego_api_pod_ready", pod="diego-api-1") == 0


def test_the_servers_certificate_is_the_first_to_end_of_all_that_were_shown() -> None:
    late, soon = NOW + timedelta(days=90), NOW + timedelta(days=9)
    observation = serving(
        service=replace(OK, certificate_ends=late), pods=(active(probe=replace(OK, certificate_ends=soon)), passive())
    )
    taken = scraped(assessment(observation), certificates={"client": late, "ca": late})
    samples = flat(families((taken,)))
    assert value(samples, "bbs_certificate_expiry_timestamp_seconds", which="server") == soon.timestamp()
    assert value(samples, "bbs_certificate_expiry_timestamp_seconds", which="client") == late.timestamp()
    assert value(samples, "bbs_certificate_expiry_timestamp_seconds", which="ca") == late.timestamp()


def test_phases_are_those_that_the_last_probe_came_to() -> None:
    phases = {labels[0][1] for name, labels in told(hung()) if name == "bbs_probe_duration_seconds"}
    assert phases == {"dns", "connect"}


def test_the_histogram_cumulates_answered_pings() -> None:
    samples = told(serving())
    assert value(samples, "bbs_probe_round_trip_seconds_bucket", le="0.01") == 1
    assert value(samples, "bbs_probe_round_trip_seconds_bucket", le="+Inf") == 1
    assert value(samples, "bbs_probe_round_trip_seconds_sum") == pytest.approx(sum(PHASES.values()))


@pytest.mark.parametrize(
    ("domains", "success", "fresh"),
    [
        (Domains(listed=True, names=("cf-apps", "cf-tasks")), 1, 1),
        (Domains(listed=True, names=("cf-tasks",)), 1, 0),
        (Domains(listed=True), 1, 0),
        (Domains(listed=False, detail="error 28"), 0, None),
        (NOT_CONFIGURED, None, None),
        (NOTHING_KNOWN, None, None),
    ],
)
def test_the_deep_probe_has_series_of_its_own(
    domains: Part[Domains], success: float | None, fresh: float | None
) -> None:
    samples = told(serving(domains=domains))
    assert value(samples, "bbs_deep_probe_success") == success
    assert value(samples, "bbs_deep_probe_cf_apps_fresh") == fresh
    assert value(samples, "bbs_reachable") == 1


def test_the_first_failed_read_is_an_increase_from_0() -> None:
    samples = told(serving())
    shown = [count for (name, _), count in samples.items() if name == "stagekeeper_kubernetes_failures_total"]
    assert shown == [0] * len(KUBERNETES_FAILURES)


def test_two_environments_share_each_family() -> None:
    second = replace(assessment(hung(environment="other")))
    found = list(families((scraped(assessment()), ScrapeData("other", second, Counters().add(second), {}))))
    assert len({metric.name for metric in found}) == len(found)
    reachable = next(metric for metric in found if metric.name == "bbs_reachable")
    assert [(each.labels["environment"], each.value) for each in reachable.samples] == [("cf", 1.0), ("other", 0.0)]


def test_an_environment_has_about_fifty_series_next_to_its_diagnosis_states() -> None:
    ends = NOW + timedelta(days=90)
    observation = serving(service=replace(OK, certificate_ends=ends))
    samples = flat(families((scraped(assessment(observation), certificates={"client": ends, "ca": ends}),)))
    assert len(samples) - len(Condition) <= 51


def test_strangers_with_the_label_get_no_series_without_end() -> None:
    """Each pod that matches the selector had four, whoever made it; those of our StatefulSet keep theirs."""
    strangers = [passive(f"a-{number}", pod=pod(f"a-{number}", owner=None)) for number in range(500)]
    samples = told(serving(pods=(*strangers, active(), passive())))
    for name in PER_POD:
        assert sum(each == name for each, _ in samples) == 32
        assert value(samples, name, pod="diego-api-0") is not None
    assert value(samples, "diego_api_pods_left_out") == 470
    assert value(samples, "diego_api_ready") == 502
    assert value(told(serving()), "diego_api_pods_left_out") == 0


def test_every_series_has_a_sentence_and_a_name_of_its_own() -> None:
    assert len({each.name for each in SERIES}) == len(SERIES)
    assert all(each.about.endswith(".") for each in SERIES)


@pytest.mark.parametrize("successful", [True, False])
def test_a_scrape_says_whether_the_newest_configuration_is_in_force(successful: bool) -> None:  # noqa: FBT001
    samples = flat(Scrape((), Reloads(successful, 5.0), CollectorRegistry()).collect())
    assert value(samples, "stagekeeper_config_last_reload_successful") == successful
    assert value(samples, "stagekeeper_config_last_reload_success_timestamp_seconds") == 5.0


def test_a_scaled_down_environment_wants_no_pods() -> None:
    assert value(told(serving(workloads=(workload(replicas=0),), pods=())), "diego_api_desired") == 0
    assert value(told(serving(workloads=(workload(),), readiness=ReadinessMeaning.ACTIVE)), "diego_api_desired") == 1
