"""What a visitor takes home and brings along, through the functions that the page calls."""

from __future__ import annotations

import gc
import html
import inspect
import json
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from backends.analysis.word_vectors import WordQuestionError, WordVectors
from backends.word2vec import named_vectors
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.vectors_file import LoadedVectors, VectorsFileError, read_vectors
from playground.session import Run
from playground.tabs import word2vec_home
from playground.tabs.word2vec_home import LOADED, Shelf, build_load, build_take_home, loaded
from tests.playground.fakes import alerts

REQUEST = SimpleNamespace(session_hash="page")
ORIGIN = "Vectors of <i>this</i> test."
EVIL = "<img/src=x/onerror=alert(1)>"
SKIP = gr.skip()


@pytest.fixture
def vectors() -> WordVectors:
    words = ["king", "man", EVIL, "queen"]
    return WordVectors.build(words, np.array([4, 3, 2, 1]), np.eye(4, 6, dtype=np.float32))


@pytest.fixture
def run(store, topic_text) -> Run:
    from backends.word2vec.trainer import Word2VecTrainer

    config = Word2VecConfig(corpus="own", dim=5, seed=11, threads=1)
    return Run(Word2VecTrainer(config, text=topic_text), store.device_lock)


class Page:
    """Both parts, their handlers by name, and what the page would be given."""

    def __init__(self, store, cache, vectors_of, run_of=lambda session: None) -> None:
        self.redrawn = 0
        with gr.Blocks() as self.demo:
            build_take_home(store, vectors_of, run_of)
            view = gr.HTML()
            build_load(store, self.on_loaded, [view])
        for block in self.demo.blocks.values():
            block.GRADIO_CACHE = str(cache)
        handlers = [function for function in self.demo.fns.values() if function.fn]
        self.events = {name: each for each in handlers for name in (each.fn.__name__, each.api_name)}

    def on_loaded(self, session):
        self.redrawn += 1
        return [f"redrawn {self.redrawn}"]

    def call(self, name, *values):
        """What a handler returns last."""
        result = self.events[name].fn(*values, REQUEST)
        return list(result)[-1] if inspect.isgenerator(result) else result


@pytest.fixture
def page(store, session, tmp_path, vectors) -> Page:
    return Page(store, tmp_path / "cache", lambda session: (vectors, ORIGIN))


