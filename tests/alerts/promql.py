"""Reads from PromQL which metrics and labels it uses: enough of the grammar for what we write ourselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABEL_LIST = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset"})


@dataclass(frozen=True, slots=True)
class Use:
    """A metric with the labels that its selector names."""

    metric: str
    labels: frozenset[str]


def uses(expression: str) -> Iterator[Use]:
    """Every metric that an expression selects."""
    bare = _RANGE.sub("", _LABEL_LIST.sub(" ", _STRING.sub('""', expression)))
    for metric, matchers in _SELECTOR.findall(bare):
        yield Use(metric, frozenset(_MATCHER.findall(matchers)))
    for name in _NAME.findall(_SELECTOR.sub(" ", bare)):
        if name not in _WORDS:
            yield Use(name, frozenset())


def grouping(expression: str) -> set[str]:
    """Every label that an expression groups or joins by."""
    lists = _LABEL_LIST.findall(_STRING.sub('""', expression))
    return {label.strip() for each in lists for label in each.split(",") if label.strip()}
