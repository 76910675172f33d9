"""Why it scales: what is drawn and said of our models and runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from backends.engine.checkpoints import CheckpointError
from backends.language import shipped
from backends.language.scaling import COMMAND
from backends.language.trainer import TRAINERS, FrozenLanguage
from playground.figures.scale import OURS, YOURS
from playground.tabs import language_scale
from playground.tabs.language_scale import (
    LECTURE,
    by_parameters,
    by_text,
    comparison,
    gains,
    points_of,
    views_of,
)
from playground.tabs.language_state import TAB
from tests.backends.language.conftest import CONFIGS, chain_lines

MODELS, BY_SIZE, BY_TEXT, FINDINGS = range(4)


@dataclass(frozen=True)
class FakeRun:
    parameters: int
    train_tokens: int
    heldout_loss: float


RUNS = [
    FakeRun(1_000_000, 3_000_000, 4.0),
    FakeRun(100_000, 3_000_000, 4.5),
    FakeRun(100_000, 30_000, 6.1),
    FakeRun(100_000, 300_000, 5.0),
    FakeRun(10_000, 3_000_000, 5.2),
]


@pytest.fixture(scope="module")
def gpt() -> FrozenLanguage:
    trainer = TRAINERS["gpt"](CONFIGS["gpt"].with_changes(steps=12), text=chain_lines(60))
    for _ in trainer.steps():
        pass
    return trainer.freeze()


@pytest.fixture
def page(session, monkeypatch):
    """Views with runs given, and no shipped model."""

    def missing(name):
        raise CheckpointError("missing")

    monkeypatch.setattr(shipped, "load", missing)

    def views(runs):
        monkeypatch.setattr(language_scale, "scaling_runs", lambda: runs)
        return views_of(session)

    return views


def names(packed: str) -> list[str]:
    return [trace["text"][0] for trace in json.loads(packed)["data"]]


def test_the_lecture_s_models_stand_there_with_their_sizes(page):
    shown = names(page(None)[MODELS])
    assert shown == ["BERT-large 340 M", "T5 3 B", "T5 11 B", "GPT 117 M", "GPT-2 1.5 B", "GPT-3 175 B"]
    assert len(shown) == len(LECTURE)


def test_without_our_runs_one_sentence_says_the_command(page):
    views = page(None)
    assert COMMAND in views[FINDINGS]
    assert [views[BY_SIZE], views[BY_TEXT]] == [None, None]


def test_a_visitor_s_run_is_counted_and_stands_beside_them(page, session, gpt):
    session.runs[TAB] = SimpleNamespace(frozen=SimpleNamespace(models={"gpt": gpt}))
    views = page(RUNS)
    (point,) = points_of({"gpt": gpt}, YOURS)
    weights = sum(w.numel() for w in gpt.model.parameters())
    assert (point.parameters, point.tokens) == (weights, 12 * 32 * 24)
    assert json.loads(views[MODELS])["data"][-1]["x"] == [weights]
    times = f"{float(f'{175e9 / weights:.2g}'):,.0f}"
    assert f"GPT-3 has {times} times as many parameters as your GPT" in views[FINDINGS]


def test_a_model_that_has_read_nothing_is_not_on_a_logarithmic_axis(gpt):
    fresh = SimpleNamespace(step=0, config=gpt.config, model=gpt.model)
    assert points_of({"gpt": fresh}, OURS) == []
    assert comparison({"gpt": fresh}, whose="our") == []


def test_each_chart_has_its_runs_in_order():
    assert [run.parameters for run in by_parameters(RUNS)] == [10_000, 100_000, 1_000_000]
    assert [run.train_tokens for run in by_text(RUNS)] == [30_000, 300_000, 3_000_000]
    assert {run.parameters for run in by_text(RUNS)} == {100_000}


def test_both_charts_have_the_same_axis_of_losses(page):
    size, text = (json.loads(view)["layout"]["yaxis"]["range"] for view in page(RUNS)[BY_SIZE:FINDINGS])
    assert size == text


def test_what_a_factor_of_ten_gained_is_said_with_its_numbers():
    size, text = gains(by_parameters(RUNS), by_text(RUNS))
    assert size == (
        "Ten times the parameters gained 0.60 nats a token (10 K to 1 M, with all of the text: 5.20 to 4.00 nats)."
    )
    assert text == (
        "Ten times the text gained 0.80 nats a token (30 K to 3 M, at 100 K parameters: 6.10 to 4.50 nats)."
    )


def test_what_did_not_help_is_said_too():
    rising = [FakeRun(10_000, 1, 4.0), FakeRun(100_000, 1, 4.2)]
    assert gains(rising, []) == [
        "More parameters did not help here (10 K to 100 K, with all of the text: 4.00 to 4.20 nats)."
    ]
    bent = [FakeRun(10_000, 1, 4.6), FakeRun(100_000, 1, 4.1), FakeRun(1_000_000, 1, 4.2)]
    assert "The best has 100 K; beyond that, more did not help." in gains(bent, [])[0]


@pytest.mark.parametrize("runs", [[], RUNS[:1]])
def test_too_few_runs_say_nothing_of_gains(page, runs):
    views = page(runs)
    assert "Ten times" not in views[FINDINGS]
    assert json.loads(views[BY_SIZE])["layout"]
