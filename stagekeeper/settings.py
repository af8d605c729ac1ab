"""The old names of `stagekeeper.config`, until nobody uses them any more."""

from stagekeeper.config.document import SECTIONS, Document, Place, parse, read, spell
from stagekeeper.config.errors import ConfigurationError as SettingsProblem
from stagekeeper.config.validation import Model, Strict, validate

__all__ = ["SECTIONS", "Document", "Model", "Place", "SettingsProblem", "Strict", "parse", "read", "spell", "validate"]
