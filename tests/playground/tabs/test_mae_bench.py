from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from backends.mae.bench_config import BenchConfig
from playground import controls
from playground.own_pictures import take_own_pictures
from playground.session import Session
from playground.tabs import bench_picture, mae_bench, mae_models
from playground.tabs.mae_bench import bench_of
from playground.tabs.mae_models import PRESENT, SHIPPED, ModelProblem
from playground.tabs.pictures import HELD_OUT, TRAINING, Picked
from tests.backends.simclr.conftest import toy_pictures


@pytest.fixture
def settings():
    with gr.Blocks():
        widgets = {name: controls.build_one(BenchConfig, name, "t") for name in BenchConfig.model_fields}
    return controls.in_config_order(BenchConfig, widgets)


def panels(values: Any) -> dict[str, Any]:
    return json.loads(values[0] if isinstance(values, list) else values)


def is_skipped(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"__type__"}


def text(value: str) -> str:
    return re.sub(r"<[^>]+>", "", value)


def hidden_of(shown: dict[str, Any]) -> np.ndarray:
    return np.array([bit == "1" for bit in shown["hidden"]])


def test_before_any_training_a_shipped_model_paints_three_quarters_of_an_apple(store, session):
    values = mae_bench.bench_views(store, session)
    shown, strip = panels(values), json.loads(values[1])
    assert hidden_of(shown).sum() == 48
    assert shown["painted"]
    scored = [error for error in shown["errors"] if error is not None]
    assert len(scored) == 48, "visible patches are copied, so they have no error"
    assert np.mean(scored) < 0.5 * shown["baseline"]
    assert [column["hidden"].count("1") for column in strip["columns"]] == [16, 32, 48, 58]
    assert "Trained earlier by this project" in text(values[2])


def test_the_ratio_hides_more_and_the_strip_stays(store, session, settings):
    mae_bench.bench_views(store, session)
    area, strip, _ = mae_bench.settings_views(store, session, settings, [0.9, "random", 1])
    assert hidden_of(panels(area)).sum() == 58
    assert is_skipped(strip)
    none = panels(mae_bench.settings_views(store, session, settings, [0.0, "random", 1]))
    assert not hidden_of(none).any()
    assert none["baseline"] is None


def test_another_kind_hides_others_and_the_strip_follows(store, session, settings):
    first = hidden_of(panels(mae_bench.bench_views(store, session)))
    area, strip, _ = mae_bench.settings_views(store, session, settings, [0.75, "grid", 1])
    hidden = hidden_of(panels(area))
    assert hidden.sum() == first.sum()
    assert (hidden != first).any()
    assert (~hidden.reshape(4, 2, 4, 2)).sum(axis=(1, 3)).tolist() == [[1] * 4] * 4, "one of four is seen everywhere"
    assert not is_skipped(strip)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([float("nan"), "random", 1], "Hidden (ratio) is nan"),
        ([1.0, "random", 1], "Hidden (ratio) is 1"),
        ([-0.1, "random", 1], "Hidden (ratio) is -0.1"),
        ([0.5, "<b>", 1], "Which (kind)"),
        ([0.5, "random", -3], "Seed (seed) is -3"),
    ],
)
def test_a_wrong_setting_is_a_sentence_and_the_panels_stay(store, session, settings, values, said):
    before = bench_of(session).config
    area, strip, note = mae_bench.settings_views(store, session, settings, values)
    assert is_skipped(area)
    assert is_skipped(strip)
    assert said in text(note).replace("&lt;", "<")
    assert "<b>" not in note
    assert bench_of(session).config == before


def test_settings_that_say_nothing_new_leave_what_was_clicked(store, session, settings):
    shown = panels(mae_bench.bench_views(store, session))
    mae_bench.clicked_view(store, session, {"id": shown["id"], "hidden": [1, 2, 3]})
    bench_of(session).hidden = None
    assert all(is_skipped(value) for value in mae_bench.settings_views(store, session, settings, [0.75, "random", 1]))


def test_a_click_is_painted_and_kept(store, session):
    shown = panels(mae_bench.bench_views(store, session))
    answer = panels(mae_bench.clicked_view(store, session, {"id": shown["id"], "hidden": [0, 9, 63]}))
    assert np.flatnonzero(hidden_of(answer)).tolist() == [0, 9, 63]
    assert answer["id"] == shown["id"], "so that the page takes it for the answer to its click"
    again = panels(mae_bench.bench_views(store, session))
    assert np.flatnonzero(hidden_of(again)).tolist() == [0, 9, 63]


def test_all_and_none_can_be_hidden(store, session):
    shown = panels(mae_bench.bench_views(store, session))
    everything = panels(mae_bench.clicked_view(store, session, {"id": shown["id"], "hidden": list(range(64))}))
    assert hidden_of(everything).all()
    assert everything["painted"]
    nothing = panels(mae_bench.clicked_view(store, session, {"id": shown["id"], "hidden": []}))
    assert not hidden_of(nothing).any()


