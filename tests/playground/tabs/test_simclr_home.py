"""What a visitor takes home and loads, through the functions that the page calls."""

from __future__ import annotations

import csv
import gc
import html
import inspect
import json
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError
from backends.simclr import checkpoint, shipped
from backends.simclr.config import SimCLRConfig
from playground.own_pictures import PICTURES
from playground.tabs import picture_home, simclr_home
from playground.tabs.picture_home import Shelf
from playground.tabs.simclr_home import HOME
from playground.tabs.simclr_state import LOADED
from tests.backends.simclr.conftest import toy_pictures
from tests.playground.fakes import alerts

REQUEST = SimpleNamespace(session_hash="page")
loaded = HOME.loaded
ORIGIN = "A model of <i>this</i> test."
SKIP = gr.skip()


@pytest.fixture(scope="module")
def model():
    from backends.simclr.trainer import SimCLRTrainer

    config = SimCLRConfig(data="own", batch=16, steps=10, seed=11)
    trainer = SimCLRTrainer(config, pictures=toy_pictures(60))
    for _ in trainer.steps():
        pass
    return trainer.freeze()


@pytest.fixture(scope="module")
def file_bytes(model, tmp_path_factory) -> bytes:
    return checkpoint.save_whole(model, tmp_path_factory.mktemp("model") / "m.safetensors").read_bytes()


class Page:
    """Both parts, their handlers by name, and what the page would be given."""

    def __init__(self, store, cache, model_of) -> None:
        self.redrawn = 0
        with gr.Blocks() as self.demo:
            picture_home.build_take_home(HOME, store, model_of)
            view = gr.HTML()
            self.loads = picture_home.build_load(HOME, store, self.on_loaded, [view])
        for block in self.demo.blocks.values():
            block.GRADIO_CACHE = str(cache)
        handlers = [function for function in self.demo.fns.values() if function.fn]
        self.events = {name: each for each in handlers for name in (each.fn.__name__, each.api_name)}

    def on_loaded(self, session):
        self.redrawn += 1
        return [f"redrawn {self.redrawn}"]

    def call(self, name, *values):
        """What a handler returns last."""
        result = self.events[name].fn(*values, REQUEST)
        return list(result)[-1] if inspect.isgenerator(result) else result


@pytest.fixture
def page(store, session, tmp_path, model) -> Page:
    return Page(store, tmp_path / "cache", lambda session: (model, ORIGIN))


TAKES = ("simclr_model", "simclr_encoder", "simclr_notebook", "simclr_features", "simclr_probes")


def upload(tmp_path: Path, content: bytes, name: str = "mine.safetensors") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("take", "name"),
    zip(
        TAKES,
        ("model.safetensors", "encoder.safetensors", "simclr.ipynb", "features_tsv.zip", "probes.csv"),
        strict=True,
    ),
)
def test_each_button_makes_its_file_and_says_of_which_model(page, tmp_path, take, name):
    path, said = page.call(take)
    assert Path(path).name == name
    assert Path(path).is_relative_to(tmp_path / "cache")
    assert name in said
    assert html.escape(ORIGIN) in said, "it says which model it is, and as text"
    assert "<i>" not in said
    assert alerts(said) == []


def test_a_taken_model_can_be_loaded_again(page, session, model):
    path, said = page.call("simclr_model")
    assert "small conv net, 10 steps on own pictures" in said
    page.call("on_file", path)
    images = toy_pictures(5).images
    np.testing.assert_array_equal(loaded(session)[0].embed(images), model.embed(images))
    assert not Path(path).with_suffix(".json").exists()


def test_the_features_are_those_of_the_map(page, model):
    path, _ = page.call("simclr_features")
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("features.tsv").decode().splitlines()
        labels = archive.read("labels.tsv").decode().splitlines()
    assert len(lines) == len(labels) - 1 == len(model.probed.features)


def test_the_probes_are_a_table(page, model):
    path, _ = page.call("simclr_probes")
    rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()))
    assert [row["factor"] for row in rows] == ["colour", "form"]
    assert float(rows[0]["knn"]) == pytest.approx(model.probed.scores["knn_colour"], abs=1e-4)


def test_the_notebook_repeats_the_models_run(page):
    path, said = page.call("simclr_notebook")
    text = "".join(
        line for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"] for line in cell["source"]
    )
    for setting in ('data="own"', "seed=11", "steps=10", "your own .zip; 48 of its pictures"):
        assert setting in text
    assert "seed 11" in said


def test_without_a_model_a_sentence_comes_and_no_file(store, session, tmp_path):
    page = Page(store, tmp_path / "cache", lambda session: (None, ""))
    for name in TAKES:
        path, said = page.call(name)
        assert path is None
        assert alerts(said) == [picture_home.NO_MODEL]
    assert not (tmp_path / "cache").exists()


def test_a_model_without_pictures_has_no_tables_but_the_rest(page, session, store, tmp_path, file_bytes):
    page.call("on_file", str(upload(tmp_path, file_bytes)))
    bare = Page(store, tmp_path / "cache", loaded)
    for name in ("simclr_features", "simclr_probes"):
        path, said = bare.call(name)
        assert path is None
        assert len(alerts(said)) == 1
    for name in ("simclr_model", "simclr_encoder", "simclr_notebook"):
        assert Path(bare.call(name)[0]).exists()


