"""A person's approval of one remediation: an annotation on its record, so that one line of kubectl is enough. Pure.

`stuck_unavailable by alice`: the one diagnosis whose `never` that person overrides, and the person. Where the chart's
admission policy is in force, the API server takes it from nobody but that user.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANNOTATION = "stagekeeper.dev/approve"
LONGEST_PERSON = 256
"""Characters of a name that are kept."""
_BY = " by "


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person approved."""

    condition: str
    person: str

    def __str__(self) -> str:
        """As a record notes it: who approved, and what."""
        return f"{self.person} for {self.condition}"[:LONGEST_PERSON]


def read(metadata: Mapping[str, Any]) -> Approval | None:
    """The approval that an object's metadata hold; None where there is none, or one that names nobody."""
    annotations = metadata.get("annotations")
    text = annotations.get(ANNOTATION) if isinstance(annotations, Mapping) else None
    condition, _, person = text.partition(_BY) if isinstance(text, str) else ("", "", "")
    if not condition.strip() or not person.strip():
        return None
    return Approval(condition.strip(), person.strip()[:LONGEST_PERSON])


def command(name: str, condition: str, flags: str = "") -> str:
    """What to type after `kubectl -n NAMESPACE` to approve a restart for `condition` by the record `name`.

    `flags` are those that tell kubectl which cluster and whose rights.
    """
    who = f"$(kubectl{f' {flags}' if flags else ''} auth whoami -o jsonpath={{.status.userInfo.username}})"
    return f'annotate --overwrite remediation {name} {ANNOTATION}="{condition}{_BY}{who}"'
