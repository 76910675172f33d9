"""What a visitor takes home and loads in the MAE tab, through the functions that the page calls."""

from __future__ import annotations

import csv
import html
import inspect
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.mae import checkpoint, notebook, shipped
from backends.mae.config import MAEConfig
from backends.simclr import notebook as simclr_notebook
from playground.components.downloads import folder_of
from playground.own_pictures import PICTURES
from playground.tabs import mae_bench, mae_home, picture_home, simclr_home
from playground.tabs.mae_state import LOADED, model_of
from tests.backends.simclr.conftest import toy_pictures
from tests.playground.fakes import alerts

REQUEST = SimpleNamespace(session_hash="page")
ORIGIN = "A model of <i>this</i> test."
SKIP = gr.skip()
SMALL = MAEConfig(
    data="own", patch="8", width="48", depth=1, decoder_width="32", decoder_depth=1, steps=10, batch=16, seed=11
)
EXTENT = "16 patches of 8 pixels, 75% hidden in training, 10 steps on own pictures"
TAKES = ("mae_model", "mae_encoder", "mae_notebook", "mae_features", "mae_probes")
HIDDEN = np.arange(16) % 4 > 0


@pytest.fixture(scope="module")
def model():
    from backends.mae.trainer import MAETrainer

    trainer = MAETrainer(SMALL, pictures=toy_pictures(60))
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
            picture_home.build_take_home(mae_home.HOME, store, model_of)
            view = gr.HTML()
            self.loads = picture_home.build_load(mae_home.HOME, store, self.on_loaded, [view])
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


