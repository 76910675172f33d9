"""The pictures of a tab through the functions that the page calls: browsing, picking, a visitor's own; a second tab."""

from __future__ import annotations

import html
import io
import itertools
import json
import math
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import Literal

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from backends.data.pictures import Factor, PictureSet
from backends.data.splits import Split
from backends.engine.config import MethodConfig, setting
from backends.simclr.config import SimCLRConfig
from playground import controls
from playground.components.picture_grid import SHARP_TILE
from playground.limits import OWN
from playground.own_pictures import PICTURES, own_pictures, take_own_pictures
from playground.tabs import pictures as tab
from playground.tabs.picture_filters import EVERY, HELD_OUT, SHOWN, TRAINING
from playground.tabs.pictures import PictureUse, picked, take_pictures
from tests.playground.fakes import alerts, fake_run

EVIL = "<img src=x onerror=alert(1)>"
APPLES, OWN_SET = ("apples", "none", "32"), ("own", "none", "32")
SIDE, FACTOR, CLASS, OTHERS, MATCHING, GRID, NOTE, ORIGIN = range(tab.VIEWS)
KINDS = ("red", EVIL, "rare", "never")
HELD_OUT_NOTE = "Held-out pictures only <measure>."


class PlainConfig(MethodConfig):
    """The settings of a tab whose pictures have no shortcut."""

    data: Literal["apples", "emoji", "own"] = setting(
        "apples", "Which.", label="Data", choices={"apples": "Apples", "emoji": "Emoji", "own": "Own"}
    )
    image_size: Literal["8", "16"] = setting("8", "How large.", label="Size", choices={"8": "8", "16": "16"})


def said(session, made, name):
    return f"Picked: {name}. It is picture {made.index} of {made.side}."


USE = PictureUse("first", SimCLRConfig, {TRAINING: "Click one.", HELD_OUT: HELD_OUT_NOTE}, said, (TRAINING,))
OTHER = PictureUse("second", PlainConfig, {TRAINING: "Train.", HELD_OUT: "Test."}, said, at_first=None)
PLAIN = ("apples", "8")


def made_up(count, name="own", draw=None):
    """Pictures that are each of one grey, with a factor of 4 classes: the third is rare, the fourth never occurs."""
    images = np.broadcast_to((np.arange(count) % 256).astype(np.uint8)[:, None, None, None], (count, 8, 8, 3))
    kinds = np.arange(count, dtype=np.int64) % 2
    kinds[:3] = 2
    return PictureSet(
        name,
        images.copy(),
        {
            "kind": Factor("kind", "kind", KINDS, kinds),
            "parity": Factor("parity", "Parity", ("even", "odd"), np.arange(count, dtype=np.int64) % 2),
        },
        tuple(f"{EVIL} {i}" for i in range(count)),
        f"Made up {EVIL}.",
        "CC0",
        draw=draw,
    )


@pytest.fixture
def split(monkeypatch):
    """200 training pictures and 30 held-out ones, whatever is asked for."""
    made = Split(made_up(200), made_up(30))
    monkeypatch.setattr(tab, "split_of", lambda session, config, size=None: made)
    return made


def grid(values):
    return json.loads(values[GRID])


def indices(values):
    """Which training pictures are shown."""
    return [int(name.removeprefix(EVIL)) for name in grid(values)["names"]]


def text(values, which=MATCHING):
    return html.unescape(values[which])


def open_views(session, settings=APPLES, use=USE, **data):
    return tab.opened_views(use, session, settings, {"ratio": 1, "back": False, **data})


def other_views(session, settings=APPLES, use=USE):
    return tab.other_views(use, session, settings)


def pick_shown(session, values, index, use=USE):
    """Click the index-th of the pictures that these values show; returns what is said."""
    return tab.pick_shown(use, session, {"index": index, "id": grid(values)["id"]})


def picked_index(session, data="apples", use=USE):
    made = picked(session, use.prefix, data)
    return None if made is None else made.index


def ask(session, side=TRAINING, factor=EVERY, chosen=EVERY, settings=APPLES, use=USE):
    return tab.filter_views(use, session, settings, side, factor, chosen)


def ask_class(session, factor, chosen, side=TRAINING):
    """As in the page: first the factor, then the class."""
    ask(session, side, factor)
    return ask(session, side, factor, chosen)


