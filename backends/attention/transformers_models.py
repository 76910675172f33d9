"""Trained models in the format of the library transformers: BERT, GPT-2, T5 and ViT, from a fixed list or a folder.

Only safetensors files are read, no code that comes with a model is run, and nothing is fetched but the models of the
list. The library takes seconds to import, so it is imported when the first model is loaded.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.attention.heads import (
    CROSS,
    DECODER,
    ENCODER,
    LONGEST,
    AttentionStack,
    Head,
    HeadsError,
    Pass,
    Prediction,
    Prepared,
    readable_piece,
    shown_pieces,
    top_guesses,
)

MAX_MODEL_BYTES = 1_500_000_000
MAX_CONFIG_BYTES = 4 << 20
"""A picture model's config names its classes."""
MAX_PREPROCESSOR_BYTES = 64 << 10
MAX_FOLDERS = 200
MAX_LABEL_CHARS = 40
FETCH_SECONDS = 90.0
"""How long a visitor waits for a model that comes over the network; it goes on coming afterwards."""
KEPT_MODELS = 2
"""Loaded at the same time; half a gigabyte each."""
WRITTEN_TOKENS = 16
"""That an encoder-decoder writes."""
MASK = "[MASK]"
"""As a visitor writes it, whatever the model calls it."""
FILES = ["*.json", "*.txt", "*.safetensors"]
"""Of a repository, those that are fetched."""
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json")


class ModelUnavailable(HeadsError):
    """A model can't be had. The message says why; the present model stays."""


@dataclass(frozen=True)
class KnownModel:
    """A model of the fixed list.

    Attributes:
        name: as the field calls it, and as a visitor chooses it.
        repository: on huggingface.co.
        title: what it is, in a few words.
        megabytes: that are fetched.
        licence: of its weights.
    """

    name: str
    repository: str
    title: str
    megabytes: int
    licence: str


KNOWN_MODELS: dict[str, KnownModel] = {
    model.name: model
    for model in (
        KnownModel("bert-base-uncased", "google-bert/bert-base-uncased", "BERT: fills masks", 440, "Apache-2.0"),
        KnownModel("gpt2", "openai-community/gpt2", "GPT-2: guesses the next token", 550, "MIT"),
        KnownModel("t5-small", "google-t5/t5-small", "T5: encoder and decoder", 240, "Apache-2.0"),
        KnownModel("vit-base-patch16-224", "google/vit-base-patch16-224", "ViT: pictures", 350, "Apache-2.0"),
        KnownModel("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2", "sentence vectors", 90, "Apache-2.0"),
    )
}

_loaded: OrderedDict[Path, TransformersModel] = OrderedDict()
_loading = threading.Lock()
_fetches: dict[str, _Fetch] = {}
_fetching = threading.Lock()


def load_known(name: str) -> TransformersModel:
    """Load a model of the fixed list: from the local cache, else over the network.

    Raises:
        ModelUnavailable: it is not in the list, or there is neither a copy nor a network.
        HeadsError: the copy is damaged.
    """
    if name not in KNOWN_MODELS:
        raise ModelUnavailable(f"There is no model {str(name)[:40]!r} here; choose from {', '.join(KNOWN_MODELS)}.")
    known = KNOWN_MODELS[name]
    return load_folder(folder_of(known), title=known.name)


def folder_of(known: KnownModel) -> Path:
    """Where a model of a fixed list lies: in the local cache, or fetched into it over the network.

    Raises:
        ModelUnavailable: there is neither a copy nor a network.
    """
    return _cached_folder(known) or _fetch(known)


