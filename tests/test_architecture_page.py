"""docs/architecture.md is true: each arrow is an import, each step a function that the steps before it lead to."""

import ast
import re

import pytest

from scripts.cache import ROOT
from tests.test_architecture import imported

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES, WAYS = PAGE.split("\n## From a webhook")[0], re.split(r"\n## From a ", PAGE)[1:]
STEP = re.compile(r"^\| \d+ \| `([\w/.]+)` \| `(\w+)` \|", re.MULTILINE)
PICTURED = ("bench", "exporter", "incidents", "remediator", "simulator", "cli", "diego", "kube", "service", "config")


def package(dotted: str) -> str:
    """The box of the picture that a module lies in."""
    first, _, rest = dotted.partition(".")
    return rest.partition(".")[0] if first == "stagekeeper" else first


def edges() -> set[tuple[str, str]]:
    """Which box imports which, in the code."""
    files = [each for top in ("stagekeeper", *PICTURED[:5]) for each in (ROOT / top).rglob("*.py")]
    names = ((each, package(".".join(each.relative_to(ROOT).with_suffix("").parts))) for each in files)
    found = {(own, package(each)) for path, own in names for each in imported(path)}
    return {(own, other) for own, other in found if own != other and {own, other} <= set(PICTURED)}


def reachable(box: str, arrows: set[tuple[str, str]]) -> set[str]:
    """What stands below a box, on any way."""
    below = {other for own, other in arrows if own == box}
    return below.union(*(reachable(each, arrows) for each in below))


def test_every_arrow_is_an_import_and_what_is_imported_stands_below() -> None:
    drawn = set(re.findall(r"^ +(\w+)(?:\[.*?\])? --> (\w+)$", PACKAGES, re.MULTILINE))
    in_code = edges()
    assert {box for arrow in drawn for box in arrow} == set(PICTURED)
    assert drawn <= in_code, "An arrow is drawn that no import follows."
    drawn |= {("diego", "service")}
    for own, other in in_code:
        assert other in reachable(own, drawn), f"{own} imports {other}, and the picture does not say so."


@pytest.mark.parametrize("way", WAYS, ids=["webhook", "scrape"])
def test_every_step_is_a_function_that_the_steps_before_it_lead_to(way: str) -> None:
    steps = STEP.findall(way)
    assert len(steps) >= 6
    before: set[str] = set()
    for file, function in steps:
        defined = {
            node.name
            for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert function in defined, f"{file} has no {function}."
        own = file.removesuffix(".py").replace("/", ".")
        known = {name for each in before for name in imported(ROOT / each)}
        assert not before or file in before or own in known, f"No step before it imports {own}."
        before.add(file)


def test_every_file_that_is_named_exists() -> None:
    for file in re.findall(r"`((?:exporter|remediator|stagekeeper)/[\w/]+\.py)`", PAGE):
        assert (ROOT / file).is_file(), file
