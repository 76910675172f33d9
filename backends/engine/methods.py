"""The methods that can be trained, by name. A method's modules are imported when it is used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.engine.config import MethodConfig
from backends.engine.trainer import Trainer


@dataclass(frozen=True)
class Method:
    """A trainable method: where its config and trainer are, and how it takes the user's own data, if it takes any."""

    name: str
    summary: str
    config_path: str
    trainer_path: str
    data_reader_path: str = ""
    data_argument: str = ""
    own_data: dict[str, Any] = field(default_factory=dict)
    data_help: str = ""

    @property
    def config(self) -> type[MethodConfig]:
        """The method's config class."""
        return _load(self.config_path)

    def build(self, config: MethodConfig, *, data: Path | None, device: str, seconds: float | None) -> Trainer:
        """Build a trainer, on the user's own data where a path is given.

        Raises:
            ValueError: the data or the settings do not allow a run; the message says why.
        """
        arguments: dict[str, Any] = {"device": device, "seconds": seconds}
        if data is not None:
            config = config.with_changes(**self.own_data)
            arguments[self.data_argument] = _load(self.data_reader_path)(data)
        return _load(self.trainer_path)(config, **arguments)


def _language(name: str, does: str) -> Method:
    """One of the three language models, which share all but their name and what they are asked."""
    return Method(
        name=name,
        summary=f"a language model that {does}",
        config_path=f"backends.language.config:{name.upper()}Config",
        trainer_path=f"backends.language.trainer:{name.upper()}Trainer",
        data_reader_path="backends.language.text:read_text_lines",
        data_argument="text",
        own_data={"corpus": "own"},
        data_help="a .txt file, UTF-8, up to 20 MB",
    )


def _pretext(name: str, asks: str) -> Method:
    """One of the three pretext tasks, which share all but their name and what they ask."""
    return Method(
        name=name,
        summary=f"picture features from a pretext task: {asks}",
        config_path=f"backends.pretext.config:{name.capitalize()}Config",
        trainer_path=f"backends.pretext.trainer:{name.capitalize()}Trainer",
        data_reader_path="backends.data.own_pictures:read_zip",
        data_argument="pictures",
        own_data={"data": "own"},
        data_help="a .zip of folders of pictures; a folder's name is the label of what is in it",
    )


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="word2vec",
            summary="word vectors from raw text: skip-gram or CBOW, negative sampling or softmax",
            config_path="backends.word2vec.config:Word2VecConfig",
            trainer_path="backends.word2vec.trainer:Word2VecTrainer",
            data_reader_path="backends.data.text:read_text_file",
            data_argument="text",
            own_data={"corpus": "own"},
            data_help="a .txt file, UTF-8, up to 20 MB",
        ),
        _pretext("rotation", "which way is up?"),
        _pretext("inpainting", "what stood in the hole?"),
        _pretext("jigsaw", "where does each tile belong?"),
        Method(
            name="simclr",
            summary="picture features from pairs of views: NT-Xent, SimSiam, Barlow Twins or VICReg",
            config_path="backends.simclr.config:SimCLRConfig",
            trainer_path="backends.simclr.trainer:SimCLRTrainer",
            data_reader_path="backends.data.own_pictures:read_zip",
            data_argument="pictures",
            own_data={"data": "own"},
            data_help="a .zip of folders of pictures; a folder's name is the label of what is in it",
        ),
        Method(
            name="mae",
            summary="picture features from painting hidden patches: a masked autoencoder",
            config_path="backends.mae.config:MAEConfig",
            trainer_path="backends.mae.trainer:MAETrainer",
            data_reader_path="backends.data.own_pictures:read_zip",
            data_argument="pictures",
            own_data={"data": "own"},
            data_help="a .zip of folders of pictures; a folder's name is the label of what is in it",
        ),
        Method(
            name="clip",
            summary="pictures and captions in one space, from pairs alone: CLIP's loss or SigLIP's",
            config_path="backends.clip.config:CLIPConfig",
            trainer_path="backends.clip.trainer:CLIPTrainer",
            data_reader_path="backends.data.own_pictures:read_zip",
            data_argument="pictures",
            own_data={"data": "own"},
            data_help="a .zip of pictures; captions come from its captions.csv, or else from the names of its folders",
        ),
        _language("bert", "fills in what is masked: an encoder"),
        _language("t5", "writes what is missing: an encoder and a decoder"),
        _language("gpt", "guesses the next token: a decoder"),
        Method(
            name="recall",
            summary="LSTM against transformer: recall the first symbol after many distractors",
            config_path="backends.attention.recall_config:RecallConfig",
            trainer_path="backends.attention.recall:RecallTrainer",
        ),
        Method(
            name="transfer",
            summary="from features to a task: few labels, linear probe, neighbours, fine-tuning or from scratch",
            config_path="backends.transfer.config:TransferConfig",
            trainer_path="backends.transfer.trainer:TransferTrainer",
            data_reader_path="backends.data.own_pictures:read_zip",
            data_argument="pictures",
            own_data={"data": "own", "factor": "folder"},
            data_help="a .zip of folders of pictures; a folder's name is the label of what is in it",
        ),
    )
}


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
