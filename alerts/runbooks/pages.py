"""The runbooks as Markdown, one page for each alert and language, with an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alerts.model import Alert
from alerts.thresholds import duration

HERE = Path(__file__).parent
LANGUAGES = {"en": "ko", "ko": "en"}
"""Each language, and the one that its pages link to."""
FOLDER = "docs/runbooks"
HEADER = "<!-- Written by `python -m alerts` from alerts/runbooks/. Change that, not this file. -->"
CONFIGURATION = "--config.file=stagekeeper.yaml"
"""What a command says that reads the configuration: a laptop has none of its own."""
Texts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Book:
    """One language's texts, and the commands, which have none."""

    language: str
    texts: Texts
    commands: Texts

    def page(self, alert: Alert) -> str:
        """One alert's runbook."""
        told: Texts = self.texts["alerts"][alert.name]
        sections = [self._section(kind, alert.name, told) for kind in self.texts["headings"]]
        return "\n\n".join([HEADER, self._top(alert), *sections, *self._extra(told)]) + "\n"

    def index(self, alerts: Sequence[Alert]) -> str:
        """The list of all runbooks."""
        words: Texts = self.texts["words"]
        meaning: str = self.texts["headings"]["meaning"]
        return "\n".join(
            [
                HEADER,
                "",
                f"# {words['title']}",
                "",
                f"{words['introduction']} [docs/alerting.md](../../alerting.md)",
                "",
                f"| {words['alert']} | {words['severity']} | {words['wait']} | {meaning} |",
                "|---|---|---|---|",
                *(self._row(alert) for alert in alerts),
                "",
            ]
        )

    def _top(self, alert: Alert) -> str:
        words: Texts = self.texts["words"]
        other = f"[{words['other_language']}](../{LANGUAGES[self.language]}/{alert.name}.md)"
        facts = f"{words['severity']}: {alert.severity} · {words['wait']}: {self._wait(alert)} · {other}"
        return f"# {alert.name}\n\n{facts}"

    def _row(self, alert: Alert) -> str:
        first_sentence = self.texts["alerts"][alert.name]["meaning"].split(". ")[0].rstrip(".")
        link = f"[{alert.name}]({alert.name}.md)"
        return f"| {link} | {alert.severity} | {self._wait(alert)} | {first_sentence}. |"

    def _wait(self, alert: Alert) -> str:
        at_once: str = self.texts["words"]["at_once"]
        return duration(alert.wait) if alert.wait else at_once

    def _section(self, kind: str, name: str, told: Texts) -> str:
        text = self._see(name) if kind == "see" else self._filled(told[kind])
        return f"## {self.texts['headings'][kind]}\n\n{text}"

    def _filled(self, text: str) -> str:
        for name, sentence in self.texts["shared"].items():
            text = text.replace(f"{{{name}}}", sentence)
        return text

    def _see(self, name: str) -> str:
        shown: Texts = self.commands["alerts"][name]
        words: Texts = self.texts["words"]
        lines = [
            line
            for each in self._shown(name)
            for line in (f"# {self.texts['captions'][each]}", self.commands["commands"][each])
        ]
        commands = "\n".join(["```sh", *lines, "```"])
        query = f"{words['in_prometheus']}\n\n```promql\n{shown['query']}\n```"
        return f"{words['example']}\n\n{commands}\n\n{query}"

    def _shown(self, name: str) -> list[str]:
        """The commands of a page; first the one that fetches the configuration, if any command of the page reads it."""
        see: list[str] = self.commands["alerts"][name]["see"]
        said = [*self.texts["alerts"][name].values(), *(self.commands["commands"][each] for each in see)]
        return ["configuration", *see] if any(CONFIGURATION in each for each in said) else see

    def _extra(self, told: Texts) -> list[str]:
        return [told["extra"]] if "extra" in told else []


def book(language: str) -> Book:
    """The texts of one language."""
    return Book(language, _read(f"{language}.yaml"), _read("commands.yaml"))


def pages(alerts: Sequence[Alert]) -> dict[str, str]:
    """Every page of every language: its path from the repository's root, and its text."""
    found = {}
    for language in LANGUAGES:
        told = book(language)
        found[f"{FOLDER}/{language}/README.md"] = told.index(alerts)
        found |= {f"{FOLDER}/{language}/{alert.name}.md": told.page(alert) for alert in alerts}
    return found


def _read(name: str) -> Texts:
    read: Texts = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return read