def zipped(tmp_path, files):
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def png(seed):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folders(tmp_path):
    """A .zip of two folders of 6 pictures each, one of them with a hostile name, and a text."""
    files = {f"{folder}/{i}{EVIL}.png": png(len(folder) + 100 * i) for folder in (EVIL, "cats") for i in range(6)}
    return zipped(tmp_path, files | {"cats/readme.txt": b"no picture"})


# ---- Browsing


def test_at_first_training_pictures_are_shown_and_counted(session, split):
    values = open_views(session)
    assert len(values) == tab.VIEWS
    shown = indices(values)
    assert len(set(shown)) == SHOWN
    assert text(values) == '<p class="answer">200 training pictures; 60 are shown.</p>'
    assert grid(values)["pickable"]
    assert grid(values)["captions"] is None


def test_the_same_pictures_are_shown_to_everybody(store, split):
    one, other = (open_views(store.attach(page, None)) for page in ("a", "b"))
    assert indices(one) == indices(other)
    assert grid(one)["id"] != grid(other)["id"]


def test_others_are_others_until_all_were_seen_and_then_it_begins_anew(session, split):
    seen = [indices(open_views(session)), *(indices(other_views(session)) for _ in range(3))]
    in_order = list(itertools.chain.from_iterable(seen))
    assert set(in_order[:200]) == set(range(200))
    assert in_order[200:] == in_order[:40]


def test_a_factor_sorts_by_class_says_the_classes_and_shows_as_many_as_there_are(session, split):
    open_views(session)
    values = ask(session, factor="kind")
    captions = grid(values)["captions"]
    assert captions == sorted(captions, key=KINDS.index)
    assert set(captions) == set(KINDS[:3])
    assert captions.count("rare") == 3, "all there are"
    assert abs(captions.count("red") - captions.count(EVIL)) <= 1
    assert [split.train.factors["kind"].values[i] for i in indices(values)] == [KINDS.index(c) for c in captions]


def test_classes_can_be_chosen_with_their_counts(session, split):
    open_views(session)
    assert ask(session)[CLASS]["interactive"] is False
    choices = ask(session, factor="kind")[CLASS]["choices"]
    counts = np.bincount(split.train.factors["kind"].values)
    assert choices[1:] == [
        (f"{KINDS[0]} ({counts[0]})", 0),
        (f"{EVIL} ({counts[1]})", 1),
        ("rare (3)", 2),
        ("never (0)", 3),
    ]


def test_a_class_shows_only_its_pictures(session, split):
    open_views(session)
    values = ask_class(session, "kind", 1)
    assert set(split.train.factors["kind"].values[indices(values)]) == {1}
    assert "99 of 200 training pictures match; 60 are shown." in text(values)
    assert values[CLASS]["value"] == 1
    assert values[OTHERS]["interactive"]
    assert set(split.train.factors["kind"].values[indices(other_views(session))]) == {1}


def test_fewer_than_a_page_are_all_shown_and_there_are_no_others(session, split):
    open_views(session)
    values = ask_class(session, "kind", 2)
    assert sorted(indices(values)) == [0, 1, 2]
    assert text(values) == '<p class="answer">3 of 200 training pictures match.</p>'
    assert values[OTHERS]["interactive"] is False


def test_a_class_without_pictures_says_so(session, split):
    open_views(session)
    values = ask_class(session, "kind", 3)
    assert "0 of 200 training pictures match: choose another class." in text(values)
    assert (grid(values)["sprite"], grid(values)["names"]) == (None, [])
    assert "choose another" in grid(values)["empty"]
    assert len(indices(ask(session))) == SHOWN, "and back again"


def test_another_factor_begins_with_every_class(session, split):
    open_views(session)
    ask_class(session, "kind", 1)
    values = ask(session, factor="parity", chosen=1)
    assert values[CLASS]["value"] == EVERY
    assert set(grid(values)["captions"]) == {"even", "odd"}


def test_held_out_pictures_are_shown_but_not_picked(session, split):
    open_views(session)
    values = ask(session, side=HELD_OUT)
    assert "30 held-out pictures." in text(values)
    assert grid(values)["pickable"] is False
    assert grid(values)["chosen"] is None
    assert HELD_OUT_NOTE in text(values, NOTE)
    assert HELD_OUT_NOTE in html.unescape(pick_shown(session, values, 1))
    assert picked_index(session) is None


