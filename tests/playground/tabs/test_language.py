"""The Language tab's questions and its live view without a browser, from models that know three topics' chains."""

from __future__ import annotations

import json
import re

import pytest

from backends.language.config import TITLES
from backends.language.trio import TrioTrainer
from backends.language.trio_config import TrioConfig
from playground.session import FairLock, Run, Session
from playground.tabs import language, language_continue, language_fill, language_live, language_repair
from playground.tabs.language_state import LOADED, TAB, marked_text, model_of
from tests.backends.language.conftest import chain_lines
from tests.backends.language.conftest import trained as trained_models  # noqa: F401 - a fixture

ATTACK = "<img src=x onerror=window.hacked=1>"
TINY = {"corpus": "own", "steps": 10, "batch": 8, "length": 16, "vocabulary": 512, "width": "64", "depth": 1}


@pytest.fixture
def ready(session, trained_models) -> Session:  # noqa: F811
    """A visitor whose questions the small models answer."""
    session.uploads[LOADED] = {m: (t.freeze(), f"A {TITLES[m]} for a test answers.") for m, t in trained_models.items()}
    return session


def text(value: str) -> str:
    return re.sub(r"<[^>]+>", " ", value)


def kept(value: object) -> bool:
    """Whether a view is left as it was."""
    return isinstance(value, dict) and "value" not in value


def fill(session: Session, words: str) -> list:
    language_fill.asked_of(session).text = words
    return language_fill.views_of(session)


def repair(session: Session, words: str) -> list:
    language_repair.take_text(session, words)
    return language_repair.views_of(session)


def write(session: Session, prompt: object, **changes: object) -> list:
    settings = {"count": 12, "temperature": 0.8, "top_k": 0, "top_p": 1.0, "seed": 1, **changes}
    return list(language_continue.write(session, prompt, list(settings.values())))


# Fill a mask


def test_the_likeliest_word_stands_first_and_a_click_puts_it_there(ready):
    guesses, note = fill(ready, "oven butter [MASK] whisk plate. wave sail [MASK] anchor tide.")
    assert [re.findall(r'data-pick="\d:0"[^>]*>([^<]*)<', guesses)] == [["flour", "harbour"]]
    assert "A BERT for a test answers" in note
    language_fill.accept(ready, "1:0")
    assert language_fill.asked_of(ready).text == "oven butter [MASK] whisk plate. wave sail harbour anchor tide."
    fill(ready, language_fill.asked_of(ready).text)
    language_fill.accept(ready, "0:0")
    shown, note = language_fill.views_of(ready)
    assert "oven butter flour whisk plate" in shown
    assert "Every mask is filled" in note


@pytest.mark.parametrize("pick", ["", "x", "9:0", "0:99", "-1:0", "0", "0:0:0", "²:0"])
def test_a_forged_click_accepts_nothing(ready, pick):
    fill(ready, "oven butter [MASK] whisk plate.")
    language_fill.accept(ready, pick)
    assert language_fill.asked_of(ready).text == "oven butter [MASK] whisk plate."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "is empty"),
        ("oven butter", "has no [MASK]"),
        ("[MASK]", "nothing around"),
        ("oven " * 10_000, "has no [MASK]"),
    ],
)
def test_what_can_not_be_filled_is_one_sentence_and_the_last_answer_stays(ready, words, said):
    fill(ready, "oven butter [MASK] whisk plate.")
    language_fill.asked_of(ready).filled = None
    guesses, note = fill(ready, words)
    assert said in text(note)
    assert note.count("<p") == 1
    assert kept(guesses)


def test_a_long_text_is_cut_and_that_is_said(ready):
    assert "were cut to the first" in fill(ready, "oven [MASK] " + "flour " * 10_000)[1]


# Repair


def test_gaps_are_written_and_stand_beside_what_stood_there(ready):
    asked = language_repair.asked_of(ready)
    language_repair.take_text(
        ready, "oven butter flour whisk plate soup garlic knife. wave sail harbour anchor tide reef."
    )
    assert language_repair.break_text(ready) == ""
    assert "<X>" in asked.text
    answer, note = language_repair.views_of(ready)
    assert "stood there" in answer
    assert all(truth in answer for _, truth in asked.truth)
    assert "A T5 for a test answers" in note
    first = asked.text
    language_repair.take_text(ready, first)
    language_repair.break_text(ready)
    assert asked.text != first
    assert asked.whole.startswith("oven butter")


def test_a_text_of_ones_own_has_no_known_truth(ready):
    language_repair.break_text(ready)
    assert "stood there" not in repair(ready, "oven butter <X> whisk plate soup.")[0]


@pytest.mark.parametrize(
    ("words", "said"), [("", "is empty"), ("oven butter", "has no gap"), ("<X>", "nothing around")]
)
def test_what_can_not_be_repaired_is_one_sentence_and_the_last_answer_stays(ready, words, said):
    answer, note = repair(ready, words)
    assert said in text(note)
    assert kept(answer)


# Continue


def test_it_writes_token_by_token_and_each_has_its_distribution(ready):
    updates = write(ready, "wave sail", temperature=0)
    written, distribution, note = updates[-1]
    assert " ".join(text(written).split()).startswith("wave sail harbour anchor tide")
    assert written.count("data-pick") == 12
    assert "Token 12" in distribution
    assert "A GPT for a test answers" in note
    language_continue.written_of(ready).chosen = 0
    assert "Token 1: “harbour” was drawn" in language_continue.views_of(ready)[1]


