"""The notebook repeats a run in plain torch, up to rounding: it decodes all patches, the trainer what is asked for."""

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

from backends.data.own_pictures import read_zip
from backends.engine.notebook_cells import OWN_PICTURES_FILE
from backends.mae import trainer as trainer_module
from backends.mae.checkpoint import encoder_tensors, untrained
from backends.mae.config import MAEConfig
from backends.mae.notebook import ENCODER_FILE, notebook_of, plain_encoder, write_notebook
from backends.mae.trainer import MAETrainer
from tests.backends.simclr.conftest import toy_pictures

ROOT = Path(__file__).resolve().parents[3]
EVIL = '"""\n<img src=x onerror=alert(1)>'
TINY = MAEConfig(data="own", steps=12, batch=16, seed=7, patch="8", width="48", depth=2, decoder_width="32")
RUNNER = """
import json, sys
import torch
names = {}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), names)
torch.save(names["model"].state_dict(), "weights.pt")
kept = [names[name] for name in ("masked_error", "visible_mean_error", "error_ratio", "scores", "difference")]
print(json.dumps([vars(names["config"]), *kept]))
"""

ROUNDING = 1e-4
"""Of a weight after a few steps: a twentieth of the learning rate; another order of batches or masks gives more."""
FEW, MOST_ROUNDING = 0.05, 1e-3
"""Adam turns rounding into half a step where a gradient is next to nothing, so some of a tensor may be so far."""


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
    """A .zip of folders as a visitor has it; a fifth is held out."""
    toys = toy_pictures(count)
    colours = toys.factors["colour"]
    with zipfile.ZipFile(folder / OWN_PICTURES_FILE, "w") as archive:
        for i, image in enumerate(toys.images):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            archive.writestr(f"{colours.classes[colours.values[i]]}/{i}.png", content.getvalue())
    return folder / OWN_PICTURES_FILE


def assert_repeats(config: MAEConfig, tmp_path: Path, pictures=None) -> str:
    trainer = MAETrainer(config, pictures=pictures)
    for _ in trainer.steps():
        pass
    result, weights, said = execute(write_notebook(config, tmp_path / "mae.ipynb"))
    used, masked, guessed, ratio, scores, difference = result
    assert used == config.model_dump()
    ours = list(trainer.model.state_dict().values())
    assert len(ours) == len(weights)
    for value, expected in zip(weights.values(), ours, strict=True):  # in the order in which both are built
        assert_rounded(value.numpy(), expected.numpy())
    measured = trainer.evaluate()
    assert [masked, guessed, ratio] == pytest.approx(
        [measured[name] for name in ("masked_error", "visible_mean_error", "error_ratio")], rel=1e-4
    )
    for name, (trained, before, pixels) in scores.items():
        known = (trainer.probed.scores, trainer.untrained.scores, trainer.pixels)
        assert [trained, before, pixels] == pytest.approx([which[f"knn_{name}"] for which in known], abs=0.005)
    assert difference < 1e-4
    saved = load_file(tmp_path / ENCODER_FILE)
    expected = encoder_tensors(trainer.freeze().model)
    assert saved.keys() == expected.keys()
    for name, value in saved.items():
        assert_rounded(value.numpy(), np.asarray(expected[name]))
    return said


def assert_rounded(weights: np.ndarray, expected: np.ndarray) -> None:
    """The same but for rounding."""
    difference = np.abs(weights - expected)
    assert (difference > ROUNDING).mean() <= FEW
    assert difference.max() < MOST_ROUNDING


