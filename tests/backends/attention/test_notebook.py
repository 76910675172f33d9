"""The notebook: its cells repeat the run to the last bit, and say so only where it is so."""

from __future__ import annotations

import ast
import json
import math
import re
from typing import Any

import pytest
import torch

from backends.attention.notebook import Standing, notebook_of, write_notebook
from backends.attention.recall import RecallTrainer
from backends.attention.recall_config import RecallConfig

SMALL = RecallConfig(distance=6, width="16", batch=16, steps=30, seed=7)
SAME, OTHER = "The run is repeated.", "Not the same numbers"


@pytest.fixture(autouse=True)
def one_thread():
    """Both sides on one: where a test before has set another number, MKL keeps to that, whatever the trainer limits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sources(config: RecallConfig, standing: Standing | None = None, kind: str = "code") -> list[str]:
    return ["".join(cell["source"]) for cell in notebook_of(config, standing)["cells"] if cell["cell_type"] == kind]


def executed(config: RecallConfig, standing: Standing | None = None) -> dict[str, Any]:
    space: dict[str, Any] = {}
    for source in sources(config, standing):
        exec(source, space)
    return space


def standing_of(trainer: RecallTrainer) -> Standing:
    frozen = trainer.freeze()
    scores = frozen.scores()
    return Standing(frozen.step, *({net: pair[place] for net, pair in scores.items()} for place in (0, 1)))


def repeats(space: dict[str, Any], trainer: RecallTrainer) -> bool:
    """Whether both nets came out of the cells as they are in the trainer."""
    return all(
        torch.equal(space["nets"][name].state_dict()[key], value)
        for name, net in trainer.freeze().nets.items()
        for key, value in net.state_dict().items()
    )


@pytest.mark.parametrize(
    "changes",
    [{}, {"distances": "mixed", "forget_bias": 2.0, "depth": 2, "symbols": 5, "clip": 0.1}],
    ids=["as it is", "much changed"],
)
def test_the_cells_repeat_a_run_to_the_last_bit(changes, capsys):
    config = SMALL.with_changes(**changes)
    trainer = RecallTrainer(config)
    *_, last = trainer.steps()
    space = executed(config, standing_of(trainer))
    assert repeats(space, trainer)
    assert {f"{net}_accuracy": share for net, share in space["accuracy"].items()} == trainer.evaluate()
    for net in ("transformer", "lstm"):
        assert space["curves"][net][-1] == last.metrics[f"{net}_accuracy"]
    assert space["tested_at"][-1] == config.steps
    assert SAME in capsys.readouterr().out


def test_a_run_that_was_paused_is_repeated_as_far_as_it_went(monkeypatch, capsys):
    monkeypatch.setattr("backends.attention.recall.SLICE_SECONDS", 0.0)
    trainer = RecallTrainer(SMALL)
    steps = trainer.steps()
    for _ in range(11):
        next(steps)
    standing = standing_of(trainer)
    assert standing.step == 11
    space = executed(SMALL, standing)
    assert repeats(space, trainer)
    assert SAME in capsys.readouterr().out
    assert not repeats(executed(SMALL), trainer), "all thirty steps"


@pytest.mark.parametrize("net", ["transformer", "lstm"])
@pytest.mark.parametrize("what", ["accuracy", "loss"])
def test_another_run_s_numbers_are_told_apart(net, what, capsys):
    trainer = RecallTrainer(SMALL)
    for _ in trainer.steps():
        pass
    standing = standing_of(trainer)
    numbers = getattr(standing, what)
    changed = Standing(**{**vars(standing), what: {**numbers, net: numbers[net] + 1 / 1_024}})
    executed(SMALL, changed)
    said = capsys.readouterr().out
    assert OTHER in said
    assert SAME not in said


def test_what_gradient_and_attention_the_cells_show_is_what_the_page_shows():
    trainer = RecallTrainer(SMALL.with_changes(depth=2))
    for _ in trainer.steps():
        pass
    frozen = trainer.freeze()
    space = executed(trainer.config)
    for name, norms in frozen.gradients().items():
        mine = space["gradient_norms"](space["nets"][name].double(), space["held_out"][:64])
        assert mine.tolist() == pytest.approx(norms.tolist(), rel=1e-6)
    assert space["weights"].tolist() == pytest.approx(frozen.attention(0).weights.mean((0, 1)).tolist(), abs=1e-6)


def test_a_loss_that_is_no_number_is_written_as_python_knows_it():
    standing = Standing(30, {"transformer": 0.1, "lstm": 0.1}, {"transformer": math.inf, "lstm": math.nan})
    space: dict[str, Any] = {}
    check = sources(SMALL, standing)[-1]
    exec(check.split("\n\n\n")[0], space)
    assert space["on_the_page"]["transformer"]["loss"] == math.inf
    assert math.isnan(space["on_the_page"]["lstm"]["loss"])


@pytest.mark.parametrize("config", [RecallConfig(), SMALL.with_changes(distances="mixed", heads="4")])
def test_every_cell_is_python_and_the_settings_come_back(config, tmp_path):
    standing = Standing(12, {"transformer": 1.0, "lstm": 0.125}, {"transformer": 0.5, "lstm": 2.0})
    path = write_notebook(config, tmp_path / "recall.ipynb", standing)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == notebook_of(config, standing)
    assert not re.search(r"/home|/work|/tmp|/root", text)
    for source in sources(config, standing):
        ast.parse(source)
    space: dict[str, Any] = {"RecallConfig": RecallConfig}
    exec(next(source for source in sources(config) if source.startswith("config =")), space)
    assert space["config"] == config


def test_without_a_run_there_is_nothing_to_compare():
    assert "on_the_page" not in "".join(sources(SMALL))
    assert "Is it the same run?" not in "".join(sources(SMALL, kind="markdown"))
