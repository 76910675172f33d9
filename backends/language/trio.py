"""BERT, T5 and GPT trained side by side on the same text: one run, in which the one that is furthest behind is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from backends.engine.trainer import Snapshot, Trainer
from backends.language.config import TITLES
from backends.language.samples import Sample, Sampler
from backends.language.trainer import TRAINERS, FrozenLanguage, LanguageTrainer
from backends.language.trio_config import TrioConfig


@dataclass(frozen=True, eq=False)
class FrozenTrio:
    """Copies of what the models of a run had learned; later steps do not change them.

    Attributes:
        config: of the run.
        models: by method.
        untrained: the measures before the first step, by method.
        samples: what each made of one held-out line, oldest first.
    """

    config: TrioConfig
    models: Mapping[str, FrozenLanguage]
    untrained: Mapping[str, Mapping[str, float]]
    samples: Mapping[str, tuple[Sample, ...]]


class TrioTrainer(Trainer):
    """Trains one of the models, or all three by turns; `step` counts the batches of all together.

    A snapshot's metrics are those of each model with its name before them, and `<method>_step`, `<method>_seconds`.
    """

    method: ClassVar[str] = "language"
    portable = True

    def __init__(self, config: TrioConfig, *, text: Sequence[str] | None = None, device: str = "cpu") -> None:
        """Build the models; see `LanguageTrainer`.

        Raises:
            TrainingError: the text does not allow a run.
        """
        self.config: TrioConfig = config
        self.device = device
        self.trainers: dict[str, LanguageTrainer] = {
            method: TRAINERS[method](config.of(method), text=text, device=device) for method in config.methods
        }
        self.notes = _told(self.trainers)
        self._samplers = {
            method: Sampler(method, trainer.tokenizer, trainer.data.text.held_out, trainer.config.length)
            for method, trainer in self.trainers.items()
        }
        self._sampled: dict[str, dict[str, float]] = {}
        self._models = {method: trainer.freeze() for method, trainer in self.trainers.items()}
        self._untrained = {method: dict(trainer.untrained) for method, trainer in self.trainers.items()}
        self._metrics: dict[str, float] = {}
        for method in self.trainers:
            self._note(method)

    def steps(self) -> Iterator[Snapshot]:
        """Train by turns, always the model with the smallest part of its steps done.

        Raises:
            TrainingDiverged: the numbers of one of them are no longer finite.
        """
        going = {
            method: trainer.steps() for method, trainer in self.trainers.items() if trainer.step < trainer.config.steps
        }
        while going:
            method = min(going, key=lambda name: self.trainers[name].step / self.trainers[name].config.steps)
            snapshot = next(going[method])
            if snapshot.done:
                del going[method]
            self._metrics |= {f"{method}_{name}": value for name, value in snapshot.metrics.items()}
            self._note(method)
            yield Snapshot(
                sum(trainer.step for trainer in self.trainers.values()),
                sum(trainer.config.steps for trainer in self.trainers.values()),
                sum(trainer.seconds for trainer in self.trainers.values()),
                dict(self._metrics),
                done=not going,
            )

    def freeze(self) -> FrozenTrio:
        """Return copies of the models with their newest measures and samples."""
        samples = {method: tuple(sampler.samples) for method, sampler in self._samplers.items()}
        return FrozenTrio(self.config, dict(self._models), self._untrained, samples)

    def evaluate(self) -> dict[str, float]:
        """The measures of `LanguageTrainer.evaluate`, each with its model's name before it."""
        return {f"{m}_{name}": value for m, t in self.trainers.items() for name, value in t.evaluate().items()}

    def save(self, directory: Path) -> list[Path]:
        """Write each model into a folder of its name."""
        return [path for method, trainer in self.trainers.items() for path in trainer.save(directory / method)]

    def _note(self, method: str) -> None:
        """Keep a model's copy, its step and time, and when it was measured anew, a sample of what it says."""
        trainer = self.trainers[method]
        self._models[method] = trainer.freeze()
        self._metrics |= {f"{method}_step": float(trainer.step), f"{method}_seconds": trainer.seconds}
        if trainer.scores is not self._sampled.get(method):
            self._sampled[method] = trainer.scores
            self._samplers[method].take(self._models[method])


def _told(trainers: Mapping[str, Any]) -> list[str]:
    """The models' notes: once where all say the same, else with the model's name."""
    notes: dict[str, list[str]] = {}
    for method, trainer in trainers.items():
        for note in trainer.notes:
            notes.setdefault(note, []).append(TITLES[method])
    return [note if len(names) == len(trainers) else f"{', '.join(names)}: {note}" for note, names in notes.items()]
