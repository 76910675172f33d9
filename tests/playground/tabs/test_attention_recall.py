"""LSTM against transformer on the page: verdict, table, the drawn sequence, presets."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from backends.attention.recall_config import PRESETS, RecallConfig
from backends.attention.recall_frozen import Attended
from playground.session import Run
from playground.tabs.attention_recall import (
    draw,
    draw_sweep,
    first_views,
    look,
    make_sweep,
    make_trainer,
    strip_html,
    verdict,
    verdict_html,
)

ATTACK = "<img src=x onerror=window.hacked=1>"
SMALL = RecallConfig(distance=5, steps=20, batch=8)


def pulled(store, trainer) -> Run:
    run = Run(trainer, store.device_lock)
    while not run.done:
        run.pull()
    return run


def test_the_verdict_tells_the_claim_only_where_its_numbers_hold():
    assert "one look away" in verdict(100, {"transformer": 1.0, "lstm": 0.12}, 0.125)
    assert "one look away" not in verdict(100, {"transformer": 0.6, "lstm": 0.12}, 0.125)
    assert "both can do it" in verdict(10, {"transformer": 1.0, "lstm": 1.0}, 0.125)
    text = verdict(100, {"transformer": 0.6, "lstm": 0.25}, 0.125)
    assert "60%" in text
    assert "25%" in text
    assert "12%" in text


def test_a_finished_run_fills_every_view(store, session):
    run = pulled(store, make_trainer(store, session, SMALL))
    run.views["looked"] = look(run.frozen, 0)
    said, accuracy, table, gradients, strip = draw(store, session, run, True)
    assert "Over 5 distractors" in said
    assert "so far" not in said
    assert "transformer" in accuracy
    assert f"{20 * 8:,}" in table, "sequences read"
    assert "at the first symbol" in gradients
    assert strip.count("<span") == 7
    assert len(first_views(session)) == 5


def test_the_strip_marks_what_is_looked_at_most_and_escapes_everything():
    weights = np.array([[[0.1, 0.7, 0.2]]])
    attended = Attended(0, ("A", ATTACK, "?"), weights, {"lstm": (ATTACK, 0.5)})
    text = strip_html(attended)
    assert "<img" not in text
    assert text.count('class="most"') == 1
    assert text.index('class="most"') > text.index(">A<")
    assert "10% on the first" in text


def test_a_sweep_draws_a_point_for_every_distance(store, session):
    assert make_sweep(store, session, SMALL).distances[:2] == (5, 10)
    run = SimpleNamespace(
        frozen=(SimpleNamespace(distance=5, transformer_accuracy=1.0, lstm_accuracy=0.5),), config=SMALL, views={}
    )
    (chart,) = draw_sweep(session, run, False)
    assert "LSTM 50%" in chart
    run.frozen = (*run.frozen, SimpleNamespace(distance=10, transformer_accuracy=1.0, lstm_accuracy=0.25))
    (chart,) = draw_sweep(session, run, False)
    assert "LSTM 25%" in chart


def test_before_any_run_the_task_is_told():
    assert "100 distractors" in verdict_html(None)


def test_every_preset_is_a_config_and_says_what_to_expect():
    assert len(PRESETS) >= 4
    for preset in PRESETS.values():
        assert preset.config().distance >= 1
        assert preset.expectation.endswith(".")
