"""`python -m scripts.size`: how much Python there is, by what it is for, and what is beyond our own limits.

Lines are those that `ruff format` leaves. `make check` prints this; nothing fails by it.
"""

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.cache import ROOT

SHIPPED = ("exporter", "remediator", "stagekeeper", "incidents")
"""What the wheel holds."""
LIMITS = {"shipped": (11_000, 105), "all but tests": (18_500, None), "tests": (20_000, None)}
"""Lines and files."""


def main() -> None:
    """Print the table, then what is largest and which names are taken twice."""
    sys.stdout.writelines(f"{line}\n" for line in report())


def report() -> Iterator[str]:
    """The lines."""
    files = sorted(_files())
    parts = {
        "shipped": [each for each in files if each.parts[0] in SHIPPED],
        "all but tests": [each for each in files if each.parts[0] != "tests"],
        "tests": [each for each in files if each.parts[0] == "tests"],
    }
    for name, found in parts.items():
        lines, most = LIMITS[name]
        sizes = [_lines(each) for each in found]
        goal = f"goal: {lines:,} lines" + (f", {most} files" if most else "")
        yield f"{name}: {sum(sizes):,} lines in {len(found)} files, median {statistics.median(sizes):.0f} ({goal})"
    shipped = parts["shipped"]
    yield "largest files: " + ", ".join(f"{each} {_lines(each)}" for each in sorted(shipped, key=_lines)[-3:][::-1])
    functions = sorted(_functions(shipped))[-3:][::-1]
    yield "longest functions: " + ", ".join(f"{name} {size}" for size, name in functions)
    yield "class names taken twice: " + (", ".join(_twice(shipped)) or "none")


def _files() -> Iterator[Path]:
    for top in sorted(each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")):
        if top.name not in {"build", "dist"}:
            yield from (each.relative_to(ROOT) for each in top.rglob("*.py"))


def _lines(path: Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def _parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def _functions(paths: Sequence[Path]) -> Iterator[tuple[int, str]]:
    for path in paths:
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{path}:{node.name}"


def _twice(paths: Sequence[Path]) -> list[str]:
    names = Counter(
        node.name
        for path in paths
        for node in _parsed(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    return sorted(name for name, times in names.items() if times > 1)


if __name__ == "__main__":
    main()
