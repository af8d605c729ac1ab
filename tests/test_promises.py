"""What README and the threat model promise is held by tests: each line names its own, and they exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def section(path: str, heading: str) -> str:
    """What stands below a heading of a page."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def promises() -> list[str]:
    """Each line of README's list, and each row of the table of threats."""
    bullets = re.findall(r"(?m)^\* .*(?:\n  .*)*", section("README.md", "What it will never do"))
    table = section("docs/remediator.md", "Threat model")
    return [
        *bullets,
        *(line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| who |")),
    ]


@cache
def defined_in(path: str) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: " ".join(re.findall(r"\w+", promise)[:6]))
def test_every_promise_names_a_test_that_exists(promise: str) -> None:
    named = NAMED.findall(promise)
    assert named
    assert [(path, name) for path, name in named if name not in defined_in(path) or not name.startswith("test_")] == []


def test_all_of_both_are_found() -> None:
    assert len(promises()) == section("README.md", "What it will never do").count("\n* ") + 20


def test_whoever_finds_a_weakness_is_told_where_to_say_so() -> None:
    assert "in private" in (ROOT / "SECURITY.md").read_text()
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text()