@pytest.mark.parametrize(
    "event_data",
    [None, 3, {"id": "another", "hidden": [1]}, {"hidden": [1]}, {"id": "bench-0", "hidden": [64]},
     {"id": "bench-0", "hidden": ["1"]}, {"id": "bench-0", "hidden": [True]}, {"id": "bench-0"}],
)  # fmt: skip
def test_a_click_that_is_none_changes_nothing(store, session, event_data):
    mae_bench.bench_views(store, session)
    assert is_skipped(mae_bench.clicked_view(store, session, event_data))
    assert bench_of(session).hidden is None


def test_a_model_with_other_patches_draws_a_mask_of_its_own(store, session):
    shown = panels(mae_bench.bench_views(store, session))
    mae_bench.clicked_view(store, session, {"id": shown["id"], "hidden": [0]})
    bench = bench_of(session)
    assert mae_bench.hidden_of(bench, 4).sum() == 12
    assert mae_bench.hidden_of(bench, 8).sum() == 1


def test_another_picture_is_another_and_has_a_name_of_its_own(store, session):
    first = panels(mae_bench.bench_views(store, session))
    bench_of(session).turn += 1
    second = panels(mae_bench.fresh_views(store, session))
    assert second["sheet"] != first["sheet"]
    assert second["id"] != first["id"]


@pytest.mark.parametrize("size", [(300, 20), (1, 1), (64, 64)])
def test_a_picture_of_ones_own_is_painted_and_its_file_deleted(store, session, tmp_path, size):
    path = tmp_path / "mine.png"
    Image.new("RGBA", size, (10, 200, 30, 128)).save(path)
    assert mae_bench.take_own(session, str(path)) == []
    assert not path.exists()
    shown = panels(mae_bench.fresh_views(store, session))
    assert shown["name"] == bench_picture.OWN_NAME
    assert shown["painted"]


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_is_no_picture_is_a_sentence_and_the_bench_stays(store, session, tmp_path, data):
    path = tmp_path / "mine.png"
    path.write_bytes(data)
    area, _, note = mae_bench.take_own(session, str(path))
    assert is_skipped(area)
    assert 'role="alert"' in note
    assert not path.exists()
    assert bench_of(session).own is None
    assert "choose" in text(mae_bench.take_own(session, None)[2])


def test_a_picked_picture_of_the_visitors_own_stands_there_until_they_bring_others(store, session):
    take_own_pictures(session, toy_pictures())
    mae_bench.put_on_bench(session, Picked("own", TRAINING, 3, 1))
    assert panels(mae_bench.bench_views(store, session))["name"].startswith("toy ")
    take_own_pictures(session, toy_pictures(seed=1))
    assert not panels(mae_bench.bench_views(store, session))["name"].startswith("toy ")


def test_a_picked_held_out_apple_is_the_one_of_the_models_own_split(store, session):
    model, _ = mae_models.chosen(store, session, PRESENT)
    mae_bench.put_on_bench(session, Picked("apples", HELD_OUT, 17, 0))
    assert panels(mae_bench.bench_views(store, session))["name"] == model.split.held_out.names[17]


def test_names_are_nothing_but_text(store, session):
    toys = toy_pictures()
    object.__setattr__(toys, "names", ("<img src=x onerror=alert(1)>",) * len(toys))
    take_own_pictures(session, toys)
    mae_bench.put_on_bench(session, Picked("own", TRAINING, 0, 1))
    assert "<img" not in mae_bench.bench_views(store, session)[0]


@pytest.mark.parametrize("choice", [SHIPPED + "nothing", "folder:../etc", "known:<b>", "known:nothing"])
def test_a_model_that_is_not_there_is_a_sentence(store, session, choice):
    if choice.startswith("folder:"):
        assert mae_models.chosen(store, session, choice)[0] is not None, "without a folder the present model answers"
        return
    with pytest.raises(ModelProblem):
        mae_models.chosen(store, session, choice)


def test_every_shipped_model_and_vit_mae_are_offered(store):
    values = [value for _, value in mae_models.choices(store)]
    assert values[0] == PRESENT
    assert {"shipped:apples", "shipped:emoji", "shipped:apples-64", "known:vit-mae-base"} <= set(values)


def test_without_a_model_the_panels_say_so(store, session, monkeypatch):
    monkeypatch.setattr(mae_models, "model_of", lambda session: (None, "There is no model yet: press Train."))
    values = mae_bench.bench_views(store, session)
    shown = panels(values)
    assert not shown["painted"]
    assert values[1] is None
    assert "press Train" in text(values[2])


def test_two_visitors_have_benches_of_their_own():
    one, other = Session("a"), Session("b")
    bench_of(one).turn = 5
    assert bench_of(other).turn == 0


def test_the_five_panels_are_saved_as_one_picture(store, session, tmp_path, monkeypatch):
    path = mae_bench.save_panels(store, session, tmp_path)
    with Image.open(path) as picture:
        assert picture.width > 4.5 * picture.height
    monkeypatch.setattr(mae_models, "model_of", lambda session: (None, "There is no model yet: press Train."))
    with pytest.raises(ModelProblem, match="press Train"):
        mae_bench.save_panels(store, session, tmp_path)
