"""The pause: a ConfigMap that says who, why and until when. Whatever else it says counts as a pause."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from remediator import pause
from remediator.cluster import Cluster
from remediator.inputs import Pause
from stagekeeper.kube.client import Kube, Response
from tests.diego.observations import NOW
from tests.remediator.builders import CF

UNTIL = "2026-11-23T12:30:00Z"


def config_map(**data: Any) -> dict[str, Any]:
    return {"data": {"by": "kim", "reason": "database work", "until": UNTIL, **data}}


def test_no_config_map_is_no_pause() -> None:
    assert pause.read(None, NOW) == Pause(paused=False, why="")


def test_a_pause_says_who_until_when_and_why() -> None:
    assert pause.read(config_map(), NOW) == Pause(
        paused=True, why="kim paused it until 2026-11-23 12:30:00 UTC: database work"
    )


@pytest.mark.parametrize("until", ["2026-11-23T12:00:00Z", "2026-11-23T12:30:00+01:00", "2020-01-01T00:00:00Z"])
def test_a_pause_ends_by_itself(until: str) -> None:
    assert pause.read(config_map(until=until), NOW) == Pause(paused=False)


@pytest.mark.parametrize("until", ["2026-11-23T12:00:01Z", "9999-12-31T23:59:59Z", "2026-11-23T11:30:00-01:00"])
def test_a_pause_lasts_as_long_as_it_says(until: str) -> None:
    assert pause.read(config_map(until=until), NOW).paused


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"data": None},
        {"data": "paused"},
        {"data": {}},
        config_map(by=""),
        config_map(reason=""),
        config_map(by=None),
        config_map(by=["kim"]),
        config_map(reason=5),
        config_map(until=""),
        config_map(until="tomorrow"),
        config_map(until=1700000000),
        config_map(until="0001-01-01T00:00:00+23:59"),
        config_map(until=[UNTIL]),
        config_map(until="2020-01-01"),
        config_map(until="2020-W01-1"),
        config_map(until="20200101T000000Z"),
        config_map(until="2020-01-01T00:00Z"),
        config_map(until="2020-01-01T00:00:00"),
        config_map(until="2020-01-01 00:00:00Z"),
        config_map(until="2020-01-01T00:00:00+0900"),
        config_map(until="2020-01-01T00:00:00,5Z"),
        config_map(until="2020-01-01T00:00:00Z\n"),
        config_map(until="\uff12\uff10\uff12\uff10-01-01T00:00:00Z"),
    ],
)
def test_whatever_is_malformed_pauses_and_says_how_to_end_it(source: dict[str, Any]) -> None:
    found = pause.read(source, NOW)
    assert found.paused
    assert "malformed" in found.why
    assert "stagekeeper resume" in found.why


class WithoutDate(Kube):
    """An API behind a proxy that strips the header."""

    def __init__(self) -> None:
        """Without a way to it."""

    async def get(self, path: str, *, timeout: float, query: Mapping[str, str] | None = None) -> Response:  # noqa: ARG002 -- the signature of what it stands for
        """A pause that would have ended, if anybody knew what time it is."""
        return Response(config_map(until="2020-01-01T00:00:00Z"), None)


async def test_a_pause_whose_time_can_not_be_told_goes_on() -> None:
    cluster = Cluster(replace(CF, statefulsets=("z0", "z1"), service_host="127.0.0.1"), WithoutDate())
    found = await cluster.pause()
    assert found.paused
    assert "has no Date" in found.why
    assert (await cluster.observe()).blind
    assert cluster.target == "z0"
