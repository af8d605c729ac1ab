"""The runbooks as Markdown, one page for each alert and language, with an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULE_FILES = ("alerts/stagekeeper.rules.yaml", "alerts/objective.rules.yaml")
FOLDER = "docs/runbooks"
LANGUAGES = {"en": "ko", "ko": "en"}
"""Each language, and the one that its pages link to."""
HEADER = "<!-- Written by `python -m alerts` from alerts/runbooks/. Change that, not this file. -->"
Texts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """What a page says of an alerting rule; `wait` is its `for`, empty where it fires at once."""

    name: str
    severity: str
    wait: str


@dataclass(frozen=True, slots=True)
class Book:
    """One language's texts, and the commands, which have none."""

    language: str
    texts: Texts
    commands: Texts

    def page(self, alert: Alert) -> str:
        """One alert's runbook: what to do first, and why after it."""
        told: Texts = self.texts["alerts"][alert.name]
        sections = [self._section(kind, alert.name, told) for kind in self.texts["headings"]]
        return "\n\n".join([HEADER, self._top(alert), *(each for each in sections if each)]) + "\n"

    def index(self, alerts: Sequence[Alert]) -> str:
        """The list of all runbooks, between what is to be read before and after it."""
        words: Texts = self.texts["words"]
        head = [words["alert"], words["severity"], words["wait"], self.texts["headings"]["meaning"]]
        table = [f"| {' | '.join(head)} |", "|---|---|---|---|", *(self._row(alert) for alert in alerts)]
        parts = [HEADER, f"# {words['title']}", words["introduction"], "\n".join(table), words["afterwards"]]
        return "\n\n".join(part.strip() for part in parts if part) + "\n"

    def _top(self, alert: Alert) -> str:
        words: Texts = self.texts["words"]
        other = f"[{words['other_language']}](../{LANGUAGES[self.language]}/{alert.name}.md)"
        return (
            f"# {alert.name}\n\n{words['severity']}: {alert.severity} · {words['wait']}: {self._wait(alert)} · {other}"
        )

    def _row(self, alert: Alert) -> str:
        first_sentence = self.texts["alerts"][alert.name]["meaning"].split(". ")[0].rstrip(".")
        return f"| [{alert.name}]({alert.name}.md) | {alert.severity} | {self._wait(alert)} | {first_sentence}. |"

    def _wait(self, alert: Alert) -> str:
        words: Texts = self.texts["words"]
        return f"{alert.wait[:-1]}{words['units'][alert.wait[-1]]}" if alert.wait else words["at_once"]

    def _section(self, kind: str, name: str, told: Texts) -> str:
        text = self._see(name) if kind == "see" else self._filled(told.get(kind, ""))
        first = self._first(told) if kind == "todo" else ""
        return f"## {self.texts['headings'][kind]}\n\n{first}{text}" if text else ""

    def _first(self, told: Texts) -> str:
        """The command that needs nothing installed, and what it tells."""
        said = told.get("first", self.texts["words"]["first"])
        return f"```sh\n{self.commands['first']}\n```\n\n{said}\n\n"

    def _filled(self, text: str) -> str:
        for name, sentence in self.texts["shared"].items():
            text = text.replace(f"{{{name}}}", sentence)
        return text

    def _see(self, name: str) -> str:
        words: Texts = self.texts["words"]
        shown: Texts = self.commands["alerts"][name]
        lines = [f"# {self.texts['captions'][each]}\n{self.commands['commands'][each]}" for each in shown["see"]]
        query = f"{words['in_prometheus']}\n\n```promql\n{shown['query']}\n```"
        return "\n\n".join([words["example"], "\n".join(["```sh", *lines, "```"]), query])


@cache
def alerts() -> list[Alert]:
    """Every alerting rule in the order of the rule files."""
    documents = [yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) for path in RULE_FILES]
    rules = [rule for document in documents for group in document["groups"] for rule in group["rules"]]
    return [Alert(rule["alert"], rule["labels"]["severity"], rule.get("for", "")) for rule in rules if "alert" in rule]


@cache
def book(language: str) -> Book:
    """The texts of one language."""
    return Book(language, _read(f"{language}.yaml"), _read("commands.yaml"))


@cache
def pages() -> dict[str, str]:
    """Every page of every language: its path from the repository's root, and its text."""
    found = {}
    for language in LANGUAGES:
        told = book(language)
        found[f"{FOLDER}/{language}/README.md"] = told.index(alerts())
        found |= {f"{FOLDER}/{language}/{alert.name}.md": told.page(alert) for alert in alerts()}
    return found


def write() -> None:
    """Write every page."""
    for path, content in pages().items():
        (ROOT / path).write_text(content, encoding="utf-8")


def _read(name: str) -> Texts:
    read: Texts = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return read
