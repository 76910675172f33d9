"""The recordings' files: read as they were written, refused where they are damaged; and the command that makes them."""

from __future__ import annotations

import pytest

from backends.engine.checkpoints import CheckpointError
from backends.recordings import files, recorder
from backends.recordings.__main__ import main
from backends.recordings.files import load, write


@pytest.fixture(autouse=True)
def _nothing_kept():
    load.cache_clear()
    yield
    load.cache_clear()


def test_a_file_is_read_as_it_was_written(recorded, tmp_path):
    made = recorded()
    write(made, tmp_path)
    assert load("word2vec", tmp_path) == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "word2vec"}', "word2vec.json is damaged; python -m backends.recordings word2vec makes it anew"),
        ("\xff", "damaged"),
        (" " * (files.MAX_FILE_BYTES + 1), "too large"),
    ],
    ids=["parts missing", "not JSON", "large"],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, said):
    (tmp_path / "word2vec.json").write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match=said):
        load("word2vec", tmp_path)


def test_of_a_file_that_grew_no_more_is_read_than_shows_that(tmp_path):
    (tmp_path / "word2vec.json").symlink_to("/dev/zero")  # its size is 0, and it never ends
    with pytest.raises(CheckpointError, match="too large"):
        load("word2vec", tmp_path)


@pytest.mark.parametrize(("name", "said"), [("mae", "mae.json is missing"), ("../../etc/passwd", "no recording")])
def test_a_recording_that_is_not_there_is_said(tmp_path, name, said):
    with pytest.raises(CheckpointError, match=said):
        load(name, tmp_path)


def test_a_recording_s_size_is_counted_in_bytes(recorded, tmp_path, monkeypatch):
    made = recorded().model_copy(update={"title": "’" * 80})
    characters = len(made.model_dump_json()) + 1
    monkeypatch.setattr(files, "MAX_FILE_BYTES", characters)
    with pytest.raises(CheckpointError, match=f"{characters + 160:,} bytes; {characters:,} are allowed"):
        write(made, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_writes_what_it_is_asked_for(recorded, tmp_path, monkeypatch, capsys):
    made = recorded()
    monkeypatch.setattr(recorder, "record", lambda name: made.model_copy(update={"name": name}))
    assert main(["mae", "word2vec", "--folder", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mae.json", "word2vec.json"]
    assert "mae.json: " in capsys.readouterr().out


def test_an_unknown_name_ends_with_status_2_and_the_choices(capsys):
    assert main(["nothing"]) == 2
    assert "choose from word2vec" in capsys.readouterr().err