class ModelFolder:
    """The operator's folder, whose subfolders are models. Visitors choose among the subfolders' names only."""

    def __init__(self, root: str | Path) -> None:
        """Take the operator's folder.

        Raises:
            HeadsError: it is no folder.
        """
        self._root = Path(root)
        if not self._root.is_dir():
            raise HeadsError(
                f"{self._root.name or root} is no folder; --model-dir needs one whose subfolders are models."
            )
        self._root = self._root.resolve()

    def names(self) -> list[str]:
        """The subfolders' names, in order; at most `MAX_FOLDERS`. Hidden ones and links to elsewhere are left out."""
        inside = (path for path in self._root.iterdir() if not path.name.startswith("."))
        return sorted(path.name for path in inside if path.is_dir() and path.resolve().parent == self._root)[
            :MAX_FOLDERS
        ]

    def load(self, name: str) -> TransformersModel:
        """Load the model in a subfolder.

        Raises:
            ModelUnavailable: there is no subfolder of this name.
            HeadsError: it holds no model that can be read.
        """
        return load_folder(self.path(name), title=name)

    def path(self, name: str) -> Path:
        """The subfolder of this name.

        Raises:
            ModelUnavailable: there is none.
        """
        if name not in self.names():
            raise ModelUnavailable(
                f"There is no model {str(name)[:40]!r} in the folder of models. The present model stays."
            )
        return self._root / name

    def names_of(self, kinds: Collection[str]) -> list[str]:
        """Those of `names` that hold a model of one of these kinds, such as "vit_mae", in a size that is loaded."""
        return [name for name in self.names() if _holds(self._root / name, kinds)]


def load_folder(folder: Path, *, title: str) -> TransformersModel:
    """Load the model in a folder, or return it where it is loaded already. Who asks while another loads waits.

    Raises:
        HeadsError: the folder holds no model that can be read; one sentence says why.
    """
    with _loading:
        if folder not in _loaded:
            loaded = _load(folder, title)
            while len(_loaded) >= KEPT_MODELS:
                _loaded.popitem(last=False)
            _loaded[folder] = loaded
        _loaded.move_to_end(folder)
        return _loaded[folder]


class TransformersModel:
    """A model of the library transformers; see `backends.attention.heads.HeadModel`.

    Threads take turns: silencing hangs hooks into the model.
    """

    OUTPUT_LAYERS: dict[str, str]
    """By stack, a pattern of the names of the layers that merge the heads of a layer; its group is the layer."""
    takes_picture = False

    def __init__(self, model: Any, title: str) -> None:
        self.title, self._model, self._turn = title, model, threading.Lock()
        self._merging = {stack: _numbered(model, pattern) for stack, pattern in self.OUTPUT_LAYERS.items()}

    @property
    def shape(self) -> dict[str, tuple[int, int]]:
        """(layers, heads in each) by stack."""
        return {stack: (len(merging), self._heads) for stack, merging in self._merging.items()}

    def prepare(self, source: Any) -> Prepared:
        """Turn a text or a picture into the model's input."""
        raise NotImplementedError

    def run(self, prepared: Prepared, silenced: Collection[Head]) -> Pass:
        """Compute one pass without the silenced heads."""
        import torch

        with self._turn, torch.inference_mode(), self._without(silenced):
            return self._forward(prepared.data)

    def _forward(self, data: Any) -> Pass:
        raise NotImplementedError

    @property
    def _heads(self) -> int:
        return int(self._model.config.num_attention_heads)

    @contextmanager
    def _without(self, silenced: Collection[Head]) -> Iterator[None]:
        """Zero the heads' parts of what enters the layers that merge them."""
        hooks = []
        try:
            for stack, layer in {(stack, layer) for stack, layer, _ in silenced}:
                heads = [head for other, place, head in silenced if (other, place) == (stack, layer)]
                merging = self._merging[stack][layer]
                hooks.append(merging.register_forward_pre_hook(_zeroing(heads, self._heads)))
            yield
        finally:
            for hook in hooks:
                hook.remove()


