"""What every section of a configuration file is made of: a frozen model, and the type of a duration in it. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
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


_FILES = (Path, Path | None)
_NUMBERS: Mapping[Any, Literal["int_type", "float_type"]] = {int: "int_type", float: "float_type"}


class Strict(BaseModel):
    """A section whose unknown keys are mistakes. Of those in `refused` it is known why they can't be had."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    refused: ClassVar[Mapping[str, str]] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_own_type(cls, value: Any, info: ValidationInfo) -> Any:
        """`yes` is no number, and "" no file, though Python takes them for 1 and for the folder where we are."""
        asked_for = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and asked_for in _NUMBERS:
            raise PydanticKnownError(_NUMBERS[asked_for])
        if value == "" and asked_for in _FILES:
            raise ValueError("must be the path of a file")
        return value
