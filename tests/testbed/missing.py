"""A component that this machine lacks is never passed over in silence.

Its tests are skipped, and listed at the end of the session; where `CI=true`, they fail.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NoReturn

import pytest

_MARK = "MISSING COMPONENT: "


def missing_component(name: str, how_to_get_it: str, environment: Mapping[str, str] = os.environ) -> NoReturn:
    """Skip (with `CI=true`: fail) the test that asks, and have the component named at the end of the session."""
    reason = f"{_MARK}{name}: {how_to_get_it}"
    if environment.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def missing_components(skip_reasons: Iterable[str]) -> Counter[str]:
    """How many tests each missing component kept from running, out of all reasons for which tests were skipped."""
    return Counter(reason.partition(_MARK)[2].rstrip("\")'") for reason in skip_reasons if _MARK in reason)
