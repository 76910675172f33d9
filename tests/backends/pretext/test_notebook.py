"""The notebook of a run is executed, cell by cell, in a process and a folder of its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backends.data.own_pictures import read_zip
from backends.engine.notebook_cells import OWN_PICTURES_FILE
from backends.pretext.notebook import notebook_of, write_notebook
from backends.pretext.trainer import TRAINERS
from tests.backends.pretext.conftest import CONFIGS
from tests.backends.simclr.test_notebook import bring_pictures

ROOT = Path(__file__).resolve().parents[3]
METHODS = tuple(TRAINERS)
RUNNER = """
import json, sys
import torch
torch.set_num_threads(1)
for path in sys.argv[1:]:
    names = {}
    for cell in json.load(open(path, encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    torch.save(names["model"].state_dict(), path + ".pt")
    kept = [names["config"].model_dump(), names["scores"], names["baseline"], names["pixels"]]
    print("RESULT" + json.dumps([*kept, names["measured"].metrics, names["difference"]]))
"""
SETTINGS = {
    "rotation": {"printed_label": "on"},
    "inpainting": {"hole": "blocks"},
    "jigsaw": {"gap": 2, "tile_colour": "shifted"},
}


@pytest.mark.slow
def test_they_repeat_runs_on_ones_own_pictures_to_the_last_bit(tmp_path):
    pictures = read_zip(bring_pictures(tmp_path))
    configs = {name: CONFIGS[name].with_changes(seed=7, **SETTINGS[name]) for name in METHODS}
    paths = [write_notebook(config, tmp_path / f"{name}.ipynb") for name, config in configs.items()]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *(path.name for path in paths)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("RESULT")]
    for (name, config), path, result in zip(configs.items(), paths, results, strict=True):
        trainer = TRAINERS[name](config, pictures=pictures)
        for _ in trainer.steps():
            pass
        used, scores, baseline, pixels, metrics, difference = result
        assert used == config.model_dump()
        weights = torch.load(f"{path}.pt", weights_only=True)
        assert all(torch.equal(weights[key], value) for key, value in trainer.freeze().model.state_dict().items())
        assert (scores, baseline, pixels) == (trainer.probed.scores, trainer.untrained.scores, trainer.pixels)
        assert metrics == trainer.measured.metrics
        assert difference < 1e-4


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("data", ["apples", "emoji", "own"])
def test_every_cell_is_code_that_parses_and_holds_no_path_of_this_machine(name, data):
    config = CONFIGS[name].with_changes(data=data)
    made = notebook_of(config, data_note="two\nlines")
    text = json.dumps(made)
    assert not re.search(r"/home|/work|/tmp|/root", text)
    assert ("read_zip" in text) == (OWN_PICTURES_FILE in text) == (data == "own")
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            ast.parse("".join(cell["source"]))
    assert "two lines" in text
    settings = next(text for cell in made["cells"] if (text := "".join(cell["source"])).startswith("config = "))
    assert all(f"{info.name}=" in settings for info in type(config).settings())
