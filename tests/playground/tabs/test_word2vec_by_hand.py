"""The sum by hand on the page: the tables follow the sentence, steps move them, nonsense is said."""

from __future__ import annotations

import re

import pytest

from backends.engine.config import ConfigError
from backends.word2vec import by_hand
from backends.word2vec.by_hand import ByHandConfig, SentenceError
from playground.tabs.word2vec_by_hand import STATE, Bench, answered, drawn, fresh_bench, take
from tests.playground.fakes import alerts

EVIL = "<img src=x onerror=alert(1)>"
SETTINGS = ByHandConfig().model_dump(exclude={"seed"})


def test_the_first_tables_stand_there_without_a_click():
    text, matrices, sums = drawn(fresh_bench("The cat sat on the mat", ByHandConfig()))
    assert "18 training pairs" in text
    assert "sat → cat" in text
    assert matrices.count("<tr") == 10
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


def test_a_strangers_words_are_escaped_and_a_flood_is_cut(session):
    bench = take(session, f"{EVIL} {EVIL} cat " + "word " * 100_000, EVIL, SETTINGS)
    page = "".join(drawn(bench))
    assert "<img" not in page
    assert len(page) < 200_000


@pytest.mark.parametrize("word", [None, 7, "dog", ["x"]])
def test_a_centre_word_that_is_not_there_becomes_one_that_is(session, word):
    assert take(session, "the cat sat", word, SETTINGS).centre == 2
