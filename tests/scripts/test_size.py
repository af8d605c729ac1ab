"""What `make check` prints of the size of things is counted, not written down."""

import re

from scripts import size
from scripts.cache import ROOT


def test_each_part_is_counted_and_the_largest_are_named() -> None:
    said = "\n".join(size.report())
    lines = dict(re.findall(r"^(shipped|all but tests|tests): ([\d,]+) lines in ", said, re.MULTILINE))
    counted = {name: int(number.replace(",", "")) for name, number in lines.items()}
    assert 0 < counted["shipped"] < counted["all but tests"]
    assert counted["tests"] > 0
    named = re.search(r"^largest files: (\S+) (\d+)", said, re.MULTILINE)
    assert named is not None
    assert len((ROOT / named[1]).read_text().splitlines()) == int(named[2])
