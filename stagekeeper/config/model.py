"""What every section of a configuration file is made of: a frozen model, and the type of a duration in it. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from stagekeeper.config.durations import PART, parse, spell

Duration = Annotated[
    timedelta,
    BeforeValidator(parse),
    PlainSerializer(lambda value: spell(value) if isinstance(value, timedelta) else value, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^({PART.pattern})+$"}]}),
]
"""The type of a setting that is a duration. Timedeltas bound it, and what it prints it reads:

`probe: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=1))] = timedelta(seconds=3)`
"""


class Strict(BaseModel):
    """A section whose unknown keys are mistakes. Of those in `refused` it is known why they can't be had."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    refused: ClassVar[Mapping[str, str]] = {}
