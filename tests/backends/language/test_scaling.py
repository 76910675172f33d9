"""Small runs of several sizes, and the file that this project made of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backends.engine.checkpoints import CheckpointError
from backends.language import scaling
from backends.language.trainer import GPTTrainer


@pytest.fixture(autouse=True)
def _fresh():
    scaling.load_file.cache_clear()
    yield
    scaling.load_file.cache_clear()


def test_the_file_holds_a_run_of_each_size_and_of_each_text():
    runs = scaling.load_runs()
    most = max(run.train_tokens for run in runs)
    assert len([run for run in runs if run.train_tokens == most]) == len(scaling.SIZES)
    assert len([run for run in runs if run.train_tokens < most]) == len(scaling.TEXTS)
    assert len({run.tokens_read for run in runs}) == 1
    assert all(run.heldout_loss < scaling.load_file().unigram_entropy for run in runs)


def test_more_text_and_more_parameters_lower_the_loss():
    runs = scaling.load_runs()
    most = max(run.train_tokens for run in runs)
    sizes = sorted((r for r in runs if r.train_tokens == most), key=lambda r: r.parameters)
    texts = sorted((r for r in runs if r.parameters == _default(runs)), key=lambda r: r.train_tokens)
    assert sizes[-1].heldout_loss < sizes[0].heldout_loss - 0.2
    assert texts[-1].heldout_loss < texts[0].heldout_loss - 0.2


def _default(runs) -> int:
    small = min(runs, key=lambda run: run.train_tokens)
    return small.parameters


def test_a_part_of_the_text_is_spread_over_all_of_it():
    stream = np.arange(100_000)
    part = scaling.part_of(stream, 10_000)
    assert len(part) == 10_000
    assert part[0] == 0
    assert part[-1] == 99_999
    assert len(np.unique(part)) == len(part)
    assert scaling.part_of(stream, 200_000) is stream


@pytest.mark.slow
def test_a_run_learns_from_its_part_only_and_keeps_its_lowest_loss(monkeypatch):
    config = scaling.BASE.with_changes(steps=10, batch=8, length=16, width="64", depth=1)
    seen = []
    steps = GPTTrainer.steps

    def watched(self):
        seen.append(len(self.data.train))
        yield from steps(self)

    monkeypatch.setattr(GPTTrainer, "steps", watched)
    run = scaling.train(config, 5_000)
    assert seen == [5_000] == [run.train_tokens]
    assert run.tokens_read == 10 * 8 * 16
    assert 0 < run.heldout_loss < 10


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", json.dumps({"runs": []}).encode(), b'{"steps": NaN}', b" " * 200_000]
)
def test_a_damaged_or_missing_file_is_one_sentence(tmp_path, monkeypatch, content):
    monkeypatch.setattr(scaling, "PATH", tmp_path / "scaling.json")
    with pytest.raises(CheckpointError, match="is missing"):
        scaling.load_runs()
    scaling.PATH.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is damaged|is too large"):
        scaling.load_runs()
