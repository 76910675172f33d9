"""The map of a tab's held-out pictures, with a model that embeds by looking at the mean colour."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from backends.analysis.map_config import MapConfig
from backends.analysis.prober import Probed
from backends.data.pictures import PictureSet
from backends.data.splits import Split
from playground import live_map, picture_map
from playground.live_map import map_of
from playground.picture_map import FIRST_MAP, NEIGHBOURS_SHOWN, PictureMap, neighbours_strip, sprite_of_map, swatches_of
from tests.backends.simclr.conftest import PALETTE, toy_pictures
from tests.playground.fakes import alerts, fake_run

EVIL = "<img src=x onerror=alert(1)>"
PICTURES = toy_pictures(40, size=16)


@dataclass(eq=False)
class Model:
    """A `PictureModel` of features that are the mean colour."""

    pictures: PictureSet = PICTURES
    step: int = 10
    pixels: dict[str, float] = field(default_factory=dict)
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(data="own", image_size="16"))

    def __post_init__(self) -> None:
        self.split = Split(self.pictures, self.pictures)
        self.map_pictures = self.pictures
        self.probed = self.untrained = Probed(self.step, self.embed(self.pictures.images), {})

    def embed(self, images: np.ndarray) -> np.ndarray:
        assert images.shape[1:] == (16, 16, 3)
        return images.mean(axis=(1, 2)).astype(np.float32) - 110


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(live_map, "MAP_SECONDS", 0)
    monkeypatch.setattr(picture_map, "SETTLING_PAUSE_SECONDS", 0.01)


def map_of_first(models, tab="first"):
    """The map of whichever model stands first in a list, which may change."""
    first = FIRST_MAP.with_changes(method="pca")
    return PictureMap(tab, lambda session: (models[0] if models else None, f"From {EVIL}."), first)


def map_with(model, tab="first"):
    return map_of_first([model], tab)


def frame_of(shown, session, **options):
    return json.loads(shown.frame(session, **options))


def click_on(shown, session, index):
    return shown.ask(session, {"index": index, "items": frame_of(shown, session)["items"]})


def png(path, colour):
    Image.fromarray(np.full((30, 20, 3), colour, np.uint8)).save(path)
    return str(path)


# ---- What is shown


def test_without_a_model_there_is_no_map_and_a_sentence_says_what_will_appear(store, session):
    shown = map_with(None)
    assert shown.source(session) is None
    assert shown.frame(session) is None
    assert shown.items(session) == shown.marks(session) == gr.skip()
    assert "a map of held-out pictures appears" in shown.neighbours_html(session)
    assert not shown.ask(session, {"index": 0, "items": "x"})
    assert not shown.poll(store, session)


def test_a_model_whose_pictures_are_not_here_has_no_map(session):
    model = Model()
    model.probed = Probed(3, np.zeros((0, 3), np.float32), {})
    shown = map_with(model)
    assert shown.frame(session) is None
    assert shown.items(session) == gr.skip()


def test_the_map_shows_the_held_out_pictures_at_first_coloured_by_the_first_factor(session):
    shown = map_with(Model())
    frame = frame_of(shown, session)
    assert frame["n"] == 40
    assert frame["title"].startswith("40 held-out pictures")
    assert frame["settings"]["colour"] == "factor:colour"
    items = json.loads(shown.items(session))
    assert items["names"] == list(PICTURES.names)
    assert items["id"] == frame["items"]


def test_the_visitors_settings_count_from_then_on(session):
    shown = map_with(Model())
    assert shown.kept(session) is None
    shown.keep(session, MapConfig(method="pca", points=20, dimensions=3))
    frame = frame_of(shown, session)
    assert (frame["n"], frame["dims"], frame["settings"]["colour"]) == (20, 3, MapConfig().colour)


def test_another_model_brings_a_map_of_its_own_and_the_same_one_keeps_it(session):
    models = [Model(), Model(toy_pictures(30, seed=1, size=16))]
    shown = map_of_first(models)
    before = frame_of(shown, session)
    assert frame_of(shown, session)["map"] == before["map"]
    del models[0]
    after = frame_of(shown, session)
    assert after["n"] == 30
    assert after["map"] != before["map"]
    assert after["items"] != before["items"]


def test_a_run_of_ones_own_keeps_its_map_with_the_run(store, session):
    model = Model()
    session.runs["first"] = run = fake_run(store)
    run.frozen = model
    shown = map_with(model)
    assert shown.source(session).id == run.id
    assert run.views["vectors"] is shown.source(session).vectors
    run.frozen = Model()
    assert shown.source(session).id != run.id, "a loaded model is not the run's"


def test_only_apples_have_colours_of_their_own():
    assert swatches_of(PICTURES) == {}
    assert list(swatches_of(replace(PICTURES, name="apples"))) == ["colour"]
    assert sprite_of_map(PICTURES)["tile"] == picture_map.THUMBNAIL


# ---- Asking


def test_a_click_asks_for_a_picture_and_its_nearest_neighbours(session):
    shown = map_with(Model())
    assert click_on(shown, session, 7)
    marks = json.loads(shown.marks(session))
    assert marks["asked"] == 7
    nearest = [index for index, _ in shown.source(session).vectors.nearest(7, NEIGHBOURS_SHOWN)]
    assert marks["near"] == nearest
    strip = shown.neighbours_html(session)
    assert strip.count("<figure") == 1 + NEIGHBOURS_SHOWN
    assert strip.index("toy 7") < strip.index(f"toy {nearest[0]}")


@pytest.mark.parametrize("data", [None, 3, {}, {"index": 7}, {"index": 7, "items": "other"}, {"index": 99}, EVIL])
def test_what_is_no_click_on_this_map_asks_for_nothing(session, data):
    shown = map_with(Model())
    click_on(shown, session, 3)
    assert not shown.ask(session, data)
    assert frame_of(shown, session)["asked"] == 3


def test_a_picture_that_a_smaller_map_does_not_have_is_not_asked_for(session):
    models = [Model(), Model(toy_pictures(12, seed=1, size=16))]
    shown = map_of_first(models)
    click_on(shown, session, 30)
    del models[0]
    assert frame_of(shown, session)["asked"] is None
    assert "Click a picture" in shown.neighbours_html(session)


# ---- A picture of one's own


@pytest.mark.parametrize("colour", range(3))
def test_a_picture_of_ones_own_stands_among_those_that_are_like_it(session, tmp_path, colour):
    shown = map_with(Model())
    path = png(tmp_path / "mine.png", PALETTE[colour])
    assert shown.take_guest(session, path) == ""
    assert not (tmp_path / "mine.png").exists()
    frame = frame_of(shown, session)
    (guest,) = frame["guests"]
    assert (guest["name"], frame["asked"], frame["near"]) == ("your picture", None, [])
    classes = PICTURES.factors["colour"].values[guest["near"]]
    assert set(classes) == {colour}
    assert shown.neighbours_html(session).startswith(
        '<div class="picture-neighbours"><figure class="asked" title="your'
    )


def test_a_file_that_is_no_picture_is_refused_in_a_sentence_and_what_was_there_stays(session, tmp_path):
    shown = map_with(Model())
    shown.take_guest(session, png(tmp_path / "mine.png", PALETTE[0]))
    (tmp_path / "bad.png").write_text("<svg onload=alert(1)>")
    assert len(alerts(shown.take_guest(session, str(tmp_path / "bad.png")))) == 1
    assert not (tmp_path / "bad.png").exists()
    assert len(alerts(shown.take_guest(session, None))) == 1
    assert len(frame_of(shown, session)["guests"]) == 1


def test_names_and_origin_are_text(session):
    assert "<img src=x" not in neighbours_strip(EVIL, "data:,", toy_pictures(3, size=16), [(1, 0.5)])
    assert "<img" not in map_with(Model()).origin_html(session)
    hostile = map_with(Model(replace(PICTURES, names=(f'"{EVIL}',) * 40)))
    assert "<img src=x" not in hostile.neighbours_html(session)


# ---- Two tabs


def test_two_tabs_keep_settings_asked_picture_and_guest_apart(session, tmp_path):
    one, other = map_with(Model()), map_with(Model(toy_pictures(30, seed=1, size=16)), "second")
    click_on(one, session, 7)
    click_on(other, session, 9)
    one.keep(session, MapConfig(method="pca", points=20))
    other.take_guest(session, png(tmp_path / "mine.png", PALETTE[0]))
    first, second = frame_of(one, session), frame_of(other, session)
    assert (first["n"], second["n"]) == (20, 30)
    assert (first["asked"], first["guests"]) == (7, [])
    assert len(second["guests"]) == 1
    assert first["map"] == frame_of(one, session)["map"], "neither begins the other's anew"
    assert first["items"] != second["items"]


def test_ids_endpoint_and_what_a_session_keeps_begin_with_the_tabs_name(store, session, tmp_path):
    with gr.Blocks() as demo:
        for tab in ("simclr", "mae"):
            shown = map_with(Model(), tab)
            shown.wire(store, shown.lay_out(), shown.lay_out_origin())
    ids = {block.elem_id for block in demo.blocks.values()}
    for tab in ("simclr", "mae"):
        assert {f"{tab}-{place}" for place in ("map", "neighbours", "guest", "forget", "origin")} <= ids
        assert f"{tab}_place_picture" in {function.api_name for function in demo.fns.values()}
    shown = map_with(Model(), "simclr")
    click_on(shown, session, 1)
    shown.keep(session, MapConfig(method="pca"))
    shown.take_guest(session, png(tmp_path / "mine.png", PALETTE[0]))
    asyncio.run(frames(shown, store, session))
    kept = {"simclr_asked", "simclr_map", "simclr_guest", "simclr_other_map", "simclr_map_driver"}
    assert session.uploads.keys() == kept


# ---- The page's events


@pytest.fixture
def page(store):
    """Handlers by name."""
    shown = map_with(Model())
    with gr.Blocks() as demo:
        shown.wire(store, shown.lay_out(), shown.lay_out_origin())
    return {function.fn.__name__: function for function in demo.fns.values() if function.fn is not None}


REQUEST = SimpleNamespace(session_hash="page")


def test_every_handler_returns_a_value_for_each_of_its_outputs(page, session, tmp_path):
    items, origin = page["on_items"].fn(REQUEST)
    assert "From &lt;img" in origin
    click = SimpleNamespace(_data={"index": 5, "items": json.loads(items)["id"]})
    marks, strip = page["on_pick"].fn(click, REQUEST)
    assert json.loads(marks)["asked"] == 5
    assert "toy 5" in strip
    assert list(page["on_pick"].fn(SimpleNamespace(_data=EVIL), REQUEST)) == [gr.skip()] * 2
    frame, _, forget = page["on_guest"].fn(png(tmp_path / "a.png", PALETTE[0]), REQUEST)
    assert len(json.loads(frame)["guests"]) == 1
    assert forget["visible"]
    refused = page["on_guest"].fn(None, REQUEST)
    assert len(alerts(refused[1])) == 1
    assert refused[0] == refused[2] == gr.skip()
    frame, strip, forget = page["on_forget"].fn(REQUEST)
    assert json.loads(frame)["guests"] == []
    assert "toy 5" in strip, "the picture that was asked for before"
    assert forget["visible"] is False


def test_other_settings_lay_the_map_out_anew_and_bring_it_to_rest(page, session):
    async def seen():
        event = SimpleNamespace(_data={"points": 20, "dimensions": 3, "metric": EVIL})
        plain = SimpleNamespace(_data={"points": 20, "dimensions": 3})
        refused = [frame async for frame in page["on_layout"].fn(event, REQUEST)]
        return refused, [frame async for frame in page["on_layout"].fn(plain, REQUEST)]

    refused, frames_seen = asyncio.run(seen())
    assert json.loads(refused[-1])["n"] == 40, "one setting out of range: nothing changes"
    last = json.loads(frames_seen[-1])
    assert (last["n"], last["dims"], last["busy"]) == (20, 3, False)


async def frames(shown, store, session, **options):
    return [frame async for frame in shown.frames_at_rest(store, session, **options)]


def test_a_map_comes_to_rest_and_then_nothing_is_drawn(store, session):
    shown = map_with(Model())
    drawn = asyncio.run(asyncio.wait_for(frames(shown, store, session), 30))
    assert json.loads(drawn[-1])["busy"] is False
    source = shown.source(session)
    assert map_of(source, shown.config(session)).rests_at == source.step
    assert not shown.poll(store, session)


def test_a_page_that_was_opened_just_now_gets_the_history_with_the_last_frame(store, session):
    shown = map_with(Model())
    drawn = asyncio.run(frames(shown, store, session, reopened=True))
    again = asyncio.run(frames(shown, store, session))
    assert json.loads(drawn[-1])["id"] != json.loads(again[-1])["id"]


@pytest.mark.parametrize("end", ["another page", "page is gone", "a training", "no model"])
def test_drawing_at_rest_ends_when_another_draws_or_nobody_looks(store, session, monkeypatch, end):
    monkeypatch.setattr(live_map.MapView, "poll", lambda *_: (True, True))  # a map that never comes to rest
    models = [Model()]
    shown = map_of_first(models)

    def stop():
        if end == "another page":
            session.uploads["first_map_driver"] = object()
        elif end == "page is gone":
            session.left = 1.0
        elif end == "a training":
            session.drive("first")
        else:
            models.clear()

    async def drive():
        drawing = shown.frames_at_rest(store, session)
        first = [await anext(drawing) for _ in range(3)]
        stop()
        return first, [frame async for frame in drawing]

    first, rest = asyncio.run(asyncio.wait_for(drive(), 30))
    assert all(first)
    assert rest == []


def test_a_training_in_another_tab_does_not_stop_this_map(store, session):
    shown = map_with(Model())
    session.drive("second")
    assert asyncio.run(frames(shown, store, session))
