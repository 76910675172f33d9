"""The notebook is executed, cell by cell: what it trains is what the trainer trains, to the last bit."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from backends.clip import model as model_module
from backends.clip.config import CLIPConfig
from backends.clip.notebook import MODEL_FILE, TOKENIZER_FILE, notebook_of, write_notebook
from backends.clip.tokens import CaptionTokenizer
from backends.clip.trainer import CLIPTrainer
from backends.data.own_pictures import read_zip
from backends.engine.notebook_cells import OWN_PICTURES_FILE
from tests.backends.clip.conftest import SMALL, shapes

ROOT = Path(__file__).resolve().parents[3]
EVIL = '"""\n<img src=x onerror=alert(1)>'
TINY = SMALL.with_changes(steps=10, batch=8, outlines=0.3, seed=7)
EVERY = [(loss, encoder) for loss in ("clip", "siglip") for encoder in ("conv", "vit")]


def code_of(config: CLIPConfig, **arguments: str) -> list[str]:
    cells = notebook_of(config, **arguments)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def bring_pictures(folder: Path, *, captions: bool) -> Path:
    """A .zip of folders as a visitor has it, or with a captions.csv that names two ways; a fifth is held out."""
    pictures = shapes(6)
    places = [f"{name}/{i}.png" for i, name in enumerate(pictures.names)]
    with zipfile.ZipFile(folder / OWN_PICTURES_FILE, "w") as archive:
        for image, place in zip(pictures.images, places, strict=True):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            archive.writestr(place, content.getvalue())
        if captions:
            told = zip(places, pictures.names, strict=True)
            rows = [f"{place},{name}\n{place},one {name} on plain grey paper" for place, name in told]
            archive.writestr("captions.csv", "\n".join(["file,caption", *rows]))
    return folder / OWN_PICTURES_FILE


