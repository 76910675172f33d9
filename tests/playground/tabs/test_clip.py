"""The CLIP tab's answers without a browser, from a model of squares and bars."""

from __future__ import annotations

import json
import re

import gradio as gr
import numpy as np
import pytest

from playground.session import Session
from playground.tabs import clip_ask, clip_game, clip_gap, clip_live, clip_search
from playground.tabs.clip_state import LOADED, gallery_of, groups_of
from tests.backends.clip.conftest import shapes
from tests.backends.clip.conftest import trained as trained_clip  # noqa: F401 - a fixture

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ready(session, trained_clip) -> Session:  # noqa: F811
    """A visitor whose questions the small model answers."""
    session.uploads[LOADED] = (trained_clip.freeze(), "A model for a test answers.")
    return session


def text(value: str) -> str:
    return re.sub(r"<[^>]+>", " ", value)


def ask(session: Session, labels: str, templates: str = "{}") -> list:
    clip_ask.asked_of(session).texts = (labels, templates)
    return clip_ask.views_of(session)


def show(session: Session, picture: np.ndarray) -> None:
    clip_ask.asked_of(session).own = np.kron(picture, np.ones((7, 7, 1), np.uint8))


def test_without_a_model_a_sentence_says_what_to_do(session, monkeypatch):
    monkeypatch.setattr(clip_ask, "model_of", lambda session: (None, ""))
    assert "press Train" in text(clip_ask.views_of(session)[1])


def test_the_label_that_fits_stands_first_with_softmax_cosine_and_alone(ready):
    show(ready, shapes().images[0])  # a red square
    _, bars, trace, note, _ = ask(ready, "blue bar\nred square\nyellow bar")
    first = re.search(r"<tbody><tr>(.*?)</tr>", bars)[1]
    assert "red square" in first
    assert len(re.findall(r"\d+%", text(first))) == 2
    assert re.search(r"\d\.\d\d", text(first))
    assert "How the answer comes about" in trace
    assert "A model for a test answers" in note


def test_the_calculation_shows_each_template_and_the_ensemble(ready):
    trace = ask(ready, "red square\nblue bar", "{}\na picture of {}")[2]
    assert "a picture of {}" in trace
    assert trace.count("<small>") >= 5


def test_one_label_and_wrong_templates_are_spoken_of(ready):
    assert "probability is 1" in text(ask(ready, "red square")[3])
    picture, bars, _, note, _ = ask(ready, "red square\nblue bar", "no braces")
    assert "where the label goes" in text(note)
    assert "<img" in picture
    assert isinstance(bars, dict)  # skipped: the last answer stays


def test_markup_in_labels_templates_and_prompts_stays_text(ready):
    values = [
        *ask(ready, f"{ATTACK}\nred square", f"{ATTACK} {{}}"),
        clip_search.found_views(ready, ATTACK, "", False)[1],
    ]
    for value in values:
        assert "<img src=x" not in str(value)
    assert "&lt;img" in values[1]


def test_unseen_words_are_marked_and_only_unseen_words_are_spoken_of(ready):
    _, bars, _, note, _ = ask(ready, "purple square\nred square")
    assert re.search(r'class="unseen"[^>]*>purple<', bars)
    assert "Not a single word" not in text(note)
    assert "Not a single word" in text(ask(ready, "zebra\npurple")[3])


def test_a_search_finds_what_the_prompt_says_and_can_subtract(ready):
    packed, line = clip_search.found_views(ready, "red square", "", False)
    names = json.loads(packed)["captions"]
    assert sum("red square" in name for name in names[:6]) >= 4
    assert "Best 24 of 96 pictures" in text(line)
    less = json.loads(clip_search.found_views(ready, "square", "red", False)[0])["captions"]
    assert sum("red" in name for name in less[:8]) <= 2


def test_an_empty_search_says_what_to_do_and_a_found_picture_can_be_asked_about(ready):
    assert "nothing to search" in text(clip_search.found_views(ready, " ", "", False)[1])
    clip_search.found_views(ready, "blue bar", "", False)
    found = ready.uploads[clip_search.KEPT]
    clip_ask.ask_about(ready, int(found.indices[0]))
    assert gallery_of(ready).name(int(found.indices[0])) in clip_ask.views_of(ready)[0]


def test_the_gallery_is_embedded_once_for_a_model(ready):
    assert gallery_of(ready) is gallery_of(ready)
    gallery = gallery_of(ready)
    assert gallery.where(len(gallery) - 1) == ("held_out", len(gallery.groups["held_out"]) - 1)


def test_ten_names_are_drawn_sorted_and_counted(ready):
    ready.uploads[clip_game.KEPT] = clip_game.Game("train", 5)
    line, grid, confusion = clip_game.game_views(ready)
    assert re.search(r"\d+% of 32 pictures got the right one of 8 names; guessing gets 12%", text(line))
    assert grid.count("<figure") == 32
    counted = sum(int(n) for n in re.findall(r'class="num \w+"[^>]*>(\d+)<', confusion))
    assert counted == 32


def test_the_gap_is_said_in_numbers(ready):
    chart, line = clip_gap.gap_views(ready)
    assert len(json.loads(chart)["data"]) == 3
    assert re.search(r"The middles are \d\.\d\d apart", text(line))
    ready.uploads[clip_gap.KEPT] = "nonsense"
    assert clip_gap.group_of(ready) == "train"


def test_a_strange_group_is_taken_for_the_last_one(ready):
    ready.uploads[clip_game.KEPT] = clip_game.Game("<b>", 1)
    assert clip_game.game_of(ready).group == "held_out"
    assert clip_ask.group_choices(ready)["value"] == "held_out"


def test_the_matrix_is_a_picture_of_its_cosines():
    png = clip_live.png_of(np.eye(3, dtype=np.float32))
    assert png.startswith("data:image/png;base64,")


def test_a_picture_that_is_none_is_refused_and_nothing_is_lost(ready, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    before = clip_ask.asked_of(ready).own
    assert "problem" in clip_ask.take_own(ready, str(broken))
    assert not broken.exists()
    assert clip_ask.asked_of(ready).own is before
    assert "No picture arrived" in clip_ask.take_own(ready, None)


def test_the_tab_hands_out_a_value_for_every_output(store, ready):
    from playground.tabs import clip

    with gr.Blocks():
        tab = clip.build_tab(store)
    assert len(tab.open(ready, None)) == len(tab.outputs)


@pytest.mark.parametrize("name", ["emoji", "apples"])
def test_the_first_picture_fits_one_of_the_first_labels_and_gets_it(session, name):
    from backends.clip import shipped

    session.uploads[LOADED] = (shipped.load(name), "A shipped model answers.")
    _, bars, _, _, _ = clip_ask.views_of(session)
    asked = clip_ask.asked_of(session)
    assert asked.group in ("unseen_artist", "held_out")
    shown = groups_of(shipped.load(name))[asked.group]
    own = shown.classes[shown.class_idx[asked.index]]
    assert own.removeprefix("a ") in text(re.search(r"<tbody><tr>(.*?)</tr>", bars)[1])
    assert 'class="unseen"' not in bars or name == "emoji", "the first labels for apples are put as their captions are"
