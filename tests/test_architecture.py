"""The walls of the tree: pure modules, imports that go downwards, readable files, errors that are not swallowed."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.patience import HANG_GUARD

ROOT = Path(__file__).parents[1]
PACKAGES = ("exporter", "incidents", "remediator", "stagekeeper")
LONGEST_FILE = 450
IMPURE = frozenset(
    {"asyncio", "aiohttp", "kubernetes", "prometheus_client", "logging", "structlog", "time", "random", "socket", "ssl"}
)
"""What reads a clock, a network or dice, or writes somewhere."""

MUST_BE_PURE = (
    "stagekeeper/diego/diagnosis.py",
    "stagekeeper/diego/evidence.py",
    "stagekeeper/diego/observation.py",
    "stagekeeper/diego/profiles.py",
    "stagekeeper/diego/conditions.py",
    "stagekeeper/diego/questions.py",
    "stagekeeper/kube/objects.py",
    "remediator/remediation.py",
    "remediator/gates.py",
    "remediator/overriding.py",
    "remediator/plan.py",
)
"""The judgement and the decisions. Their neighbours are pure where their docstring says so."""
JUDGING = ("remediator/", "stagekeeper/diego/", "stagekeeper/kube/")
"""Where that word in a docstring is a promise."""

CATCH_ALL = {
    "exporter/settings.py": "it is raised again; a reload that failed is counted whatever the reason",
    "exporter/scrape.py": "the edge of a task: a scrape is answered whatever went wrong in it",
    "stagekeeper/service/files.py": "what was read before stays in force, whatever the newest version does",
    "stagekeeper/service/logs.py": "a record that can't be rendered must not end the program that logs it",
    "stagekeeper/service/run.py": "the edge of the program and of a reload: what went wrong becomes an exit code",
    "stagekeeper/service/runtime.py": "the edge of a task, and of teardown: one resource must not keep the others open",
}
"""Where `except Exception` may stand, and why."""


def modules() -> list[Path]:
    """Every module of the product."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Dotted names of what a module imports, wherever in it. `from a import b` counts as `a` and as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively; say the whole name."
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def says_that_it_is_pure(path: Path) -> bool:
    return re.search(r"\bpure\b", ast.get_docstring(parsed(path)) or "", re.IGNORECASE) is not None


PURE = [path for path in modules() if name(path).startswith(JUDGING) and says_that_it_is_pure(path)]
PURE_NAMES = [name(path) for path in PURE]


@pytest.mark.parametrize("module", MUST_BE_PURE)
def test_the_judgement_and_the_decisions_say_that_they_are_pure(module: str) -> None:
    assert module in PURE_NAMES


@pytest.mark.parametrize("path", PURE, ids=PURE_NAMES)
def test_a_pure_module_reads_no_clock_no_network_and_no_dice(path: Path) -> None:
    assert {each.split(".")[0] for each in imported(path)} & IMPURE == set()


@pytest.mark.parametrize("path", PURE, ids=PURE_NAMES)
def test_a_pure_module_stands_on_pure_modules_only(path: Path) -> None:
    """Of ours: what it imports must say of itself that it is pure."""
    for each in sorted(imported(path)):
        needed = ROOT / (each.replace(".", "/") + ".py")
        if each.split(".")[0] in PACKAGES and needed.exists():
            assert says_that_it_is_pure(needed), f"{name(path)} imports {each}, which does not say that it is pure."


@pytest.mark.parametrize("path", PURE, ids=PURE_NAMES)
def test_a_pure_module_asks_nobody_for_the_time(path: Path) -> None:
    asked = [
        node.attr
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
    ]
    assert asked == [], f"{name(path)} asks for the time; pass it in."


def test_imports_go_downwards_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=HANG_GUARD
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", [*PACKAGES, "alerts", "dashboards", "scripts", "tests"])
def test_no_file_is_too_long_to_be_read_at_once(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST_FILE, (
            f"{name(path)} has {lines} lines. Split it by subject: {LONGEST_FILE} is the most."
        )


def catches_everything(path: Path) -> bool:
    handlers = [node.type for node in ast.walk(parsed(path)) if isinstance(node, ast.ExceptHandler)]
    caught = {
        each.id
        for kind in handlers
        for each in (kind.elts if isinstance(kind, ast.Tuple) else [kind])
        if isinstance(each, ast.Name)
    }
    return None in handlers or bool(caught & {"Exception", "BaseException"})


def test_errors_are_swallowed_only_at_the_edge_of_a_task() -> None:
    found = {name(path) for path in modules() if catches_everything(path)}
    assert found <= set(CATCH_ALL), "Name the errors that are expected, or say here why this is the edge of a task."


@pytest.mark.parametrize("module", CATCH_ALL)
def test_no_reason_stands_for_an_except_that_is_gone(module: str) -> None:
    assert catches_everything(ROOT / module)


def test_only_the_border_to_kubernetes_imports_its_client() -> None:
    users = {name(path) for path in modules() if any(each.split(".")[0] == "kubernetes" for each in imported(path))}
    assert {user.rpartition("/")[0] for user in users} == {"stagekeeper/kube"}
