"""How values look: colours, thresholds, words in place of numbers."""

from collections.abc import Iterable, Mapping
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
    """A text and a colour in place of a value."""

    text: str
    color: str


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

    def config(self, custom: object, *, palette: bool = False) -> FieldConfig:
        """As Grafana has it; `palette` gives each series its own colour, else the thresholds colour the value."""
        mode = FieldColorModeId.PALETTE_CLASSIC if palette else FieldColorModeId.THRESHOLDS
        return FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=self.lowest,
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


def yes_no(yes: str, no: str, *, good: bool = True) -> Mapping[str, Word]:
    """Words for 1 and 0; `good` says which of them is as it should be."""
    return {"1": Word(yes, GOOD if good else BAD), "0": Word(no, BAD if good else GOOD)}


def named(name: str, **properties: object) -> DashboardFieldConfigSourceOverrides:
    """An override for the field of this name."""
    return _override("byName", name, properties)


def coloured(names: Iterable[str], color: str) -> DashboardFieldConfigSourceOverrides:
    """An override that gives all series of these names one colour."""
    return _override("byRegexp", f"/^({'|'.join(names)})$/", {"color": FieldColor(FieldColorModeId.FIXED, color)})


def _override(
    matcher: str, options: str, properties: Mapping[str, object]
) -> DashboardFieldConfigSourceOverrides:
    values = [DynamicConfigValue(key.replace("__", "."), value) for key, value in properties.items()]
    return DashboardFieldConfigSourceOverrides(matcher=MatcherConfig(matcher, options), properties=values)
