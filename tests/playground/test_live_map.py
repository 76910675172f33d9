"""The map of one set of vectors: when it is laid out, what it remembers, and what it tells the page."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

import numpy as np
import pytest

from backends.analysis import projection
from backends.analysis.map_config import LIVE_POINTS, MapConfig
from backends.analysis.picture_vectors import PictureVectors, place_among
from backends.analysis.word_vectors import WordVectors
from backends.data.pictures import Factor
from playground import live_map
from playground.components.sprites import data_url, sprite_of
from playground.live_map import (
    Source,
    changed_map,
    colour_of,
    guests_of,
    items_id,
    map_of,
    marks_of,
    packed_frame,
    packed_items,
    packed_marks,
    picked_index,
)

WORDS, GROUPS = 120, 4


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(live_map, "MAP_SECONDS", 0)


@pytest.fixture
def warm():
    projection.warm_up()


@pytest.fixture
def cold(monkeypatch):
    monkeypatch.setattr(projection, "_warm", threading.Event())
    return projection._warm


def vectors(count: int = WORDS, seed: int = 0) -> WordVectors:
    """Vectors in four groups: word i belongs to group i % 4."""
    random = np.random.default_rng(seed)
    middles = 3 * np.random.default_rng(9).standard_normal((GROUPS, 10))[np.arange(count) % GROUPS]
    made = (middles + random.standard_normal((count, 10))).astype(np.float32)
    return WordVectors.build([f"word{i}" for i in range(count)], np.arange(count, 0, -1), made)


class Training:
    """A run as its map sees it: vectors that change with the step."""

    def __init__(self, count: int = WORDS, points: np.ndarray | None = None) -> None:
        self.count, self.points, self.views = count, points, {}
        self.step, self.resting = 0, True

    def source(self) -> Source:
        made = vectors(self.count, self.step)
        label = f"{self.step} words read"
        return Source("run", made, self.step, label, self.resting, self.views, lambda n: f"{n} words", self.points)


def polled(store, training, config=None, times=1):
    """Poll until `times` frames have come; returns the view."""
    view = map_of(training.source(), config or MapConfig())
    for _ in range(times):
        end = time.monotonic() + 20
        while not view.poll(store, training.source())[0]:
            assert time.monotonic() < end
            time.sleep(0.001)
    return view


def train(store, training, steps, config=None):
    training.resting = False
    view = map_of(training.source(), config or MapConfig())
    for _ in range(steps):
        training.step += 1
        view = polled(store, training, config)
        wait_for_job(view)
    return view


def wait_for_job(view):
    if view.job is not None:
        view.job.result(60)


def rest(store, training, config=None):
    """Poll until the map rests; returns the view and how many frames came."""
    training.resting = True
    frames, more = 0, True
    end = time.monotonic() + 60
    while more:
        assert time.monotonic() < end
        view = map_of(training.source(), config or MapConfig())
        fresh, more = view.poll(store, training.source())
        frames += fresh
        wait_for_job(view)
    return view, frames


def read(packed: str) -> dict[str, Any]:
    return json.loads(packed)


def shown(training, view, asked=1, near=(), **options):
    return read(packed_frame(training.source(), view, asked, near, **options))


def codes(colour):
    return np.frombuffer(base64.b64decode(colour["codes"]), np.uint8)


def test_a_map_before_the_first_step_is_a_pca_and_nothing_is_laid_out(store, warm):
    training = Training()
    view = map_of(training.source(), MapConfig())
    assert view.poll(store, training.source()) == (False, False)
    assert view.job is None
    np.testing.assert_allclose(view.frame.points, projection.pca(vectors().unit)[0], atol=1e-5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_follows_the_training_and_comes_to_rest_after_it(store, warm, dimensions):
    config = MapConfig(dimensions=dimensions)
    training = Training()
    view = train(store, training, 6, config)
    assert view.frame.method == "umap"
    assert view.frame.progress is None
    assert view.frame.points.shape == (WORDS, dimensions)
    view, frames = rest(store, training, config)
    assert frames >= projection.SETTLING_FRAMES
    assert view.frame.progress == 1
    assert view.frame.trust > 0.85
    assert view.rests_at == training.step
    for _ in range(3):
        assert view.poll(store, training.source()) == (False, False)
    packed = shown(training, view)
    assert (packed["busy"], packed["dims"], packed["n"]) == (False, dimensions, WORDS)
    assert "trustworthiness" in packed["note"]


def test_a_map_at_rest_moves_again_when_training_goes_on(store, warm):
    training = Training()
    train(store, training, 2)
    rest(store, training)
    view = train(store, training, 2)
    assert view.rests_at is None
    assert view.frame.progress is None
    rest(store, training)
    assert view.rests_at == training.step


def test_layouts_keep_their_distance_in_time_while_training(store, warm, monkeypatch):
    monkeypatch.setattr(live_map, "MAP_SECONDS", 60)
    training = Training()
    view = train(store, training, 1)
    for _ in range(5):
        training.step += 1
        view.poll(store, training.source())
        wait_for_job(view)
    assert view.frames == 1
    training.resting = True
    view.poll(store, training.source())
    assert view.job is not None, "at rest nothing waits"


def test_a_layout_that_is_not_finished_is_waited_for_and_holds_nothing_up(store, warm):
    training = Training()
    view = train(store, training, 1)
    gate = threading.Event()
    store.map_worker.submit(gate.wait)
    training.step += 1
    view.poll(store, training.source())
    job = view.job
    begun = time.monotonic()
    assert [view.poll(store, training.source()) for _ in range(50)] == [(False, True)] * 50
    assert view.job is job
    assert time.monotonic() - begun < 5
    gate.set()


def test_while_umap_compiles_the_map_waits_and_then_becomes_one(store, cold):
    training = Training()
    train(store, training, 2)
    training.resting = True
    for _ in range(4):
        view = map_of(training.source(), MapConfig())
        _, more = view.poll(store, training.source())
        wait_for_job(view)
    assert more
    assert "while UMAP gets ready" in shown(training, view)["note"]
    projection.warm_up()
    view, _ = rest(store, training)
    assert view.frame.method == "umap"


def test_only_the_colour_keeps_the_view(store, warm):
    training = Training()
    view = train(store, training, 3)
    for colour in ("cluster", "similarity", "frequency", "plain"):
        assert map_of(training.source(), MapConfig(colour=colour)) is view
        assert view.config.colour == colour
        assert len(view.history) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"method": "pca"},
        {"dimensions": 3},
        {"points": 50},
        {"n_neighbors": 5},
        {"min_dist": 0.5},
        {"metric": "euclidean"},
    ],
    ids=str,
)
def test_any_other_setting_begins_a_new_map(store, warm, change):
    training = Training()
    view = train(store, training, 2)
    other = map_of(training.source(), MapConfig(**change))
    assert other is not view
    assert other.map_id != view.map_id
    assert other.history == []
    assert map_of(training.source(), MapConfig(**change)) is other


def test_points_that_move_too_slowly_wait_for_rest(monkeypatch):
    monkeypatch.setattr(live_map, "LIVE_POINTS", 60)
    training, config = Training(), MapConfig(points=100)
    training.step, training.resting = 1, False
    view = map_of(training.source(), config)
    assert len(view.frame.points) == 60
    assert items_id(training.source(), view) == "run:60"
    assert "100 when it rests" in shown(training, view)["note"]
    training.resting = True
    view = map_of(training.source(), config)
    assert len(view.frame.points) == 100
    assert "when it rests" not in shown(training, view)["note"]


def test_points_that_may_move_all_do():
    training = Training(LIVE_POINTS + 10)
    training.step, training.resting = 1, False
    assert len(map_of(training.source(), MapConfig(points=LIVE_POINTS)).frame.points) == LIVE_POINTS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_map_of_hardly_any_words(store, warm, count):
    training = Training(count)
    training.step = 1
    view, _ = rest(store, training)
    packed = shown(training, view, 0)
    assert packed["n"] == count
    assert packed["asked"] == 0
    assert "too few points" in packed["note"]


def test_the_history_is_every_state_in_order(store, warm):
    training = Training()
    view = train(store, training, 5)
    packed = shown(training, view, with_history=True)
    assert [state["step"] for state in packed["history"]] == [1, 2, 3, 4]
    assert (packed["step"], packed["label"]) == (5, "5 words read")
    assert {len(state["q"]) for state in packed["history"]} == {len(packed["q"])}
    assert shown(training, view)["history"] == []


def test_coming_to_rest_is_one_state_of_the_history(store, warm):
    training = Training()
    train(store, training, 3)
    view, frames = rest(store, training)
    assert frames > 10
    assert [state["step"] for state in view.history] == [1, 2, 3]
    assert view.history[-1]["q"] == shown(training, view)["q"]


@pytest.mark.parametrize("most", [16, 17])
def test_the_history_is_thinned_evenly_and_bounded_and_keeps_its_first_and_last_state(monkeypatch, most):
    monkeypatch.setattr(live_map, "HISTORY_STATES", most)
    training = Training()
    view = map_of(training.source(), MapConfig())
    for step in range(1, 500):
        view._remember(step, f"{step} words read")
        steps = [state["step"] for state in view.history]
        assert len(steps) <= most
        assert steps == sorted(set(steps))
        assert (steps[0], steps[-1]) == (1, step)
    assert len(steps) >= most // 2
    assert max(np.diff(steps)) <= 4 * 500 / most, "early states are kept as well as late ones"


def test_the_history_of_a_large_map_is_bounded_in_bytes():
    training = Training(5_000)
    view = map_of(training.source(), MapConfig(points=5_000, dimensions=3))
    for step in range(1, 300):
        view._remember(step, "")
    assert sum(len(state["q"]) for state in view.history) <= live_map.HISTORY_BYTES


def test_the_shown_step_is_that_of_the_points_and_not_of_the_training(store, warm):
    training = Training()
    view = train(store, training, 3)
    training.step = 7
    packed = shown(training, view)
    assert (packed["step"], packed["label"]) == (3, "3 words read")


def test_points_that_are_known_already_are_shown_and_rest(store, warm):
    known = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    training = Training(points=known)
    training.step = 1
    view = map_of(training.source(), MapConfig(points=60))
    np.testing.assert_array_equal(view.frame.points, known)
    assert view.poll(store, training.source()) == (False, False)
    assert map_of(training.source(), MapConfig(points=60, n_neighbors=5)).frame.method == "pca"


def test_known_points_do_not_stand_for_other_settings(store, warm):
    known = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    training = Training(points=known)
    training.step = 1
    view = map_of(training.source(), MapConfig(points=60, min_dist=0.5))
    assert not np.array_equal(view.frame.points, known)
    rested, _ = rest(store, training, MapConfig(points=60, min_dist=0.5))
    assert rested.frame.method == "umap"


def test_known_points_of_fewer_vectors_than_the_settings_allow_stand_too(store):
    known = np.random.default_rng(0).normal(size=(WORDS, 2)).astype(np.float32)
    training = Training(points=known)
    training.step = 1
    np.testing.assert_array_equal(map_of(training.source(), MapConfig()).frame.points, known)


def test_a_point_and_its_neighbours_are_marked_where_they_are_on_the_map():
    training = Training()
    view = map_of(training.source(), MapConfig(points=50))
    assert marks_of(view, 7, [3, 49, 50, 119, -1]) == (7, [3, 49])
    assert marks_of(view, 50, [3]) == (None, [3])
    assert marks_of(view, -1, []) == marks_of(view, None, []) == (None, [])
    marks = read(packed_marks(training.source(), view, 7, [3]))
    assert marks == {"run": "run", "asked": 7, "near": [3], "colour": None, "said": ""}


def test_a_word_that_is_known_but_not_on_the_map_is_said_to_be_so():
    training = Training()
    view = map_of(training.source(), MapConfig(points=50))
    assert "“word77” is not among the 50" in read(packed_marks(training.source(), view, 77, []))["said"]
    assert read(packed_marks(training.source(), view, None, []))["said"] == ""


def test_similarity_is_the_cosine_with_the_asked_word():
    training = Training()
    view = map_of(training.source(), MapConfig(colour="similarity"))
    colour = colour_of(training.source(), view, 5)
    unit = vectors().unit
    shown_order = codes(colour)[np.argsort(unit @ unit[5])].astype(int)
    assert np.all(np.diff(shown_order) >= 0)
    assert codes(colour)[5] == 255
    assert colour["label"] == "cosine with word5"
    assert colour_of(training.source(), view, None) is None


def test_clusters_are_named_after_words_of_their_own(store):
    training = Training()
    view = map_of(training.source(), MapConfig(colour="cluster"))
    colour = colour_of(training.source(), view, None)
    groups = codes(colour)
    assert len(colour["names"]) == groups.max() + 1
    for group, name in enumerate(colour["names"]):
        named = [int(word.removeprefix("word")) for word in name.split(", ")]
        assert named == sorted(named)
        assert {groups[i] for i in named} == {group}


def test_clusters_stay_while_the_vectors_move_and_are_found_anew_at_rest():
    training = Training()
    training.step, training.resting = 1, False
    view = map_of(training.source(), MapConfig(colour="cluster"))
    first = colour_of(training.source(), view, None)
    training.step = 2
    assert colour_of(training.source(), view, None) is first
    training.resting = True
    assert colour_of(training.source(), view, None) is not first


@pytest.mark.parametrize("colour", ["plain", "frequency"])
def test_the_page_knows_the_other_colours_itself(colour):
    training = Training()
    view = map_of(training.source(), MapConfig(colour=colour))
    assert colour_of(training.source(), view, 1) is None


def test_every_new_state_of_the_page_has_a_frame_of_its_own(store, warm):
    training = Training()
    view = train(store, training, 2)
    seen = [shown(training, view)["id"], shown(training, view, 2)["id"]]
    map_of(training.source(), MapConfig(colour="cluster"))
    seen.append(shown(training, view)["id"])
    view = train(store, training, 1, MapConfig(colour="cluster"))
    seen.append(shown(training, view)["id"])
    seen.append(shown(training, map_of(training.source(), MapConfig(dimensions=3)))["id"])
    assert len(set(seen)) == len(seen)


# ---- What the page asks for


def test_a_pick_is_a_point_of_this_map_or_none():
    training = Training()
    view = map_of(training.source(), MapConfig(points=50))
    items = items_id(training.source(), view)
    assert picked_index(training.source(), view, {"index": 49, "items": items, "name": "<b>"}) == 49
    for index in (-1, 50, 1.0, True, "3", None, [3], 2**70, float("nan")):
        assert picked_index(training.source(), view, {"index": index, "items": items}) is None, index
    for picked in (None, 3, [], "3", {}, {"index": 3}, {"index": 3, "items": "run:120"}, {"items": items}):
        assert picked_index(training.source(), view, picked) is None, picked


def test_changes_that_are_none_change_nothing():
    config = MapConfig(n_neighbors=30)
    assert changed_map(config, {"colour": "factor:shape"}).colour == "factor:shape"
    for changes in (None, 7, {"colour": "factor:<b>"}, {"colour": "factor:" + "a" * 99}, {"self": 1}, {3: 4}):
        assert changed_map(config, changes) == config, changes


# ---- Pictures

TINY = np.full((8, 8, 3), 200, np.uint8)


def picture_source(count: int = WORDS, resting: bool = True, views: dict[str, Any] | None = None) -> Source:
    """Pictures in four groups: picture i is of class i % 4 of the factor "group", and "size" says nothing of it."""
    factors = {
        "group": Factor("group", "Group", ("red", "green", "blue", "<img src=x>"), np.arange(count) % GROUPS),
        "size": Factor("size", "Size", ("small", "large"), np.arange(count) // GROUPS % 2),
    }
    made = PictureVectors(vectors(count).vectors, tuple(f"picture {i}" for i in range(count)), factors)
    views = {} if views is None else views
    return Source("run", made, 1, "1 step", resting, views, lambda n: f"{n} pictures", factors=made.factors)


def test_pictures_are_laid_out_like_words(store, warm):
    source, more = picture_source(), True
    while more:
        _, more = map_of(source, MapConfig()).poll(store, source)
        wait_for_job(map_of(source, MapConfig()))
    view = map_of(source, MapConfig())
    assert (view.frame.method, view.frame.progress) == ("umap", 1)
    near = [i for i, _ in source.vectors.nearest(3, 5)]
    packed = read(packed_frame(source, view, 3, near))
    assert (packed["asked"], packed["near"], packed["n"]) == (3, near, WORDS)
    assert packed["title"] == f"{WORDS} pictures"


def test_items_of_pictures_carry_their_factors_for_the_points_that_are_shown():
    source = picture_source()
    view = map_of(source, MapConfig(points=50))
    sprite = sprite_of(np.zeros((50, 8, 8, 3), np.uint8))
    swatches = {"group": ["#ff0000", "#00ff00", "#0000ff", "#888888"]}
    packed = read(packed_items(source, view, noun="picture", sprite=sprite, swatches=swatches))
    assert packed["id"] == items_id(source, view)
    assert packed["names"] == [f"picture {i}" for i in range(50)]
    assert packed["sprite"] == sprite
    group, size = packed["groupings"]
    read_codes = np.frombuffer(base64.b64decode(group["codes"]), "<u2")
    np.testing.assert_array_equal(read_codes, np.arange(50) % GROUPS)
    assert (group["label"], group["classes"][-1], group["colours"]) == ("Group", "<img src=x>", swatches["group"])
    assert "colours" not in size
    assert "counts" not in packed


def test_items_of_words_carry_counts_and_no_groupings():
    training = Training()
    view = map_of(training.source(), MapConfig(points=50))
    packed = read(packed_items(training.source(), view, noun="word", counts=vectors().counts))
    assert set(packed) == {"id", "names", "noun", "counts"}
    assert packed["counts"] == list(range(120, 70, -1))


def test_a_colour_by_a_factor_is_the_pages_own_and_by_an_unknown_one_is_none():
    source = picture_source()
    view = map_of(source, MapConfig(colour="factor:group"))
    packed = read(packed_frame(source, view, None, []))
    assert (packed["settings"]["colour"], packed["colour"]) == ("factor:group", None)
    assert map_of(source, MapConfig(colour="factor:nothing")) is view
    assert read(packed_frame(source, view, None, []))["settings"]["colour"] == "plain"
    words = map_of(Training().source(), MapConfig(colour="factor:group"))
    assert words.config.colour == "plain"


def test_clusters_of_pictures_are_named_after_what_they_have_in_common():
    source = picture_source()
    colour = colour_of(source, map_of(source, MapConfig(colour="cluster")), None)
    groups = codes(colour)
    for group, name in enumerate(colour["names"]):
        members = np.flatnonzero(groups == group)
        called, share = name.removesuffix(" %").rsplit(" ", 1)
        known = next(f for f in source.factors.values() if called in f.classes)
        counted = np.mean(known.values[members] == known.classes.index(called))
        assert float(share) == pytest.approx(100 * counted, abs=0.5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_new_pictures_stand_among_those_they_are_most_like(dimensions):
    source = picture_source()
    view = map_of(source, MapConfig(points=100, dimensions=dimensions))
    new = 7 * source.vectors.vectors[[4, 9]]
    guests = guests_of(source, view, new, ["mine", "<b>"], [data_url(TINY)] * 2, near=3)
    packed = read(packed_frame(source, view, None, [], guests=guests))
    assert [guest["name"] for guest in packed["guests"]] == ["mine", "<b>"]
    for guest, own in zip(packed["guests"], (4, 9), strict=True):
        assert guest["near"] == [own, *[i for i, _ in source.vectors.nearest(own, WORDS) if i < 100][:2]]
        place = [guest[axis] for axis in "xyz"[:dimensions]]
        np.testing.assert_allclose(place, view.frame.points[own], atol=0.02)
    expected = place_among(source.vectors.unit[[4]], source.vectors.unit[:100], view.frame.points, 3)[0]
    np.testing.assert_allclose([packed["guests"][0][axis] for axis in "xyz"[:dimensions]], expected, atol=1e-3)


def test_a_frame_with_other_guests_is_another_frame():
    source = picture_source()
    view = map_of(source, MapConfig())
    one = guests_of(source, view, source.vectors.vectors[:1], ["a"], [data_url(TINY)])
    other = guests_of(source, view, source.vectors.vectors[:1], ["b"], [data_url(TINY)])
    ids = [read(packed_frame(source, view, None, [], guests=guests))["id"] for guests in ((), one, other)]
    assert len(set(ids)) == 3
    assert read(packed_frame(source, view, None, [], guests=one))["id"] == ids[1]
