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
from backends.analysis.word_vectors import WordVectors
from playground import live_map
from playground.live_map import Source, colour_of, items_id, map_of, marks_of, packed_frame, packed_marks

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
        view.job.result(20)


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


def shown(training, view, word="word1", near=(), **options):
    return read(packed_frame(training.source(), view, word, near, **options))


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
    assert time.monotonic() - begun < 1
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
    packed = shown(training, view, "word0")
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


def test_a_word_and_its_neighbours_are_marked_where_they_are_on_the_map():
    training = Training()
    view = map_of(training.source(), MapConfig(points=50))
    assert marks_of(training.source(), view, "word7", ["word3", "word49", "word50", "word119"]) == (7, [3, 49])
    assert marks_of(training.source(), view, "word50", ["word3"]) == (None, [3])
    assert marks_of(training.source(), view, "<b>unknown</b>", []) == (None, [])
    marks = read(packed_marks(training.source(), view, "word7", ["word3"]))
    assert marks == {"run": "run", "asked": 7, "near": [3], "colour": None, "said": ""}


def test_a_word_that_is_known_but_not_on_the_map_is_said_to_be_so():
    training = Training()
    view = map_of(training.source(), MapConfig(points=50))
    assert "“word77” is not among the 50" in read(packed_marks(training.source(), view, "word77", []))["said"]
    assert read(packed_marks(training.source(), view, "nowhere", []))["said"] == ""


def test_similarity_is_the_cosine_with_the_asked_word():
    training = Training()
    view = map_of(training.source(), MapConfig(colour="similarity"))
    colour = colour_of(training.source(), view, "word5")
    unit = vectors().unit
    shown_order = codes(colour)[np.argsort(unit @ unit[5])].astype(int)
    assert np.all(np.diff(shown_order) >= 0)
    assert codes(colour)[5] == 255
    assert colour["label"] == "cosine with word5"
    assert colour_of(training.source(), view, "unknown") is None


def test_clusters_are_named_after_words_of_their_own(store):
    training = Training()
    view = map_of(training.source(), MapConfig(colour="cluster"))
    colour = colour_of(training.source(), view, "")
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
    first = colour_of(training.source(), view, "")
    training.step = 2
    assert colour_of(training.source(), view, "") is first
    training.resting = True
    assert colour_of(training.source(), view, "") is not first


@pytest.mark.parametrize("colour", ["plain", "frequency"])
def test_the_page_knows_the_other_colours_itself(colour):
    training = Training()
    view = map_of(training.source(), MapConfig(colour=colour))
    assert colour_of(training.source(), view, "word1") is None


def test_every_new_state_of_the_page_has_a_frame_of_its_own(store, warm):
    training = Training()
    view = train(store, training, 2)
    seen = [shown(training, view)["id"], shown(training, view, "word2")["id"]]
    map_of(training.source(), MapConfig(colour="cluster"))
    seen.append(shown(training, view)["id"])
    view = train(store, training, 1, MapConfig(colour="cluster"))
    seen.append(shown(training, view)["id"])
    seen.append(shown(training, map_of(training.source(), MapConfig(dimensions=3)))["id"])
    assert len(set(seen)) == len(seen)
