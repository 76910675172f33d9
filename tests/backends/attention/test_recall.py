from __future__ import annotations

import json
import math
import threading
import time

import numpy as np
import pytest
import torch

from backends.attention.recall import RecallTrainer
from backends.attention.recall_config import RecallConfig
from backends.attention.recall_data import HELD_OUT_SEED, draw_sequences
from backends.engine.checkpoints import load_checkpoint
from backends.engine.config import MAX_SEED
from backends.engine.trainer import TrainingDiverged

SMALL = RecallConfig(distance=6, width="16", batch=16, steps=30)
NETS = ("transformer", "lstm")


def run(config=SMALL, **options):
    trainer = RecallTrainer(config, **options)
    return trainer, list(trainer.steps())


def weights_of(trainer):
    return {
        f"{name}.{key}": value for name, net in trainer.freeze().nets.items() for key, value in net.state_dict().items()
    }


def seen_by(trainer, monkeypatch):
    """What each net learns from, while the trainer runs."""
    seen = {name: [] for name in NETS}
    for name, side in trainer.sides.items():

        def learn(tokens, answers, clip, name=name, learn=side.learn):
            seen[name].append((tokens.clone(), answers.clone()))
            learn(tokens, answers, clip)

        monkeypatch.setattr(side, "learn", learn)
    return seen


@pytest.mark.parametrize("distances", ["one", "mixed"])
def test_both_nets_learn_from_the_same_batches_as_often(monkeypatch, distances):
    trainer = RecallTrainer(SMALL.with_changes(distances=distances))
    seen = seen_by(trainer, monkeypatch)
    *_, last = trainer.steps()
    assert len(seen["transformer"]) == len(seen["lstm"]) == last.step == 30
    for (tokens, answers), (others, their_answers) in zip(*seen.values(), strict=True):
        assert torch.equal(tokens, others)
        assert torch.equal(answers, their_answers)
    lengths = {tokens.shape[1] - 2 for tokens, _ in seen["lstm"]}
    assert lengths == ({6} if distances == "one" else set(range(1, 7)))


def test_the_perfect_net_goes_on_while_the_other_still_learns(monkeypatch):
    trainer = RecallTrainer(SMALL.with_changes(steps=200))
    before = None
    for snapshot in trainer.steps():
        if snapshot.metrics["transformer_accuracy"] == 1 and before is None:
            before = weights_of(trainer)["transformer.head.weight"], snapshot.step
    assert before is not None
    assert before[1] < 200
    assert not torch.equal(weights_of(trainer)["transformer.head.weight"], before[0])


def test_the_nets_are_tested_on_sequences_that_they_never_learned_from(monkeypatch):
    trainer = RecallTrainer(SMALL)
    seen = seen_by(trainer, monkeypatch)
    for _ in trainer.steps():
        pass
    learned = {tuple(row) for tokens, _ in seen["lstm"] for row in tokens.tolist()}
    held_out = {tuple(row) for row in trainer.freeze().tokens.tolist()}
    assert len(learned) == 30 * 16
    assert len(held_out) == 1_024
    assert not learned & held_out


def test_no_seed_trains_on_what_another_is_tested_on():
    streams = {HELD_OUT_SEED + seed for seed in (0, MAX_SEED)} | {0, MAX_SEED}
    drawn = [
        tuple(draw_sequences(torch.Generator().manual_seed(stream), 64, 6, 8)[0].flatten().tolist())
        for stream in streams
    ]
    assert len(set(drawn)) == len(drawn) == 4


def test_a_short_run_learns_a_short_distance():
    trainer, snapshots = run(SMALL.with_changes(distance=3, batch=32, steps=150))
    assert trainer.evaluate() == {"transformer_accuracy": 1.0, "lstm_accuracy": 1.0}
    assert max(snapshots[-1].metrics[f"{net}_loss"] for net in NETS) < 0.3


def test_untrained_nets_guess():
    for accuracy in RecallTrainer(SMALL).evaluate().values():
        assert accuracy == pytest.approx(1 / 8, abs=0.06)


def test_snapshots_count_the_steps_and_carry_flat_numbers():
    _, snapshots = run()
    steps = [snapshot.step for snapshot in snapshots]
    assert steps == sorted(set(steps))
    assert steps[-1] == 30
    assert {snapshot.total for snapshot in snapshots} == {30}
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    names = {f"{net}_{what}" for net in NETS for what in ("accuracy", "loss", "seconds", "parameters")}
    for snapshot in snapshots:
        assert snapshot.metrics.keys() == names | {"tokens_per_second"}
        assert all(isinstance(value, float) and math.isfinite(value) for value in snapshot.metrics.values())


def test_each_nets_seconds_are_its_own_and_lie_within_the_runs():
    *_, last = run()[1]
    spent = [last.metrics[f"{net}_seconds"] for net in NETS]
    assert min(spent) > 0
    assert sum(spent) < last.seconds


def test_the_last_test_is_of_the_finished_nets():
    trainer, snapshots = run()
    frozen = trainer.freeze()
    with torch.no_grad():
        for net in NETS:
            right = frozen.nets[net](frozen.tokens[:256]).argmax(1) == frozen.tokens[:256, 0]
            assert snapshots[-1].metrics[f"{net}_accuracy"] == pytest.approx(float(right.float().mean()))


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    one, other, third = (run(SMALL.with_changes(seed=seed))[0] for seed in (3, 3, 4))
    first, second, last = weights_of(one), weights_of(other), weights_of(third)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(not torch.equal(first[f"{net}.head.weight"], last[f"{net}.head.weight"]) for net in NETS)