@dataclass(frozen=True)
class TextInput:
    """A text as a model of transformers reads it.

    Attributes:
        ids: (T,) token numbers.
        pieces: the same as they are shown.
        special: places of the tokens that the tokenizer added.
        target: token numbers that an encoder-decoder's decoder reads.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    special: tuple[int, ...]
    target: tuple[int, ...] = ()


class TextModel(TransformersModel):
    """What the text models share: the tokenizer."""

    def __init__(self, model: Any, title: str, tokenizer: Any) -> None:
        super().__init__(model, title)
        self._tokenizer = tokenizer
        self._longest = min(LONGEST, int(getattr(model.config, "max_position_embeddings", None) or LONGEST))

    def prepare(self, source: str) -> Prepared:
        """Cut a text into at most as many tokens as the model reads."""
        text = self._respell(source)
        whole = len(self._tokenizer(text, verbose=False)["input_ids"])
        encoded = self._tokenizer(
            text,
            truncation=True,
            max_length=self._longest,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        ids = encoded["input_ids"]
        special = tuple(place for place, added in enumerate(encoded["special_tokens_mask"]) if added)
        if len(ids) == len(special):
            raise HeadsError("Nothing is left of this text after the model's own cleaning; write a word.")
        pieces = shown_pieces(text, [self._piece(number) for number in ids], encoded["offset_mapping"])
        return self._finish(TextInput(tuple(ids), pieces, special), cut=whole > len(ids))

    def _respell(self, text: str) -> str:
        return text

    def _finish(self, given: TextInput, *, cut: bool) -> Prepared:
        return Prepared(given, kept=len(given.ids), cut=cut)

    def _piece(self, number: int) -> str:
        raw = str(self._tokenizer.convert_ids_to_tokens(number) or "")
        return readable_piece(raw, self._tokenizer.decode([number]))

    def _self_stack(self, name: str, given: TextInput, attentions: Any, *, causal: bool = False) -> AttentionStack:
        return AttentionStack(
            name,
            given.pieces,
            given.pieces,
            _stacked(attentions),
            given.ids,
            given.ids,
            given.special,
            given.special,
            causal=causal,
        )


class BertModel(TextModel):
    """BERT's arrangement: guesses masked tokens, or where it has no head for that, gives the text's vector."""

    OUTPUT_LAYERS = {ENCODER: r"\bencoder\.layer\.(\d+)\.attention\.output\.dense$"}  # noqa: RUF012

    def _respell(self, text: str) -> str:
        return text.replace(MASK, self._tokenizer.mask_token) if self._tokenizer.mask_token else text

    def _finish(self, given: TextInput, *, cut: bool) -> Prepared:
        guessing = hasattr(self._model, "cls") and not self._masks(given)
        hint = f"Write {MASK} where the model should guess a token." if guessing else ""
        return Prepared(given, kept=len(given.ids), cut=cut, hint=hint)

    def _masks(self, given: TextInput) -> list[int]:
        return [place for place, number in enumerate(given.ids) if number == self._tokenizer.mask_token_id]

    def _forward(self, data: TextInput) -> Pass:
        import torch

        output = self._model(input_ids=torch.tensor([data.ids]), output_attentions=True)
        stacks = (self._self_stack(ENCODER, data, output.attentions),)
        if not hasattr(output, "logits"):
            return Pass(stacks, vector=output.last_hidden_state[0].mean(0).numpy())
        masks = self._masks(data)
        places = masks or [place for place in range(len(data.ids)) if place not in data.special]
        logits = output.logits[0, places].float().numpy()
        names = [MASK] if len(masks) == 1 else [f"{MASK} {number + 1}" for number in range(len(masks))]
        predictions = tuple(
            Prediction(name, top_guesses(row, self._piece)) for name, row in zip(names, logits, strict=False)
        )
        return Pass(stacks, predictions, logits)


class GPT2Model(TextModel):
    """GPT-2's arrangement: guesses the next token."""

    OUTPUT_LAYERS = {DECODER: r"\bh\.(\d+)\.attn\.c_proj$"}  # noqa: RUF012

    def _forward(self, data: TextInput) -> Pass:
        import torch

        output = self._model(input_ids=torch.tensor([data.ids]), output_attentions=True, use_cache=False)
        logits = output.logits[0, -1:].float().numpy()
        stacks = (self._self_stack(DECODER, data, output.attentions, causal=True),)
        prediction = Prediction(f"after “{data.pieces[-1]}”", top_guesses(logits[0], self._piece))
        return Pass(stacks, (prediction,), logits)


