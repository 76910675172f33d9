"""The notebook of a run is executed, cell by cell, in a process and a folder of its own."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from backends.analysis import prober
from backends.data.own_pictures import read_zip
from backends.engine.notebook_cells import OWN_PICTURES_FILE
from backends.nets import vision
from backends.simclr.config import SimCLRConfig
from backends.simclr.notebook import ENCODER_FILE, notebook_of, plain_encoder, write_notebook
from backends.simclr.trainer import SimCLRTrainer
from tests.backends.simclr.conftest import toy_pictures

ROOT = Path(__file__).resolve().parents[3]
EVIL = '"""\n<img src=x onerror=alert(1)>'
TINY = SimCLRConfig(data="own", steps=10, batch=16, seed=7)
RUNNER = """
import json, sys
import torch
names = {}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), names)
torch.save(names["model"].state_dict(), "weights.pt")
kept = [names["config"].model_dump(), names["scores"], names["baseline"], names["pixels"], names["difference"]]
print(json.dumps([*kept, names["points"].shape, names["history"][-1]]))
"""


def execute(path: Path) -> tuple[list, dict[str, torch.Tensor], str]:
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, path.name],
        cwd=path.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    said, last = done.stdout.rstrip().rsplit("\n", 1)
    return json.loads(last), torch.load(path.parent / "weights.pt", weights_only=True), said


def bring_pictures(folder: Path, count: int = 60) -> Path:
    """A .zip of folders as a visitor has it; a fifth is held out, too few for UMAP."""
    toys = toy_pictures(count)
    with zipfile.ZipFile(folder / OWN_PICTURES_FILE, "w") as archive:
        for i, image in enumerate(toys.images):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            archive.writestr(
                f"{toys.factors['colour'].classes[toys.factors['colour'].values[i]]}/{i}.png", content.getvalue()
            )
    return folder / OWN_PICTURES_FILE


def assert_repeats(config: SimCLRConfig, tmp_path: Path, pictures=None) -> tuple[list, str]:
    trainer = SimCLRTrainer(config, pictures=pictures)
    for _ in trainer.steps():
        pass
    result, weights, said = execute(write_notebook(config, tmp_path / "simclr.ipynb"))
    used, scores, baseline, pixels, difference, _, _ = result
    assert used == config.model_dump()
    assert all(torch.equal(weights[name], value) for name, value in trainer.freeze().model.state_dict().items())
    assert scores == trainer.probed.scores
    assert baseline == trainer.untrained.scores
    assert pixels == trainer.pixels
    assert difference < 1e-4
    assert (tmp_path / ENCODER_FILE).exists()
    return result, said


@pytest.mark.parametrize(
    "settings",
    [
        {},
        pytest.param(
            {"loss": "simsiam", "encoder": "vit", "head": "linear", "blur": 0.5, "noise": 0.1}, marks=pytest.mark.slow
        ),
    ],
    ids=["nt-xent", "simsiam"],
)
def test_it_repeats_a_run_on_ones_own_pictures_to_the_last_bit(tmp_path, settings):
    pictures = read_zip(bring_pictures(tmp_path))
    result, said = assert_repeats(TINY.with_changes(**settings), tmp_path, pictures)
    assert result[-2] == [12, 2]
    assert "48 pictures to train on, 12 held out" in said
    assert "knn_folder" in said


@pytest.mark.slow
@pytest.mark.parametrize("data", ["apples", "emoji"])
def test_it_repeats_a_run_on_built_in_pictures_and_draws_their_map(tmp_path, data):
    result, said = assert_repeats(SimCLRConfig(data=data, steps=10, batch=32, encoder="conv"), tmp_path)
    assert result[-2] == [400, 2]
    assert "linear_" in said


