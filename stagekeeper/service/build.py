"""Which build of Stagekeeper runs here."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from stagekeeper import __version__

REVISION_VARIABLE = "STAGEKEEPER_REVISION"


@dataclass(frozen=True, slots=True)
class Build:
    """Version of the package, revision of the source and version of Python."""

    version: str
    revision: str
    python: str


def build(environ: Mapping[str, str] = os.environ) -> Build:
    """This build; its revision is what the image's `STAGEKEEPER_REVISION` says, else "unknown"."""
    return Build(__version__, environ.get(REVISION_VARIABLE) or "unknown", platform.python_version())
