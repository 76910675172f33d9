from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from backends.analysis.picture_export import PROBE_COLUMNS, write_features, write_probes
from backends.data.pictures import PictureError
from backends.mae.config import MAEConfig
from backends.mae.trainer import FrozenMAE, MAETrainer
from backends.simclr.config import SimCLRConfig
from backends.simclr.trainer import FrozenModel, SimCLRTrainer
from tests.backends.simclr.conftest import toy_pictures


def _simclr() -> FrozenModel:
    return SimCLRTrainer(SimCLRConfig(data="own", batch=16, steps=10), pictures=toy_pictures()).freeze()


def _mae() -> FrozenMAE:
    config = MAEConfig(data="own", patch="8", width="48", depth=1, decoder_width="32", decoder_depth=1, steps=10)
    return MAETrainer(config, pictures=toy_pictures()).freeze()


@pytest.fixture(scope="module", params=[_simclr, _mae], ids=["simclr", "mae"])
def frozen(request) -> FrozenModel | FrozenMAE:
    return request.param()


def read(path) -> tuple[list[list[str]], list[list[str]]]:
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["features.tsv", "labels.tsv"]
        return tuple(
            [line.split("\t") for line in archive.read(name).decode().split("\n")[:-1]] for name in archive.namelist()
        )


def test_features_and_labels_stand_line_by_line(frozen, tmp_path):
    features, labels = read(write_features(frozen, tmp_path / "f.zip"))
    np.testing.assert_allclose(np.array(features, float), frozen.probed.features, rtol=1e-5)
    header, *rows = labels
    assert header == ["name", "colour", "form"]
    pictures = frozen.map_pictures
    assert len(rows) == len(pictures) == len(features) == 24
    for name, column in (("colour", 1), ("form", 2)):
        factor = pictures.factors[name]
        assert [row[column] for row in rows] == [factor.classes[value] for value in factor.values]


def test_names_that_would_break_a_row_do_not(frozen, tmp_path):
    three = replace(frozen.split.held_out.subset([0, 1, 2]), names=("a\tb\r\nc", " ", "ok\u2028"))
    split = replace(frozen.split, held_out=three)
    odd = replace(frozen, split=split, probed=replace(frozen.probed, features=np.eye(3)))
    _, labels = read(write_features(odd, tmp_path / "f.zip"))
    assert sorted(row[0] for row in labels[1:]) == ["_", "a b c", "ok"]
    assert {len(row) for row in labels} == {3}


def test_the_probes_come_with_chance_and_baselines(frozen, tmp_path):
    rows = list(csv.reader(io.StringIO(write_probes(frozen, tmp_path / "p.csv").read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == PROBE_COLUMNS
    assert [row[0] for row in rows[1:]] == ["colour", "form"]
    colour = dict(zip(*rows[:2], strict=True))
    assert colour["classes"] == "4"
    assert float(colour["chance"]) == pytest.approx(frozen.split.held_out.factors["colour"].chance, abs=1e-4)
    assert float(colour["linear"]) == pytest.approx(frozen.probed.scores["linear_colour"], abs=1e-4)
    assert float(colour["untrained_knn"]) == pytest.approx(frozen.untrained.scores["knn_colour"], abs=1e-4)
    assert float(colour["pixels_linear"]) == pytest.approx(frozen.pixels["linear_colour"], abs=1e-4)


def test_without_pictures_a_sentence_comes_and_no_file(frozen, tmp_path):
    bare = replace(frozen, probed=replace(frozen.probed, features=np.zeros((0, 128)), scores={}))
    for write in (write_features, write_probes):
        with pytest.raises(PictureError, match=r"\.$"):
            write(bare, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
