from __future__ import annotations

import zipfile

import numpy as np
import pytest

from backends.analysis.word_vectors import WordVectors
from backends.word2vec import export
from backends.word2vec.vectors_file import read_vectors

WORDS = ["the", "tab\tbed", "line\r\nend", "<script>alert(1)</script>", "= 1+1"]


@pytest.fixture
def vectors() -> WordVectors:
    matrix = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    return WordVectors.build(list(WORDS), np.array([50, 40, 30, 20, 10]), matrix)


def test_the_two_tables_are_in_the_projectors_form(vectors, tmp_path):
    table, metadata = export.write_tsv(vectors, tmp_path)
    assert (table.name, metadata.name) == ("vectors.tsv", "metadata.tsv")
    numbers = np.loadtxt(table, delimiter="\t")
    np.testing.assert_allclose(numbers, vectors.vectors, rtol=1e-5)
    lines = metadata.read_bytes().decode().split("\n")
    assert lines[:3] == ["word\tcount\trank", "the\t50\t1", "tab_bed\t40\t2"]
    assert lines[3] == "line_end\t30\t3"
    assert lines[4] == "<script>alert(1)</script>\t20\t4"
    assert len(lines) == 7
    assert lines[-1] == ""
    assert {line.count("\t") for line in lines[:-1]} == {2}


def test_unknown_counts_are_left_empty(vectors, tmp_path):
    unknown = WordVectors.build(vectors.words, np.zeros(5, np.int64), vectors.vectors)
    _, metadata = export.write_tsv(unknown, tmp_path)
    assert metadata.read_text().splitlines()[1] == "the\t\t1"


def test_the_zip_holds_both_tables_and_nothing_else_is_left(vectors, tmp_path):
    path = export.write_tsv_zip(vectors, tmp_path / "vectors_tsv.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["vectors.tsv", "metadata.tsv"]
        assert archive.read("metadata.tsv").count(b"\n") == 6
    assert list(tmp_path.iterdir()) == [path]


def test_gensim_reads_the_text_whatever_the_words_are(vectors, tmp_path):
    from gensim.models import KeyedVectors

    path = export.write_text(vectors, tmp_path / "vectors.txt")
    keyed = KeyedVectors.load_word2vec_format(str(path))
    assert keyed.index_to_key == ["the", "tab_bed", "line_end", "<script>alert(1)</script>", "=_1+1"]
    np.testing.assert_allclose(keyed.vectors, vectors.vectors, rtol=1e-5)
    assert read_vectors(path).vectors.words == keyed.index_to_key


def test_large_vectors_are_cut_at_the_frequent_words(vectors):
    assert export.first_words(vectors) is vectors
    assert export.first_words(vectors, 35) is vectors
    cut = export.first_words(vectors, 20)
    assert cut.words == WORDS[:2]
    assert cut.vectors.shape == (2, 7)
    assert cut.index == {"the": 0, "tab\tbed": 1}
