"""The notebook of a run is executed, cell by cell, in a process and a folder of its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends.data.text import read_text_file
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.notebook import OWN_TEXT_FILE, notebook_of, write_notebook
from backends.word2vec.trainer import Word2VecTrainer
from tests.conftest import topic_lines

ROOT = Path(__file__).resolve().parents[3]
EVIL = '"""\n<img src=x onerror=alert(1)>'
RUNNER = """
import json, sys
import numpy as np
names = {}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), names)
np.savez("result.npz", vectors=names["vectors"].vectors, points=names["points"])
print(json.dumps([list(names["vectors"].words), names["config"].model_dump(), len(names["history"])]))
"""


def execute(path: Path) -> tuple[dict[str, np.ndarray], list[str], dict[str, object], str]:
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, path.name],
        cwd=path.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said, last = done.stdout.rstrip().rsplit("\n", 1)
    words, config, history = json.loads(last)
    assert history >= 1
    return dict(np.load(path.parent / "result.npz")), words, config, said


def trained(config: Word2VecConfig, **data: object):
    trainer = Word2VecTrainer(config.with_changes(threads=1), **data)
    for _ in trainer.steps():
        pass
    return trainer.freeze()


def code_of(config: Word2VecConfig, **arguments: str) -> list[str]:
    cells = notebook_of(config, **arguments)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("threads", [1, 2])
def test_it_repeats_a_run_on_ones_own_text_to_the_last_bit(tmp_path, threads):
    config = Word2VecConfig(corpus="own", epochs=2, dim=6, window=3, min_count=2, threads=threads, seed=7)
    one_topic = [line for i, line in enumerate(topic_lines()) if i % 3 == 0]
    (tmp_path / OWN_TEXT_FILE).write_text("\n".join(one_topic), encoding="utf-8")
    expected = trained(config, text=read_text_file(tmp_path / OWN_TEXT_FILE))
    assert len(expected) == 10
    result, words, used, said = execute(write_notebook(config, tmp_path / "word2vec.ipynb"))
    assert words == expected.words
    np.testing.assert_array_equal(result["vectors"], expected.vectors)
    assert result["points"].shape == (10, 2)
    assert used == {**config.model_dump(), "threads": 1}
    assert "king - man + woman" in said
    assert (tmp_path / "vectors.txt").read_text().splitlines()[0] == "10 6"


@pytest.mark.slow
def test_it_repeats_a_run_on_the_speeches_and_draws_its_map(tmp_path):
    config = Word2VecConfig(corpus="speeches", epochs=1, dim=8, window=2, min_count=200, threads=2, seed=3)
    result, words, _, said = execute(write_notebook(config, tmp_path / "word2vec.ipynb"))
    expected = trained(config)
    assert words == expected.words
    np.testing.assert_array_equal(result["vectors"], expected.vectors)
    assert result["points"].shape == (min(1000, len(words)), 2)
    assert "king - man + woman" in said


def test_it_is_a_valid_notebook_file(tmp_path):
    path = write_notebook(Word2VecConfig(), tmp_path / "word2vec.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell_id) for cell_id in ids)
    for cell in notebook["cells"]:
        keys = {"cell_type", "metadata", "source", "id"}
        assert set(cell) == (keys | {"outputs", "execution_count"} if cell["cell_type"] == "code" else keys)
        assert all(line.endswith("\n") for line in cell["source"][:-1])
    for code in code_of(Word2VecConfig()):
        ast.parse(code)


def test_every_setting_is_filled_in_as_a_literal():
    config = Word2VecConfig(corpus="encyclopedia", dim=50, learning_rate=0.0123, architecture="cbow", seed=99)
    (call,) = [code for code in code_of(config) if code.startswith("config = ")]
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in ast.parse(call).body[0].value.keywords}
    assert keywords == {**config.model_dump(), "threads": 1}


def test_the_first_cell_says_what_it_is_how_to_install_and_which_text(tmp_path):
    first = "".join(notebook_of(Word2VecConfig(corpus="speeches"))["cells"][0]["source"])
    for words in ("this very run", "git clone", "-r requirements.txt", "State of the Union", "public domain"):
        assert words in first


def test_it_holds_no_path_of_this_machine():
    for corpus in ("all", "own"):
        text = json.dumps(notebook_of(Word2VecConfig(corpus=corpus)))
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text


def test_a_note_on_the_data_never_reaches_the_code():
    plain = code_of(Word2VecConfig(corpus="own"))
    assert code_of(Word2VecConfig(corpus="own"), data_note=EVIL) == plain
    first = "".join(notebook_of(Word2VecConfig(corpus="own"), data_note=EVIL)["cells"][0]["source"])
    assert '**The text**: """ <img' in first, "in one line, so that it can't begin anything"


def test_settings_that_slipped_past_the_validation_are_refused():
    forged = Word2VecConfig.model_construct(**{**Word2VecConfig().model_dump(), "corpus": '"); import os  #'})
    with pytest.raises(ValueError, match="Corpus"):
        notebook_of(forged)
