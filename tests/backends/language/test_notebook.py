"""The notebook is executed, cell by cell: what it trains is what the trainer trains, to the last bit."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from backends.language import model as model_module
from backends.language import use
from backends.language.config import BERTConfig, GPTConfig, LanguageConfig, T5Config
from backends.language.notebook import MODEL_FILE, OWN_TEXT_FILE, TOKENIZER_FILE, notebook_of, write_notebook
from backends.language.text import read_text_lines
from backends.language.tokens import TextTokenizer
from backends.language.trainer import TRAINERS, LanguageTrainer
from tests.backends.language.conftest import SMALL, chain_lines

ROOT = Path(__file__).resolve().parents[3]
EVIL = '"""\n<img src=x onerror=alert(1)>'
TINY = {**SMALL, "steps": 12, "batch": 8, "depth": 2, "seed": 7}
CONFIGS: dict[str, LanguageConfig] = {
    "bert": BERTConfig.parse({**TINY, "masked_share": 0.7}),
    "t5": T5Config.parse(TINY),
    "t5 both": T5Config.parse({**TINY, "objective": "both"}),
    "t5 sentences": T5Config.parse({**TINY, "objective": "sentences"}),
    "gpt": GPTConfig.parse(TINY),
}
WORDS = {"bert": "flute [MASK] chord tempo.", "t5": "flute violin <X> tempo choir.", "gpt": "flute violin"}


def code_of(config: LanguageConfig, **arguments: str) -> list[str]:
    cells = notebook_of(config, **arguments)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def text_cells(config: LanguageConfig, **arguments: str) -> list[str]:
    cells = notebook_of(config, **arguments)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def train(config: LanguageConfig, path: Path, monkeypatch) -> tuple[LanguageTrainer, list[float]]:
    """Train to the end on a visitor's file; returns the loss of every step too."""
    method = {BERTConfig: "bert", T5Config: "t5", GPTConfig: "gpt"}[type(config)]
    trainer, losses = TRAINERS[method](config, text=read_text_lines(path)), []
    advance = trainer._advance

    def recorded():
        loss, read = advance()
        losses.append(loss.item())
        return loss, read

    monkeypatch.setattr(trainer, "_advance", recorded)
    for _ in trainer.steps():
        pass
    return trainer, losses


def execute(path: Path, monkeypatch) -> dict:
    """Run a notebook's code where it lies; returns the names that it defines."""
    names: dict = {"__name__": "__main__"}
    monkeypatch.chdir(path.parent)
    with torch.random.fork_rng():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    return names


@pytest.mark.parametrize("kind", CONFIGS)
def test_it_repeats_a_run_on_ones_own_text_to_the_last_bit(tmp_path, monkeypatch, kind):
    config = CONFIGS[kind]
    (tmp_path / OWN_TEXT_FILE).write_text("\n".join(chain_lines(120)), encoding="utf-8")
    trainer, losses = train(config, tmp_path / OWN_TEXT_FILE, monkeypatch)
    names = execute(write_notebook(config, tmp_path / "run.ipynb"), monkeypatch)
    assert names["config"] == config
    assert names["history"] == losses
    assert_weights_equal(names["model"].state_dict(), trainer.freeze().model.state_dict())
    measured = trainer.evaluate()
    assert names["scores"] == {name: pytest.approx(measured[name], rel=1e-9) for name in names["scores"]}
    assert names["before"]["heldout_loss"] == pytest.approx(trainer.untrained["heldout_loss"], rel=1e-9)
    assert_answers_alike(names, trainer)
    assert_saved(names, tmp_path)


def assert_weights_equal(ours: dict, theirs: dict) -> None:
    assert ours.keys() == theirs.keys(), "the names of weights are those of a file from the page"
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def assert_answers_alike(names: dict, trainer: LanguageTrainer) -> None:
    """The same answers as the page gives."""
    frozen = trainer.freeze()
    if isinstance(trainer.config, BERTConfig):
        expected = [[(g.token, pytest.approx(g.probability, rel=1e-4)) for g in row] for row in use.fill_masks(
            frozen, WORDS["bert"]).guesses]  # fmt: skip
        assert names["fill"](WORDS["bert"]) == expected
    elif isinstance(trainer.config, GPTConfig):
        *_, last = use.continue_text(frozen, WORDS["gpt"], count=12, temperature=0.8, seed=3)
        assert names["go_on"](WORDS["gpt"], count=12, seed=3) == last.text
    else:
        sentences = trainer.config.objective == "sentences"
        words = "flute violin. chord tempo." if sentences else WORDS["t5"]
        assert names["repair"](words)[1] == use.repair(frozen, words).text


