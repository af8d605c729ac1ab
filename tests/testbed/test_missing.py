import pytest

from tests.testbed.missing import missing_component, missing_components


def test_a_missing_component_skips_its_test_and_says_how_to_get_it() -> None:
    with pytest.raises(pytest.skip.Exception, match="etcd: run `make programs`"):
        missing_component("etcd", "run `make programs`", environment={})


@pytest.mark.parametrize("value", ["true", "True", "1"])
def test_in_ci_a_missing_component_is_a_failure(value: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="etcd: run `make programs`"):
        missing_component("etcd", "run `make programs`", environment={"CI": value})


def test_the_list_at_the_end_counts_the_tests_of_each_missing_component_and_no_other_skips() -> None:
    reasons = [
        "('a.py', 1, 'Skipped: MISSING COMPONENT: etcd: run `make programs`')",
        "('b.py', 1, 'Skipped: MISSING COMPONENT: etcd: run `make programs`')",
        "('c.py', 1, 'Skipped: only on a full moon')",
    ]
    assert missing_components(reasons) == {"etcd: run `make programs`": 2}