def test_a_class_stays_on_the_other_side_unless_the_classes_are_others_there(session, split):
    open_views(session)
    ask_class(session, "kind", 2)
    assert ask(session, HELD_OUT, "kind", 2)[CLASS]["value"] == 2
    split.held_out.factors["kind"] = Factor("kind", "kind", KINDS[:2], np.arange(30) % 2)
    ask_class(session, "kind", 2)
    values = ask(session, HELD_OUT, "kind", 2)
    assert values[CLASS]["value"] == EVERY
    assert alerts(values[MATCHING]) == []


@pytest.mark.parametrize(
    ("side", "factor", "chosen"),
    [
        ("nowhere", EVERY, EVERY),
        (None, EVERY, EVERY),
        ([TRAINING], EVERY, EVERY),
        (TRAINING, "flavour", EVERY),
        (TRAINING, EVIL, EVERY),
        (TRAINING, ["kind"], EVERY),
        (TRAINING, {"a": 1}, EVERY),
        (TRAINING, 3, EVERY),
        *((TRAINING, "kind", chosen) for chosen in (4, -1, "1", 1.0, True, math.nan, [1], EVIL, 10**30)),
    ],
    ids=repr,
)
def test_what_can_not_be_asked_is_answered_in_a_sentence_and_the_pictures_stay(session, split, side, factor, chosen):
    open_views(session)
    before = ask(session, factor="kind")
    values = ask(session, side, factor, chosen)
    assert len(alerts(values[MATCHING])) == 1
    assert "<img" not in values[MATCHING]
    assert [values[i] for i in range(tab.VIEWS) if i != MATCHING] == [gr.skip()] * (tab.VIEWS - 1)
    assert grid(other_views(session))["captions"] is not None, "what was asked before still holds"
    assert "Picked" in pick_shown(session, before, 0)


@pytest.mark.parametrize(
    "settings",
    [("pears", "none", "32"), ("apples", "taste", "32"), ("apples", "none", 33), (None, None, None), ([1], {}, EVIL)],
    ids=repr,
)
def test_settings_past_the_widgets_are_refused_in_a_sentence(session, split, settings):
    for values in (open_views(session, settings), *tab.settings_views(USE, session, settings)):
        if values[GRID] == gr.skip():
            continue  # "drawing…"
        assert len(alerts(values[MATCHING])) == 1
        assert "<img" not in values[MATCHING]
        assert grid(values)["names"] == []
    assert len(indices(open_views(session))) == SHOWN


def test_own_pictures_that_are_not_there_are_asked_for(session):
    values = open_views(session, OWN_SET)
    (sentence,) = alerts(values[MATCHING])
    assert "choose a .zip of folders" in sentence
    assert grid(values)["names"] == []


def test_other_data_begins_anew_and_the_same_data_sends_nothing(session, monkeypatch):
    monkeypatch.setattr(
        tab,
        "split_of",
        lambda session, config, size=None: Split(made_up(200 if config.data == "apples" else 90), made_up(30)),
    )
    open_views(session)
    ask(session, HELD_OUT, "kind")
    (same,) = tab.settings_views(USE, session, ("apples", "none", "64"))
    assert same == [gr.skip()] * tab.VIEWS
    waiting, values = tab.settings_views(USE, session, ("emoji", "none", "32"))
    assert "Drawing" in waiting[MATCHING]
    assert "90 training pictures" in text(values)
    assert (values[SIDE]["value"], values[FACTOR]["value"]) == (TRAINING, EVERY)


def test_a_reload_finds_what_was_looked_at(session, split):
    open_views(session)
    before = ask_class(session, "kind", 1)
    values = open_views(session)
    assert (values[SIDE]["value"], values[FACTOR]["value"], values[CLASS]["value"]) == (TRAINING, "kind", 1)
    assert indices(values) == indices(before)


def test_pictures_are_drawn_anew_at_the_size_of_the_screen(session, monkeypatch):
    sizes = []

    def draw(some, size):
        sizes.append((len(some), size))
        return np.zeros((len(some), size, size, 3), np.uint8)

    monkeypatch.setattr(tab, "split_of", lambda session, config, size=None: Split(made_up(200, draw=draw), made_up(30)))
    assert grid(open_views(session, ratio=2))["sprite"]["tile"] == SHARP_TILE
    assert grid(other_views(session))["sprite"]["tile"] == SHARP_TILE
    assert sizes == [(SHOWN, SHARP_TILE)] * 2


def test_source_and_licence_are_shown_as_text(session, split):
    origin = open_views(session)[ORIGIN]
    assert "<img" not in origin
    assert f"Source: Made up {EVIL}. Licence: CC0." in html.unescape(origin)