def test_the_same_seed_writes_the_same_and_another_something_else(ready):
    first, again, other = (write(ready, "wave", seed=seed, temperature=2)[-1][0] for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"temperature": float("nan")}, "The temperature is nan"),
        ({"temperature": -1}, "The temperature is -1"),
        ({"count": None}, "The number of new tokens is None"),
        ({"top_p": 0}, "Top-p is 0"),
        ({"top_k": 1.5}, "Top-k is 1.5"),
        ({"seed": "many"}, "The seed is many"),
    ],
)
def test_a_setting_out_of_range_is_one_sentence_and_what_was_written_stays(ready, changes, said):
    write(ready, "wave")
    before = len(language_continue.written_of(ready).steps)
    (written, _, note), *more = write(ready, "sail", **changes)
    assert said in text(note)
    assert kept(written)
    assert more == []
    assert len(language_continue.written_of(ready).steps) == before


def test_a_newer_writing_ends_the_one_before(ready):
    settings = (200, 0.8, 0, 1.0, 1)
    slow = language_continue.write(ready, "wave sail", settings)
    next(slow)
    write(ready, "oven butter", temperature=0)
    list(slow)
    assert language_continue.written_of(ready).prompt == "oven butter"
    assert len(language_continue.written_of(ready).steps) == 12


def test_an_empty_prompt_begins_a_text(ready):
    assert len(write(ready, "")[-1][0]) > 0


# All


def test_markup_stays_text_everywhere(ready):
    values = [
        *fill(ready, f"{ATTACK} [MASK]"),
        *repair(ready, f"{ATTACK} <X> wave"),
        *write(ready, ATTACK)[-1],
        *write(ready, ATTACK, seed=ATTACK)[-1],
    ]
    for value in values:
        assert "<img" not in str(value)


@pytest.mark.parametrize("words", ["🙂 👩‍🚀 wave", "שלום עולם", "ﷺ", "\x00\ud800 wave", "﻿"])
def test_strange_text_gets_an_answer_or_a_sentence(ready, words):
    for views in (fill(ready, f"{words} [MASK]"), repair(ready, f"{words} <X>"), write(ready, words)[-1]):
        assert "<p" in views[-1]


def test_without_a_model_a_sentence_says_what_to_do(session, monkeypatch):
    from backends.engine.checkpoints import CheckpointError
    from backends.language import shipped

    def refuse(name: str) -> None:
        raise CheckpointError("missing")

    monkeypatch.setattr(shipped, "load", refuse)
    assert "press Train" in text(fill(session, "wave [MASK]")[1])
    assert "press Train" in text(repair(session, "wave <X>")[1])
    assert "press Train" in text(write(session, "wave")[-1][2])
    assert "press Train" in language_repair.break_text(session)


def test_marked_text_keeps_what_was_written(tokenizer_of_chains):
    tokens = tokenizer_of_chains.encode("wave  <sail>, oven!", marks=())
    assert marked_text(tokens, {}) == "wave &lt;sail&gt;, oven!"
    assert marked_text(tokens, {0: "<b>x</b>"}) == "<b>x</b> &lt;sail&gt;, oven!"


@pytest.fixture(scope="module")
def tokenizer_of_chains():
    from backends.language.tokens import TextTokenizer

    return TextTokenizer.learn(chain_lines(), 512)


# The run


@pytest.fixture
def run(session) -> Run:
    """A short run of all three, at its end."""
    run = Run(TrioTrainer(TrioConfig.parse(TINY), text=chain_lines(60)), FairLock())
    session.runs[TAB] = run
    while run.pull() is not None:
        pass
    return run


def test_the_run_is_drawn_with_chart_table_and_samples(session, run):
    loss, table, samples = language_live.draw(session, run, True)
    figure = json.loads(loss)
    assert len(figure["data"]) == 6
    assert "frequency" in figure["layout"]["title"]["text"]
    for title in TITLES.values():
        assert title in table
        assert title in samples
    assert "on the words alone" in table
    assert samples.count("step 0<") == 3
    assert "M parameters · CPU" in language_live.describe(run)


def test_a_run_before_its_first_step_is_drawn(session):
    run = Run(TrioTrainer(TrioConfig.parse({**TINY, "models": "gpt"}), text=chain_lines(60)), FairLock())
    loss, table, samples = language_live.draw(session, run, True)
    assert len(json.loads(loss)["data"]) == 2
    assert "BERT" not in table + samples


def test_the_visitors_own_run_answers_and_names_its_steps(session, run):
    model, line = model_of(session, "gpt")
    assert model is run.frozen.models["gpt"]
    assert line == "Your own GPT answers, after 10 steps."


def test_a_loaded_model_answers_until_training_goes_on(ready, run):
    ready.runs[TAB] = run
    assert "for a test" in model_of(ready, "bert")[1]
    ready.drive(TAB)
    language_live.draw(ready, run, False)
    assert "Your own" in model_of(ready, "bert")[1]


def test_own_text_is_read_and_its_file_deleted(store, session, tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(chain_lines()), encoding="utf-8")
    note = language.take_text(session, str(path))
    assert "words are here" in note
    assert not path.exists()
    assert isinstance(
        language_live.make_trainer(store, session, TrioConfig.parse({**TINY, "models": "bert"})), TrioTrainer
    )


@pytest.mark.parametrize("content", [b"", b"too short", b"\xff\xfe\x00bad\x00", b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_a_text_that_can_not_be_used_is_one_sentence_and_the_one_before_stays(session, tmp_path, content):
    session.uploads[language_live.OWN_TEXT_KEY] = ("before",)
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    note = language.take_text(session, str(path))
    assert 'role="alert"' in note
    assert session.uploads[language_live.OWN_TEXT_KEY] == ("before",)
    assert not path.exists()


def test_no_file_is_one_sentence(session):
    assert "choose a .txt" in language.take_text(session, None)