def test_pauses_change_nothing(monkeypatch):
    monkeypatch.setattr("backends.attention.recall.SLICE_SECONDS", 0.0)
    sliced, snapshots = run()
    assert len(snapshots) == 30
    monkeypatch.undo()
    whole, _ = run()
    first, second = weights_of(sliced), weights_of(whole)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_one_net_is_set_to_does_not_touch_the_other():
    plain, changed = weights_of(run()[0]), weights_of(run(SMALL.with_changes(lstm_learning_rate=0.1, forget_bias=2))[0])
    for name in plain:
        assert torch.equal(plain[name], changed[name]) == name.startswith("transformer."), name


def test_a_frozen_copy_stays_as_it_was():
    trainer = RecallTrainer(SMALL.with_changes(steps=400))
    steps = trainer.steps()
    next(steps)
    frozen = trainer.freeze()
    before = frozen.gradients()
    next(steps)
    for net in NETS:
        np.testing.assert_array_equal(frozen.gradients()[net], before[net])
        assert not np.allclose(trainer.freeze().gradients()[net], before[net])


def test_a_slice_keeps_to_one_core_and_gives_the_others_back(monkeypatch):
    trainer = RecallTrainer(SMALL)
    counted, elsewhere = [], []

    def look_from_elsewhere():
        elsewhere.append(torch.get_num_threads())

    advance = trainer._advance

    def counting():
        counted.append(torch.get_num_threads())
        thread = threading.Thread(target=look_from_elsewhere)
        thread.start()
        thread.join()
        return advance()

    monkeypatch.setattr(trainer, "_advance", counting)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for _ in trainer.steps():
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(counted) == {1}
    assert 1 not in elsewhere


def test_a_snapshot_is_yielded_with_gradients_switched_on():
    for _ in RecallTrainer(SMALL).steps():
        assert torch.is_grad_enabled()


def test_a_time_budget_is_kept():
    begun = time.perf_counter()
    _, snapshots = run(SMALL, seconds=1.0)
    last = snapshots[-1]
    assert last.done
    assert 1.0 <= last.seconds < 4
    assert time.perf_counter() - begun < 10
    assert last.step > 30, "the budget rules, not the setting"


@pytest.mark.parametrize("net", NETS)
def test_a_loss_that_becomes_nan_stops_the_run_and_keeps_the_last_good_state(monkeypatch, net):
    trainer = RecallTrainer(SMALL.with_changes(steps=2_000))
    steps = trainer.steps()
    next(steps)
    good, scores = weights_of(trainer), trainer.evaluate()
    broken = trainer.sides[net].net
    monkeypatch.setattr(
        broken, "answer", lambda embedded, look=None: broken.head.weight.sum() * math.nan * torch.ones(16, 8)
    )
    with pytest.raises(TrainingDiverged, match="Lower its learning rate") as caught:
        list(steps)
    assert {"transformer": "The transformer's", "lstm": "The LSTM's"}[net] in str(caught.value)
    kept = weights_of(trainer)
    assert all(torch.equal(good[name], kept[name]) for name in good if name.startswith(net))
    assert all(bool(torch.isfinite(value).all()) for value in kept.values())
    assert trainer.evaluate()[f"{net}_accuracy"] == scores[f"{net}_accuracy"]


def test_what_is_saved_can_be_read_and_says_what_it_is(tmp_path):
    trainer, _ = run()
    path, card_path = trainer.save(tmp_path)
    assert (path.name, card_path.name) == ("model.safetensors", "model.json")
    tensors, card = load_checkpoint(path)
    kept = weights_of(trainer)
    assert tensors.keys() == kept.keys()
    assert all(np.array_equal(tensors[name], kept[name].numpy()) for name in kept)
    assert RecallConfig.parse(card["config"]) == SMALL
    assert (card["method"], card["step"]) == ("recall", 30)
    assert card["metrics"]["lstm_accuracy"] == trainer.evaluate()["lstm_accuracy"]


def test_a_run_that_has_not_begun_can_be_saved(tmp_path):
    _, card_path = RecallTrainer(SMALL).save(tmp_path)
    assert json.loads(card_path.read_text(encoding="utf-8"))["metrics"]["lstm_loss"] is None


def test_notes_give_both_sizes_and_warn_where_all_sequences_are_seen():
    trainer = RecallTrainer(SMALL)
    assert len(trainer.notes) == 1
    for count in trainer.parameters.values():
        assert f"{count:,}" in trainer.notes[0]
    assert "only 208 different sequences" in RecallTrainer(SMALL.with_changes(distance=1)).notes[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"distance": 1, "symbols": 2, "batch": 1, "steps": 10},
        {"distance": 200, "steps": 10, "batch": 2},
        {"depth": 3, "heads": "8", "steps": 10},
        {"forget_bias": 10, "steps": 10},
        {"forget_bias": -2, "clip": 0.01, "steps": 10, "symbols": 26},
    ],
)
def test_the_ends_of_the_settings_train(changes):
    _, snapshots = run(SMALL.with_changes(**changes))
    assert snapshots[-1].done
    assert all(math.isfinite(value) for value in snapshots[-1].metrics.values())


@pytest.mark.slow
def test_at_distance_100_the_transformer_recalls_and_the_lstm_guesses_within_the_default_steps():
    trainer, _ = run(RecallConfig(seed=2))
    scores = trainer.evaluate()
    assert scores["transformer_accuracy"] >= 0.99
    assert scores["lstm_accuracy"] <= 0.3
