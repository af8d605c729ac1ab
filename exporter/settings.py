"""What the exporter is configured with: its section of the file, read at the start and at each reload."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from stagekeeper.config.document import Document, read
from stagekeeper.config.model import Duration, Strict
from stagekeeper.config.validation import validate
from stagekeeper.diego.effective import written
from stagekeeper.diego.environments import environments
from stagekeeper.diego.profiles import Environment


class ExporterSettings(Strict):
    """How the exporter answers scrapes. The defaults suit a Prometheus with its own defaults."""

    scrape_margin: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(seconds=10))] = timedelta(seconds=0.5)
    """How long the answer comes before the scraper's timeout: time for the network and for the answer's bytes.
    Half a second is what blackbox_exporter keeps (blackbox_exporter:main.go, `--timeout-offset`)."""
    default_deadline: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=120))] = timedelta(seconds=9.5)
    """The time for an answer to whoever does not say how long he waits, as a browser: what a Prometheus with its
    default timeout of 10 s would get."""
    recent_observations: Annotated[int, Field(ge=0, le=1000)] = 20
    """Observations of each environment on the landing page: five minutes at the usual 15 s, and a few kilobytes."""


def exporter_settings(document: Document) -> ExporterSettings:
    """The exporter's own section of a configuration file. Raises `ConfigurationError`."""
    return validate(ExporterSettings, document.section("exporter"), document, ("exporter",))


@dataclass(frozen=True, slots=True)
class Reloads:
    """How the configuration was last read. `succeeded_at` is a Unix time in seconds."""

    successful: bool
    succeeded_at: float


@dataclass(frozen=True, slots=True)
class Configuration:
    """The environments to observe, and how to answer scrapes."""

    environments: tuple[Environment, ...]
    exporter: ExporterSettings

    def as_yaml(self) -> str:
        """A file that means the same, with every default. It holds no secret: those are in files that it names."""
        return written({"environments": self.environments, "exporter": self.exporter})


def load(path: Path | None) -> Configuration:
    """The configuration in the file at `path`, or the defaults. Raises `ConfigurationError`."""
    document = read(path)
    return Configuration(environments(document), exporter_settings(document))


class ConfigurationFile:
    """The configuration in force, and whether the newest one is it."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        """Read the file for the first time. Raises `ConfigurationError`."""
        self._path, self._clock = path, clock
        self.current = load(path)
        self.reloads = Reloads(successful=True, succeeded_at=clock())

    def reload(self) -> None:
        """Read it again. What can't be used is not taken: the old one stays, and what is raised says why."""
        try:
            self.current = load(self._path)
        except Exception:
            self.reloads = Reloads(successful=False, succeeded_at=self.reloads.succeeded_at)
            raise
        self.reloads = Reloads(successful=True, succeeded_at=self._clock())
