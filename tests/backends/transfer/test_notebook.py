"""The notebook: its cells repeat the run to the number, and hold nothing of a visitor's."""

from __future__ import annotations

import ast
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from backends.analysis import probes
from backends.data.own_pictures import read_zip
from backends.data.pictures import PictureSet
from backends.engine.notebook_cells import OWN_PICTURES_FILE
from backends.simclr.checkpoint import card_of, save_model
from backends.transfer import trainer as trainer_module
from backends.transfer.config import TransferConfig
from backends.transfer.notebook import notebook_of, write_notebook
from backends.transfer.points import Point
from tests.backends.transfer.conftest import FROZEN, SMALL, run_of, toys

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


def bring_pictures(folder: Path) -> PictureSet:
    """The toys as a .zip where the notebook looks for it, read as the page reads it."""
    pictures = toys()
    kind = pictures.factors["folder"]
    with zipfile.ZipFile(folder / OWN_PICTURES_FILE, "w") as archive:
        for i, image in enumerate(pictures.images):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            archive.writestr(f"{kind.classes[kind.values[i]]}/{i}.png", content.getvalue())
    return read_zip(folder / OWN_PICTURES_FILE)


def run_cells(config: TransferConfig, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the code cells in a folder; returns the names that they leave."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda figure: None)
    space: dict[str, Any] = {}
    for source in sources(config):
        exec(source, space)
    return space


def assert_repeats(config: TransferConfig, points: list[Point], **options: Any) -> None:
    trainer, _ = run_of(config, **options)
    theirs = {(p.encoder, p.way, p.labels, p.draw): p.accuracy for p in trainer.freeze()}
    mine = {(p.encoder, p.way, p.labels, p.draw): p.accuracy for p in points}
    assert len(mine) == len(points)
    assert mine.keys() == theirs.keys()
    assert mine == pytest.approx(theirs)


def test_the_cells_give_the_points_of_the_run(monkeypatch, tmp_path, capsys):
    config = SMALL.with_changes(most_labels="2", seeds=1)
    pictures = bring_pictures(tmp_path)
    space = run_cells(config, tmp_path, monkeypatch)
    assert_repeats(config, space["points"], pictures=pictures)
    written = (tmp_path / "transfer.csv").read_text(encoding="utf-8")
    assert written.count("\n") == len(space["points"]) + 1
    said = capsys.readouterr().out
    assert "200 pictures\n" in said
    assert "Folder with 2 labels per class" in said


def test_a_run_of_one_s_own_is_read_from_its_file_and_gives_the_same_points(monkeypatch, tmp_path, learned):
    config = FROZEN.with_changes(encoder="own-simclr", most_labels="2", seeds=2)
    pictures = bring_pictures(tmp_path)
    (model, _) = save_model(learned, tmp_path / "home", card_of(learned))
    model.rename(tmp_path / "own-simclr-model.safetensors")
    space = run_cells(config, tmp_path, monkeypatch)
    assert_repeats(config, space["points"], pictures=pictures, runs={"own-simclr": learned})


@pytest.mark.slow
def test_speeches_give_the_points_of_the_run_too(monkeypatch, tmp_path):
    config = TransferConfig(
        data="speeches", factor="century", encoder="word2vec", against="gpt", most_labels="2", seeds=1, steps=5,
        batch=4, fine_tuning="off",
    )  # fmt: skip
    points = run_cells(config, tmp_path, monkeypatch)["points"]
    assert {point.way for point in points} == {"linear", "knn", "scratch"}
    assert_repeats(config, points, pictures=None)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["apples", "emoji"])
def test_built_in_pictures_give_the_points_of_the_run_too(monkeypatch, tmp_path, data):
    factor = {"apples": "shape", "emoji": "artist"}[data]
    config = TransferConfig(
        data=data, factor=factor, encoder="simclr", most_labels="5", seeds=1, steps=5, fine_tuning="on", scratch="on"
    )
    assert_repeats(config, run_cells(config, tmp_path, monkeypatch)["points"], pictures=None)


@pytest.mark.parametrize(
    ("way", "code"), [("linear", "def linear_probe"), ("knn", "def nearest_neighbours"), ("scratch", "Tuning(")]
)
def test_a_way_that_is_off_has_no_code(way, code):
    assert code in "\n".join(sources(TransferConfig()))
    others = {"fine_tuning": "off"} if way == "scratch" else {}
    off = TransferConfig(**{way: "off"}, **others)  # type: ignore[arg-type]
    assert code not in "\n".join(sources(off))


def test_sizes_are_those_of_the_modules(monkeypatch):
    monkeypatch.setattr(trainer_module, "TESTED", 321)
    monkeypatch.setattr(probes, "RIDGE", 0.5)
    code = "\n".join(sources(TransferConfig()))
    assert "TESTED = 321  # " in code
    assert "RIDGE = 0.5  # " in code


def test_the_file_is_a_notebook(tmp_path):
    path = write_notebook(TransferConfig(), tmp_path / "transfer.ipynb", data_note="Two\nlines.")
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read["nbformat"] == 4
    assert "Two lines." in "".join(read["cells"][0]["source"])
