import json
from datetime import timedelta
from typing import Annotated

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from stagekeeper.config.document import parse as parse_document
from stagekeeper.config.durations import in_words, parse, spell
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.config.model import Duration, Strict
from stagekeeper.config.validation import validate

ALL = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000))


class Times(Strict):
    """A section with durations."""

    probe: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=1))] = timedelta(seconds=3)
    cooldown: Annotated[Duration, Field(ge=timedelta(seconds=1.5))] = timedelta(hours=1)


def times(text: str) -> Times:
    document = parse_document(f"exporter:\n  {text}\n", "f")
    return validate(Times, document.section("exporter"), document, ("exporter",))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (120, 120),
        (0, 0),
        (0.5, 0.5),
        ("120", 120),
        ("8.5", 8.5),
        ("120s", 120),
        ("2m", 120),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("3d", 259_200),
        ("1w", 604_800),
        ("500ms", 0.5),
        ("1m30.5s", 90.5),
        (timedelta(seconds=7), 7),
    ],
)
def test_a_duration_is_read_as_people_write_it(written: object, seconds: float) -> None:
    assert parse(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    ["", "soon", "5 m", "1x", "m", "-5s", "1h 30m", "٣m", "1.m", ".5s", "5M", "1e3", True, None, [5], {}, float("nan")],
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(
        ValueError, match=r"^must be a duration: seconds as a number, or such as 90s, 20m, 1h30m or 3d$"
    ):
        parse(written)


@pytest.mark.parametrize("written", [1e300, "9" * 400, "9" * 400 + "d", "9999999999d"])
def test_a_duration_longer_than_any_calendar_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"must be a duration: .*; this one is too long"):
        parse(written)


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [
        (0, "0s"),
        (3, "3s"),
        (8.5, "8.5s"),
        (0.25, "250ms"),
        (0.0005, "0.5ms"),
        (90, "1m30s"),
        (120, "2m"),
        (5400, "1h30m"),
        (86_400, "1d"),
        (90_061.5, "1d1h1m1.5s"),
        (-90, "-1m30s"),
    ],
)
def test_a_duration_is_spelled_shortly(seconds: float, spelled: str) -> None:
    assert spell(timedelta(seconds=seconds)) == spelled


@given(ALL)
def test_what_is_spelled_is_read_as_the_same(duration: timedelta) -> None:
    assert parse(spell(duration)) == duration


@given(st.timedeltas(min_value=timedelta(seconds=2), max_value=timedelta(days=30)))
def test_a_setting_prints_what_it_reads(duration: timedelta) -> None:
    printed = yaml.safe_dump(Times(cooldown=duration).model_dump(mode="json"))
    assert Times.model_validate(yaml.safe_load(printed)).cooldown == duration


def test_a_setting_is_a_duration_and_prints_as_one_writes_it() -> None:
    assert times("cooldown: 90m").cooldown == times("cooldown: 5400").cooldown == timedelta(minutes=90)
    assert Times().model_dump(mode="json") == {"probe": "3s", "cooldown": "1h"}
    assert Times().model_dump()["probe"] == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("probe: 0", "f:2: exporter.probe: must be more than 0s. It is 0."),
        ("probe: 61s", "f:2: exporter.probe: must be at most 1m. It is '61s'."),
        ("probe: -1", "f:2: exporter.probe: must be more than 0s. It is -1."),
        ("cooldown: 1s", "f:2: exporter.cooldown: must be at least 1.5s. It is '1s'."),
        (
            "probe: soon",
            (
                "f:2: exporter.probe: must be a duration: seconds as a number, or such as 90s, 20m, 1h30m or 3d. "
                "It is 'soon'."
            ),
        ),
    ],
)
def test_a_bound_is_said_as_one_writes_it(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        times(text)
    assert str(raised.value) == said


def test_a_schema_says_that_it_is_a_number_or_such_a_text() -> None:
    schema = TypeAdapter(Duration).json_schema()
    assert [each["type"] for each in schema["anyOf"]] == ["number", "string"]
    assert json.dumps(schema)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.6, "60 s"),
        (60, "60 s"),
        (90, "90 s"),
        (120, "2 minutes"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
    ],
)
def test_a_sentence_has_the_largest_whole_unit(seconds: float, said: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == said