class T5Model(TextModel):
    """T5's arrangement: the decoder reads what the whole model wrote itself, always taking the likeliest token."""

    OUTPUT_LAYERS = {  # noqa: RUF012
        ENCODER: r"\bencoder\.block\.(\d+)\.layer\.0\.SelfAttention\.o$",
        DECODER: r"\bdecoder\.block\.(\d+)\.layer\.0\.SelfAttention\.o$",
        CROSS: r"\bdecoder\.block\.(\d+)\.layer\.1\.EncDecAttention\.o$",
    }

    def _finish(self, given: TextInput, *, cut: bool) -> Prepared:
        target = self._write(given.ids)
        data = TextInput(given.ids, given.pieces, given.special, target)
        written = self._tokenizer.decode(target[1:], skip_special_tokens=True)
        return Prepared(data, kept=len(given.ids), cut=cut, written=written)

    def _write(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """The decoder's start, and the tokens that follow it up to the end or `WRITTEN_TOKENS`."""
        import torch

        config = self._model.config
        target = [int(config.decoder_start_token_id or 0)]
        with self._turn, torch.inference_mode():
            source = torch.tensor([ids])
            memory = self._model.get_encoder()(input_ids=source)
            for _ in range(WRITTEN_TOKENS):
                output = self._model(
                    attention_mask=torch.ones_like(source),
                    encoder_outputs=memory,
                    decoder_input_ids=torch.tensor([target]),
                    use_cache=False,
                )
                best = int(output.logits[0, -1].argmax())
                if best == config.eos_token_id:
                    break
                target.append(best)
        return tuple(target)

    def _forward(self, data: TextInput) -> Pass:
        import torch

        output = self._model(
            input_ids=torch.tensor([data.ids]),
            decoder_input_ids=torch.tensor([data.target]),
            output_attentions=True,
            use_cache=False,
        )
        target = TextInput(data.target, tuple(self._piece(number) for number in data.target), special=(0,))
        cross = AttentionStack(
            CROSS,
            target.pieces,
            data.pieces,
            _stacked(output.cross_attentions),
            target.ids,
            data.ids,
            target.special,
            data.special,
        )
        stacks = (
            self._self_stack(ENCODER, data, output.encoder_attentions),
            self._self_stack(DECODER, target, output.decoder_attentions, causal=True),
            cross,
        )
        logits = output.logits[0].float().numpy()
        places = ["first written token", *(f"after “{piece}”" for piece in target.pieces[1:])]
        predictions = tuple(
            Prediction(place, top_guesses(row, self._piece)) for place, row in zip(places, logits, strict=True)
        )
        return Pass(stacks, predictions, logits)

    @property
    def _heads(self) -> int:
        return int(self._model.config.num_heads)


class ViTModel(TransformersModel):
    """A vision transformer: a class token and the picture's patches, row by row."""

    OUTPUT_LAYERS = {  # noqa: RUF012
        ENCODER: r"\blayers?\.(\d+)\.attention\.(?:o_proj|output\.dense)$",
    }
    takes_picture = True

    def __init__(self, model: Any, title: str, processor: Any) -> None:
        super().__init__(model, title)
        self._processor = processor
        self._side = int(model.config.image_size) // int(model.config.patch_size)

    def prepare(self, source: np.ndarray) -> Prepared:
        """Bring a picture to the model's size and range."""
        pixels = self._processor(images=source, return_tensors="pt", input_data_format="channels_last")["pixel_values"]
        return Prepared(pixels, kept=1 + self._side**2)

    def _forward(self, data: Any) -> Pass:
        output = self._model(pixel_values=data, output_attentions=True)
        weights = _stacked(output.attentions)
        patches = [f"{y + 1},{x + 1}" for y in range(self._side) for x in range(self._side)]
        specials = weights.shape[-1] - len(patches)
        tokens = (*["[CLS]", *["[special]"] * specials][:specials], *patches)
        special = tuple(range(specials))
        stack = AttentionStack(
            ENCODER, tokens, tokens, weights, special_rows=special, special_columns=special, grid_side=self._side
        )
        if not hasattr(output, "logits"):
            return Pass((stack,), vector=output.last_hidden_state[0, 0].numpy())
        logits = output.logits.float().numpy()
        prediction = Prediction("the picture", top_guesses(logits[0], self._label))
        return Pass((stack,), (prediction,), logits)

    def _label(self, number: int) -> str:
        return str(self._model.config.id2label.get(number, number))[:MAX_LABEL_CHARS]


def _numbered(model: Any, pattern: str) -> list[Any]:
    """The modules whose names match, in the order of their number."""
    found = {int(match[1]): module for name, module in model.named_modules() if (match := re.search(pattern, name))}
    return [found[number] for number in sorted(found)]


def _zeroing(heads: list[int], count: int) -> Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]:
    """A hook that zeroes these of `count` heads in a layer's input (B, T, count · d)."""

    def zero(_module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        mixed = given[0]
        parted = mixed.reshape(*mixed.shape[:-1], count, -1).clone()
        parted[..., heads, :] = 0
        return (parted.reshape(mixed.shape), *given[1:])

    return zero


def _stacked(attentions: Any) -> np.ndarray:
    """(L, H, T, S) of a tuple of L tensors (1, H, T, S)."""
    return np.stack([layer[0].float().numpy() for layer in attentions])


def _load(folder: Path, title: str) -> TransformersModel:
    kind = check_folder(folder, _READERS)
    try:
        return _READERS[kind](folder, title)
    except HeadsError:
        raise
    except Exception as error:  # whatever a damaged file makes the library raise, a visitor gets one sentence
        _log().warning("%s can't be loaded", folder, exc_info=error)
        raise HeadsError(f"The files of {title} are damaged or incomplete. The present model stays.") from None


def _log() -> Any:
    import logging

    return logging.getLogger(__name__)


def _holds(folder: Path, kinds: Collection[str]) -> bool:
    try:
        check_folder(folder, kinds)
    except (HeadsError, OSError):
        return False
    return True


def check_folder(folder: Path, kinds: Collection[str]) -> str:
    """The kind of model in a folder, one of `kinds`.

    Raises:
        HeadsError: there is none, it is too large, or of a kind that can't be read here.
    """
    config_path = folder / "config.json"
    weights = [path for path in folder.glob("*.safetensors") if path.is_file()]
    if not config_path.is_file() or not weights:
        raise HeadsError(
            f"The folder {folder.name} holds no model: it needs config.json and a .safetensors file. "
            "The present model stays."
        )
    size = sum(path.stat().st_size for path in weights)
    if size > MAX_MODEL_BYTES or config_path.stat().st_size > MAX_CONFIG_BYTES:
        raise HeadsError(
            f"The model in {folder.name} has {size / 1e6:,.0f} MB; at most {MAX_MODEL_BYTES / 1e6:,.0f} MB are loaded."
        )
    try:
        kind = str(json.loads(config_path.read_text(encoding="utf-8"))["model_type"])
    except (ValueError, KeyError, TypeError):
        raise HeadsError(f"config.json in {folder.name} says no kind of model. The present model stays.") from None
    if kind not in kinds:
        raise HeadsError(f"A model of the kind {kind[:40]!r} can't be read here; {', '.join(kinds)} can.")
    return kind


def load_pretrained(loader: Any, folder: Path, **options: Any) -> Any:
    """Load weights with attention written out, and see that none is missing."""
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model, report = loader.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation="eager",
        dtype=torch.float32,
        output_loading_info=True,
        **options,
    )
    if report["missing_keys"]:
        raise HeadsError(f"The model in {folder.name} lacks {len(report['missing_keys'])} of its tensors.")
    return model.eval()