def test_nt_xent_in_the_notebook_is_that_of_the_trainer():
    from backends.simclr.losses import nt_xent

    (code,) = [code for code in code_of(SimCLRConfig()) if "def nt_xent" in code]
    names = {"torch": torch, "F": torch.nn.functional, "math": __import__("math"), "config": TINY, "images": range(99)}
    exec(code, names)
    first, second = torch.randn(2, 9, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(names["nt_xent"](first, second, 0.3), nt_xent(first, second, 0.3))
    lines = code.split("\n\n")[0].splitlines()
    assert len(lines) == 6


@pytest.mark.parametrize("encoder", ["conv", "vit", "resnet18"])
@pytest.mark.parametrize("image_size", ["32", "48"])
def test_the_last_cells_load_the_encoder_with_torch_alone(tmp_path, monkeypatch, encoder, image_size):
    from safetensors.numpy import save_file

    from backends.nets.vision import build_encoder
    from backends.simclr.checkpoint import encoder_tensors

    config = SimCLRConfig(encoder=encoder, image_size=image_size)
    torch.manual_seed(0)
    built = build_encoder(encoder, int(image_size)).to(memory_format=torch.channels_last)
    images = torch.rand(6, 3, int(image_size), int(image_size))
    built.train()(images)  # running statistics that are not those of a new net
    monkeypatch.chdir(tmp_path)
    save_file(encoder_tensors(encoder, built), ENCODER_FILE)
    code = plain_encoder(config)
    assert "backends" not in code
    names: dict = {}
    exec(code, names)
    with torch.no_grad():
        np.testing.assert_allclose(names["encode"](images).numpy(), built.eval()(images).numpy(), atol=1e-5)
    assert load_file(ENCODER_FILE).keys() == names["net"].state_dict().keys()


def code_of(config: SimCLRConfig, **arguments: str) -> list[str]:
    cells = notebook_of(config, **arguments)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("loss", ["nt-xent", "simsiam", "barlow-twins", "vicreg"])
def test_it_is_a_valid_notebook_file(tmp_path, loss):
    config = SimCLRConfig(loss=loss)
    path = write_notebook(config, tmp_path / "simclr.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell_id) for cell_id in ids)
    for cell in notebook["cells"]:
        keys = {"cell_type", "metadata", "source", "id"}
        assert set(cell) == (keys | {"outputs", "execution_count"} if cell["cell_type"] == "code" else keys)
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert "\\\n" not in "".join(cell["source"])
    for code in code_of(config):
        ast.parse(code)
    assert any("def nt_xent" in code for code in code_of(config)) == (loss == "nt-xent")


def test_every_setting_is_filled_in_as_a_literal():
    config = SimCLRConfig(data="emoji", temperature=0.07, hue=0.15, loss="vicreg", encoder="vit", seed=99)
    (call,) = [code for code in code_of(config) if code.startswith("config = ")]
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in ast.parse(call).body[0].value.keywords}
    assert keywords == config.model_dump()


@pytest.mark.parametrize(
    ("data", "words"), [("apples", "own renderer"), ("emoji", "assets/emoji/LICENCES.md"), ("own", "your own")]
)
def test_the_first_cell_says_what_it_is_how_to_install_and_which_pictures(data, words):
    first = "".join(notebook_of(SimCLRConfig(data=data))["cells"][0]["source"])
    for expected in ("this very run", "git clone", "-r requirements.txt", words):
        assert expected in first
    assert (ROOT / "assets" / "emoji" / "LICENCES.md").exists()


def test_it_holds_no_path_of_this_machine():
    for data in ("apples", "own"):
        text = json.dumps(notebook_of(SimCLRConfig(data=data)))
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text


def test_a_note_on_the_data_never_reaches_the_code():
    config = SimCLRConfig(data="own")
    assert code_of(config, data_note=EVIL) == code_of(config)
    first = "".join(notebook_of(config, data_note=EVIL)["cells"][0]["source"])
    assert '**The pictures**: """ <img' in first, "in one line, so that it can't begin anything"


def test_settings_that_slipped_past_the_validation_are_refused():
    forged = SimCLRConfig.model_construct(**{**SimCLRConfig().model_dump(), "encoder": '"); import os  #'})
    with pytest.raises(ValueError, match="Encoder"):
        notebook_of(forged)


def test_sizes_are_those_of_the_modules(monkeypatch):
    monkeypatch.setattr(prober, "BANK", 321)
    monkeypatch.setattr(vision, "CONV_WIDTHS", (5, 7))
    code = "\n".join("".join(cell["source"]) for cell in notebook_of(SimCLRConfig())["cells"])
    assert "BANK = 321  #" in code
    assert "for width in (5, 7):" in code
