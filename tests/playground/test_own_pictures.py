"""The pictures that a visitor brought, as every tab knows them."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from backends.data.pictures import PictureError
from backends.simclr.config import SimCLRConfig
from playground.own_pictures import (
    OWN_SIZE,
    own_pictures,
    own_version,
    read_own_pictures,
    split_of,
    take_own_pictures,
)
from playground.session import Session
from tests.backends.simclr.conftest import toy_pictures
from tests.playground.fakes import fake_run

OWN = SimCLRConfig(data="own", image_size="48")


def zipped(path, count):
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            file = io.BytesIO()
            pixels = np.random.default_rng(i).integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file, "PNG")
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", file.getvalue())
    return path


def test_at_first_there_are_none_and_then_the_newest_set_alone(session):
    assert (own_pictures(session), own_version(session)) == (None, 0)
    for version in (1, 2):
        pictures = toy_pictures(12, seed=version)
        take_own_pictures(session, pictures)
        assert own_pictures(session) is pictures
        assert own_version(session) == version


def test_no_session_sees_those_of_another(store):
    take_own_pictures(store.attach("a", None), toy_pictures(12))
    assert own_pictures(store.attach("b", None)) is None


def test_runs_of_every_tab_on_the_old_ones_are_stale_and_no_others(store, session):
    for tab, config in {"simclr": OWN, "mae": OWN, "apples": SimCLRConfig(), "fake": fake_run(store).config}.items():
        session.runs[tab] = fake_run(store)
        session.runs[tab].config = config
    take_own_pictures(session, toy_pictures(12))
    assert {tab for tab, run in session.runs.items() if run.stale} == {"simclr", "mae"}


def test_own_pictures_are_split_at_the_size_of_the_net_or_at_the_one_that_is_asked_for(session):
    take_own_pictures(session, toy_pictures(20, size=OWN_SIZE))
    small, large = split_of(session, OWN), split_of(session, OWN, OWN_SIZE)
    assert (small.train.size, small.held_out.size, large.train.size) == (48, 48, OWN_SIZE)
    assert small.train.names == large.train.names, "the split is the same at every size"
    assert len(small.train) + len(small.held_out) == 20


def test_own_pictures_that_are_not_there_are_asked_for():
    with pytest.raises(PictureError, match=r"choose a \.zip"):
        split_of(Session("s"), OWN)


@pytest.mark.parametrize("shortcut", [None, "colour"])
def test_a_shortcut_counts_where_a_config_has_one(session, monkeypatch, shortcut):
    from playground import own_pictures as module

    asked = []
    monkeypatch.setattr(module, "load_split", lambda *given: asked.append(given))
    config = SimpleNamespace(data="apples", image_size="32", **({} if shortcut is None else {"shortcut": shortcut}))
    split_of(session, config)
    assert asked == [("apples", 32, None, shortcut or "none")]


def test_a_zip_is_read_and_deleted(tmp_path):
    path = zipped(tmp_path / "own.zip", 10)
    pictures = read_own_pictures(str(path))
    assert (len(pictures), pictures.size) == (10, OWN_SIZE)
    assert not path.exists()


def test_pictures_that_can_not_be_split_are_refused_here_and_deleted(tmp_path):
    path = zipped(tmp_path / "own.zip", 3)
    with pytest.raises(PictureError, match="at least four"):
        read_own_pictures(str(path))
    assert not path.exists()
