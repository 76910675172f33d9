"""What a visitor loads and takes home in the Language tab, through the functions that the page calls."""

from __future__ import annotations

import html
import inspect
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError
from backends.language import shipped, use
from backends.language.config import TITLES
from backends.language.trainer import TRAINERS, FrozenLanguage
from playground.tabs import language_models
from playground.tabs.language_models import Shelf, extent_of, take_shipped
from playground.tabs.language_state import LOADED, TAB, model_of
from tests.backends.language.conftest import CONFIGS, chain_lines
from tests.playground.fakes import alerts

REQUEST = SimpleNamespace(session_hash="page")


@pytest.fixture(scope="module")
def models() -> dict[str, FrozenLanguage]:
    """Untrained models of the three methods."""
    return {m: TRAINERS[m](config, text=chain_lines(60)).freeze() for m, config in CONFIGS.items()}


class Page:
    """The part, its handlers by name, and what the page would be given."""

    def __init__(self, store, cache: Path) -> None:
        self.redrawn = 0
        with gr.Blocks() as self.demo:
            view = gr.HTML()
            language_models.build_models(store, self.on_loaded, [view])
        for block in self.demo.blocks.values():
            block.GRADIO_CACHE = str(cache)
        self.events = {function.api_name: function for function in self.demo.fns.values() if function.fn}

    def on_loaded(self, session):
        self.redrawn += 1
        return [f"redrawn {self.redrawn}"]

    def call(self, name, *values):
        """What a handler returns last."""
        result = self.events[f"language_{name}"].fn(*values, REQUEST)
        return list(result)[-1] if inspect.isgenerator(result) else result


@pytest.fixture
def page(store, session, tmp_path, models) -> Page:
    session.uploads[LOADED] = {m: (model, f"The <i>{m}</i> of this test.") for m, model in models.items()}
    return Page(store, tmp_path / "cache")


@pytest.mark.parametrize("method", CONFIGS)
@pytest.mark.parametrize(
    ("what", "ending"), [("model", ".safetensors"), ("notebook", ".ipynb"), ("tokens", "_tokens_tsv.zip")]
)
def test_each_button_makes_its_file_and_says_of_which_model(page, tmp_path, method, what, ending):
    path, said = page.call(f"{what}_{method}")
    assert Path(path).name == method + ending
    assert Path(path).is_relative_to(tmp_path / "cache")
    assert html.escape(f"The <i>{method}</i> of this test.") in said
    assert alerts(said) == []


@pytest.mark.parametrize("method", CONFIGS)
def test_a_taken_model_answers_the_same_when_it_is_loaded_again(page, session, models, method):
    path, _ = page.call(f"model_{method}")
    session.uploads.pop(LOADED)
    said, cleared, view = page.call("load_file", path)
    assert (cleared, view) == (None, "redrawn 1")
    again, line = model_of(session, method)
    assert line in html.unescape(said)
    assert f"{TITLES[method]} in {method}.safetensors answers: 1 block of width 64, 0 steps on your own text" in line
    assert list(session.uploads[LOADED]) == [method], "only the one that the file holds"
    sentences = ["flute violin chord."]
    np.testing.assert_array_equal(
        use.sentence_vectors(again, sentences), use.sentence_vectors(models[method], sentences)
    )
    assert not Path(path).exists(), "an upload is not kept"


def test_a_file_replaces_the_model_of_its_method_alone_and_stops_the_training(page, session):
    path, _ = page.call("model_gpt")
    before = dict(session.uploads[LOADED])
    session.drive(TAB)
    page.call("load_file", path)
    assert not session.is_driven(TAB)
    after = session.uploads[LOADED]
    assert {m for m in after if after[m] is not before[m]} == {"gpt"}


def test_the_notebook_repeats_the_models_run_without_the_visitors_text(page):
    path, said = page.call("notebook_bert")
    text = Path(path).read_text(encoding="utf-8")
    assert "steps=80" in text
    assert "your own .txt" in "".join(json.loads(text)["cells"][0]["source"])
    assert "violin" not in text
    assert "seed 1" in said
    assert "Your text is not in it" in said


