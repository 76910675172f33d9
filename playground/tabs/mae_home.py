"""The MAE tab's two doors, described for `picture_home`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.mae import checkpoint, shipped
from backends.mae.notebook import write_notebook
from playground.tabs import picture_home
from playground.tabs.mae_state import LOADED, TAB
from playground.tabs.picture_home import PictureHome

if TYPE_CHECKING:
    from backends.mae.trainer import FrozenMAE

INTRODUCTION = "The model that paints now, what its features know, or the run itself as a notebook."
NO_PICTURES = (
    "It paints any picture, but those that it learned from are not here, so there is no map: bring their .zip, and "
    "load it again."
)


def _write_notebook(model: FrozenMAE, path: Path, note: str) -> Path:
    return write_notebook(model.config, path, data_note=note)


def _net_of(model: FrozenMAE) -> str:
    config = model.config
    return f"{config.patches:,} patches of {config.patch} pixels, {config.mask_ratio:.0%} hidden in training"


HOME: PictureHome[FrozenMAE] = PictureHome(
    tab=TAB,
    loaded_key=LOADED,
    files=checkpoint,
    shipped=shipped,
    notebook_name="mae.ipynb",
    write_notebook=_write_notebook,
    net_of=_net_of,
    whole="Encoder and decoder",
    origin="The model in {name} paints: {extent}.",
    no_pictures=NO_PICTURES,
    trained_on=lambda model: len(model.split.train),
    takes=picture_home.probed_takes(),
    home_introduction=INTRODUCTION,
)
