"""The shipped checkpoint: it loads, its card says what it can do, and it does."""

from __future__ import annotations

import pytest

from backends.clip import shipped
from backends.clip.trainer import Test
from backends.engine.checkpoints import CheckpointError


def test_the_card_tells_the_scores_that_the_model_has():
    frozen = shipped.load(shipped.FIRST)
    test = Test(frozen.pairs.tests["unseen_artist"], frozen.tokenizer, "cpu")
    scores = dict(test.of(frozen.model, "unseen_artist", None))
    for name, value in scores.items():
        assert frozen.scores[name] == pytest.approx(value, abs=2e-3)
    assert scores["zero_shot_unseen_artist"] > 0.5
    assert "Trained earlier by this project" in shipped.origin(shipped.FIRST)


def test_the_file_is_small():
    assert shipped.MODELS[shipped.FIRST].path.stat().st_size < 10_000_000


def test_another_name_is_refused():
    with pytest.raises(CheckpointError, match="choose from emoji"):
        shipped.load("<b>")
