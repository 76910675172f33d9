"""The trainer: pairs, one loss, and zero-shot tests on pictures and names that are never trained on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.analysis.prober import as_tensor
from backends.clip.augment import change
from backends.clip.checkpoint import save_model
from backends.clip.config import CLIPConfig
from backends.clip.model import MAX_SCALE, CLIPModel
from backends.clip.pairs import Captioned, Pairs, load_pairs
from backends.clip.tokens import CaptionTokenizer, Reading
from backends.clip.zero_shot import ten_way, top_k
from backends.data.pictures import PictureError, PictureSet
from backends.engine.schedule import rate_at
from backends.engine.trainer import SLICE_SECONDS, BudgetedTrainer, Snapshot, TrainingDiverged, TrainingError
from backends.nets.frozen import frozen_copy
from backends.nets.seeded import seeded

TEST_SHARE = 0.07
"""Of the training time: the tests wait until that much of it pays for them."""
TEST_SECONDS = 1.0
LIVE_PICTURES = 300
"""Of each test while it trains; `evaluate` takes all."""
SHOWN_PAIRS = 16
CLIP_NORM = 1.0
EMBED_CHUNK = 500
WAYS = 10
OCCLUSION_CELLS = 8


@dataclass(frozen=True, eq=False)
class FrozenCLIP:
    """A copy of what a run had learned; later steps do not change it. It is a `backends.clip.zero_shot.Space`.

    Attributes:
        config: of the run.
        step: how far it was.
        model: in evaluation mode; not for training.
        tokenizer: learned from the run's captions.
        pairs: the run's data; None for a model of which only the file is here.
        device: where the model is.
        scores: the newest tests, by name.
    """

    config: CLIPConfig
    step: int
    model: CLIPModel
    tokenizer: CaptionTokenizer
    pairs: Pairs | None
    device: str
    scores: dict[str, float]

    @property
    def scale(self) -> float:
        """1 / temperature."""
        return float(self.model.scale.detach())

    @property
    def bias(self) -> float | None:
        """SigLIP's; None for CLIP."""
        return None if self.model.logit_bias is None else float(self.model.logit_bias.detach())

    @property
    def size(self) -> int:
        """Side in pixels of the pictures that it reads."""
        return int(self.config.image_size)

    @property
    def occlusion_cells(self) -> int:
        """Of a side of the grid on which a picture is covered part by part."""
        return OCCLUSION_CELLS

    def embed_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) uint8 to (n, P) float32 of length 1."""
        return embed_pictures(self.model, as_tensor(pictures, self.device)).cpu().numpy()

    def embed_prompts(self, prompts: Sequence[str]) -> np.ndarray:
        """Texts to (n, P) float32 of length 1."""
        return embed_tokens(self.model, torch.from_numpy(self.tokenizer.encode(prompts)).to(self.device)).cpu().numpy()

    def read(self, prompt: str) -> Reading:
        """Say how a prompt is read."""
        return self.tokenizer.read(prompt)


class CLIPTrainer(BudgetedTrainer):
    """Learns to tell which caption belongs to which picture."""

    method = "clip"
    portable = True

    def __init__(
        self,
        config: CLIPConfig,
        *,
        pictures: PictureSet | None = None,
        device: str = "cpu",
        seconds: float | None = None,
    ) -> None:
        """Load the pairs, learn the tokenizer, build the nets, and test what they know untrained.

        Args:
            config: the settings.
            pictures: the visitor's own; needed when config.data is "own", ignored otherwise.
            device: "cpu", "cuda" or "mps".
            seconds: a time budget; the learning rate is fitted to it, and config.steps is not used.

        Raises:
            TrainingError: the pictures do not allow a run.
        """
        self.config: CLIPConfig = config
        self.device = device
        self.budget = seconds
        try:
            self.pairs = load_pairs(config.data, int(config.image_size), pictures)
        except PictureError as error:
            raise TrainingError(str(error)) from None
        self.batch = min(config.batch, len(self.pairs.train))
        self.notes = _notes(config, self.pairs)
        self.tokenizer = CaptionTokenizer.learn([way for ways in self.pairs.captions for way in ways])
        with seeded(config.seed):
            self.model = CLIPModel(config, len(self.tokenizer)).to(device, memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(self.model, config.weight_decay),
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            fused=device != "mps",
        )
        self._images = as_tensor(self.pairs.train.pictures.images, device)
        self._tokens = _tokens_of(self.pairs.captions, self.tokenizer).to(device)
        self._draws = np.random.default_rng(config.seed)
        self._order = np.zeros(0, np.int64)
        self._generator = torch.Generator(device).manual_seed(config.seed)
        self._tests = {name: Test(test, self.tokenizer, device) for name, test in self.pairs.tests.items()}
        self.shown = shown_pairs(self.pairs.train)
        self.step, self.seconds, self.test_seconds = 0, 0.0, 0.0
        self._tested_at = 0.0
        self.loss = math.nan
        self._good = frozen_copy(self.model)
        self.untrained = self.scores = self._test(LIVE_PICTURES)

    def steps(self) -> Iterator[Snapshot]:
        """Train; `step` counts batches.

        Raises:
            TrainingDiverged: loss or weights are no longer finite.
        """
        while not self._over():
            begun, before = time.perf_counter(), self.step
            losses = []
            while True:
                losses.append(self._advance())
                self.step += 1
                passed = time.perf_counter() - begun
                if self._over(passed) or passed + passed / len(losses) > SLICE_SECONDS:  # the next would end too late
                    break
            self._check(losses)
            spent = time.perf_counter() - begun
            self.seconds += spent
            now = self.batch * (self.step - before) / spent
            self._keep_pace(now)
            if self._over() or self.seconds - self._tested_at > max(TEST_SECONDS, self._cost / TEST_SHARE):
                self.scores = self._test(LIVE_PICTURES)
                self.seconds += self._cost
                self._tested_at = self.seconds
            matrix = self._matrix()
            metrics = {
                "loss": self.loss,
                "pairs_per_second": self.pace,
                "logit_scale": float(self._good.scale.detach()),
                "diagonal": float(np.diag(matrix).mean() - _off_diagonal(matrix).mean()),
                **self.scores,
            }
            done = self._over()
            total = self.step if done else self._total()
            yield Snapshot(self.step, total, self.seconds, metrics, {"matrix": matrix}, done=done)

    def freeze(self) -> FrozenCLIP:
        """Return a copy of the model with its tokenizer and newest tests."""
        return FrozenCLIP(
            self.config, self.step, self._good, self.tokenizer, self.pairs, self.device, dict(self.scores)
        )

    def evaluate(self) -> dict[str, float]:
        """Test on all pictures that are never trained on: `zero_shot_<test>`, ten-way, and `top5_<test>` of all names.

        Ten-way: a picture's name among nine others of the same test, the exact mean over all choices of these.
        """
        return self._test(None)

    def save(self, directory: Path) -> list[Path]:
        """Write both encoders and the tokenizer as model.safetensors with its card."""
        return save_model(self.freeze(), directory, self.card())

    def card(self) -> dict[str, Any]:
        """What a checkpoint's card says."""
        train = self.pairs.train.pictures
        return {
            "method": self.method,
            "config": self.config.model_dump(),
            "data": {"source": train.source, "licence": train.licence, "pairs": len(train)},
            "step": self.step,
            "seconds": round(self.seconds, 3),
            "loss": self.loss if math.isfinite(self.loss) else None,
            "metrics": self.evaluate(),
        }

    def _advance(self) -> Tensor:
        """One step; returns the loss, still on the device."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate_at(self._share())
        chosen = self._draw_batch()
        ways = self._draws.integers(0, self._tokens.shape[1], len(chosen))
        idx = torch.from_numpy(chosen).to(self.device)
        images = change(self._images[idx].float().div_(255), self.config, self._generator)
        tokens = _trimmed(self._tokens[idx, torch.from_numpy(ways).to(self.device)])
        self.model.train()
        with seeded(self.config.seed + self.step):  # dropout draws from torch's global generator
            loss = self.model.loss(
                self.model.embed_images(images.contiguous(memory_format=torch.channels_last)),
                self.model.embed_texts(tokens),
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        self._optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=math.log(MAX_SCALE))
        return loss.detach()

    def _draw_batch(self) -> np.ndarray:
        """Every picture once before any comes again, and in a batch as many different captions as there can be."""
        if len(self._order) < self.batch:
            self._order = in_rounds(self.pairs.train.class_idx, self._draws)
        chosen, self._order = self._order[: self.batch], self._order[self.batch :]
        return chosen

    def _check(self, losses: list[Tensor]) -> None:
        loss = float(torch.stack(losses).mean())
        finite = math.isfinite(loss) and all(bool(torch.isfinite(p).all()) for p in self.model.parameters())
        if not finite:
            raise TrainingDiverged(
                f"The loss became NaN before step {self.step:,}, so training stopped and the last good state is kept. "
                f"Lower the learning rate (now {self.config.learning_rate:g}) and train again."
            )
        self.loss = loss
        self._good = frozen_copy(self.model)

    def _test(self, most: int | None) -> dict[str, float]:
        begun = time.perf_counter()
        scores = {key: value for name, test in self._tests.items() for key, value in test.of(self._good, name, most)}
        self._cost = time.perf_counter() - begun
        self.test_seconds += self._cost
        return scores

    def _matrix(self) -> np.ndarray:
        """(n, n) cosines of the shown pictures and their captions."""
        images = embed_pictures(self._good, self._images[torch.from_numpy(self.shown).to(self.device)])
        tokens = self._tokens[torch.from_numpy(self.shown).to(self.device), 0]
        return (images @ embed_tokens(self._good, tokens).T).cpu().numpy()


class Test:
    """Pictures never trained on, and the names to choose from."""

    __test__ = False  # for pytest, which takes every Test for its own

    def __init__(self, captioned: Captioned, tokenizer: CaptionTokenizer, device: str) -> None:
        order = np.random.default_rng(0).permutation(len(captioned))
        self._images = as_tensor(captioned.pictures.images[order], device)
        self._class_idx = captioned.class_idx[order]
        self._tokens = torch.from_numpy(tokenizer.encode(captioned.classes)).to(device)

    def of(self, model: CLIPModel, name: str, most: int | None) -> list[tuple[str, float]]:
        """Score a model on the first `most` pictures, or on all; `name` goes into the names of the scores."""
        if not len(self._images):
            return []
        pictures = embed_pictures(model, self._images[:most])
        cosines = (pictures @ embed_tokens(model, self._tokens).T).cpu().numpy()
        class_idx = self._class_idx[:most]
        return [
            (f"zero_shot_{name}", ten_way(cosines, class_idx, WAYS)),
            (f"top5_{name}", top_k(cosines, class_idx, 5)),
            (f"top1_{name}", top_k(cosines, class_idx, 1)),
        ]


def in_rounds(class_idx: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Order pictures so that all classes come once, then all that are left once more, and so on: (N,) indices.

    Two pictures with one caption in a batch would each be a wrong answer that is right.
    """
    order = generator.permutation(len(class_idx))
    ranked = order[np.argsort(class_idx[order], kind="stable")]
    classes = class_idx[ranked]
    starts = np.flatnonzero(np.r_[True, classes[1:] != classes[:-1]])
    rounds = np.arange(len(ranked)) - np.repeat(starts, np.diff(np.r_[starts, len(ranked)]))
    return ranked[np.lexsort((generator.random(len(ranked)), rounds))]


