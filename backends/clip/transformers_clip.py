"""CLIP and SigLIP in the format of the library transformers, from a fixed list or the operator's folder.

They answer as our own models do; see `backends.clip.trainer.FrozenCLIP`. Only safetensors files are read and no code
that comes with a model is run; see `transformers_models`, which also fetches. The library takes seconds to import, so
it is imported when the first model is loaded.
"""

from __future__ import annotations

import hashlib
import math
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.attention.heads import HeadsError
from backends.attention.transformers_models import (
    KnownModel,
    ModelFolder,
    ModelUnavailable,
    check_folder,
    folder_of,
    load_pretrained,
    standardisation,
)
from backends.clip.pairs import Captioned, Pairs
from backends.clip.tokens import MAX_PROMPT_CHARS, Reading, words_of
from backends.clip.zero_shot import NEUTRAL_PROMPT, OCCLUSION_GREY, unit
from backends.data.splits import at_training_size

if TYPE_CHECKING:
    from torch import Tensor

CLIP, SIGLIP = "clip", "siglip"
KINDS = (CLIP, SIGLIP)
"""As config.json names them."""
KNOWN_MODELS: dict[str, KnownModel] = {
    model.name: model
    for model in (
        KnownModel("clip-vit-base-patch32", "openai/clip-vit-base-patch32", "CLIP: OpenAI's own", 605, "MIT"),
        KnownModel(
            "siglip-base-patch16-224", "google/siglip-base-patch16-224", "SigLIP: Google's own", 813, "Apache-2.0"
        ),
    )
}
MAX_IMAGE_SIZE, MAX_TOKENS = 512, 512
"""Of a picture and of a text that a model takes; those that are known take 224 pixels, and 77 or 64 tokens."""
STANDARDS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    CLIP: ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    SIGLIP: ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Mean and spread of each colour that pixels are standardised with, where preprocessor_config.json says nothing."""
PICTURE_CHUNK, PROMPT_CHUNK = 16, 64
"""That are embedded in one pass; other threads get their turn between passes."""
KNOWN_PICTURES = 1_000
"""Whose vectors are kept: the sample, and some of what is asked about, with its covered copies."""
OCCLUSION_CELLS, SLOW_OCCLUSION_CELLS = 8, 4
"""A side, on a GPU and on a CPU, where a pass takes a tenth of a second."""
OLD_END = 2
"""As the end's number, this stands for the highest number in a text: so say configs of the first CLIP models."""
SAMPLE_CONCEPTS, SAMPLE_SEED = 75, 0
"""All 6,268 emoji would take minutes on a CPU."""
SAMPLE = "sample"
TEMPLATES = ("{}", "a photo of {}", "an emoji of {}", "a picture of {}")

_held: weakref.WeakValueDictionary[tuple[Path, str], PretrainedCLIP] = weakref.WeakValueDictionary()
_loading = threading.Lock()
_sampling = threading.Lock()


@dataclass(frozen=True)
class SampleConfig:
    """What the page asks of a model's settings.

    Attributes:
        data: the pictures that it is asked about.
    """

    data: str = "emoji"


