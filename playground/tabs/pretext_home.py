"""The Pretext tab's two doors, described for `picture_home`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.pretext import checkpoint, shipped
from backends.pretext.config import TITLES, task_of
from backends.pretext.notebook import write_notebook
from playground.tabs import picture_home
from playground.tabs.picture_home import PictureHome
from playground.tabs.pretext_state import LOADED, TAB

if TYPE_CHECKING:
    from backends.pretext.frozen import Frozen

NO_PICTURES = (
    "It answers any picture, but those that it learned from are not here, so there is no map: bring their .zip, and "
    "load it again."
)


def _write_notebook(model: Frozen, path: Path, note: str) -> Path:
    return write_notebook(model.config, path, data_note=note)


def _net_of(model: Frozen) -> str:
    net = "small conv net" if model.config.encoder == "conv" else "ResNet-18"
    return f"{TITLES[task_of(model.config)].lower()}, {net}"


HOME: PictureHome[Frozen] = PictureHome(
    tab=TAB,
    loaded_key=LOADED,
    files=checkpoint,
    shipped=shipped,
    notebook_name="pretext.ipynb",
    write_notebook=_write_notebook,
    net_of=_net_of,
    whole="Encoder and head",
    origin="The net in {name} answers: {extent}.",
    no_pictures=NO_PICTURES,
    trained_on=lambda model: len(model.split.train),
    takes=picture_home.probed_takes(),
)
