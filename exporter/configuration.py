"""What the exporter is configured with, read at the start and at each reload."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exporter.metrics import Reloads
from exporter.settings import ExporterSettings, exporter_settings
from stagekeeper.config.document import read
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.effective import written
from stagekeeper.diego.environments import environments
from stagekeeper.diego.profiles import Environment


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
        """Read it again. What can't be used is not taken: the old one stays, and `ConfigurationError` says why."""
        try:
            self.current = load(self._path)
        except ConfigurationError:
            self.reloads = Reloads(successful=False, succeeded_at=self.reloads.succeeded_at)
            raise
        self.reloads = Reloads(successful=True, succeeded_at=self._clock())