class PretrainedCLIP:
    """A CLIP or SigLIP that is a `backends.clip.zero_shot.Space`. Threads take turns.

    Attributes:
        title: as the page calls it.
        config: says that it is asked about emoji.
        model: of transformers, in evaluation mode.
        device: where the model is.
        size: side in pixels of the pictures that it reads.
        longest: tokens of a text that it reads, those at its ends among them.
        scale: what cosines are multiplied by before the softmax: 1 / temperature.
        bias: what SigLIP adds to a logit; None for CLIP.
        dimensions: P, of its vectors.
        step: 0, for it was trained elsewhere.
        scores: none.
    """

    def __init__(
        self,
        model: Any,
        title: str,
        tokenizer: Any,
        standard: tuple[tuple[float, ...], tuple[float, ...]],
        device: str = "cpu",
    ) -> None:
        """Take a model in evaluation mode, try it, and keep what it needs to read pictures and prompts.

        Args:
            model: a `CLIPModel` or `SiglipModel` of transformers.
            title: as the page calls it.
            tokenizer: that fits the model; see `_read_tokenizer`.
            standard: mean and spread of each colour in [0, 1].
            device: "cpu", "cuda" or "mps".

        Raises:
            HeadsError: its pictures or texts are too large, not in three colours, or its answers are no numbers.
        """
        self.title, self.model, self.device = title, model.to(device), device
        self.config, self.step = SampleConfig(), 0
        self.scores: dict[str, float] = {}
        self.size, self.longest = _sizes(model.config, title)
        self.scale = float(model.logit_scale.detach().exp())
        self.bias = float(model.logit_bias.detach()) if model.config.model_type == SIGLIP else None
        self._tokenizer, self._standard = tokenizer, standard
        self._known: dict[bytes, np.ndarray] = {}
        self._turn, self._reading = threading.Lock(), threading.Lock()
        self.dimensions = self._try()

    @property
    def occlusion_cells(self) -> int:
        """Of a side of the grid on which a picture is covered part by part."""
        return SLOW_OCCLUSION_CELLS if self.device == "cpu" else OCCLUSION_CELLS

    @property
    def pairs(self) -> Pairs:
        """A sample of the emoji at the model's size."""
        return sample_pairs(self.size)

    def embed_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) uint8 to (n, P) float32 of length 1.

        Raises:
            ValueError: the shape does not fit the model.
        """
        size = self.size
        if pictures.ndim != 4 or pictures.shape[1:] != (size, size, 3) or pictures.dtype != np.uint8:
            raise ValueError(f"Pictures must be (n, {size}, {size}, 3) uint8, not {pictures.shape} {pictures.dtype}.")
        keys = [hashlib.blake2b(picture.tobytes(), digest_size=16).digest() for picture in pictures]
        with self._turn:
            known = {key: self._known[key] for key in keys if key in self._known}
        new = [i for i, key in enumerate(keys) if key not in known]
        for start in range(0, len(new), PICTURE_CHUNK):
            chunk = new[start : start + PICTURE_CHUNK]
            known |= zip((keys[i] for i in chunk), self._see(pictures[chunk]), strict=True)
        with self._turn:
            self._known |= {keys[i]: known[keys[i]] for i in new}
            for key in list(self._known)[: max(0, len(self._known) - KNOWN_PICTURES)]:
                del self._known[key]
        return self._joined([known[key][None] for key in keys])

    def embed_prompts(self, prompts: Sequence[str]) -> np.ndarray:
        """Texts to (n, P) float32 of length 1; what is longer than the model reads is left out, see `read`."""
        starts = range(0, len(prompts), PROMPT_CHUNK)
        return self._joined([self._understand(prompts[start : start + PROMPT_CHUNK]) for start in starts])

    def read(self, prompt: str) -> Reading:
        """Say how a prompt is read. No word is new to the model, for it knows pieces of every word."""
        with self._reading:
            tokens = len(self._tokenizer(self._respell(prompt), verbose=False)["input_ids"])
        return Reading(words_of(prompt), (), cut=len(prompt) > MAX_PROMPT_CHARS or tokens > self.longest)

    def _joined(self, parts: list[np.ndarray]) -> np.ndarray:
        """Parts (n, P) in one, of length 1; (0, P) where there are none."""
        return unit(np.concatenate([np.zeros((0, self.dimensions), np.float32), *parts]))

    def _see(self, pictures: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 to (n, P) float32 of any length."""
        import torch

        pixels = self._pixels(pictures)
        with self._turn, torch.inference_mode():
            return _pooled(self.model.get_image_features(pixel_values=pixels))

    def _understand(self, prompts: Sequence[str]) -> np.ndarray:
        """Texts to (n, P) float32 of any length."""
        import torch

        tokens = {name: tensor.to(self.device) for name, tensor in self._tokens(prompts).items()}
        with self._turn, torch.inference_mode():
            return _pooled(self.model.get_text_features(**tokens))

    def _pixels(self, pictures: np.ndarray) -> Tensor:
        """(n, S, S, 3) uint8 to (n, 3, S, S) standardised, on the device."""
        import torch

        mean, spread = (torch.tensor(values, device=self.device) for values in self._standard)
        pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device).float() / 255
        return ((pixels - mean) / spread).permute(0, 3, 1, 2)

    def _tokens(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """The model's input: `input_ids` (n, T), and for CLIP `attention_mask`.

        SigLIP was trained on texts that are padded to its full length, and sees the padding.
        """
        texts = [self._respell(prompt) for prompt in prompts]
        siglip = self.model.config.model_type == SIGLIP
        with self._reading:  # a tokenizer changes its own settings when it is called, so threads would disturb others
            encoded = self._tokenizer(
                texts,
                padding="max_length" if siglip else True,
                truncation=True,
                max_length=self.longest,
                return_tensors="pt",
            )
        return {name: encoded[name] for name in (("input_ids",) if siglip else ("input_ids", "attention_mask"))}

    def _respell(self, prompt: str) -> str:
        """The part of a prompt that is read. SigLIP was trained on lower case; not all of its tokenizers see to it."""
        text = prompt[:MAX_PROMPT_CHARS].encode("utf-8", "replace").decode("utf-8")  # half a character is no text
        return text.lower() if self.model.config.model_type == SIGLIP else text

    def _try(self) -> int:
        """Embed a grey picture and a prompt, and say how long their vectors are.

        Raises:
            HeadsError: they can't be compared.
        """
        grey = np.full((1, self.size, self.size, 3), OCCLUSION_GREY, np.uint8)
        picture, prompt = self._see(grey)[0], self._understand([NEUTRAL_PROMPT])[0]
        finite = np.isfinite(picture).all() and np.isfinite(prompt).all()
        if not finite or not math.isfinite(self.scale) or not math.isfinite(self.bias or 0.0):
            raise HeadsError(f"{self.title} answers with numbers that are not finite. The present model stays.")
        if picture.shape != prompt.shape:
            raise HeadsError(f"{self.title} puts pictures and texts into different spaces. The present model stays.")
        return len(picture)


def sample_pairs(size: int) -> Pairs:
    """75 emoji as four artists drew them, to ask about and never to train on; drawn once for a size and shared.

    Args:
        size: side in pixels.
    """
    with _sampling:
        return _sample(size)


def folder_names(models: ModelFolder | None) -> list[str]:
    """The subfolders of the operator's folder that hold a CLIP or SigLIP; none without such a folder."""
    return [] if models is None else models.names_of(KINDS)


def load_known(name: str, *, device: str = "cpu") -> PretrainedCLIP:
    """Load a model of the fixed list: from the local cache, else over the network.

    Raises:
        ModelUnavailable: it is not in the list, or there is neither a copy nor a network.
        HeadsError: the copy is damaged.
    """
    if name not in KNOWN_MODELS:
        raise ModelUnavailable(f"There is no model {str(name)[:40]!r} here; choose from {', '.join(KNOWN_MODELS)}.")
    folder = folder_of(KNOWN_MODELS[name])
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"{name} is there without a .safetensors file, and no other is read: convert a copy, and put it into the "
            "folder of models (--model-dir). The present model stays."
        )
    return load_folder(folder, title=name, device=device)


