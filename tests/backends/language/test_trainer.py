"""The trainer on chains of words: what it learns, what it holds out, what it says when it can't."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from backends.engine.trainer import TrainingDiverged, TrainingError
from backends.language.config import T5Config
from backends.language.trainer import (
    BERTTrainer,
    GPTTrainer,
    LanguageTrainer,
    T5Trainer,
    draw_stretches,
    even_stretches,
    load_tokens,
)
from tests.backends.language.conftest import CONFIGS, chain_lines, train

METHODS = list(CONFIGS)


def weights(trainer: LanguageTrainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


@pytest.mark.parametrize("method", METHODS)
def test_it_starts_at_the_unigram_entropy_and_ends_far_below(method, trained):
    trainer = trained[method]
    start, scores = trainer.untrained, trainer.evaluate()
    assert start["heldout_loss"] == pytest.approx(start["unigram_entropy"], abs=0.3)
    assert scores["heldout_loss"] < scores["unigram_entropy"] - 1
    assert scores["perplexity"] == pytest.approx(math.exp(scores["heldout_loss"]))
    assert scores["heldout_accuracy"] > start["heldout_accuracy"] + 0.2


def test_t5_is_also_measured_without_its_sentinels(trained):
    scores = trained["t5"].evaluate()
    assert trained["t5"].untrained["text_loss"] > scores["text_loss"]
    assert scores["text_loss"] < scores["text_unigram_entropy"] - 0.5
    assert "text_loss" not in trained["gpt"].evaluate()


def test_the_unigram_entropy_is_what_a_guesser_by_frequency_scores(trained):
    trainer = trained["gpt"]
    counts = np.bincount(trainer.data.train, minlength=len(trainer.tokenizer)) + 1
    targets = even_stretches(trainer.data.held_out, 10_000, trainer.config.length)
    expected = -np.log(counts / counts.sum())[targets].mean()
    assert trainer.evaluate()["unigram_entropy"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_snapshots_tell_the_whole_run(method):
    trainer = type(trainer_of(method))(CONFIGS[method].with_changes(steps=12), text=chain_lines())
    snapshots = list(trainer.steps())
    last = snapshots[-1]
    assert [s.done for s in snapshots] == [False] * (len(snapshots) - 1) + [True]
    assert last.step == last.total == 12
    names = {"loss", "tokens_per_second", "heldout_loss", "perplexity", "unigram_entropy", "heldout_accuracy"}
    assert names <= last.metrics.keys()
    assert all(math.isfinite(value) for value in last.metrics.values())


def trainer_of(method: str) -> LanguageTrainer:
    kinds = {"bert": BERTTrainer, "t5": T5Trainer, "gpt": GPTTrainer}
    trainer = kinds[method](CONFIGS[method], text=chain_lines())
    assert trainer.method == method
    return trainer


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_run_and_another_another(method):
    first, again, other = (train(method, steps=10, seed=seed) for seed in (1, 1, 2))
    assert torch.allclose(weights(first), weights(again), atol=1e-5)
    assert not torch.allclose(weights(first), weights(other), atol=1e-2)


def test_masks_are_drawn_anew_each_step():
    trainer = trainer_of("bert")
    stretches = draw_stretches(trainer.data.train, 8, trainer.objective.stretch, np.random.default_rng(0))
    first, second = (trainer.objective.draw(stretches, trainer._draws) for _ in range(2))
    assert not torch.equal(first.places, second.places)


def test_held_out_text_is_seen_by_neither_model_nor_tokenizer():
    lines = [*chain_lines(380), *(f"zyzzyx{number} qoph yodh" for number in range(20))]
    data = load_tokens("own", 512, lines)
    assert not set(data.text.train) & set(data.text.held_out)
    assert all("zyzzyx" in line for line in data.text.held_out)
    assert not any("zyz" in name for name in data.tokenizer._names)
    train = " ".join(map(str, data.train))
    for line in data.text.held_out:
        assert " ".join(map(str, data.tokenizer.encode(line).ids)) not in train


def test_built_in_text_is_made_into_tokens_once_for_all_three(monkeypatch):
    from backends.language import trainer

    learned = []
    monkeypatch.setattr(trainer, "_tokenised", lambda text, vocabulary: learned.append(vocabulary) or object())
    trainer._built_in.cache_clear()
    assert load_tokens("speeches-since-1900", 777) is load_tokens("speeches-since-1900", 777)
    assert learned == [777]
    trainer._built_in.cache_clear()


def test_stretches_are_running_text_and_none_overlap_in_tests():
    stream = np.arange(1_000, dtype=np.int32)
    drawn = draw_stretches(stream, 50, 10, np.random.default_rng(0))
    assert (np.diff(drawn, axis=1) == 1).all()
    assert len(set(drawn[:, 0])) > 40
    even = even_stretches(stream, 20, 10)
    assert even.shape == (20, 10)
    assert len(set(even.ravel())) == 200
    assert (even[0, 0], even[-1, -1]) == (0, 999)
    assert even_stretches(stream[:4], 20, 10).tolist() == [[0, 1, 2, 3]]
    assert draw_stretches(stream[:4], 2, 10, np.random.default_rng(0)).tolist() == [[0, 1, 2, 3]] * 2


def test_a_tiny_text_trains_at_any_length():
    lines = [" ".join(f"w{i % 190}" for i in range(210))]
    for method, trainer in (("bert", BERTTrainer), ("t5", T5Trainer), ("gpt", GPTTrainer)):
        run = trainer(CONFIGS[method].with_changes(length=128, steps=10, batch=2), text=lines)
        *_, last = run.steps()
        assert last.done
        assert math.isfinite(last.metrics["heldout_loss"])


def test_a_frozen_copy_is_not_changed_by_later_steps():
    trainer = GPTTrainer(CONFIGS["gpt"].with_changes(steps=60), text=chain_lines())
    steps = trainer.steps()
    next(steps)
    frozen = trainer.freeze()
    before = frozen.model.embedding.tokens.weight.clone()
    for _ in steps:
        pass
    assert torch.equal(frozen.model.embedding.tokens.weight, before)
    assert not torch.equal(trainer.freeze().model.embedding.tokens.weight, before)
    assert frozen.step < trainer.freeze().step == 60
    assert not frozen.model.training


def test_a_time_budget_ends_the_run():
    trainer = GPTTrainer(CONFIGS["gpt"].with_changes(steps=200_000), text=chain_lines(), seconds=0.5)
    *_, last = trainer.steps()
    assert last.done
    assert 0.5 <= last.seconds < 5


def test_what_diverges_stops_and_keeps_the_last_good_state():
    trainer = trainer_of("gpt")
    trainer.config = trainer.config.model_copy(update={"learning_rate": math.nan})
    with pytest.raises(TrainingDiverged, match="Lower the learning rate"):
        list(trainer.steps())
    frozen = trainer.freeze()
    assert all(bool(torch.isfinite(p).all()) for p in frozen.model.parameters())


def test_what_does_not_go_is_a_sentence():
    with pytest.raises(TrainingError, match="No text of your own"):
        GPTTrainer(CONFIGS["gpt"])
    with pytest.raises(TrainingError, match="has 2 words"):
        BERTTrainer(CONFIGS["bert"], text=["two words"])
    with pytest.raises(ValueError, match="26 names for them"):
        T5Config.parse({"length": 256, "mean_span": 1, "corruption_ratio": 0.5})
    with pytest.raises(ValueError, match="must be a number from"):
        T5Config.parse({"corruption_ratio": math.nan})


def test_a_short_own_text_is_said_to_be_short():
    trainer = GPTTrainer(CONFIGS["gpt"].with_changes(vocabulary=4_096, steps=100_000), text=chain_lines())
    assert "could be learned from it" in trainer.notes[0]
    assert "learn it by heart" in trainer.notes[1]


def test_the_card_says_what_it_was_trained_on(trained):
    card = trained["bert"].card()
    assert card["method"] == "bert"
    assert card["step"] == CONFIGS["bert"].steps
    assert card["data"]["held_out_tokens"] > 0
    assert card["metrics"]["perplexity"] > 1
    assert card["parameters"] == sum(p.numel() for p in trained["bert"].model.parameters())
