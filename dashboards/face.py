"""How values look: colours, thresholds, words in place of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboards.schema import (
    DashboardFieldConfigSourceOverrides,
    DashboardRangeMapOptions,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    MatcherConfig,
    RangeMap,
    Threshold,
    ThresholdsConfig,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

GOOD, BAD, WARN, WAIT, INFO, IDLE = "green", "red", "orange", "yellow", "blue", "#7b8087"
"""GOOD: as it should be. BAD: a person is needed. WARN: soon. WAIT: it may pass by itself. INFO, IDLE: no judgement."""
UNKNOWN = "Unknown"
"""What a panel says where nobody knows: never 0, and never nothing."""
NO_UNIT = "none"

Steps = tuple[tuple[float | None, str], ...]
ALWAYS_IDLE: Steps = ((None, IDLE),)


@dataclass(frozen=True, slots=True)
class Word:
    """A text, and a colour where the value has none otherwise, in place of a value."""

    text: str
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """Unit, colours and words of a panel's values."""

    unit: str = NO_UNIT
    steps: Steps = ALWAYS_IDLE
    """From which value on which colour; the first has no lower end."""
    words: Mapping[str, Word] = field(default_factory=dict)
    more: tuple[float, Word] | None = None
    """From which number on one word holds."""
    none: str = UNKNOWN
    """What is shown where there is nothing; anything but `UNKNOWN` says that there may rightly be nothing."""
    decimals: int | None = None
    lowest: float | None = 0
    highest: float | None = None

    def config(self, custom: object, *, palette: bool = False) -> FieldConfig:
        """As Grafana has it; `palette` gives each series its own colour, else the thresholds colour the value."""
        mode = FieldColorModeId.PALETTE_CLASSIC if palette else FieldColorModeId.THRESHOLDS
        return FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=self.lowest,
            max_val=self.highest,
            mappings=self._mappings(),
            thresholds=ThresholdsConfig(steps=[Threshold(value, color) for value, color in self.steps]),
            color=FieldColor(mode),
            no_value=self.none,
            custom=custom,
        )

    def _mappings(self) -> list[ValueMapping]:
        found: list[ValueMapping] = []
        if self.words:
            results = enumerate(self.words.items())
            found.append(
                ValueMap({key: ValueMappingResult(word.text, word.color, index=at) for at, (key, word) in results})
            )
        if self.more:
            start, word = self.more
            result = ValueMappingResult(word.text, word.color, index=len(self.words))
            found.append(RangeMap(DashboardRangeMapOptions(from_val=start, to=1e9, result=result)))
        return found


LANES = {"1": Word("yes")}
"""For a timeline whose lanes have colours of their own."""


def yes_no(yes: str, no: str) -> Mapping[str, Word]:
    """Words for 1, as it should be, and 0."""
    return {"1": Word(yes, GOOD), "0": Word(no, BAD)}


def named(name: str, **properties: object) -> DashboardFieldConfigSourceOverrides:
    """An override for the field of this name."""
    return _override("byName", name, properties)


def lanes(colors: Mapping[str, str]) -> tuple[DashboardFieldConfigSourceOverrides, ...]:
    """Overrides that give each series of these names its colour."""
    names = {color: "|".join(name for name in colors if colors[name] == color) for color in colors.values()}
    return tuple(
        _override("byRegexp", f"/^({each})$/", {"color": FieldColor(FieldColorModeId.FIXED, color)})
        for color, each in names.items()
    )


def _override(matcher: str, options: str, properties: Mapping[str, object]) -> DashboardFieldConfigSourceOverrides:
    values = [DynamicConfigValue(key.replace("__", "."), value) for key, value in properties.items()]
    return DashboardFieldConfigSourceOverrides(matcher=MatcherConfig(matcher, options), properties=values)