def train(config: CLIPConfig, zip_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[CLIPTrainer, list[float]]:
    """Train to the end; returns the loss of every step too."""
    trainer, losses = CLIPTrainer(config, pictures=read_zip(zip_path)), []
    advance = trainer._advance

    def recorded() -> torch.Tensor:
        loss = advance()
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(trainer, "_advance", recorded)
    for _ in trainer.steps():
        pass
    return trainer, losses


def execute(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Run a notebook's code where it lies; returns the names that it defines."""
    names: dict = {"__name__": "__main__"}
    monkeypatch.chdir(path.parent)
    with torch.random.fork_rng():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    return names


@pytest.mark.parametrize(("loss", "encoder"), EVERY)
def test_it_repeats_a_run_on_ones_own_pictures_to_the_last_bit(tmp_path, monkeypatch, capsys, loss, encoder):
    config = TINY.with_changes(loss=loss, image_encoder=encoder, dropout=0.1 if loss == "clip" else 0)
    trainer, losses = train(config, bring_pictures(tmp_path, captions=encoder == "vit"), monkeypatch)
    names = execute(write_notebook(config, tmp_path / "clip.ipynb"), monkeypatch)
    assert names["config"] == config
    assert names["history"] == losses
    expected = trainer.freeze().model.state_dict()
    for value, ours in zip(names["model"].state_dict().values(), expected.values(), strict=True):
        assert torch.equal(value, ours)
    np.testing.assert_array_equal(names["shown"], trainer.shown)
    np.testing.assert_allclose(names["matrix"], trainer._matrix(), atol=1e-5)  # captions are padded less: rounding
    assert_answers_alike(names, trainer)
    said = capsys.readouterr().out
    assert f"{len(trainer.pairs.train)} pairs to train on, 8 different names" in said
    assert ("on plain grey paper" in said) == (encoder == "vit")
    assert_saved(names, tmp_path)


def assert_answers_alike(names: dict, trainer: CLIPTrainer) -> None:
    """Zero-shot tests, and the classifier out of words."""
    from backends.clip.zero_shot import make_classes, score

    measured = trainer.evaluate()
    assert set(names["scores"]) == {"zero_shot_held_out", "top5_held_out"}
    assert names["scores"] == pytest.approx({key: measured[key] for key in names["scores"]})
    frozen = trainer.freeze()
    classes = make_classes(frozen, names["labels"], names["templates"])
    scores = score(frozen, frozen.embed_pictures(names["picture"][None]), classes.vectors)
    np.testing.assert_allclose(names["cosines"].numpy(), scores.cosines[0], atol=1e-5)
    np.testing.assert_allclose(names["softmax"].numpy(), scores.softmax[0], atol=1e-4)
    assert ("alone" in names) == (trainer.config.loss == "siglip")
    if "alone" in names:
        np.testing.assert_allclose(names["alone"].numpy(), scores.alone[0], atol=1e-4)


def assert_saved(names: dict, folder: Path) -> None:
    saved, weights = load_file(folder / MODEL_FILE), names["model"].state_dict()
    assert saved.keys() == weights.keys()
    assert all(torch.equal(saved[name], weights[name]) for name in saved)
    parts = {"image_encoder", "image_projection", "text_encoder", "text_projection"}
    assert parts < {name.split(".")[0] for name in saved}
    assert names["difference"] < 1e-5
    text = (folder / TOKENIZER_FILE).read_text(encoding="utf-8")
    again = CaptionTokenizer.from_json(text, ())
    np.testing.assert_array_equal(again.encode(["red bar"]), names["tokenizer"].encode(["red bar"]))


@pytest.mark.slow
@pytest.mark.parametrize("data", ["apples", "emoji"])
def test_it_repeats_a_run_on_built_in_pictures(tmp_path, monkeypatch, data):
    config = CLIPConfig(data=data, steps=10, batch=64)
    trainer = CLIPTrainer(config)
    for _ in trainer.steps():
        pass
    names = execute(write_notebook(config, tmp_path / "clip.ipynb"), monkeypatch)
    expected = trainer.freeze().model.state_dict().values()
    assert all(torch.equal(*both) for both in zip(names["model"].state_dict().values(), expected, strict=True))
    measured = trainer.evaluate()
    assert names["scores"] == pytest.approx({key: measured[key] for key in names["scores"]}, abs=0.002)


@pytest.mark.parametrize(("loss", "encoder"), EVERY)
@pytest.mark.parametrize("data", ["emoji", "apples", "own"])
def test_it_is_a_valid_notebook_file(tmp_path, data, loss, encoder):
    config = CLIPConfig(data=data, loss=loss, image_encoder=encoder)
    notebook = json.loads(write_notebook(config, tmp_path / "clip.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell_id) for cell_id in ids)
    for cell in notebook["cells"]:
        keys = {"cell_type", "metadata", "source", "id"}
        assert set(cell) == (keys | {"outputs", "execution_count"} if cell["cell_type"] == "code" else keys)
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert "\\\n" not in "".join(cell["source"])
    for number, code in enumerate(code_of(config)):
        compile(code, f"cell {number}", "exec")


@pytest.mark.parametrize(("loss", "encoder"), [*EVERY, ("clip", "wide")])
def test_only_what_the_run_has_is_written_out(loss, encoder):
    config = CLIPConfig(loss=loss, image_encoder=encoder)
    code = "\n".join(code_of(config))
    assert ("VIT_WIDTH" in code) == (encoder == "vit")
    assert ("CONV_WIDTHS" in code) == (encoder in ("conv", "wide"))
    assert ("logsigmoid" in code) == ("logit_bias" in code) == (loss == "siglip")
    assert ("cross_entropy" in code) == (loss == "clip")
    assert code.count("class ImageEncoder") == 1


@pytest.mark.parametrize("loss", ["clip", "siglip"])
def test_the_text_cells_name_their_source_without_exclamation(loss):
    cells = notebook_of(CLIPConfig(loss=loss))["cells"]
    said = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "Radford et al. 2021" in said
    assert ("Zhai et al. 2023" in said) == (loss == "siglip")
    assert r"$$\mathcal{L}" in said
    assert "!" not in said


def test_every_setting_is_filled_in_as_a_literal_beside_its_label():
    config = CLIPConfig(data="apples", loss="siglip", image_encoder="vit", dropout=0.15, text_depth=3, seed=99)
    (call,) = [code for code in code_of(config) if code.startswith("config = ")]
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in ast.parse(call).body[0].value.keywords}
    assert keywords == config.model_dump()
    for setting in CLIPConfig.settings():
        assert re.search(rf"^    {setting.name}=.*,  # {re.escape(setting.label)}$", call, re.MULTILINE)


def test_sizes_are_those_of_the_modules(monkeypatch):
    monkeypatch.setitem(model_module.CONV_WIDTHS, "conv", (5, 7))
    monkeypatch.setattr(model_module, "PROJECTION", 11)
    code = "\n".join(code_of(CLIPConfig()))
    assert "CONV_WIDTHS = (5, 7)  #" in code
    assert "PROJECTION = 11  #" in code


@pytest.mark.parametrize(
    ("data", "words"), [("apples", "own renderer"), ("emoji", "assets/emoji/LICENCES.md"), ("own", "your own")]
)
def test_the_first_cell_says_what_it_is_how_to_install_and_which_pictures(data, words):
    first = "".join(notebook_of(CLIPConfig(data=data))["cells"][0]["source"])
    for expected in ("this very run", "git clone", "-r requirements.txt", words):
        assert expected in first
    assert (ROOT / "assets" / "emoji" / "LICENCES.md").exists()


@pytest.mark.parametrize("data", ["apples", "emoji", "own"])
def test_it_holds_no_path_of_this_machine(data):
    text = json.dumps(notebook_of(CLIPConfig(data=data)))
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text


def test_a_note_on_the_data_never_reaches_the_code():
    config = CLIPConfig(data="own")
    assert code_of(config, data_note=EVIL) == code_of(config)
    first = "".join(notebook_of(config, data_note=EVIL)["cells"][0]["source"])
    assert '**The pictures**: """ <img' in first, "in one line, so that it can't begin anything"


def test_settings_that_slipped_past_the_validation_are_refused():
    forged = CLIPConfig.model_construct(**{**CLIPConfig().model_dump(), "image_encoder": '"); import os  #'})
    with pytest.raises(ValueError, match="Image encoder"):
        notebook_of(forged)
