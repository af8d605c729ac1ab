"""Changes one piece of the production code's text, as a careless edit would, for one test."""

import inspect
import textwrap
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import cast

import pytest


@dataclass(frozen=True, slots=True)
class Edit:
    """In the function (or method) `name` of `module`, `old` becomes `new`. `also` names modules that imported it."""

    module: ModuleType | type
    name: str
    old: str
    new: str
    also: tuple[ModuleType, ...] = ()

    def make(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the edited function in force until the test ends."""
        original = cast("FunctionType", getattr(self.module, self.name))
        source = textwrap.dedent(inspect.getsource(original))
        assert source.count(self.old) == 1, f"{self.name} does not hold {self.old!r} exactly once"
        found: dict[str, object] = {}
        code = compile(source.replace(self.old, self.new), f"<mutant of {self.name}>", "exec")
        exec(code, original.__globals__, found)  # noqa: S102 -- our own text, one word of it changed
        for module in (self.module, *self.also):
            monkeypatch.setattr(module, self.name, found[self.name])
