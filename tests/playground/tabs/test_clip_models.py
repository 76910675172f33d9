"""What a visitor loads and takes home in the CLIP tab, through the functions that the page calls."""

from __future__ import annotations

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

from backends.attention.transformers_models import ModelFolder
from backends.clip import checkpoint
from backends.clip.trainer import FrozenCLIP
from playground.own_pictures import PICTURES
from playground.session import SessionStore
from playground.tabs import clip_ask, clip_composition, clip_models
from playground.tabs.clip_state import LOADED, groups_of, model_of, own_model_of
from tests.backends.clip.conftest import shapes
from tests.backends.clip.conftest import trained as trained_clip  # noqa: F401 - a fixture
from tests.playground.fakes import alerts

REQUEST = SimpleNamespace(session_hash="page")
TAKES = {
    "clip_model": "model.safetensors",
    "clip_notebook": "clip.ipynb",
    "clip_vectors": "vectors_tsv.zip",
}


class Page:
    """The part, its handlers by name, and what the page would be given."""

    def __init__(self, store, cache: Path) -> None:
        self.redrawn = 0
        with gr.Blocks() as self.demo:
            view = gr.HTML()
            clip_models.build_models(store, self.on_loaded, [view])
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
def page(store, session, tmp_path, trained_clip) -> Page:  # noqa: F811
    session.uploads[LOADED] = (trained_clip.freeze(), "A model of <i>this</i> test.")
    return Page(store, tmp_path / "cache")


@pytest.mark.parametrize(("take", "name"), TAKES.items())
def test_each_button_makes_its_file_and_says_of_which_model(page, tmp_path, take, name):
    path, said = page.call(take)
    assert Path(path).name == name
    assert Path(path).is_relative_to(tmp_path / "cache")
    assert html.escape("A model of <i>this</i> test.") in said
    assert alerts(said) == []


def test_a_taken_model_answers_the_same_when_it_is_loaded_again(page, session, trained_clip):  # noqa: F811
    session.uploads[PICTURES] = shapes()
    path, said = page.call("clip_model")
    assert "Both encoders and the tokenizer" in said
    said, _, view = page.call("on_file", path)
    assert view == "redrawn 1"
    again, origin = model_of(session)
    assert "model.safetensors answers: small conv net, CLIP (softmax), 120 steps on own pictures" in origin
    images = shapes().images[:5]
    np.testing.assert_array_equal(again.embed_pictures(images), trained_clip.freeze().embed_pictures(images))
    np.testing.assert_array_equal(again.embed_prompts(["a bar"]), trained_clip.freeze().embed_prompts(["a bar"]))
    assert list(groups_of(again)) == ["train", "held_out"]


def test_a_model_of_pictures_that_are_not_here_says_so_and_answers(page, session):
    path, _ = page.call("clip_model")
    said = page.call("on_file", path)[0]
    assert "bring their .zip" in said
    assert groups_of(model_of(session)[0]) == {}
    assert "bring one of your own" in clip_ask.views_of(session)[0]


def test_the_vectors_are_the_models(page, trained_clip):  # noqa: F811
    with zipfile.ZipFile(page.call("clip_vectors")[0]) as archive:
        rows = archive.read("labels.tsv").decode().splitlines()
        vectors = [[float(x) for x in line.split("\t")] for line in archive.read("features.tsv").decode().splitlines()]
    assert rows[0].split("\t") == ["name", "kind", "test"]
    assert len(rows) == 1 + len(vectors)
    place = next(i for i, row in enumerate(rows[1:]) if row.split("\t")[1] == "caption")
    name = rows[1 + place].split("\t")[0]
    np.testing.assert_allclose(vectors[place], trained_clip.freeze().embed_prompts([name])[0], atol=1e-5)


def test_the_notebook_repeats_the_models_run(page):
    path, said = page.call("clip_notebook")
    text = "".join(
        line for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"] for line in cell["source"]
    )
    assert re.search(r"\bsteps\s*=\s*120\b", text)
    assert "your own .zip" in text
    assert "seed 1" in said


def test_a_wrong_file_is_refused_in_a_sentence_and_the_model_stays(page, session, tmp_path):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"nothing of the kind")
    before = session.uploads[LOADED]
    said, _, view = page.call("on_file", str(wrong))
    assert len(alerts(said)) == 1
    assert view == gr.skip()
    assert session.uploads[LOADED] is before
    assert not wrong.exists()


def test_the_shipped_models_are_on_offer_and_answer(page, session):
    for name in ("emoji", "apples"):
        page.call("on_name", name)
        model, origin = model_of(session)
        assert isinstance(model, FrozenCLIP)
        assert model.config.data == name
        assert "Trained earlier by this project" in origin
    page.call("on_back")
    assert LOADED not in session.uploads


def test_a_model_that_is_not_there_is_said_and_nothing_changes(page, session):
    before = session.uploads[LOADED]
    for choice in ("known:nothing", "folder:../etc", "nonsense"):
        said, _, view = page.call("on_name", choice)
        assert len(alerts(said)) == 1
        assert view == gr.skip()
    assert session.uploads[LOADED] is before


def test_files_are_made_of_models_from_here_only(session, trained_clip):  # noqa: F811
    foreign = SimpleNamespace(pairs=None, config=SimpleNamespace(data="emoji"), scores={})
    session.uploads[LOADED] = (foreign, "Someone else's answers.")
    assert model_of(session)[0] is foreign
    assert isinstance(own_model_of(session)[0], FrozenCLIP)


def test_the_operators_folder_is_on_offer(tmp_path):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    store = SessionStore(2, "cpu", ModelFolder(tmp_path / "models"))
    assert clip_models.choices(store)[0] == ("mine", "folder:mine")


def test_composition_asks_for_apples_and_then_counts_them(store, session):
    button, line, table = clip_composition.composition_views(session)
    assert button["visible"] is True
    assert "load the one" in line
    assert table == ""
    from backends.clip import shipped

    session.uploads[LOADED] = (shipped.load("apples"), "Apples.")
    button, line, table = clip_composition.composition_views(session)
    assert button["visible"] is False
    assert table.count('class="never"') == 6
    assert "guessing gets 2%" in line


def test_the_checkpoint_says_its_size(trained_clip):  # noqa: F811
    size = checkpoint.size_of(trained_clip.freeze())
    assert size > 1_000_000
    assert size == sum(t.numel() * t.element_size() for t in trained_clip.freeze().model.state_dict().values())
