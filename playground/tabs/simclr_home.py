"""The SimCLR tab's two doors, described for `picture_home`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.simclr import checkpoint, shipped
from backends.simclr.config import SimCLRConfig
from backends.simclr.notebook import write_notebook
from playground.tabs import picture_home
from playground.tabs.picture_home import PictureHome
from playground.tabs.simclr_state import LOADED, TAB

if TYPE_CHECKING:
    from backends.simclr.trainer import FrozenModel

NO_PICTURES = "The pictures that it learned from are not here, so there is no map: bring their .zip, and load it again."


def _write_notebook(model: FrozenModel, path: Path, note: str) -> Path:
    return write_notebook(model.config, path, data_note=note)


def _net_of(model: FrozenModel) -> str:
    labels = {setting.name: setting.choices or {} for setting in SimCLRConfig.settings()}
    return labels["encoder"][model.config.encoder]


HOME: PictureHome[FrozenModel] = PictureHome(
    tab=TAB,
    loaded_key=LOADED,
    files=checkpoint,
    shipped=shipped,
    notebook_name="simclr.ipynb",
    write_notebook=_write_notebook,
    net_of=_net_of,
    whole="Encoder and head",
    origin="Answers come from {name}: {extent}.",
    no_pictures=NO_PICTURES,
    trained_on=lambda model: len(model.split.train),
    takes=picture_home.probed_takes(),
)
