"""JSON made of bytes: a known object with changes that the bytes choose. Pure, total, deterministic.

A mutator of bytes hardly ever finds valid JSON with the right keys. Here every byte string is one, and a changed byte
is a changed part of it, so that coverage can guide the search.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_DEEPEST = 4
_WIDEST = 4
_ODD_TEXTS = ("", "\x00", "\ud800", "ä" * 70, "x" * 5000, "-1", "1e999", "2026-11-23T12:00:00Z", "9999-12-31T23:59:59Z")
_ODD_NUMBERS = (0, -1, 2**31, 2**63, 10**40, 1.5, float("inf"), float("nan"))


@dataclass(slots=True)
class Bytes:
    """Bytes that are taken one at a time; after the last come zeros."""

    data: bytes
    at: int = 0

    @property
    def left(self) -> bool:
        """Whether there is one more."""
        return self.at < len(self.data)

    def below(self, limit: int) -> int:
        """The next byte as a number below `limit`."""
        found = self.data[self.at] if self.left else 0
        self.at += 1
        return found % limit

    def one_of(self, choices: Sequence[Any]) -> Any:
        """One of `choices`."""
        return choices[self.below(len(choices))]


def shaped(template: Any, data: bytes, words: Sequence[str]) -> Any:
    """`template` with as many changes as `data` asks for; keys and texts are taken from `words` too."""
    source = Bytes(data)
    found = copy.deepcopy(template)
    while source.left:
        found = _changed(found, source, words)
    return found


def _changed(value: Any, source: Bytes, words: Sequence[str], depth: int = 0) -> Any:
    """The value with one part of it replaced, added or removed."""
    if depth > _DEEPEST or not isinstance(value, dict | list) or not value or source.below(8) == 0:
        return _value(source, words)
    if isinstance(value, dict):
        return _changed_dict(value, source, words, depth)
    index = source.below(len(value))
    if source.below(6) == 0:
        return value[:index] + value[index + 1 :]
    return [*value[:index], _changed(value[index], source, words, depth + 1), *value[index + 1 :]]


def _changed_dict(value: dict[str, Any], source: Bytes, words: Sequence[str], depth: int) -> dict[str, Any]:
    key = source.one_of([*value])
    match source.below(6):
        case 0:
            return {other: part for other, part in value.items() if other != key}
        case 1:
            return {**value, source.one_of(words): _value(source, words)}
        case _:
            return {**value, key: _changed(value[key], source, words, depth + 1)}


def _value(source: Bytes, words: Sequence[str], depth: int = 0) -> Any:
    match source.below(7 if depth < _DEEPEST else 5):
        case 0:
            found: Any = source.one_of((None, True, False))
        case 1:
            found = source.below(256) - 128
        case 2:
            found = source.one_of(_ODD_NUMBERS)
        case 3:
            found = source.one_of(words)
        case 4:
            found = source.one_of(_ODD_TEXTS)
        case 5:
            found = [_value(source, words, depth + 1) for _ in range(source.below(_WIDEST))]
        case _:
            found = {source.one_of(words): _value(source, words, depth + 1) for _ in range(source.below(_WIDEST))}
    return found
