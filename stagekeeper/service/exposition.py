"""The text of metric families, in Prometheus' format and in OpenMetrics 1.0.

`prometheus_client` has both, and looks at each character of each name in each line: four fifths of the time of a page.
The names of our families, samples and labels are constants that its constructors have checked already.
"""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString


def text(families: Iterable[Metric], *, openmetrics: bool) -> bytes:
    """What the library writes of the same families: counters, gauges and histograms with a value at each sample.

    Exemplars, timestamps and creation times are left out, as none of our families has any.
    """
    lines: list[str] = []
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" and not openmetrics else family.name
        about = _escaped(family.documentation) if openmetrics else _on_one_line(family.documentation)
        lines.append(f"# HELP {name} {about}\n# TYPE {name} {family.type}\n")
        for sample in family.samples:
            labels = ",".join([f'{key}="{_escaped(value)}"' for key, value in sorted(sample.labels.items())])
            value = floatToGoString(sample.value)  # type: ignore[no-untyped-call]  # so in prometheus_client
            lines.append(f"{sample.name}{f'{{{labels}}}' if labels else ''} {value}\n")
    if openmetrics:
        lines.append("# EOF\n")
    return "".join(lines).encode()


def _on_one_line(documentation: str) -> str:
    return documentation.replace("\\", r"\\").replace("\n", r"\n")


def _escaped(value: str) -> str:
    return _on_one_line(value).replace('"', r"\"")
