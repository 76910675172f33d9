"""Cells, literals and files of notebooks."""

from __future__ import annotations

import ast
import json

import pytest

from backends.clip.config import CLIPConfig
from backends.engine.notebook_cells import code, literal, markdown, notebook, one_line, settings_call, write


@pytest.mark.parametrize("value", ['a "quoted" name\n', 3, 0.25, -1e-5, True, (1, 2.5), ()])
def test_a_literal_is_read_back_as_it_was(value):
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, ("a",), object()])
def test_nothing_else_becomes_code(value):
    with pytest.raises(TypeError, match="can't be written"):
        literal(value)


def test_a_call_has_every_setting_beside_its_label_and_may_change_one():
    config = CLIPConfig(seed=7)
    call = settings_call(config, "CLIPConfig", steps=12)
    keywords = {k.arg: ast.literal_eval(k.value) for k in ast.parse(call).body[0].value.keywords}
    assert keywords == {**config.model_dump(), "steps": 12}
    assert "seed=7,  # Seed" in call


def test_cells_are_numbered_and_the_file_is_what_was_made(tmp_path):
    made = notebook([markdown("# A\ntitle\n"), code("\nx = 1\n")])
    assert [cell["id"] for cell in made["cells"]] == ["cell-0", "cell-1"]
    assert [cell["source"] for cell in made["cells"]] == [["# A\n", "title"], ["x = 1"]]
    path = write(made, tmp_path / "n.ipynb")
    assert json.loads(path.read_text(encoding="utf-8")) == made
    assert list(tmp_path.iterdir()) == [path]


def test_a_note_is_one_line():
    assert one_line(" a\n\n b\t c ") == "a b c"
