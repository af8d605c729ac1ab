"""The format is documented whole, and the documentation's own example is true."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from incidents.format import ALL, AlertWord, Incident
from incidents.outcome import differences
from incidents.reading import from_text
from incidents.replay import replay
from incidents.words import Decided, Delete, Heard, Label, Part
from remediator.intake import Judgement
from remediator.remediation import Phase
from stagekeeper.config.durations import parse
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.observation import Reply

PAGE = (Path(__file__).parents[2] / "docs" / "incident-format.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model inside it; what the configuration file documents itself is not entered."""
    yield model
    for name, field in model.model_fields.items():
        if name not in EnvironmentSettings.model_fields or not issubclass(model, EnvironmentSettings):
            for inner in inside(field.annotation):
                yield from models(inner)


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from inside(each)


MODELS = sorted({*models(Incident)}, key=lambda model: model.__name__)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_of_the_schema_is_in_the_documentation(model: type[BaseModel]) -> None:
    assert [key for key in model.model_fields if f"`{key}`" not in PAGE] == []


@pytest.mark.parametrize("words", [Heard, Label, Part, Delete, Decided, Judgement], ids=lambda words: words.__name__)
def test_every_word_is_in_the_documentation(words: type[StrEnum]) -> None:
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_every_word_for_an_alert_is_in_the_documentation() -> None:
    assert [word for word in get_args(AlertWord) if f"`{word}`" not in PAGE] == []


def test_a_file_from_before_is_read_as_one_of_today() -> None:
    before = from_text(
        "title: t\nsource: s\npolicy: {confirm_looks: 9}\nrhythm: {look_timeout: 7}\n"
        "environment: {passive_is_ready: false}\ntimeline: [{at: 0}]\nsimulate: {impossible: so}\n"
        "expect: {decision: hand_over, episodes: [Escalated]}\n",
        "before.yaml",
    )
    assert (before.policy.confirm_observations, before.rhythm.observation_timeout) == (9, timedelta(seconds=7))
    assert before.expect.decision is Decided.ESCALATE
    assert before.expect.remediations == [Phase.ESCALATED]


def test_every_reply_of_a_probe_can_be_written_down() -> None:
    assert {reply.value for reply in Reply} <= {heard.value for heard in Heard}


def test_the_example_is_as_it_says() -> None:
    [text] = EXAMPLE
    incident = from_text(text, "the example")
    assert differences(incident.expect, replay(incident)) == []
    assert ALL in incident.deletion


@pytest.mark.parametrize(
    ("text", "expected"), [(0, 0), (90, 90), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("3d", 259_200), ("0.5s", 0.5)]
)
def test_durations(text: float | str, expected: float) -> None:
    assert parse(text).total_seconds() == expected


@pytest.mark.parametrize("text", ["", "soon", "5 m", "1x", "m", True, None, [5]])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse(text)
