"""What the audience sees: a timeline, the tutorial's eight steps ticked off, the numbers at the end."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

STEPS = (
    "The Cloud Controller's pods are there",
    "All their containers are ready",
    "Asked from inside the cluster, as from pod api-0",
    "Port 8889 of the BBS Service does not answer",
    "All BBS pods are deleted",
    "They run again, all containers ready, exactly one active",
    "Port 8889 of the BBS Service answers again",
    "The stager is available: proven, and the alert is resolved",
)
"""IBM Cloud's tutorial "Debugging an unavailable Stager" (CFEE), which this product replaces, by its numbers."""


@dataclass(slots=True)
class Story:
    """The timeline, told as it happens. Times are seconds since the fault was caused."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    began: float | None = None
    ticked: dict[int, float] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Each line: when, who, what."""

    def begin(self) -> None:
        """The fault is about to be caused: the clock starts."""
        self.began = time.monotonic()

    def now(self) -> float:
        """Seconds since the fault."""
        return time.monotonic() - self.began if self.began is not None else 0.0

    def tell(self, who: str, sentence: str) -> None:
        """One line of the timeline; the same line twice in a row is told once."""
        if self.told and self.told[-1][1:] == (who, sentence):
            return
        at = f"{self.now():+7.1f} s" if self.began is not None else ""
        self.told.append((at.strip(), who, sentence))
        self.say(f"{at:9}  {who:<13} {sentence}")

    def mark(self, name: str) -> bool:
        """Note when something happened for the first time; whether this was it."""
        if name in self.marks or self.began is None:
            return False
        self.marks[name] = self.now()
        return True

    def tick(self, step: int, by: str) -> None:
        """One of the eight steps has been done by a program."""
        if step not in self.ticked and self.began is not None:
            self.ticked[step] = self.now()
            self.tell(by, f"[step {step} of 8 done] {STEPS[step - 1]}")

    def summary(self, deleted: list[str]) -> None:
        """The eight steps and the numbers."""
        if self.ticked:
            self.say('\nThe eight steps of "Debugging an unavailable Stager", as the programs did them:')
            for number, step in enumerate(STEPS, 1):
                done = f"at {self.ticked[number]:5.1f} s" if number in self.ticked else "not done"
                self.say(f"  [{'x' if number in self.ticked else ' '}] {number}. {step:<58} {done}")
        self.say("\nThe numbers (seconds after the fault was caused):")
        for name, title in (
            ("detected", "detected by the exporter"),
            ("alert", "alert fired"),
            ("opened", "remediation opened"),
            ("decided", "restart decided"),
            ("recovered", "recovered, proven"),
        ):
            self.say(f"  {title:<26} {f'{self.marks[name]:6.1f} s' if name in self.marks else '     -'}")
        self.say(f"  {'pods deleted':<26} {len(deleted):6d}   {' '.join(deleted)}".rstrip())

    def say(self, text: str) -> None:
        """A line of plain text, at once."""
        print(text, file=self.out, flush=True)