def assert_saved(names: dict, folder: Path) -> None:
    assert_weights_equal(load_file(folder / MODEL_FILE), names["model"].state_dict())
    assert names["difference"] < 1e-5
    again = TextTokenizer.from_json((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
    assert again.encode("flute violin").ids == names["tokenizer"].encode("flute violin").ids


@pytest.mark.slow
@pytest.mark.parametrize("config", [BERTConfig(steps=10), T5Config(steps=10), GPTConfig(steps=10)])
def test_it_repeats_a_run_on_a_built_in_text(tmp_path, monkeypatch, config):
    method = {BERTConfig: "bert", T5Config: "t5", GPTConfig: "gpt"}[type(config)]
    trainer = TRAINERS[method](config)
    for _ in trainer.steps():
        pass
    names = execute(write_notebook(config, tmp_path / "run.ipynb"), monkeypatch)
    assert_weights_equal(names["model"].state_dict(), trainer.freeze().model.state_dict())


@pytest.mark.parametrize("corpus", ["speeches", "own"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_it_is_a_valid_notebook_file(tmp_path, kind, corpus):
    config = CONFIGS[kind].with_changes(corpus=corpus)
    made = json.loads(write_notebook(config, tmp_path / "run.ipynb").read_text(encoding="utf-8"))
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in made["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in made["cells"]:
        keys = {"cell_type", "metadata", "source", "id"}
        assert set(cell) == (keys | {"outputs", "execution_count"} if cell["cell_type"] == "code" else keys)
        assert "\\\n" not in "".join(cell["source"])
    for number, code in enumerate(code_of(config)):
        compile(code, f"cell {number}", "exec")
        assert (
            re.search(r"(?<!\{)\{(?:[a-z]+_)?(?:argument|arguments|passed|layers|call|attention|block)\}", code) is None
        )


@pytest.mark.parametrize("kind", CONFIGS)
def test_only_what_the_run_has_is_written_out(kind):
    config = CONFIGS[kind]
    code = "\n".join(code_of(config))
    t5, bert = isinstance(config, T5Config), isinstance(config, BERTConfig)
    assert ("class CrossAttention" in code) == ("norm_cross" in code) == ("LONGEST_ANSWER" in code) == t5
    assert ("def ask(self, asked, x, places)" in code) == ("mask_tokens" in code) == bert
    assert ("next_tokens" in code) == isinstance(config, GPTConfig)
    assert code.count("class Block") == code.count("class Model") == 1


@pytest.mark.parametrize(
    ("config", "title", "source"),
    [
        (BERTConfig(), "# BERT", "Devlin et al. 2019"),
        (T5Config(), "# T5", "Raffel et al. 2020"),
        (GPTConfig(), "# GPT", "Radford et al. 2019"),
    ],
)
def test_the_first_cell_says_what_it_is_how_to_install_and_where_the_text_is_from(config, title, source):
    first = text_cells(config)[0]
    for expected in (title, source, "very run", "git clone", "-r requirements.txt", "licence: US government", "1790"):
        assert expected.lower() in first.lower()
    said = "\n".join(text_cells(config))
    assert r"$$\mathcal{L}" in said
    assert re.search(r"!(?!\[)", said) is None


def test_every_setting_is_filled_in_as_a_literal_beside_its_label():
    config = T5Config(objective="both", mean_span=2.5, corruption_ratio=0.3, seed=99)
    (call,) = [code for code in code_of(config) if code.startswith("config = ")]
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in ast.parse(call).body[0].value.keywords}
    assert keywords == config.model_dump()
    for setting in T5Config.settings():
        assert re.search(rf"^    {setting.name}=.*,  # {re.escape(setting.label)}$", call, re.MULTILINE)


def test_sizes_are_those_of_the_modules(monkeypatch):
    monkeypatch.setattr(model_module, "REACH", 11)
    assert "REACH = 11  #" in "\n".join(code_of(BERTConfig()))


def test_ones_own_text_is_not_in_it_and_a_cell_says_where_to_put_it():
    cells = "\n".join(text_cells(BERTConfig(corpus="own")))
    assert "is not in this notebook" in cells
    assert OWN_TEXT_FILE in cells
    assert "read_text_lines" not in "\n".join(code_of(BERTConfig()))


@pytest.mark.parametrize("corpus", ["speeches", "own"])
def test_it_holds_no_path_of_this_machine(corpus):
    text = json.dumps(notebook_of(GPTConfig(corpus=corpus)))
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text


def test_a_note_on_the_text_never_reaches_the_code():
    config = BERTConfig(corpus="own")
    assert code_of(config, data_note=EVIL) == code_of(config)
    assert '**The text**: """ <img' in text_cells(config, data_note=EVIL)[0], (
        "in one line, so that it can't begin anything"
    )


def test_settings_that_slipped_past_the_validation_are_refused():
    forged = BERTConfig.model_construct(**{**BERTConfig().model_dump(), "corpus": '"); import os  #'})
    with pytest.raises(ValueError, match="Corpus"):
        notebook_of(forged)
