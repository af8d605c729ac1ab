"""What every section of a configuration file is made of: a frozen model, and the type of a duration in it. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticKnownError

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


_NUMBERS: Mapping[Any, Literal["int_type", "float_type"]] = {int: "int_type", float: "float_type"}


class Strict(BaseModel):
    """A section whose unknown keys are mistakes. Of those in `refused` it is known why they can't be had."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    refused: ClassVar[Mapping[str, str]] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """`yes` is no number, though Python takes it for 1."""
        asked_for = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and asked_for in _NUMBERS:
            raise PydanticKnownError(_NUMBERS[asked_for])
        return value