def standardisation(
    folder: Path, default: tuple[tuple[float, ...], tuple[float, ...]]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and spread of each colour in [0, 1], as preprocessor_config.json says; the default where it says none.

    Args:
        folder: of a model that reads pictures.
        default: three means and three spreads, red first.

    Raises:
        HeadsError: it says something else than three numbers.
    """
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return default
    if path.stat().st_size > MAX_PREPROCESSOR_BYTES:
        raise HeadsError(f"preprocessor_config.json in {folder.name} is too large. The present model stays.")
    said = json.loads(path.read_text(encoding="utf-8"))
    values = np.array([said.get("image_mean", default[0]), said.get("image_std", default[1])], np.float64)
    if values.shape != (2, 3) or not np.isfinite(values).all() or not (values[1] > 1e-3).all():
        raise HeadsError(f"preprocessor_config.json in {folder.name} holds odd numbers. The present model stays.")
    return tuple(values[0].tolist()), tuple(values[1].tolist())


def _declares(folder: Path, ending: str) -> bool:
    """The config's architecture ends so; it says which heads the weights come with."""
    architectures = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or [""]
    return str(architectures[0]).endswith(ending)


def _read_tokenizer(folder: Path, model: Any) -> Any:
    """The tokenizer beside a model, if it is one that knows where in the text its tokens stand."""
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise HeadsError(f"The model in {folder.name} has no tokenizer.json. The present model stays.")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    if not tokenizer.is_fast or max(tokenizer.get_vocab().values()) >= model.config.vocab_size:
        raise HeadsError(f"The tokenizer in {folder.name} does not fit its model. The present model stays.")
    return tokenizer


def _read_bert(folder: Path, title: str) -> TransformersModel:
    import transformers

    if _declares(folder, "ForMaskedLM") or _declares(folder, "ForPreTraining"):
        model = load_pretrained(transformers.BertForMaskedLM, folder)
    else:
        model = load_pretrained(transformers.BertModel, folder, add_pooling_layer=False)
    return BertModel(model, title, _read_tokenizer(folder, model))


def _read_gpt2(folder: Path, title: str) -> TransformersModel:
    import transformers

    model = load_pretrained(transformers.GPT2LMHeadModel, folder)
    return GPT2Model(model, title, _read_tokenizer(folder, model))


def _read_t5(folder: Path, title: str) -> TransformersModel:
    import transformers

    model = load_pretrained(transformers.T5ForConditionalGeneration, folder)
    return T5Model(model, title, _read_tokenizer(folder, model))


def _read_vit(folder: Path, title: str) -> TransformersModel:
    import transformers

    if _declares(folder, "ForImageClassification"):
        model = load_pretrained(transformers.ViTForImageClassification, folder)
    else:
        model = load_pretrained(transformers.ViTModel, folder, add_pooling_layer=False)
    if (folder / "preprocessor_config.json").is_file():
        processor = transformers.ViTImageProcessor.from_pretrained(folder, local_files_only=True)
    else:
        side = int(model.config.image_size)
        processor = transformers.ViTImageProcessor(size={"height": side, "width": side})
    return ViTModel(model, title, processor)


_READERS: dict[str, Callable[[Path, str], TransformersModel]] = {
    "bert": _read_bert,
    "gpt2": _read_gpt2,
    "t5": _read_t5,
    "vit": _read_vit,
}


def _cached_folder(known: KnownModel) -> Path | None:
    """Where the local cache holds a model that is complete enough to load; None where it does not."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    for repository in (known.repository, known.name):
        try:
            folder = Path(snapshot_download(repository, local_files_only=True, allow_patterns=FILES))
        except (LocalEntryNotFoundError, OSError, ValueError):
            continue
        if (folder / "config.json").is_file() and any(folder.glob("*.safetensors")):
            return folder
    return None


class _Fetch(threading.Thread):
    """Fetches a model into the local cache; the wait for it can be given up, the fetching goes on."""

    def __init__(self, known: KnownModel) -> None:
        super().__init__(name=f"fetch {known.name}", daemon=True)
        self._known = known
        self.folder: Path | None = None

    def run(self) -> None:
        from huggingface_hub import snapshot_download

        try:
            self.folder = Path(snapshot_download(self._known.repository, allow_patterns=FILES, etag_timeout=5))
        except Exception as error:  # no network shows itself in many ways
            _log().info("%s can't be fetched: %s", self._known.name, error)


def _fetch(known: KnownModel) -> Path:
    """Fetch a model over the network; visitors who ask for the same one share the fetching."""
    with _fetching:
        fetch = _fetches.get(known.name)
        if fetch is None or not fetch.is_alive():
            fetch = _fetches[known.name] = _Fetch(known)
            fetch.start()
    fetch.join(FETCH_SECONDS)
    if fetch.is_alive():
        raise ModelUnavailable(
            f"{known.name} is still on its way ({known.megabytes} MB); ask again in a minute. The present model stays."
        )
    if fetch.folder is None:
        raise ModelUnavailable(
            f"{known.name} can't be loaded here: there is no network and no copy. The present model stays."
        )
    return fetch.folder