def shown_pairs(captioned: Captioned, count: int = SHOWN_PAIRS) -> np.ndarray:
    """Some pictures with captions that all differ, spread over the classes: (n,) indices, the same for every run."""
    _, first = np.unique(captioned.class_idx, return_index=True)
    return first[np.linspace(0, len(first) - 1, min(count, len(first))).round().astype(int)]


@torch.no_grad()
def embed_pictures(model: CLIPModel, images: Tensor) -> Tensor:
    """(N, 3, S, S) uint8 to (N, P) of length 1."""
    parts = [
        model.embed_images((chunk.float() / 255).contiguous(memory_format=torch.channels_last))
        for chunk in images.split(EMBED_CHUNK)
    ]
    return torch.cat(parts)


@torch.no_grad()
def embed_tokens(model: CLIPModel, tokens: Tensor) -> Tensor:
    """(N, T) token numbers to (N, P) of length 1."""
    return torch.cat([model.embed_texts(chunk) for chunk in tokens.split(EMBED_CHUNK)])


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices are pulled to zero; norms, biases, embeddings and the temperature are not."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (free if parameter.ndim < 2 or "embedding" in name else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _tokens_of(captions: tuple[tuple[str, ...], ...], tokenizer: CaptionTokenizer) -> Tensor:
    """(N, ways, T) token numbers of the ways to put each caption."""
    ways = len(captions[0])
    flat = [way for all_ways in captions for way in all_ways]
    distinct = list(dict.fromkeys(flat))
    place = {caption: i for i, caption in enumerate(distinct)}
    encoded = tokenizer.encode(distinct)
    return torch.from_numpy(encoded[[place[way] for way in flat]].reshape(len(captions), ways, -1))


def _trimmed(tokens: Tensor) -> Tensor:
    """(B, T) without the columns that are padding in every row."""
    longest = int((tokens != 0).sum(dim=1).max())
    return tokens[:, :longest]


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)] if len(matrix) > 1 else np.zeros(1)


def _notes(config: CLIPConfig, pairs: Pairs) -> list[str]:
    notes = list(pairs.train.pictures.notes)
    if config.batch > len(pairs.train):
        notes.append(f"The batch is {config.batch}, but there are {len(pairs.train)} pairs to train on: all are taken.")
    if config.data == "own" and len(pairs.train.classes) < min(config.batch, len(pairs.train)) / 4:
        notes.append(
            f"There are only {len(pairs.train.classes)} different captions, so a batch holds each several times and "
            "counts equal ones as wrong answers; a smaller batch learns faster."
        )
    return notes
