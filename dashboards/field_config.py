"""How values look, in Grafana's words the field config: unit, thresholds, texts in place of values, overrides."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grafana_foundation_sdk.models import dashboard as sdk

GOOD, BAD, WARN, WAIT, INFO, IDLE = "green", "red", "orange", "yellow", "blue", "#7b8087"
"""GOOD: as it should be. BAD: a person is needed. WARN: soon. WAIT: it may pass by itself. INFO, IDLE: no judgement."""
UNKNOWN = "Unknown"
"""What a panel says where nobody knows: never 0, and never nothing."""

Steps = tuple[tuple[float | None, str], ...]
ALWAYS_IDLE: Steps = ((None, IDLE),)


@dataclass(frozen=True, slots=True)
class Text:
    """What is shown in place of a value, and in which colour where the thresholds do not say it."""

    text: str
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """Unit, thresholds and texts of a panel's values."""

    unit: str = "none"
    steps: Steps = ALWAYS_IDLE
    """From which value on which colour; the first has no lower end."""
    texts: Mapping[str, Text] = field(default_factory=dict)
    more: tuple[float, Text] | None = None
    """From which number on one text holds."""
    none: str = UNKNOWN
    """What is shown where there is nothing; anything but `UNKNOWN` says that there may rightly be nothing."""
    decimals: int | None = None
    lowest: float | None = 0
    highest: float | None = None

    def config(self, custom: object, *, palette: bool = False) -> sdk.FieldConfig:
        """As Grafana has it; `palette` gives each series its own colour, else the thresholds colour the value."""
        mode = sdk.FieldColorModeId.PALETTE_CLASSIC if palette else sdk.FieldColorModeId.THRESHOLDS
        return sdk.FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=self.lowest,
            max_val=self.highest,
            mappings=self._mappings(),
            thresholds=sdk.ThresholdsConfig(steps=[sdk.Threshold(value, color) for value, color in self.steps]),
            color=sdk.FieldColor(mode),
            no_value=self.none,
            custom=custom,
        )

    def _mappings(self) -> list[sdk.ValueMapping]:
        found: list[sdk.ValueMapping] = []
        if self.texts:
            results = enumerate(self.texts.items())
            found.append(
                sdk.ValueMap(
                    {key: sdk.ValueMappingResult(each.text, each.color, index=at) for at, (key, each) in results}
                )
            )
        if self.more:
            start, each = self.more
            result = sdk.ValueMappingResult(each.text, each.color, index=len(self.texts))
            found.append(sdk.RangeMap(sdk.DashboardRangeMapOptions(from_val=start, to=1e9, result=result)))
        return found


LANES = {"1": Text("yes")}
"""For a timeline whose lanes have colours of their own."""


def yes_no(yes: str, no: str) -> Mapping[str, Text]:
    """Texts for 1, as it should be, and 0."""
    return {"1": Text(yes, GOOD), "0": Text(no, BAD)}


def named(name: str, **properties: object) -> sdk.DashboardFieldConfigSourceOverrides:
    """An override for the field of this name; `custom__lineWidth` stands for `custom.lineWidth`."""
    return _override("byName", name, properties)


def lanes(colors: Mapping[str, str]) -> tuple[sdk.DashboardFieldConfigSourceOverrides, ...]:
    """Overrides that give each series of these names its colour."""
    names = {color: "|".join(name for name in colors if colors[name] == color) for color in colors.values()}
    return tuple(
        _override("byRegexp", f"/^({each})$/", {"color": sdk.FieldColor(sdk.FieldColorModeId.FIXED, color)})
        for color, each in names.items()
    )


def _override(matcher: str, options: str, properties: Mapping[str, object]) -> sdk.DashboardFieldConfigSourceOverrides:
    values = [sdk.DynamicConfigValue(key.replace("__", "."), value) for key, value in properties.items()]
    return sdk.DashboardFieldConfigSourceOverrides(matcher=sdk.MatcherConfig(matcher, options), properties=values)