def load_from(models: ModelFolder, name: str, *, device: str = "cpu") -> PretrainedCLIP:
    """Load the CLIP or SigLIP in a subfolder of the operator's folder.

    Raises:
        ModelUnavailable: there is no subfolder of this name.
        HeadsError: it holds none that can be read.
    """
    return load_folder(models.path(name), title=name, device=device)


def load_folder(folder: Path, *, title: str, device: str = "cpu") -> PretrainedCLIP:
    """Load the CLIP or SigLIP in a folder; who asks while another loads waits.

    The newest one is kept, and all others for as long as somebody has them, so that no model is there twice.

    Raises:
        HeadsError: the folder holds none that can be read; one sentence says why.
    """
    with _loading:
        held = _held.get((folder, device))
        if held is None:
            held = _held[folder, device] = _load(folder, title, device)
        return held


@lru_cache(maxsize=1)
def _load(folder: Path, title: str, device: str) -> PretrainedCLIP:
    kind = check_folder(folder, KINDS)
    try:
        import transformers

        standard = standardisation(folder, STANDARDS[kind])
        model = load_pretrained(transformers.CLIPModel if kind == CLIP else transformers.SiglipModel, folder)
        return PretrainedCLIP(model, title, _read_tokenizer(folder, model.config), standard, device)
    except HeadsError:
        raise
    except Exception as error:  # whatever a damaged file makes the library raise, a visitor gets one sentence
        _log().warning("%s can't be loaded", folder, exc_info=error)
        raise HeadsError(f"The files of {title} are damaged or incomplete. The present model stays.") from None