def test_names_never_come_as_markup(session, split):
    open_views(session)
    values = ask(session, factor="kind")
    for value in values:
        if isinstance(value, str):
            assert "<img" not in value
    note = pick_shown(session, values, 0)
    assert "<img" not in note
    assert EVIL in html.unescape(note)


# ---- Picking


def test_a_click_picks_that_picture_for_the_bench(session, split):
    values = open_views(session)
    note = pick_shown(session, values, 7)
    assert picked_index(session) == indices(values)[7]
    assert f"Picked: {EVIL} {indices(values)[7]}." in html.unescape(note)
    assert grid(open_views(session))["chosen"] == 7, "and it is marked from then on"


def test_a_click_that_was_overtaken_by_other_pictures_means_what_was_clicked(session, split):
    first = open_views(session)
    second = other_views(session)
    pick_shown(session, first, 3)
    assert picked_index(session) == indices(first)[3]
    pick_shown(session, second, 3)
    assert picked_index(session) == indices(second)[3]


@pytest.mark.parametrize("index", [-1, SHOWN, 10**30, 1.0, math.nan, "1", True, None, [1], {"a": 1}], ids=repr)
def test_a_click_on_no_picture_picks_none(session, split, index):
    values = open_views(session)
    assert "click again" in pick_shown(session, values, index)
    assert picked_index(session) is None


@pytest.mark.parametrize(
    "data", [None, [], EVIL, 3, {}, {"index": 2}, {"index": 2, "id": "x"}, {"index": 2, "id": None}]
)
def test_any_json_is_no_click(session, split, data):
    assert "click again" in tab.pick_shown(USE, session, data), "nothing is shown yet"
    open_views(session)
    assert "click again" in tab.pick_shown(USE, session, data)
    assert picked_index(session) is None


def test_only_the_last_grids_are_remembered(session, split):
    old = open_views(session)
    for _ in range(50):
        other_views(session)
    assert len(tab.browsing_of(USE, session).shown) == tab.KEPT_GRIDS
    assert "click again" in pick_shown(session, old, 0)


# ---- A visitor's own


def test_a_zip_is_read_kept_shown_and_deleted(session, folders):
    note, taken = take_pictures(session, str(folders))
    assert taken
    assert not folders.exists()
    assert alerts(note) == []
    assert "12 pictures in 2 folders." in note
    assert "1 file was left out" in note
    assert "only while this page is open" in note
    values = open_views(session, OWN_SET)
    assert "10 training pictures." in text(values)
    captions = grid(ask(session, factor="folder", settings=OWN_SET))["captions"]
    assert set(captions) == {EVIL, "cats"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a/1.png": png(1), "a/2.png": png(2), "a/3.png": png(3)}, "at least four"),
        ({"a/readme.txt": b"x"}, "No picture"),
        ({f"a/{i}.png": png(1) for i in range(6)}, "bring at least four"),
    ],
    ids=["three", "none", "all alike"],
)
def test_pictures_that_can_not_be_used_are_refused_and_the_ones_before_stay(session, tmp_path, files, said):
    take_own_pictures(session, before := made_up(12))
    path = zipped(tmp_path, files)
    note, taken = take_pictures(session, str(path))
    (sentence,) = alerts(note)
    assert said in sentence
    assert not taken
    assert own_pictures(session) is before
    assert not path.exists()


def test_a_file_that_is_no_zip_is_refused_and_deleted(session, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"\x89PNG not a zip")
    note, taken = take_pictures(session, str(path))
    assert len(alerts(note)) == 1
    assert not taken
    assert not path.exists()
    assert PICTURES not in session.uploads


def test_the_file_is_deleted_whatever_goes_wrong(session, folders, monkeypatch):
    from backends.data import own_pictures as reader

    def broken(path, size):
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(reader, "read_zip", broken)
    with pytest.raises(RuntimeError):
        take_pictures(session, str(folders))
    assert not folders.exists()


@pytest.mark.parametrize("path", [None, ""])
def test_no_file_is_said_in_a_sentence(session, path):
    note, taken = take_pictures(session, path)
    assert len(alerts(note)) == 1
    assert not taken


def test_a_session_keeps_one_set_and_runs_on_the_old_one_are_stale(store, session, folders):
    take_own_pictures(session, made_up(12))
    session.runs["some"] = fake_run(store)
    session.runs["some"].config = SimCLRConfig(data="own")
    open_views(session, OWN_SET)
    take_pictures(session, str(folders))
    assert session.runs["some"].stale
    _, values = tab.settings_views(USE, session, OWN_SET)
    assert "10 training pictures." in text(values), "other pictures under the same setting are shown too"
    assert [value for value in session.uploads.values() if isinstance(value, PictureSet)] == [own_pictures(session)]