def upload(tmp_path: Path, content: bytes, name: str = "mine.safetensors") -> str:
    path = tmp_path / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("take", "name"),
    zip(
        TAKES,
        ("model.safetensors", "encoder.safetensors", "mae.ipynb", "features_tsv.zip", "probes.csv"),
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


def test_a_taken_model_paints_the_same_when_it_is_loaded_again(page, session, model):
    path, said = page.call("mae_model")
    assert f"Encoder and decoder with their settings, {EXTENT}" in said
    page.call("on_file", path)
    images = toy_pictures(5).images
    again, origin = model_of(session)
    assert origin == f"The model in model.safetensors paints: {EXTENT}."
    np.testing.assert_array_equal(again.reconstruct(images, HIDDEN).painted, model.reconstruct(images, HIDDEN).painted)


def test_an_encoder_alone_is_refused_in_a_sentence(page, session):
    path, _ = page.call("mae_encoder")
    said, _, view = page.call("on_file", path)
    assert "encoder without its decoder" in alerts(said)[0]
    assert view == SKIP
    assert LOADED not in session.uploads


def test_features_and_probes_are_the_models(page, model):
    with zipfile.ZipFile(page.call("mae_features")[0]) as archive:
        lines = archive.read("features.tsv").decode().splitlines()
    assert len(lines) == len(model.probed.features) > 0
    rows = list(csv.DictReader(Path(page.call("mae_probes")[0]).read_text(encoding="utf-8").splitlines()))
    assert [row["factor"] for row in rows] == ["colour", "form"]
    assert float(rows[0]["linear"]) == pytest.approx(model.probed.scores["linear_colour"], abs=1e-4)


def test_the_notebook_repeats_the_models_run(page):
    path, said = page.call("mae_notebook")
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    text = "".join(line for cell in cells for line in cell["source"])
    for part in ('data="own"', "seed=11", "steps=10", 'patch="8"', "your own .zip; 48 of its pictures"):
        assert part in text
    assert f"The run of {EXTENT}, seed 11" in said


def test_the_encoders_file_is_called_as_the_notebooks_call_it():
    assert picture_home.ENCODER_NAME == notebook.ENCODER_FILE == simclr_notebook.ENCODER_FILE


def test_without_a_model_a_sentence_comes_and_no_file(store, session, tmp_path):
    page = Page(store, tmp_path / "cache", lambda session: (None, ""))
    for name in TAKES:
        path, said = page.call(name)
        assert path is None
        assert alerts(said) == [picture_home.NO_MODEL]
    assert not (tmp_path / "cache").exists()


def test_a_model_of_pictures_that_are_not_here_paints_and_has_no_tables(page, session, store, tmp_path, file_bytes):
    said, file, view = page.call("on_file", upload(tmp_path, file_bytes))
    assert mae_home.NO_PICTURES in said
    assert (file, view) == (None, "redrawn 1")
    painted = model_of(session)[0].reconstruct(toy_pictures(3).images, HIDDEN).painted
    assert painted.shape == (3, 32, 32, 3)
    bare = Page(store, tmp_path / "cache", model_of)
    for name in ("mae_features", "mae_probes"):
        path, said = bare.call(name)
        assert path is None
        assert len(alerts(said)) == 1
    for name in ("mae_model", "mae_encoder", "mae_notebook"):
        assert Path(bare.call(name)[0]).exists()


def test_a_model_of_own_pictures_is_probed_on_those_that_are_here(page, session, tmp_path, model, file_bytes):
    session.uploads[PICTURES] = toy_pictures(60)
    said, *_ = page.call("on_file", upload(tmp_path, file_bytes))
    assert model_of(session)[0].probed.scores == model.probed.scores
    assert mae_home.NO_PICTURES not in said


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95cos\nsystem\n", b"<b>x</b>" * 9, b"\xff" * 64])
def test_a_bad_file_is_refused_and_what_was_loaded_stays(page, session, tmp_path, content, file_bytes):
    page.call("on_file", upload(tmp_path, file_bytes))
    before = session.uploads[LOADED]
    path = upload(tmp_path, content)
    said, file, view = page.call("on_file", path)
    assert len(alerts(said)) == 1
    assert "<b>" not in said
    assert (file, view) == (None, SKIP)
    assert session.uploads[LOADED] is before
    assert not Path(path).exists()


def test_a_larger_file_than_any_model_is_refused_unread(page, session, tmp_path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(checkpoint.MAX_FILE_BYTES + 1)
    said, *_ = page.call("on_file", str(path))
    assert f"at most {checkpoint.MAX_FILE_BYTES >> 20} MB" in alerts(said)[0]
    assert LOADED not in session.uploads


def test_a_files_name_is_harmless_wherever_it_is_shown(page, session, tmp_path, file_bytes):
    for name in ("<img src=x onerror=alert(1)>.safetensors", "a&b\"'.safetensors", "{extent}{0}.safetensors", "x" * 99):
        page.call("on_file", upload(tmp_path, file_bytes, name))
        origin = session.uploads[LOADED][1]
        assert html.escape(origin) == origin
        assert origin.count(EXTENT) == 1
        assert len(origin) < 200


def test_back_to_the_run(page, session, tmp_path, file_bytes):
    page.call("on_file", upload(tmp_path, file_bytes))
    said, file, view = page.call("on_back")
    assert LOADED not in session.uploads
    assert "put away" in said
    assert (file, view) == (None, "redrawn 2")
    assert "No model is loaded" in page.call("on_back")[0]


def test_a_shipped_model_paints_with_its_origin(page, session):
    said, _, view = page.call("on_name", shipped.FIRST)
    painter, origin = model_of(session)
    assert painter is shipped.load(shipped.FIRST)
    assert origin == shipped.origin(shipped.FIRST)
    assert html.escape(origin) in said
    assert view == "redrawn 1"


def test_a_name_past_the_list_is_refused(page, session):
    said, _, view = page.call("on_name", "<b>../../etc/passwd</b>")
    assert "There is no model" in alerts(said)[0]
    assert "<b>" not in said
    assert view == SKIP
    assert LOADED not in session.uploads


def test_the_largest_model_of_the_settings_fits_the_limit():
    from backends.engine.model_files import bytes_of

    largest = MAEConfig(
        image_size="64", patch="16", width="192", depth=6, heads="8", decoder_width="128", decoder_depth=4
    )
    assert 0.5 * checkpoint.MAX_FILE_BYTES < bytes_of(checkpoint.untrained(largest)) < checkpoint.MAX_FILE_BYTES


def test_both_tabs_stand_on_one_page_and_keep_their_models_apart(store, session, tmp_path, file_bytes):
    with gr.Blocks() as demo:
        for home in (simclr_home, mae_home):
            picture_home.build_take_home(home.HOME, store, lambda session: (None, ""))
            picture_home.build_load(home.HOME, store, lambda session: [], [])
    ids = [block.elem_id for block in demo.blocks.values() if getattr(block, "elem_id", None)]
    assert len(ids) == len(set(ids))
    endpoints = {function.api_name for function in demo.fns.values() if function.api_name}
    names = ("model", "encoder", "notebook", "features", "probes", "load_file", "load_shipped", "unload")
    for tab in ("simclr", "mae"):
        assert {f"{tab}_{name}" for name in names} <= endpoints
        assert {f"{tab}-home-{name}" for name in (*names[:5], "note", "file")} <= set(ids)
        assert {f"{tab}-load-{name}" for name in ("name", "go", "back", "file", "note")} <= set(ids)
    path = upload(tmp_path, file_bytes)
    said, changed = picture_home.take_file(picture_home.Shelf(simclr_home.HOME), session, path, "cpu")
    assert not changed
    assert len(alerts(said)) == 1
    picture_home.take_file(picture_home.Shelf(mae_home.HOME), session, path, "cpu")
    assert simclr_home.HOME.loaded(session) is None
    assert mae_home.HOME.loaded(session) is not None


def test_reading_and_writing_never_take_all_workers(page):
    for name in (*TAKES, "on_file", "on_name"):
        assert page.events[name].concurrency_limit in (1, 2)
    assert len(page.loads) == 3


def test_importing_it_imports_no_torch():
    code = "import sys, playground.tabs.mae_home, playground.tabs.simclr_home; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_panels_are_saved_by_who_has_taken_nothing_home_yet(store, session, tmp_path):
    path = mae_bench.save_panels(store, session, folder_of(session, str(tmp_path)))
    assert path.read_bytes().startswith(b"\x89PNG")