@lru_cache(maxsize=2)
def _sample(size: int) -> Pairs:
    from backends.data.emoji import load_emoji, load_index

    concepts, artists = load_index().concepts, len(load_index().artists)
    chosen = np.sort(np.random.default_rng(SAMPLE_SEED).choice(len(concepts), SAMPLE_CONCEPTS, replace=False))
    places = (chosen[:, None] * artists + np.arange(artists)).ravel()  # a concept's drawings are side by side
    pictures = load_emoji()

    def some(indices: np.ndarray, classes: tuple[str, ...]) -> Captioned:
        class_idx = np.repeat(np.arange(len(classes)), artists)
        return Captioned(at_training_size(pictures.subset(indices), size), classes, class_idx)

    sample = some(places, tuple(concepts[i] for i in chosen))
    return Pairs(train=some(places[:0], ()), captions=(), tests={SAMPLE: sample}, templates=TEMPLATES)


def _read_tokenizer(folder: Path, config: Any) -> Any:
    """The tokenizer beside a model: tokenizer.json, whatever class it was saved from.

    Raises:
        HeadsError: there is none, or it does not fit the model.
    """
    from transformers import PreTrainedTokenizerFast

    if not (folder / "tokenizer.json").is_file():
        raise HeadsError(
            f"The model in {folder.name} has no tokenizer.json, and no other file of a tokenizer is read here. "
            "The present model stays."
        )
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    fits = tokenizer.pad_token is not None and max(tokenizer.get_vocab().values()) < config.text_config.vocab_size
    if not fits or (config.model_type == CLIP and not _ends_where_clip_looks(tokenizer, config.text_config)):
        raise HeadsError(f"The tokenizer in {folder.name} does not fit its model. The present model stays.")
    return tokenizer


def _ends_where_clip_looks(tokenizer: Any, config: Any) -> bool:
    """Whether a text's last token is the one that CLIP takes its vector from, padding or not.

    transformers looks for the first end token, and takes the text's first token where there is none: then all texts
    would have the same vector, and nothing would say so.
    """
    last = len(tokenizer("a")["input_ids"]) - 1
    padded = tokenizer("a", padding="max_length", max_length=last + 3)["input_ids"]
    end = max(padded) if config.eos_token_id == OLD_END else config.eos_token_id
    return last > 0 and end in padded and padded.index(end) == last


def _sizes(config: Any, title: str) -> tuple[int, int]:
    """The side in pixels of a model's pictures, and how many tokens it reads.

    Raises:
        HeadsError: they are out of range, or the pictures are not square or not in three colours.
    """
    vision, longest = config.vision_config, int(config.text_config.max_position_embeddings)
    sides = set(vision.image_size) if isinstance(vision.image_size, list | tuple) else {vision.image_size}
    if len(sides) != 1 or not 1 <= max(sides) <= MAX_IMAGE_SIZE or int(vision.num_channels) != 3:
        raise HeadsError(
            f"{title} takes pictures that are not square, larger than {MAX_IMAGE_SIZE} pixels, or in other colours "
            "than red, green and blue. The present model stays."
        )
    if not 3 <= longest <= MAX_TOKENS:
        raise HeadsError(f"{title} reads {longest:,} tokens, not 3 to {MAX_TOKENS}. The present model stays.")
    return int(max(sides)), longest


def _pooled(output: Any) -> np.ndarray:
    """(n, P) float32: what a model says of pictures or texts."""
    pooled: np.ndarray = output.pooler_output.float().cpu().numpy()
    return pooled


def _log() -> Any:
    import logging

    return logging.getLogger(__name__)
