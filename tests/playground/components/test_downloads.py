from __future__ import annotations

import gc
import re
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from backends.engine.checkpoints import write_text
from playground.components import answers
from playground.components.downloads import download_button, folder_of, wire_download
from playground.session import Session

REQUEST = SimpleNamespace(session_hash="page")


def wired(store, make, cache: Path):
    """The handler of a button that makes a file, and the script that follows it."""
    with gr.Blocks() as demo:
        button, message = gr.Button("Points"), answers.html_area()
        file = download_button("toy-file")
        file.GRADIO_CACHE = str(cache)
        wire_download(store, button, make, file, message, "toy_points")
    making, pressing = demo.fns.values()
    assert (making.api_name, making.concurrency_limit) == ("toy_points", 2)
    return making.fn, pressing.js


def test_a_click_makes_the_file_in_the_sessions_folder_and_downloads_it(store, tmp_path):
    take, script = wired(store, lambda session, folder: (write_text(folder / "a.csv", "1\r\n"), "Said."), tmp_path)
    path, said = take(REQUEST)
    assert Path(path).read_bytes() == b"1\r\n"
    assert Path(path).parent == folder_of(store.of("page"), str(tmp_path))
    assert said == "Said."
    assert "#toy-file" in script


def test_where_there_is_nothing_to_make_the_file_is_none(store, tmp_path):
    take, _ = wired(store, lambda session, folder: (None, "Nothing."), tmp_path)
    assert take(REQUEST) == [None, "Nothing."]


def test_a_folder_cannot_be_guessed_and_goes_with_its_session(tmp_path):
    session = Session("token")
    folder = folder_of(session, str(tmp_path))
    assert not folder.exists(), "nothing is there to take home yet"
    write_text(folder / "a.txt", "a")
    assert re.fullmatch(r"[0-9a-f]{32}", folder.name)
    assert folder_of(session, str(tmp_path)) == folder
    session.uploads.clear()
    gc.collect()
    assert not folder.exists()


def test_a_text_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
