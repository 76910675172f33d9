"""How long the rest of a run takes, from how long its kinds of work took so far: a probe, a step, a reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

READ, PROBE, TRAIN = "read", "probe", "train"
"""Kinds of work: to make features of pictures, to fit a probe, to train on a picture."""
BACKWARD = 3.0
"""To train on a picture takes about so many times as long as to read it: one way there, two ways back."""
PROBE_SECONDS = 0.01
"""Of a probe, before any was fitted."""
STEP_PICTURES = 16
"""A step costs as much as so many pictures more: of few pictures most of it is overhead."""
SURE = 500.0
"""So much work of a kind must be done before its own pace counts as much as what was expected of it: a first step is
slower than all that follow."""

Kind = tuple[str, str]
"""An encoder's name, and one of the three kinds."""


@dataclass
class Pace:
    """Counts work and the seconds that it took, by kind. The unit is a picture, of probes a probe."""

    amounts: dict[Kind, float] = field(default_factory=dict)
    seconds: dict[Kind, float] = field(default_factory=dict)

    def note(self, kind: Kind, amount: float, seconds: float) -> None:
        """Add work that was done."""
        self.amounts[kind] = self.amounts.get(kind, 0.0) + amount
        self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds

    def left(self, planned: Mapping[Kind, float]) -> float:
        """Seconds that the rest of the planned amounts takes."""
        return sum(max(0.0, amount - self.amounts.get(kind, 0.0)) * self.rate(kind) for kind, amount in planned.items())

    def rate(self, kind: Kind) -> float:
        """Seconds for one; where none was done, by what the encoder or the others took for something else."""
        encoder, work = kind
        amount, seconds = self.amounts.get(kind, 0.0), self.seconds.get(kind, 0.0)
        if work == TRAIN:
            return (seconds + SURE * BACKWARD * self.rate((encoder, READ))) / (amount + SURE)
        if amount:
            return seconds / amount
        return self._mean(work) or (PROBE_SECONDS if work == PROBE else 0.0)

    def _mean(self, work: str) -> float:
        """Seconds for one, over all encoders; 0 where none was done."""
        amount = sum(value for (_, each), value in self.amounts.items() if each == work)
        seconds = sum(value for (_, each), value in self.seconds.items() if each == work)
        return seconds / amount if amount else 0.0
