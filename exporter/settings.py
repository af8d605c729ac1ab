"""The `exporter:` section of the configuration file."""

from typing import Annotated

from pydantic import Field

from stagekeeper.config.document import Document
from stagekeeper.config.validation import Strict, validate


class ExporterSettings(Strict):
    """How the exporter answers scrapes. The defaults suit a Prometheus with its own defaults."""

    scrape_margin: Annotated[float, Field(ge=0, le=10)] = 0.5
    """Seconds that the answer comes before the scraper's timeout: time for the network and for the answer's bytes.
    Half a second is what blackbox_exporter keeps (blackbox_exporter:main.go, `--timeout-offset`)."""
    default_deadline: Annotated[float, Field(gt=0, le=120)] = 9.5
    """Seconds for an answer to whoever does not say how long he waits, as a browser: what a Prometheus with its
    default timeout of 10 s would get."""
    recent_observations: Annotated[int, Field(ge=0, le=1000)] = 20
    """Looks of each environment on the landing page: five minutes at the usual 15 s, and a few kilobytes."""


def exporter_settings(document: Document) -> ExporterSettings:
    """The exporter's own section of a configuration file. Raises `ConfigurationError`."""
    return validate(ExporterSettings, document.section("exporter"), document, ("exporter",))
