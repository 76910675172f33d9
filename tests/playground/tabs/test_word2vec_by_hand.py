"""The sum by hand on the page: the tables follow the sentence, steps move them, nonsense is said."""

from __future__ import annotations

import re
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.engine.config import ConfigError
from backends.word2vec import by_hand
from backends.word2vec.by_hand import ByHandConfig, SentenceError
from playground.tabs.word2vec_by_hand import (
    MAX_CHARACTERS,
    STATE,
    Bench,
    answered,
    build_by_hand,
    drawn,
    fresh_bench,
    moved_line,
    take,
)
from tests.playground.fakes import alerts

EVIL = "<img src=x onerror=alert(1)>"
SETTINGS = ByHandConfig().model_dump(exclude={"seed"})


def test_the_first_tables_stand_there_without_a_click():
    text, matrices, sums = drawn(fresh_bench("The cat sat on the mat", ByHandConfig()))
    assert "18 training pairs" in text
    assert "sat → cat" in text
    assert matrices.count('<th scope="row">') == 10
    shares = [float(x) for x in re.findall(r"<td><b>([\d.]+)</b></td></tr>", sums.split("Negative sampling")[0])]
    assert sum(shares) == pytest.approx(1, abs=0.01)


def test_steps_go_on_from_where_the_last_ended(session):
    first = take(session, "the cat sat", "cat", SETTINGS)
    session.uploads[STATE] = Bench(by_hand.step(first.state, 5), first.centre)
    assert take(session, "the cat sat", "cat", SETTINGS).state.steps == 5
    assert take(session, "the cat sat", "cat", {**SETTINGS, "learning_rate": 1.0}).state.steps == 5
    assert take(session, "the cat sat down", "cat", SETTINGS).state.steps == 0
    assert take(session, "the cat sat", "cat", {**SETTINGS, "dim": 5}).state.steps == 0


def test_what_moved_is_said_with_both_losses(session):
    bench = take(session, "the cat sat on the mat", "sat", SETTINGS)
    values = answered(session, lambda: Bench(by_hand.step(bench.state, 20), bench.centre, bench.state))
    before, after = re.search(r"pairs ([\d.]+) → <b>([\d.]+)</b>", values[-1]).groups()
    assert float(after) < float(before)
    assert "After 20 steps" in values[-1]
    assert session.uploads[STATE].state.steps == 20


@pytest.mark.parametrize(
    ("text", "changes", "error"),
    [
        ("", {}, SentenceError),
        ("one", {}, SentenceError),
        (None, {}, SentenceError),
        ("tick tick", {}, SentenceError),
        (["a", "cat"], {}, SentenceError),
        ({"a cat": "b"}, {}, SentenceError),
        ("cat and dog " * 20_000, {}, SentenceError),
        ("a cat", {"dim": float("nan")}, ConfigError),
        ("a cat", {"window": 99}, ConfigError),
        ("a cat", {"objective": "<b>"}, ConfigError),
        ("a cat", {"learning_rate": "much"}, ConfigError),
    ],
)
def test_nonsense_is_said_and_the_bench_stays(session, text, changes, error):
    kept = session.uploads[STATE] = take(session, "the cat sat", "cat", SETTINGS)
    with pytest.raises(error):
        take(session, text, "cat", {**SETTINGS, **changes})
    values = answered(session, lambda: take(session, text, "cat", {**SETTINGS, **changes}))
    assert len(alerts(values[0])) == 1
    assert "<b>" not in values[0]
    assert session.uploads[STATE] is kept


def test_what_moved_is_framed_and_stays_when_only_the_centre_word_changes(session):
    bench = take(session, "the cat sat on the mat", "sat", SETTINGS)
    answered(session, lambda: Bench(by_hand.step(bench.state, 20), bench.centre, bench.state))
    other = take(session, "the cat sat on the mat", "cat", SETTINGS)
    page = drawn(other)
    assert page[1].count(' moved"') == 3
    assert "After 20 steps" in moved_line(other)
    assert "p(c | cat)" in moved_line(other)
    again = answered(session, lambda: Bench(by_hand.step(other.state, 1), other.centre, other.state))[-1]
    assert "After 1 step</b> (21 in all)" in again
    changed = take(session, "the cat sat on the mat", "cat", {**SETTINGS, "window": 1})
    assert drawn(changed)[1].count(' moved"') == 0
    assert "21 taken so far" in moved_line(changed)


def test_steps_that_run_away_are_said_and_the_bench_stays(session):
    wild = {**SETTINGS, "objective": "negative_sampling", "window": 5, "negatives": 8, "dim": 8, "learning_rate": 2.0}
    answered(session, lambda: take(session, "a b a b a b", "a", wild))
    kept = session.uploads[STATE]
    values = answered(session, lambda: Bench(by_hand.step(kept.state, by_hand.MAX_STEPS), kept.centre, kept.state))
    assert "smaller step size" in alerts(values[0])[0]
    assert session.uploads[STATE] is kept


def test_a_strangers_words_are_escaped_and_the_page_stays_small(session):
    text = (f"{EVIL} {EVIL} cat " + "word " * 100)[:MAX_CHARACTERS]
    bench = take(session, text, EVIL, SETTINGS)
    values = answered(session, lambda: Bench(by_hand.step(bench.state, 1), bench.centre, bench.state))
    page = "".join(part for part in values if isinstance(part, str))
    assert "onerror" in page
    assert "<img" not in page
    assert len(page) < 200_000


def test_the_handlers_answer_raw_calls_with_one_sentence(store):
    with gr.Blocks() as demo, gr.Tab("By hand") as tab:
        build_by_hand(store, tab)
    calls = [function for function in demo.fns.values() if function.fn.__name__ in ("changed", "stepped", "restarted")]
    assert len(calls) == 1 + 1 + 1 + len(SETTINGS) + 3 + 1
    request = SimpleNamespace(session_hash="page")
    for call in calls:
        assert len(alerts(call.fn(request, "a cat", "cat", *[float("nan")] * len(SETTINGS))[0])) == 1
        assert len(alerts(call.fn(request, "x" * 200_000, {}, *SETTINGS.values())[0])) == 1
        assert call.concurrency_limit == 8


@pytest.mark.parametrize("word", [None, 7, "dog", ["x"]])
def test_a_centre_word_that_is_not_there_becomes_one_that_is(session, word):
    assert take(session, "the cat sat", word, SETTINGS).centre == 2