def test_notes_of_the_pictures_are_shown_as_text():
    note = tab.own_note_html(replace(made_up(5), notes=(EVIL, "two")))
    assert "<img" not in note
    assert note.count("<li>") == 2


# ---- Coming back


def test_coming_back_to_the_same_pictures_sends_nothing_and_to_others_all(session, folders):
    assert take_pictures(session, str(folders))[1]
    open_views(session, OWN_SET)
    assert open_views(session, OWN_SET, back=True) == [gr.skip()] * tab.VIEWS
    take_own_pictures(session, made_up(40))  # in another tab
    assert "32 training pictures." in text(open_views(session, OWN_SET, back=True))
    assert "32 training pictures." in text(open_views(session, OWN_SET)), "a page that is new gets them always"


def test_the_note_on_own_pictures_comes_where_the_page_does_not_tell_of_them_and_replaces_no_other(session, folders):
    new, back = {"size": 48}, {"back": True}
    assert tab.opened_note(USE, session, new) == gr.skip(), "the door is said by the page itself"
    assert take_pictures(session, str(folders))[1]
    assert "12 pictures in 2 folders." in tab.opened_note(USE, session, back), "brought in another tab"
    assert tab.opened_note(USE, session, back) == gr.skip()
    assert "12 pictures in 2 folders." in tab.opened_note(USE, session, new), "the page was reloaded"
    assert tab.opened_note(USE, session, back) == gr.skip()


@pytest.mark.parametrize("back", [None, 1, "true", [True], EVIL], ids=repr)
def test_only_a_true_word_counts_as_coming_back(session, split, back):
    open_views(session)
    assert len(indices(open_views(session, back=back))) == SHOWN


def test_coming_back_keeps_the_size_of_the_screen(session, split):
    open_views(session, ratio=2)
    open_views(session, back=True)
    assert grid(other_views(session))["sprite"]["tile"] == SHARP_TILE


# ---- A second tab


def test_each_tab_keeps_its_own_picked_picture(session, split):
    one, other = open_views(session), open_views(session, PLAIN, OTHER)
    pick_shown(session, one, 7)
    pick_shown(session, other, 9, OTHER)
    assert picked_index(session) == indices(one)[7]
    assert picked_index(session, use=OTHER) == indices(other)[9]
    assert grid(open_views(session))["chosen"] == 7
    assert grid(open_views(session, PLAIN, OTHER))["chosen"] == 9


def test_a_click_in_one_tab_is_none_in_the_other(session, split):
    one = open_views(session)
    open_views(session, PLAIN, OTHER)
    assert "click again" in pick_shown(session, one, 7, OTHER)
    assert picked_index(session, use=OTHER) is None


def test_each_tab_looks_at_what_it_asked_for(session, split):
    open_views(session)
    open_views(session, PLAIN, OTHER)
    ask(session, factor="kind")
    ask(session, side=HELD_OUT, settings=PLAIN, use=OTHER)
    assert text(other_views(session)).endswith("60 are shown.</p>")
    assert "30 held-out pictures." in text(other_views(session, PLAIN, OTHER))


def test_a_picked_picture_is_kept_with_its_side_and_its_data(session, split):
    open_views(session, PLAIN, OTHER)
    values = ask(session, side=HELD_OUT, settings=PLAIN, use=OTHER)
    assert grid(values)["pickable"]
    assert "Test." in values[NOTE]
    note = html.unescape(pick_shown(session, values, 4, OTHER))
    assert note.endswith(f"It is picture {indices(values)[4]} of {HELD_OUT}.</p>")
    made = picked(session, "second", "apples")
    assert (made.side, made.index) == (HELD_OUT, indices(values)[4])
    assert picked(session, "second", "emoji") is None
    assert grid(open_views(session, PLAIN, OTHER))["chosen"] == 4
    back = ask(session, side=TRAINING, settings=PLAIN, use=OTHER)
    assert grid(back)["chosen"] is None, "the picture of the same number on the other side is another one"


