"""Recorded runs: what is taken down of a training, and that the shipped ones are what the trainers' command writes."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

from backends import recordings
from backends.engine.checkpoints import CheckpointError
from backends.engine.config import MethodConfig, setting
from backends.engine.trainer import Snapshot
from backends.recordings import Curve, Recipe, Track, load, main, record, write


class ToyConfig(MethodConfig):
    seed: int = setting(3, "Start.", label="Seed", ge=0, le=9)


class ToyTrainer:
    method, step_unit = "toy", "batches"

    def __init__(self, count=200, picture=False):
        self.config, self.count, self.picture = ToyConfig(), count, picture

    def steps(self):
        for step in range(1, self.count + 1):
            painted = {"painted": np.full((5, 8, 8, 3), step % 255, np.uint8)} if self.picture else {}
            metrics = {"right": step / self.count, "probe": float(step // 50), "below": 2.0}
            yield Snapshot(step, self.count, step / 10, metrics, painted, done=step == self.count)

    def freeze(self):
        return self


def recipe(monkeypatch, *curves, **options):
    track = Track("toy", lambda: ToyTrainer(picture="pictures" in options), curves, options.pop("measure", None))
    made = Recipe("Toy", "right", True, (track,), **options)
    monkeypatch.setattr(recordings, "recipes", lambda: {"word2vec": made})
    return record("word2vec")


def test_a_curve_is_thinned_and_keeps_its_ends(monkeypatch):
    made = recipe(monkeypatch, Curve("right", "right"))
    (line,) = made.lines
    assert 20 < len(line.values) <= recordings.MAX_POINTS
    assert (line.seconds[0], line.values[0]) == (0.1, 0.005)
    assert (line.seconds[-1], line.steps[-1], line.values[-1]) == (20.0, 200, 1.0)
    assert list(line.seconds) == sorted(line.seconds)
    assert made.card.settings == {"toy": {"seed": 3}}
    assert (made.card.seed, made.card.steps, made.card.seconds) == (3, 200, 20.0)
    assert made.card.step_unit == "batches"
    assert "busy CPU core" in made.card.machine


def test_a_probe_counts_when_it_changes_and_a_metric_may_be_divided_by_another(monkeypatch):
    made = recipe(monkeypatch, Curve("probe", "probe"), Curve("share", "right", over="below"))
    probe, share = made.lines
    assert probe.steps == (1, 50, 100, 150, 200)
    assert share.values[-1] == 0.5


def test_a_guess_is_a_number_or_a_metric(monkeypatch):
    assert recipe(monkeypatch, Curve("right", "right"), guess=("chance", 0.25)).guess == ("chance", 0.25)
    assert recipe(monkeypatch, Curve("right", "right"), guess=("below", "below")).guess == ("below", 2.0)


def test_what_is_said_is_kept_when_it_changes(monkeypatch):
    seen = []

    def measure(_):
        seen.append(1)
        return {"asked": float(len(seen))}, "early" if len(seen) < 25 else "late"

    made = recipe(monkeypatch, Curve("asked", "asked"), measure=measure)
    assert [one.text for one in made.said] == ["early", "late"]
    assert 9 < made.said[1].seconds < 12.6
    assert made.lines[0].values[-1] == len(seen), "asked now and then, and at the end"
    assert 39 < len(seen) <= 51


def test_pictures_show_what_is_seen_copied_in_and_what_is_hidden_painted(monkeypatch):
    from PIL import Image

    whole = np.full((5, 8, 8, 3), 200, np.uint8)
    hidden = np.zeros((5, 8, 8), bool)
    hidden[:, :, :4] = True
    made = recipe(monkeypatch, Curve("right", "right"), pictures=lambda trainer: (whole, hidden))
    pictures = made.pictures
    assert pictures.count == recordings.PICTURES
    assert len(pictures.frames) <= recordings.FRAMES
    assert pictures.frames[-1].steps == 200

    def pixels(src):
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(src.split(",")[1]))).convert("RGB"))

    seen, last = pixels(pictures.seen), pixels(pictures.frames[-1].src)
    assert seen.shape == (8, 8 * recordings.PICTURES, 3)
    assert tuple(seen[0, 0]) == recordings.MASK_COLOUR
    assert seen[0, 7].tolist() == [200] * 3
    assert abs(int(last[4, 1, 0]) - 200 % 255) <= 12


def test_a_file_is_read_as_it_was_written_and_a_damaged_one_is_said(monkeypatch, tmp_path):
    made = recipe(monkeypatch, Curve("right", "right"))
    path = write(made.model_copy(update={"name": "word2vec"}), tmp_path)
    assert load("word2vec", tmp_path).lines == made.lines
    load.cache_clear()
    path.write_text('{"name": "word2vec"}')
    with pytest.raises(CheckpointError, match="damaged"):
        load("word2vec", tmp_path)
    path.write_text(" " * (recordings.MAX_FILE_BYTES + 1))
    with pytest.raises(CheckpointError, match="too large"):
        load("word2vec", tmp_path)
    with pytest.raises(CheckpointError, match="missing"):
        load("mae", tmp_path)
    with pytest.raises(CheckpointError, match="no recording"):
        load("../../etc/passwd", tmp_path)


def test_an_unknown_name_ends_with_status_2_and_the_choices(capsys):
    assert main(["nothing"]) == 2
    assert "choose from word2vec" in capsys.readouterr().err


@pytest.mark.parametrize("name", recordings.NAMES)
def test_a_shipped_recording_has_its_card_and_its_curves_rise_or_fall(name):
    made = load(name)
    size = (recordings.FOLDER / f"{name}.json").stat().st_size
    assert size <= recordings.MAX_FILE_BYTES
    assert made.card.made_by == f"{recordings.COMMAND} {name}"
    assert made.card.seconds > 5
    assert made.card.torch
    assert all(settings["seed"] == made.card.seed for settings in made.card.settings.values())
    assert [line.label for line in made.lines] == [
        curve.label for track in recordings.recipes()[name].tracks for curve in track.curves
    ]
    assert all(len(line.values) == len(line.seconds) == len(line.steps) >= 3 for line in made.lines)
    assert json.loads((recordings.FOLDER / f"{name}.json").read_text())["name"] == name
    assert (made.pictures is not None) == (recordings.recipes()[name].pictures is not None)


def test_the_shipped_recordings_show_what_the_lecture_says():
    recall, simclr, mae = load("recall"), load("simclr"), load("mae")
    transformer, lstm = (line.values[-1] for line in recall.lines)
    assert transformer > 0.9 > 0.4 > lstm
    kept, jittered, shape_kept, shape_jittered = (line.values[-1] for line in simclr.lines)
    assert kept > jittered
    assert shape_jittered > shape_kept
    assert mae.lines[0].values[-1] < mae.guess[1]
    assert load("word2vec").said[-1].text.endswith("= queen")