def test_the_token_vectors_are_the_models(page, models):
    with zipfile.ZipFile(page.call("tokens_bert")[0]) as archive:
        rows = [line.split("\t") for line in archive.read("labels.tsv").decode().splitlines()]
        vectors = [[float(x) for x in line.split("\t")] for line in archive.read("features.tsv").decode().splitlines()]
    assert rows[0] == ["token", "begins a word", "number"]
    assert len(rows) == 1 + len(vectors)
    frozen = models["bert"]
    number = frozen.tokenizer.encode("flute").ids[0]
    place = next(i for i, row in enumerate(rows[1:]) if row[2] == str(number))
    assert rows[1 + place][1] == "yes"
    np.testing.assert_allclose(vectors[place], frozen.model.embedding.tokens.weight[number], atol=1e-5)
    assert not any(row[0].startswith("[") and row[0].endswith("]") and len(row[0]) > 3 for row in rows)


def test_a_wrong_file_is_refused_in_a_sentence_and_the_models_stay(page, session, tmp_path):
    wrong = tmp_path / "<img src=x>.safetensors"
    wrong.write_bytes(b"nothing of the kind")
    before = session.uploads[LOADED]
    said, _, view = page.call("load_file", str(wrong))
    assert len(alerts(said)) == 1
    assert "<img" not in said
    assert view == gr.skip()
    assert session.uploads[LOADED] is before
    assert not wrong.exists()


def test_no_file_is_said(page):
    assert "No file arrived" in page.call("load_file", None)[0]


def test_a_file_s_name_is_never_markup(page, tmp_path):
    path, _ = page.call("model_t5")
    evil = Path(path).rename(tmp_path / "<img src=x onerror=alert(1)>.safetensors")
    assert "<img" not in html.unescape(page.call("load_file", str(evil))[0])


def test_the_models_of_this_project_answer_and_are_put_away(page, session, models, monkeypatch):
    monkeypatch.setattr(shipped, "load", models.__getitem__)
    monkeypatch.setattr(shipped, "origin", lambda name: f"Trained earlier by this project: {name}.")
    session.uploads.pop(LOADED)
    said, _, view = page.call("load_shipped")
    assert said.count("Trained earlier") == 3
    assert view == "redrawn 1"
    assert model_of(session, "t5")[1] == "Trained earlier by this project: t5."
    said, _, view = page.call("unload")
    assert "put away" in said
    assert view == "redrawn 2"
    assert LOADED not in session.uploads
    assert "No model is loaded" in page.call("unload")[0]


def test_a_shipped_model_that_is_missing_is_said_and_the_others_answer(session, models, monkeypatch):
    def load(name):
        if name == "t5":
            raise CheckpointError("model.safetensors is missing.")
        return models[name]

    monkeypatch.setattr(shipped, "load", load)
    monkeypatch.setattr(shipped, "origin", lambda name: "Shipped.")
    said, changed = take_shipped(session)
    assert changed
    assert alerts(said) == ["T5: model.safetensors is missing."]
    assert set(session.uploads[LOADED]) == {"bert", "gpt"}


def test_without_any_model_it_says_what_to_do(page, session, monkeypatch):
    def missing(name):
        raise CheckpointError("missing")

    monkeypatch.setattr(shipped, "load", missing)
    session.uploads.pop(LOADED)
    path, said = page.call("model_t5")
    assert path is None
    assert "press Train" in alerts(said)[0]


def test_all_sessions_together_hold_so_much_and_no_more(store, session, models, monkeypatch):
    other, shelf = store.attach("other", None), Shelf()
    monkeypatch.setattr(language_models, "MAX_LOADED_BYTES", language_models.bytes_of(models["bert"].model) + 1)
    shelf.put(session, "bert", models["bert"], "one")
    with pytest.raises(CheckpointError, match="try again"):
        shelf.put(other, "gpt", models["gpt"], "another")
    shelf.put(session, "bert", models["bert"], "the same again")
    assert session.uploads[LOADED]["bert"][1] == "the same again"
    assert LOADED not in other.uploads


def test_sizes_and_text_are_said_in_words_of_ours(models):
    built_in = SimpleNamespace(config=models["gpt"].config.with_changes(corpus="speeches"), step=1234)
    assert extent_of(built_in) == "1 block of width 64, 1,234 steps on speeches"