def test_before_any_pick_the_first_picture_is_marked_unless_a_tab_has_none_at_first(session, split):
    shown = open_views(session)
    first = indices(shown).index(0) if 0 in indices(shown) else None
    assert grid(shown)["chosen"] == first
    with_first = replace(OTHER, prefix="third", at_first=(HELD_OUT, 2))
    open_views(session, PLAIN, with_first)
    held_out = ask(session, side=HELD_OUT, settings=PLAIN, use=with_first)
    assert grid(held_out)["chosen"] == indices(held_out).index(2)
    open_views(session, PLAIN, OTHER)
    for side in (TRAINING, HELD_OUT):
        assert grid(ask(session, side=side, settings=PLAIN, use=OTHER))["chosen"] is None


def test_a_pick_of_own_pictures_is_none_of_the_ones_that_come_next(session):
    take_own_pictures(session, made_up(40))
    own = ("own", "8")
    values = open_views(session, own, OTHER)
    pick_shown(session, values, 5, OTHER)
    assert picked_index(session, "own", OTHER) is not None
    assert grid(open_views(session, own, OTHER))["chosen"] == 5
    take_own_pictures(session, made_up(40))
    assert picked(session, "second", "own") is None
    assert grid(open_views(session, own, OTHER))["chosen"] is None


def test_a_pick_of_apples_outlives_pictures_of_ones_own(session, split):
    values = open_views(session)
    pick_shown(session, values, 7)
    take_own_pictures(session, made_up(40))
    assert picked_index(session) == indices(values)[7]


def test_own_pictures_that_one_tab_brought_are_there_in_the_other(session, folders):
    open_views(session)
    take_pictures(session, str(folders))
    assert "10 training pictures." in text(open_views(session, ("own", "8"), OTHER))


def test_without_a_shortcut_among_its_settings_a_tab_tells_of_none(session, split):
    assert OTHER.settings == ("data", "image_size")
    assert "shortcut" not in open_views(session, PLAIN, OTHER)[ORIGIN]
    assert len(alerts(open_views(session, ("pears", "8"), OTHER)[MATCHING])) == 1


def test_two_tabs_on_one_page_have_ids_and_endpoints_of_their_own(store):
    with gr.Blocks() as demo:
        for use in (USE, OTHER):
            config = use.config
            widgets = controls.build_essential(config, use.prefix) | controls.build_advanced(config, use.prefix)
            part = tab.lay_out_pictures(use, OWN)
            tab.wire_pictures(store, use, part, controls.in_config_order(config, widgets))
    ids = [block.elem_id for block in demo.blocks.values() if block.elem_id and "-pic-" in block.elem_id]
    assert len(ids) == len(set(ids)) == 20
    assert {name.split("-")[0] for name in ids} == {"first", "second"}
    names = {str(function.api_name) for function in demo.fns.values()}
    assert {name for name in names if name.endswith("pictures")} == {"first_own_pictures", "second_own_pictures"}


# ---- Wiring


@pytest.fixture
def handlers(store):
    with gr.Blocks() as demo:
        widgets = controls.build_essential(SimCLRConfig, "s") | controls.build_advanced(SimCLRConfig, "s")
        part = tab.lay_out_pictures(USE, OWN)
        events = tab.wire_pictures(store, USE, part, controls.in_config_order(SimCLRConfig, widgets))
        events.uploaded.then(lambda: None)
        events.picked.then(lambda: None)
    return {function.fn.__name__: function for function in demo.fns.values() if function.fn is not None}


REQUEST = SimpleNamespace(session_hash="page")


def test_every_handler_returns_a_value_for_each_of_its_outputs(handlers, session, split, folders):
    event = SimpleNamespace(_data={"ratio": 2})
    opened = handlers["on_open"]
    values = opened.fn(event, REQUEST, *APPLES)
    assert len(values) == len(opened.outputs) == tab.VIEWS + 1
    assert grid(values)["sprite"]["tile"] == SHARP_TILE
    for name, given in {
        "on_settings": [REQUEST, "emoji", "none", "32"],
        "on_filter": [TRAINING, "kind", EVERY, REQUEST, *APPLES],
        "on_others": [REQUEST, *APPLES],
    }.items():
        answer = handlers[name].fn(*given)
        for values in answer if name == "on_settings" else [answer]:
            assert len(values) == len(handlers[name].outputs) == tab.VIEWS, name
    note, cleared, data = handlers["on_upload"].fn(str(folders), REQUEST)
    assert (cleared, data) == (None, "own")
    assert "12 pictures" in note
    assert handlers["on_upload"].fn(None, REQUEST)[1:] == [None, gr.skip()], "refused: the setting stays"
    assert "click again" in handlers["on_pick"].fn(SimpleNamespace(_data=EVIL), REQUEST)
