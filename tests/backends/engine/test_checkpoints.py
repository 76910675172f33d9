from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from backends.engine import checkpoints
from backends.engine.checkpoints import CheckpointError, load_checkpoint, save_checkpoint, write_atomically, write_text


def names_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run" / "model.safetensors"
    tensors = {
        "vectors": np.arange(12, dtype=np.float32).reshape(3, 4).T,  # not contiguous
        "half": np.ones(2, np.float16),
        "counts": np.array([3, 2], np.int64),
    }
    save_checkpoint(path, tensors, {"words": ["naïve", "日本"], "loss": None})
    return path, tensors


def test_a_checkpoint_comes_back_as_it_was(saved):
    path, tensors = saved
    loaded, card = load_checkpoint(path)
    assert loaded.keys() == tensors.keys()
    for name, array in tensors.items():
        assert loaded[name].dtype == array.dtype
        assert np.array_equal(loaded[name], array)
    assert card == {"words": ["naïve", "日本"], "loss": None}
    assert names_in(path.parent) == ["model.json", "model.safetensors"]


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_a_renamed_pickle_is_refused_unopened(saved):
    path, _ = saved
    path.write_bytes(pickle.dumps({"vectors": Bomb()}))
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 4, b"{}"], ids=["empty", "zeros", "text"])
def test_a_damaged_file_is_refused(saved, damage):
    path, _ = saved
    path.write_bytes(damage)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("card", [b"{", b"\xff\xfe\xfa"], ids=["cut off", "not UTF-8"])
def test_a_damaged_card_is_refused(saved, card):
    path, _ = saved
    path.with_suffix(".json").write_bytes(card)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(path)


def test_a_card_that_is_too_large_is_refused_unread(saved, monkeypatch):
    path, _ = saved
    monkeypatch.setattr(checkpoints, "MAX_CARD_BYTES", 10)
    with pytest.raises(CheckpointError, match="larger than a card may be"):
        load_checkpoint(path)


@pytest.mark.parametrize("missing", ["model.json", "model.safetensors"])
def test_a_missing_file_is_named(saved, missing):
    path, _ = saved
    (path.parent / missing).unlink()
    with pytest.raises(CheckpointError, match=f"{missing} is missing"):
        load_checkpoint(path)


def test_a_card_with_a_nan_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_checkpoint(tmp_path / "m.safetensors", {"a": np.zeros(1)}, {"loss": float("nan")})
    assert names_in(tmp_path) == []


def test_a_crash_midway_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("old")

    def crash(temporary):
        temporary.write_text("half of the new")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, crash)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["vectors.txt"]


def test_a_finished_write_replaces_the_old_file_and_can_be_read_by_others(tmp_path):
    path = tmp_path / "deep" / "card.json"
    for text in ("old", "new"):
        assert write_atomically(path, lambda temporary, text=text: temporary.write_text(json.dumps(text))) == path
    assert json.loads(path.read_text()) == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names_in(path.parent) == ["card.json"]


def test_a_text_is_written_whole_with_the_line_ends_that_it_has(tmp_path):
    path = tmp_path / "run" / "points.csv"
    assert write_text(path, "naïve\r\n日本\n") == path
    assert path.read_bytes() == "naïve\r\n日本\n".encode()
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half a pair: \ud800")
    assert path.read_bytes() == "naïve\r\n日本\n".encode()
    assert names_in(path.parent) == ["points.csv"]