@pytest.mark.parametrize(
    "settings",
    [
        {},
        pytest.param(
            {"targets": "normalised", "masking": "block", "image_size": "48", "patch": "6", "mask_ratio": 0.5},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["pixels", "normalised"],
)
def test_it_repeats_a_run_on_ones_own_pictures(tmp_path, settings):
    said = assert_repeats(TINY.with_changes(**settings), tmp_path, read_zip(bring_pictures(tmp_path)))
    assert "48 pictures to train on, 12 held out" in said
    assert "folder" in said


@pytest.mark.slow
@pytest.mark.parametrize("data", ["apples", "emoji", "both"])
def test_it_repeats_a_run_on_built_in_pictures(tmp_path, data):
    assert_repeats(MAEConfig(data=data, steps=10, batch=32), tmp_path)


def code_of(config: MAEConfig, **arguments: str) -> list[str]:
    cells = notebook_of(config, **arguments)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_sizes_are_those_of_the_modules(monkeypatch):
    monkeypatch.setattr(trainer_module, "BETAS", (0.8, 0.7))
    monkeypatch.setattr(trainer_module, "PROBED_PICTURES", 123)
    code = "\n".join(code_of(MAEConfig()))
    assert "BETAS = (0.8, 0.7)  #" in code
    assert "PROBED = 123  #" in code


@pytest.mark.parametrize("masking", ["random", "block", "grid"])
def test_its_masks_are_those_of_the_trainer(masking):
    from backends.mae.masking import draw_masks

    config = TINY.with_changes(masking=masking, patch="4", mask_ratio=0.6)
    (sizes,) = [code for code in code_of(config) if code.startswith("MEAN = ")]
    (code,) = [code for code in code_of(config) if "def draw_masks" in code]
    names = {"np": np, "torch": torch, "config": config, "side": 8, "L": 64}
    exec(sizes, names)
    exec(code[: code.index("some = draw_masks")], names)
    ours = draw_masks(masking, 38, 8, 9, np.random.default_rng(3))
    np.testing.assert_array_equal(names["draw_masks"](9, np.random.default_rng(3)).numpy(), ours)


@pytest.mark.parametrize(
    "settings", [{}, {"image_size": "64", "patch": "16", "width": "64", "depth": 1}], ids=["small", "large"]
)
def test_the_last_cells_load_the_encoder_with_torch_alone(tmp_path, monkeypatch, settings):
    from safetensors.numpy import save_file

    config = TINY.with_changes(**settings)
    model = untrained(config).eval()
    monkeypatch.chdir(tmp_path)
    save_file(encoder_tensors(model), ENCODER_FILE)
    code = plain_encoder(config)
    assert "backends" not in code
    names: dict = {}
    exec(code, names)
    size = int(config.image_size)
    images = torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        np.testing.assert_allclose(names["net"](images).numpy(), model.features(images).numpy(), atol=1e-5)


@pytest.mark.parametrize("data", ["apples", "emoji", "both", "own"])
@pytest.mark.parametrize("targets", ["pixels", "normalised"])
def test_it_is_a_valid_notebook_file(tmp_path, data, targets):
    config = MAEConfig(data=data, targets=targets)
    notebook = json.loads(write_notebook(config, tmp_path / "mae.ipynb").read_text(encoding="utf-8"))
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


@pytest.mark.parametrize(("data", "readers"), [("apples", ["load_split"]), ("own", ["read_zip", "load_split"])])
def test_only_the_cells_that_fetch_pictures_take_something_from_the_project(data, readers):
    cells = [code for code in code_of(MAEConfig(data=data)) if "backends" in code]
    assert [reader in code for reader, code in zip(readers, cells, strict=True)] == [True] * len(readers)


def test_every_setting_is_filled_in_as_a_literal():
    config = MAEConfig(data="emoji", mask_ratio=0.6, masking="grid", targets="normalised", patch="8", seed=99)
    (call,) = [code for code in code_of(config) if code.startswith("config = ")]
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in ast.parse(call).body[0].value.keywords}
    assert keywords == config.model_dump()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("apples", "own renderer"),
        ("emoji", "assets/emoji/LICENCES.md"),
        ("both", "renderer, and emoji"),
        ("own", "your own"),
    ],
)
def test_the_first_cell_says_what_it_is_how_to_install_and_which_pictures(data, words):
    first = "".join(notebook_of(MAEConfig(data=data))["cells"][0]["source"])
    for expected in ("this very run", "git clone", "-r requirements.txt", words):
        assert expected in first


def test_a_normalised_run_never_shows_patches_with_their_own_brightness():
    (code,) = [code for code in code_of(MAEConfig(targets="normalised")) if "shown = " in code]
    assert "rows = [pixels, seen, shown]" in code


def test_it_holds_no_path_of_this_machine():
    for data in ("apples", "own"):
        text = json.dumps(notebook_of(MAEConfig(data=data)))
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text


def test_a_note_on_the_data_never_reaches_the_code():
    config = MAEConfig(data="own")
    assert code_of(config, data_note=EVIL) == code_of(config)
    first = "".join(notebook_of(config, data_note=EVIL)["cells"][0]["source"])
    assert '**The pictures**: """ <img' in first, "in one line, so that it can't begin anything"


def test_settings_that_slipped_past_the_validation_are_refused():
    forged = MAEConfig.model_construct(**{**MAEConfig().model_dump(), "masking": '"); import os  #'})
    with pytest.raises(ValueError, match="Masking"):
        notebook_of(forged)