def upload(tmp_path: Path, content: bytes | str, name: str = "mine.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def no_vectors(session):
    raise WordQuestionError("There are no vectors yet: press Train.")


def test_vectors_come_as_text_that_gensim_reads(page, vectors, tmp_path):
    from gensim.models import KeyedVectors

    path, said = page.call("word2vec_vectors")
    assert Path(path).name == "vectors.txt"
    assert Path(path).is_relative_to(tmp_path / "cache")
    assert KeyedVectors.load_word2vec_format(path).index_to_key == vectors.words
    assert "4 words, 6 numbers each" in said
    assert html.escape(ORIGIN) in said, "it says which vectors they are, and as text"
    assert "<i>" not in said


def test_the_tables_come_in_one_file(page):
    path, said = page.call("word2vec_tsv")
    with zipfile.ZipFile(path) as archive:
        assert archive.read("metadata.tsv").decode().splitlines()[1] == "king\t4\t1"
    assert Path(path).name == "vectors_tsv.zip"
    assert "projector" in said


def test_without_any_vectors_a_sentence_comes_and_no_file(store, session, tmp_path):
    page = Page(store, tmp_path / "cache", no_vectors)
    for name in ("word2vec_vectors", "word2vec_tsv"):
        path, said = page.call(name)
        assert path is None
        assert alerts(said) == ["There are no vectors yet: press Train."]
    assert not (tmp_path / "cache").exists()


def settings_in(path: str) -> str:
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return "".join(line for cell in cells for line in cell["source"])


def test_the_notebook_is_of_the_visitors_run(store, session, tmp_path, vectors, run):
    page = Page(store, tmp_path / "cache", lambda session: (vectors, ""), lambda session: run)
    path, said = page.call("word2vec_notebook")
    assert Path(path).name == "word2vec.ipynb"
    text = settings_in(path)
    for setting in ('corpus="own"', "dim=5", "seed=11", "your own .txt; 26 of its words"):
        assert setting in text
    assert "your run, seed 11" in said


def test_before_training_the_notebook_has_the_default_settings_and_says_so(page):
    path, said = page.call("word2vec_notebook")
    assert f"dim={Word2VecConfig().dim}" in settings_in(path)
    assert "the default settings, as you have not trained yet" in said


def test_a_session_has_one_folder_that_goes_with_it(store, page, session, tmp_path):
    folders = {
        Path(page.call(name)[0]).parent
        for name in ("word2vec_vectors", "word2vec_tsv", "word2vec_notebook", "word2vec_vectors")
    }
    (folder,) = folders
    assert len(list(folder.iterdir())) == 3
    assert re.fullmatch(r"[0-9a-f]{32}", folder.name), "nobody can guess it"
    store.attach("other page", None)
    other, _ = page.events["word2vec_vectors"].fn(SimpleNamespace(session_hash="other page"))
    assert Path(other).parent != folder
    session.uploads.clear()
    gc.collect()
    assert not folder.exists()
    assert Path(other).exists()


def test_a_loaded_file_answers_and_is_deleted(page, session, tmp_path):
    path = upload(tmp_path, f"3 2\nking 1 0\n{EVIL} 0 1\nman 1 1\n")
    said, file, view = page.call("on_file", str(path))
    assert loaded(session).vectors.words == ["king", EVIL, "man"]
    assert loaded(session).origin == "Answers come from mine.txt: 3 words of 2 numbers."
    assert loaded(session).origin in said
    assert (file, view) == (None, "redrawn 1")
    assert not path.exists()


def test_what_is_odd_in_a_file_is_said(page, tmp_path):
    rows = "".join(f"w{i} 1 {i}\n" for i in range(20))
    said, *_ = page.call("on_file", str(upload(tmp_path, f"30 2\n{rows}")))
    assert "The header promises 30 words, the file holds 20 rows; all were read." in said


@pytest.mark.parametrize("content", ["", "1000000000 300\na 1", "<b>not</b> vectors\n", b"\x80\x04\x95cos\nsystem\n"])
def test_a_bad_file_is_refused_and_what_was_loaded_stays(page, session, tmp_path, content):
    page.call("on_file", str(upload(tmp_path, "a 1 2\nb 3 4\n")))
    before = loaded(session)
    path = upload(tmp_path, content)
    said, file, view = page.call("on_file", str(path))
    assert len(alerts(said)) == 1
    assert "<b>" not in said
    assert file is None
    assert view == SKIP
    assert loaded(session) is before
    assert not path.exists()


def test_no_file_is_a_sentence(page):
    assert len(alerts(page.call("on_file", None)[0])) == 1


def test_a_file_is_deleted_even_if_the_visitor_leaves_while_it_is_read(page, tmp_path):
    path = upload(tmp_path, "a 1 2\nb 3 4\n")
    reading = page.events["on_file"].fn(str(path), REQUEST)
    next(reading)
    reading.close()
    assert not path.exists()


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.txt", "a&b\"'.vec", "x" * 200 + ".bin"])
def test_a_files_name_is_harmless_wherever_it_is_shown(page, session, tmp_path, name):
    page.call("on_file", str(upload(tmp_path, "a 1 2\nb 3 4\n", name)))
    origin = loaded(session).origin
    assert html.escape(origin) == origin
    assert len(origin) < 150


def test_one_set_of_vectors_per_session_and_back_to_the_run(page, session, tmp_path):
    page.call("on_file", str(upload(tmp_path, "a 1 2\nb 3 4\n")))
    page.call("on_file", str(upload(tmp_path, "c 1 2\nd 3 4\n")))
    assert loaded(session).vectors.words == ["c", "d"]
    said, file, view = page.call("on_back")
    assert loaded(session) is None
    assert LOADED not in session.uploads
    assert "put away" in said
    assert (file, view) == (None, "redrawn 3")
    assert "No vectors are loaded" in page.call("on_back")[0]


