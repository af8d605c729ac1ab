"""The last full result as the table in docs/performance.md: `python -m bench.report` writes it there."""

import json
from collections.abc import Iterator
from typing import Any

from scripts.cache import ROOT

LAST = ROOT / "bench" / "last.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def markdown(result: dict[str, Any]) -> str:
    """Machine, versions and all lines, in Markdown."""
    return "\n".join([*_machine(result["machine"]), *(line for each in result["sections"] for line in _section(each))])


def page(old: str, result: dict[str, Any]) -> str:
    """The page with this result between its two marks."""
    before, _, rest = old.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{markdown(result)}\n{END}{rest.partition(END)[2]}"


def _machine(machine: dict[str, Any]) -> Iterator[str]:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    yield f"Measured {machine['date']} on {machine['cores']} cores ({machine['cpu']}, {machine['memory_mib']} MiB,"
    yield f"Linux {machine['kernel']}, load {machine['load_at_start']} at the start) with Python {machine['python']},"
    yield f"Kubernetes {machine['kubernetes']}, {libraries}."
    yield ""


def _section(section: dict[str, Any]) -> Iterator[str]:
    yield f"### {section['title']}"
    yield ""
    yield "| what | ours | beside | ratio | goal |"
    yield "|---|---|---|---|---|"
    for line in section["lines"]:
        beside = f"{line['beside']}: {_rounds(line['theirs'], line['unit'])}" if line["theirs"] else line["beside"]
        ratio = f"{line['ratio']:.2f}" if line["ratio"] else ""
        yield f"| {line['what']} | {_rounds(line['ours'], line['unit'])} | {beside} | {ratio} | {line['goal']} |"
    yield ""
    if section["cells"]:
        first, *others = section["cells"]
        yield from (f"| {' | '.join(row)} |" for row in (first, ["---"] * len(first), *others))
        yield ""
    yield from (f"* {note}" for note in section["notes"])
    yield ""


def _rounds(values: list[float], unit: str) -> str:
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    spread = f" ({_number(ordered[0])} to {_number(ordered[-1])})" if len(ordered) > 1 else ""
    return f"{_number(middle)} {unit}".rstrip() + spread


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 -- three figures


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(), json.loads(LAST.read_text())))


if __name__ == "__main__":
    main()
