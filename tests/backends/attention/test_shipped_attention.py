from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.attention import shipped, train_shipped
from backends.attention.head_roles import FIRST, PREVIOUS, REPEAT, SAME
from backends.attention.heads import DECODER, read_heads
from backends.attention.shipped import START, Recipe
from backends.attention.train_shipped import encode_lines, learning_rate_at, measure, train, train_tokenizer
from backends.engine.checkpoints import CheckpointError
from tests.conftest import topic_lines

ROOT = Path(__file__).resolve().parents[3]
MAX_BYTES = 8_000_000
TINY = Recipe(vocabulary=300, width=32, heads=2, depth=1, longest=32, batch=8, steps=60, warm_up=5, repeats=0.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the shipped files that may be spoiled."""
    shutil.copytree(shipped.FOLDER, tmp_path / "attention")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "attention")
    shipped._load.cache_clear()
    yield tmp_path / "attention"
    shipped._load.cache_clear()


# What is shipped


def test_the_shipped_files_are_small_and_their_card_is_whole():
    assert sum(path.stat().st_size for path in shipped.FOLDER.iterdir()) <= MAX_BYTES
    card = shipped.load().card
    assert Recipe(**card["recipe"]) == Recipe(), "made with the recipe that stands in the code"
    assert "public domain" in card["data"]["licence"]
    assert card["data"]["held_out_tokens"] > 100_000
    assert shipped.origin().startswith("Trained earlier by this project")


def test_the_shipped_model_guesses_unseen_text_as_well_as_its_card_says():
    model = shipped.load()
    _, held_out = train_shipped.training_lines()
    stream = encode_lines(model.tokenizer, held_out)
    assert len(stream) == model.card["data"]["held_out_tokens"]
    measured = measure(model.model, stream, shipped.start_of(model.tokenizer))
    assert measured == pytest.approx(model.card["metrics"], rel=0.01)
    assert measured["held_out_perplexity"] < 50
    assert measured["repeated_perplexity"] < 1.5


def test_what_is_held_out_is_not_learned_from():
    learned, held_out = train_shipped.training_lines()
    assert 0.03 < len(held_out) / (len(learned) + len(held_out)) < 0.07
    assert not set(held_out) & set(learned), "some speeches are in the text twice"


def test_the_shipped_models_heads_are_those_of_its_card():
    model = shipped.load()
    assert train_shipped.roles_on(model, model.card["sample"]) == model.card["roles_on_sample"]
    names = {role.rsplit(" ", 1)[0] for layer in model.card["roles_on_sample"] for role in layer}
    assert {PREVIOUS, SAME, FIRST, REPEAT} <= names


def test_the_shipped_model_knows_which_word_follows():
    guesses = read_heads(shipped.load(), "the Congress of the United").predictions[0].guesses
    assert guesses[0].token == "States"
    assert guesses[0].probability > 0.8


def test_the_shipped_model_repeats_what_it_has_read_once_and_cannot_without_its_previous_token_head():
    model, text = shipped.load(), "red blue green seven red blue"
    roles = read_heads(model, text).stack(DECODER).roles
    figures = {(DECODER, n, h): role.figures[PREVIOUS] for n, layer in enumerate(roles) for h, role in enumerate(layer)}
    head = max(figures, key=lambda key: figures[key])
    assert figures[head] > 0.8
    reading = read_heads(model, text, silenced=[head])
    assert reading.predictions[0].guesses[0].token == "g", "of green"
    assert reading.predictions[0].guesses[0].probability > 0.8
    assert reading.predictions_silenced[0].guesses[0].token != "g"
    assert reading.change.divergence > 3


def test_the_shipped_model_reads_every_text():
    for text in ("a", "🙂", "שלום", "word " * 10_000):
        assert read_heads(shipped.load(), text).stack(DECODER).weights.shape[:2] == (4, 4)


def test_the_shipped_model_is_read_once():
    assert shipped.load() is shipped.load()


# Damaged files


@pytest.mark.parametrize("name", ["model.safetensors", "model.json", "tokenizer.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        shipped.load()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 1}', "null"])
def test_a_damaged_tokenizer_is_refused(folder, content):
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match="tokenizer"):
        shipped.load()


def test_a_tokenizer_of_another_vocabulary_is_refused(folder):
    train_tokenizer(topic_lines(50), 300).save(str(folder / "tokenizer.json"))
    with pytest.raises(CheckpointError, match="do not fit together"):
        shipped.load()


@pytest.mark.parametrize("change", [{"depth": 3}, {"width": 64}, {"heads": 7}, {"unknown": 1}])
def test_a_card_of_another_model_is_refused(folder, change):
    card = json.loads((folder / "model.json").read_text())
    card["recipe"].update(change)
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="do not fit together"):
        shipped.load()


@pytest.mark.parametrize("content", ["[]", "null", '{"recipe": 3, "title": "x"}'])
def test_a_damaged_card_is_refused(folder, content):
    (folder / "model.json").write_text(content)
    with pytest.raises(CheckpointError):
        shipped.load()


# How it is made


def test_every_text_comes_back_from_its_tokens():
    tokenizer = train_tokenizer(topic_lines(50), 300)
    for text in ("wave and sail", "🙂 שלום\n\x00 ἀρχή", "e\u0301"):
        decoded = tokenizer.decode(tokenizer.encode(text).ids)
        assert decoded.strip() == text.replace("e\u0301", "é").strip()
    assert tokenizer.token_to_id(START) == 0


def test_windows_begin_with_the_start_and_run_through_the_text():
    stream = np.arange(1, 200)
    batch = next(train_shipped.windows(stream, 0, TINY, np.random.default_rng(0)))
    assert batch.shape == (8, 33)
    assert (batch[:, 0] == 0).all()
    assert (np.diff(batch[:, 1:], axis=1) == 1).all()


def test_a_share_of_the_windows_is_a_passage_again_and_again():
    stream = np.arange(1, 50_000)
    batches = train_shipped.windows(stream, 0, replace(TINY, repeats=0.5), np.random.default_rng(0))
    rows = np.concatenate([next(batches) for _ in range(100)])[:, 1:]
    again = [row for row in rows if len(set(row.tolist())) < len(row)]
    assert 0.4 < len(again) / len(rows) < 0.6
    running = 0
    for row in again:
        size = row.tolist().index(row[0], 1)
        assert 4 <= size <= 16
        assert (row == np.resize(row[:size], 32)).all()
        running += bool((np.diff(row[:size]) == 1).all())
    assert 0.35 < running / len(again) < 0.65, "the others are random tokens"


def test_the_learning_rate_rises_and_then_falls():
    rates = [learning_rate_at(step, TINY) for step in range(TINY.steps)]
    assert rates[0] == pytest.approx(TINY.learning_rate / 5)
    assert max(rates) == rates[4] == pytest.approx(TINY.learning_rate)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(TINY.learning_rate / 20, rel=0.1)


def test_a_tiny_model_learns_what_follows_and_the_same_seed_gives_the_same_model(capsys):
    tokenizer = train_tokenizer(topic_lines(300), TINY.vocabulary)
    stream = encode_lines(tokenizer, topic_lines(300))
    counts = np.bincount(stream)
    shares = counts[counts > 0] / len(stream)
    unigram = math.exp(-(shares * np.log(shares)).sum())
    model, loss = train(TINY, stream, 0)
    again, _ = train(TINY, stream, 0)
    assert all((a == b).all() for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert measure(model, stream, 0)["held_out_perplexity"] < 0.5 * unigram
    assert math.isfinite(loss)
    assert "loss" in capsys.readouterr().out


def test_what_is_made_can_be_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(train_shipped, "training_lines", lambda: (topic_lines(300), topic_lines(40, seed=1)))
    written = train_shipped.make(replace(TINY, steps=3), tmp_path)
    assert [path.name for path in written] == ["tokenizer.json", "model.safetensors", "model.json"]
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    shipped._load.cache_clear()
    model = shipped.load()
    shipped._load.cache_clear()
    assert model.shape == {DECODER: (1, 2)}
    assert train_shipped.roles_on(model) == model.card["roles_on_sample"]


def test_reading_heads_is_light_to_import():
    code = (
        "import sys, backends.attention.heads, backends.attention.shipped, backends.attention.transformers_models;"
        "print([name for name in ('torch', 'transformers', 'tokenizers', 'huggingface_hub') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
