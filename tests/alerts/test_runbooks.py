"""Every alert has its runbook in both languages, and a runbook names only what exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from alerts.runbooks.pages import FOLDER, LANGUAGES, ROOT, Book, book
from stagekeeper.cli.commands import SUBCOMMANDS
from tests.alerts.catalogue import ALERTS, RECORDS, Alert, exposed
from tests.alerts.promql import uses

PAGES = sorted((ROOT / FOLDER).rglob("*.md"))
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
OF_STAGEKEEPER = re.compile(r"(?:^|`|-- )stagekeeper ([^`\n]+)", re.MULTILINE)
SERIES = re.compile(r"(?<![:\w])(?:stagekeeper|diego|bbs)_[a-z_]+\b(?!:)|\bactive_bbs_count\b")
QUERY = re.compile(r"```promql\n(.*?)\n```", re.DOTALL)
FIRST = "```sh\nkubectl -n stagekeeper exec deploy/stagekeeper-exporter -- stagekeeper diagnose\n```"
PRIVATE_WORDS = {
    "en": re.compile(
        r"\b(?:episodes?|anew|latched|held off|ill|cures?|cured|hand(?:s|ed)? over|comes and goes)\b", re.IGNORECASE
    ),
    "ko": re.compile("스테이저|에피소드|우리 |(?<!Stager )서비스(?!\\(Service)|(?:^|[ (])락[ 을이(]"),
}
"""What is called otherwise here: CONTRIBUTING has the glossary, docs/runbooks/ko/README.md the Korean one."""
EVERY_METRIC = set(exposed()) | {record.name for record in RECORDS}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / FOLDER))


def broken_links(page: str, folder: Path) -> list[str]:
    return [link for link in LINK.findall(page) if "://" not in link and not (folder / link).exists()]


def unknown_series(page: str) -> set[str]:
    asked = {use.metric for query in QUERY.findall(page) for use in uses(query)}
    return (asked | set(SERIES.findall(page))) - EVERY_METRIC


def wrong_commands(page: str) -> list[str]:
    """Each `stagekeeper ...` of a page that the command line refuses, with its reason."""
    return [problem for typed in OF_STAGEKEEPER.findall(page) if (problem := refused(typed))]


def refused(typed: str) -> str:
    subcommand, *arguments = shlex.split(typed.replace("<diagnosis>", "stuck_unavailable"))
    found = next((each for each in SUBCOMMANDS if each.name == subcommand), None)
    if found is None:
        return f"{typed}: no such subcommand"
    try:
        found.load().make_context(subcommand, arguments)
    except click.UsageError as problem:
        return f"{typed}: {problem.format_message()}"
    return ""


def test_there_is_a_page_for_every_alert_and_for_nothing_else() -> None:
    wanted = {f"{language}/{page}.md" for language in LANGUAGES for page in ("README", *(a.name for a in ALERTS))}
    assert {name(path) for path in PAGES} == wanted


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_both_languages_have_the_same_sections_with_the_same_commands(alert: Alert) -> None:
    english, korean = ((ROOT / FOLDER / language / f"{alert.name}.md").read_text() for language in ("en", "ko"))
    assert english.count("\n## ") == korean.count("\n## ")
    assert english.count("\n1. ") == korean.count("\n1. ")
    assert english.count("kubectl ") == korean.count("kubectl ")
    assert OF_STAGEKEEPER.findall(english) == OF_STAGEKEEPER.findall(korean)
    assert QUERY.findall(english) == QUERY.findall(korean)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_opens_with_what_to_do_and_a_command_that_needs_nothing_installed(language: str, alert: Alert) -> None:
    page = (ROOT / FOLDER / language / f"{alert.name}.md").read_text()
    _, facts, heading, first, *_ = (part for part in page.split("\n\n") if not part.startswith("<!--"))
    assert heading == f"## {book(language).texts['headings']['todo']}"
    assert first == FIRST
    assert alert.severity in facts


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_whose_commands_read_the_configuration_says_how_to_get_it(path: Path) -> None:
    page = path.read_text()
    assert ("--config.file=stagekeeper.yaml" in page) is ("> stagekeeper.yaml" in page)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_keeps_to_the_glossary(path: Path) -> None:
    assert PRIVATE_WORDS[path.parent.name].findall(path.read_text()) == []


def test_alerts_keep_to_the_glossary() -> None:
    texts = [text for alert in ALERTS for text in (alert.annotations["summary"], alert.description)]
    assert [text for text in texts if PRIVATE_WORDS["en"].search(text)] == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_korean_page_asks_its_reader_politely_where_he_acts(alert: Alert) -> None:
    told = book("ko").texts["alerts"][alert.name]
    acting = [line for part in ("todo", "steps") for line in told.get(part, "").splitlines() if line]
    assert sum("십시오" in line for line in acting) >= len(acting) / 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_a_heading_for_each_part_and_a_caption_for_each_command(language: str) -> None:
    told: Book = book(language)
    assert list(told.texts["headings"]) == ["todo", "call", "steps", "meaning", "impact", "remediator", "see"]
    assert set(told.texts["captions"]) == set(told.commands["commands"])
    assert set(told.texts["alerts"]) == set(told.commands["alerts"]) == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_of_an_alert_that_wakes_people_says_that_nobody_need_be_woken(language: str, alert: Alert) -> None:
    by_day: str = book(language).texts["shared"]["call_stagekeeper"]
    page = (ROOT / FOLDER / language / f"{alert.name}.md").read_text()
    assert alert.severity != "critical" or by_day not in page


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_names_only_what_exists(path: Path) -> None:
    page = path.read_text()
    assert broken_links(page, path.parent) == []
    assert unknown_series(page) == set()
    assert wrong_commands(page) == []
    assert re.findall(r"\{[a-z_]+\}", page) == [], "a shared sentence that does not exist"


def test_a_command_that_does_not_exist_is_found() -> None:
    page = "`stagekeeper repair`\nstagekeeper diagnose --environment prod\nstagekeeper diagnose --fast"
    assert wrong_commands(page) == ["repair: no such subcommand", "diagnose --fast: No such option '--fast'."]


def test_a_metric_that_does_not_exist_is_found() -> None:
    assert unknown_series("Look at `bbs_reachible`.\n```promql\nsum(diego_pods)\n```") == {
        "bbs_reachible",
        "diego_pods",
    }


def test_a_link_to_nowhere_is_found() -> None:
    assert broken_links("[a](README.md) [b](Nowhere.md)", ROOT / FOLDER / "en") == ["Nowhere.md"]