def tiny(words: int = 3) -> LoadedVectors:
    made = WordVectors.build(
        [f"w{i}" for i in range(words)], np.zeros(words, np.int64), np.eye(words, 2, dtype=np.float32)
    )
    return LoadedVectors(made, (), "text")


@pytest.fixture
def glove(monkeypatch):
    """Vectors by name without a network; counts how often they are read."""
    reads = []
    monkeypatch.setattr(named_vectors, "fetch", lambda name: iter([0.25, 1.0]))
    monkeypatch.setattr(named_vectors, "read_fetched", lambda name: reads.append(name) or tiny())
    return reads


def test_vectors_by_name_show_their_progress_origin_and_licence(page, session, glove):
    steps = list(page.events["on_name"].fn("glove-wiki-gigaword-50", REQUEST))
    assert any("25% has arrived" in said for said, *_ in steps)
    assert [view for *_, view in steps[:-1]] == [SKIP] * (len(steps) - 1)
    assert steps[-1][2] == "redrawn 1"
    assert "Answers come from glove-wiki-gigaword-50: 3 words of 2 numbers." in steps[-1][0]
    assert "Public Domain" in loaded(session).origin


def test_sessions_share_vectors_by_name_while_one_holds_them(page, store, session, glove):
    other = store.attach("other page", None)
    page.call("on_name", "glove-wiki-gigaword-50")
    list(page.events["on_name"].fn("glove-wiki-gigaword-50", SimpleNamespace(session_hash="other page")))
    assert loaded(other).vectors is loaded(session).vectors
    assert len(glove) == 1
    session.uploads.clear()
    other.uploads.clear()
    gc.collect()
    page.call("on_name", "glove-wiki-gigaword-50")
    assert len(glove) == 2, "nothing keeps them once nobody uses them"


def test_without_a_network_a_sentence_comes(page, session, monkeypatch):
    def offline(name):
        raise VectorsFileError("There is no network here: choose a file.")
        yield

    monkeypatch.setattr(named_vectors, "fetch", offline)
    said, _, view = page.call("on_name", "glove-wiki-gigaword-50")
    assert alerts(said) == ["There is no network here: choose a file."]
    assert view == SKIP
    assert loaded(session) is None


def test_a_name_past_the_list_is_refused(page):
    said, *_ = page.call("on_name", "<b>../../etc/passwd</b>")
    assert "There are no vectors of the name" in alerts(said)[0]
    assert "<b>" not in said


def test_all_sessions_together_are_bounded(store, session, monkeypatch):
    shelf = Shelf()
    other = store.attach("other page", None)
    size = word2vec_home._bytes(tiny().vectors)
    monkeypatch.setattr(word2vec_home, "MAX_LOADED_BYTES", 2 * size)
    shelf.put(session, tiny(), "")
    shelf.put(other, tiny(), "")
    third = store.attach("third page", None)
    with pytest.raises(VectorsFileError, match="as many vectors as this server can hold"):
        shelf.put(third, tiny(), "")
    shelf.put(session, tiny(), "again: one's own do not stand in the way")
    session.uploads.clear()
    gc.collect()
    shelf.put(third, tiny(), "there is room again")


def test_a_taken_file_can_be_loaded_again(page, session, vectors, tmp_path):
    path, _ = page.call("word2vec_vectors")
    page.call("on_file", path)
    assert loaded(session).vectors.words == vectors.words
    np.testing.assert_allclose(loaded(session).vectors.vectors, vectors.vectors)


def test_reading_and_writing_never_take_all_workers(page):
    for name in ("word2vec_vectors", "word2vec_tsv", "word2vec_notebook", "on_file", "on_name"):
        assert page.events[name].concurrency_limit in (1, 2)
    assert read_vectors is word2vec_home.read_vectors