def test_a_session_has_one_folder_that_goes_with_it(store, page, session, tmp_path):
    folders = {Path(page.call(name)[0]).parent for name in (*TAKES, *TAKES)}
    (folder,) = folders
    assert len(list(folder.iterdir())) == len(TAKES)
    assert re.fullmatch(r"[0-9a-f]{32}", folder.name), "nobody can guess it"
    store.attach("other page", None)
    other, _ = page.events["simclr_probes"].fn(SimpleNamespace(session_hash="other page"))
    assert Path(other).parent != folder
    session.uploads.clear()
    gc.collect()
    assert not folder.exists()
    assert Path(other).exists()


def test_a_loaded_file_answers_and_is_deleted(page, session, tmp_path, file_bytes):
    path = upload(tmp_path, file_bytes)
    said, file, view = page.call("on_file", str(path))
    assert loaded(session)[1] == "Answers come from mine.safetensors: small conv net, 10 steps on own pictures."
    assert loaded(session)[1] in said
    assert simclr_home.NO_PICTURES in said
    assert (file, view) == (None, "redrawn 1")
    assert not path.exists()


def test_a_model_of_own_pictures_is_probed_on_those_that_are_here(page, session, tmp_path, model, file_bytes):
    session.uploads[PICTURES] = toy_pictures(60)
    said, *_ = page.call("on_file", str(upload(tmp_path, file_bytes)))
    assert loaded(session)[0].probed.scores == model.probed.scores
    assert simclr_home.NO_PICTURES not in said


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95cos\nsystem\n", b"<b>x</b>" * 9, b"\xff" * 64])
def test_a_bad_file_is_refused_and_what_was_loaded_stays(page, session, tmp_path, content, file_bytes):
    page.call("on_file", str(upload(tmp_path, file_bytes)))
    before = loaded(session)
    path = upload(tmp_path, content)
    said, file, view = page.call("on_file", str(path))
    assert len(alerts(said)) == 1
    assert "<b>" not in said
    assert file is None
    assert view == SKIP
    assert loaded(session) is before
    assert not path.exists()


def test_no_file_is_a_sentence(page):
    assert len(alerts(page.call("on_file", None)[0])) == 1


def test_a_file_is_deleted_even_if_the_visitor_leaves_while_it_is_read(page, tmp_path):
    path = upload(tmp_path, b"")
    reading = page.events["on_file"].fn(str(path), REQUEST)
    next(reading)
    reading.close()
    assert not path.exists()


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.safetensors", "a&b\"'.safetensors", "x" * 200])
def test_a_files_name_is_harmless_wherever_it_is_shown(page, session, tmp_path, name, file_bytes):
    page.call("on_file", str(upload(tmp_path, file_bytes, name)))
    origin = loaded(session)[1]
    assert html.escape(origin) == origin
    assert len(origin) < 150


def test_back_to_the_run(page, session, tmp_path, file_bytes):
    page.call("on_file", str(upload(tmp_path, file_bytes)))
    said, file, view = page.call("on_back")
    assert loaded(session) is None
    assert LOADED not in session.uploads
    assert "put away" in said
    assert (file, view) == (None, "redrawn 2")
    assert "No model is loaded" in page.call("on_back")[0]


def test_a_shipped_model_answers_with_its_origin(page, session, model, monkeypatch):
    monkeypatch.setattr(shipped, "load", lambda name: model)
    monkeypatch.setattr(shipped, "origin", lambda name: f"Trained earlier: {name}.")
    said, _, view = page.call("on_name", "emoji")
    assert loaded(session) == (model, "Trained earlier: emoji.")
    assert "Trained earlier: emoji." in said
    assert view == "redrawn 1"


def test_a_name_past_the_list_is_refused(page, session):
    said, _, view = page.call("on_name", "<b>../../etc/passwd</b>")
    assert "There is no model" in alerts(said)[0]
    assert "<b>" not in said
    assert view == SKIP
    assert loaded(session) is None


def test_all_sessions_together_are_bounded(store, session, tmp_path, file_bytes, monkeypatch):
    def fresh():
        return checkpoint.load_model(upload(tmp_path, file_bytes))

    shelf = Shelf(HOME)
    other, third = store.attach("other page", None), store.attach("third page", None)
    monkeypatch.setattr(picture_home, "MAX_LOADED_BYTES", int(2.5 * checkpoint.size_of(fresh())))
    shelf.put(session, fresh(), "")
    shelf.put(other, fresh(), "")
    with pytest.raises(CheckpointError, match="as many models as this server can hold"):
        shelf.put(third, fresh(), "")
    assert loaded(third) is None
    shelf.put(session, fresh(), "again: one's own do not stand in the way")
    session.uploads.clear()
    gc.collect()
    shelf.put(third, fresh(), "there is room again")


def test_reading_and_writing_never_take_all_workers(page):
    for name in (*TAKES, "on_file", "on_name"):
        assert page.events[name].concurrency_limit in (1, 2)
    assert len(page.loads) == 3
