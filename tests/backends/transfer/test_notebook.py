"""The notebook: its cells repeat the run to the number, and hold nothing of a visitor's."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from backends.data import own_pictures
from backends.transfer.config import TransferConfig
from backends.transfer.notebook import notebook_of, write_notebook
from tests.backends.transfer.conftest import SMALL, run_of, toys

CONFIGS = (
    TransferConfig(),
    TransferConfig(encoder="own-mae", against="own-clip", linear="off", knn="off"),
    TransferConfig(data="emoji", factor="artist", fine_tuning="off", scratch="off"),
    TransferConfig(data="speeches", factor="century", encoder="own-bert", against="own-word2vec"),
)


def sources(config: TransferConfig, kind: str = "code") -> list[str]:
    return ["".join(cell["source"]) for cell in notebook_of(config)["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.encoder)
def test_every_cell_is_python_and_the_settings_come_back(config):
    for source in sources(config):
        ast.parse(source)
    space: dict[str, Any] = {"TransferConfig": TransferConfig}
    exec(next(source for source in sources(config) if source.startswith("config =")), space)
    assert space["config"] == config


def test_own_runs_are_loaded_from_files_that_the_text_names():
    text = " ".join(sources(CONFIGS[1], "markdown"))
    assert "own-mae-model.safetensors" in text
    assert "in the tab CLIP" in text
    assert any("backends.clip.checkpoint import load_model" in source for source in sources(CONFIGS[1]))


def test_own_text_models_are_loaded_from_files_too():
    text = " ".join(sources(CONFIGS[3], "markdown"))
    assert "in the tab Language and put the file beside this notebook as `own-bert-model.safetensors`" in text
    assert "own-word2vec-vectors.txt" in text
    code = " ".join(sources(CONFIGS[3]))
    assert "backends.language.checkpoint import load_model" in code
    assert 'read_vectors(Path("own-word2vec-vectors.txt")).vectors' in code


def test_the_cells_for_speeches_give_the_points_of_the_run(monkeypatch, tmp_path):
    config = TransferConfig(
        data="speeches", factor="century", encoder="word2vec", against="gpt", most_labels="2", seeds=1, steps=5,
        batch=4, fine_tuning="off",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda figure: None)
    space: dict[str, Any] = {}
    for source in sources(config):
        exec(source, space)
    trainer, _ = run_of(config, pictures=None)
    assert {p.way for p in trainer.freeze()} == {"linear", "knn", "scratch"}
    assert space["points"] == list(trainer.freeze())


def test_the_cells_give_the_points_of_the_run(monkeypatch, tmp_path, capsys):
    config = SMALL.with_changes(most_labels="2", seeds=1)
    monkeypatch.setattr(own_pictures, "read_zip", lambda path: toys())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda figure: None)
    space: dict[str, Any] = {}
    for source in sources(config):
        exec(source, space)
    trainer, _ = run_of(config)
    theirs = {(p.encoder, p.way, p.labels, p.draw): p.accuracy for p in trainer.freeze()}
    mine = {(p.encoder, p.way, p.labels, p.draw): p.accuracy for p in space["points"]}
    assert mine.keys() == theirs.keys()
    assert mine == pytest.approx(theirs)
    assert (tmp_path / "transfer.csv").read_text(encoding="utf-8").count("\n") == len(mine) + 1
    assert "Folder with 2 labels per class" in capsys.readouterr().out


def test_the_file_is_a_notebook(tmp_path):
    path = write_notebook(TransferConfig(), tmp_path / "transfer.ipynb", data_note="Two\nlines.")
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read["nbformat"] == 4
    assert "Two lines." in "".join(read["cells"][0]["source"])
