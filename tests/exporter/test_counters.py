"""What accumulates from observation to observation."""

from exporter.assessment import blind
from exporter.counters import BUCKETS, KUBERNETES_FAILURES, Counters, RoundTrips
from stagekeeper.diego.observation import Probe, Reply, Unknown
from tests.exporter.builders import UNIX, assessment, hung, serving

NONE = dict.fromkeys(KUBERNETES_FAILURES, 0)


def test_observations_and_probes_add_up() -> None:
    counters = Counters().add(assessment()).add(assessment(hung())).add(assessment(hung(), at=UNIX + 9, seconds=0.5))
    assert counters.observations == 3
    assert counters.probes == 3
    assert counters.failures[Reply.REFUSED] == 2
    assert counters.failures[Reply.TIMEOUT] == 0
    assert counters.observation_seconds == 0.5
    assert counters.observed_at == UNIX + 9


def test_the_last_success_stays_through_failures() -> None:
    assert Counters().add(assessment(at=UNIX)).add(assessment(hung(), at=UNIX + 60)).answered_at == UNIX


def test_a_service_that_was_not_probed_is_no_probe() -> None:
    assert Counters().add(assessment(serving(service=Unknown("no time")))).probes == 0


def test_what_answers_where_no_diego_is_counts_as_nothing() -> None:
    nothing = assessment(serving(pods=(), workloads=(), service=Probe(Reply.DNS)))
    assert Counters().add(nothing).probes == 0
    assert Counters().add(nothing).observations == 1


def test_reasons_of_failed_reads_add_up_by_word() -> None:
    forbidden, slow = (blind("cf", Unknown("why", word), UNIX, 1.0) for word in ("forbidden", "timeout"))
    counters = Counters().add(forbidden).add(slow).add(slow)
    assert counters.kubernetes_failures == {**NONE, "forbidden": 1, "timeout": 2}


def test_a_reason_that_is_not_foreseen_counts_as_another() -> None:
    odd = blind("cf", Unknown("why", "not_found"), UNIX, 1.0)
    assert Counters().add(odd).kubernetes_failures == {**NONE, "other": 1}


def test_one_failed_observation_counts_once_though_pods_and_statefulsets_are_unread() -> None:
    unread = Unknown("why", "unreachable")
    assert Counters().add(assessment(serving(pods=unread, workloads=unread))).kubernetes_failures == {
        **NONE,
        "unreachable": 1,
    }


def test_a_refusal_takes_no_time_and_stays_out_of_the_histogram() -> None:
    assert Counters().add(assessment(hung())).round_trips == RoundTrips()


def test_a_bound_belongs_to_its_bucket_and_more_than_the_last_goes_to_infinity() -> None:
    assert RoundTrips().add(BUCKETS[0]).counts[0] == 1
    assert RoundTrips().add(BUCKETS[-1] + 0.001).counts[-1] == 1
