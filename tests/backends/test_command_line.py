from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gensim.models import KeyedVectors

from backends.__main__ import main
from backends.engine.checkpoints import load_checkpoint
from backends.word2vec.config import Word2VecConfig
from tests.conftest import topic_lines

ROOT = Path(__file__).resolve().parents[2]


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backends", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of three seconds: its folder, and the objects that it printed."""
    folder = tmp_path_factory.mktemp("saved")
    settings = ("--set", "corpus=encyclopedia", "--set", "dim=32")
    done = run_command("train", "word2vec", "--seconds", "3", *settings, "--json", "--save", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def test_every_line_is_a_flat_object_with_the_agreed_names(trained):
    _, lines = trained
    assert len(lines) >= 3
    for line in lines:
        assert {"method", "step", "seconds", "loss", "words_per_second"} <= line.keys()
        assert line["method"] == "word2vec"
        assert not any(isinstance(value, dict) for value in line.values())
    steps = [line["step"] for line in lines]
    assert steps == sorted(steps)
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_only_the_last_line_is_done_and_carries_the_evaluation(trained):
    _, lines = trained
    assert [line.get("done", False) for line in lines] == [False] * (len(lines) - 1) + [True]
    last = lines[-1]
    assert 3 <= last["seconds"] < 6
    assert 0 <= last["analogy_accuracy"] <= 1
    assert last["lecture_analogies_asked"] == 6


def test_what_was_learned_lies_in_the_folder(trained):
    folder, lines = trained
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors", "vectors.txt"]
    assert sorted(lines[-1]["saved"]) == sorted(str(path) for path in folder.iterdir())
    tensors, card = load_checkpoint(folder / "model.safetensors")
    assert (card["config"]["dim"], card["config"]["corpus"]) == (32, "encyclopedia")
    keyed = KeyedVectors.load_word2vec_format(str(folder / "vectors.txt"))
    assert keyed.vectors.shape == tensors["input_vectors"].shape == (lines[-1]["vocabulary"], 32)


def test_a_wrong_setting_exits_with_2_and_one_sentence():
    done = run_command("train", "word2vec", "--set", "window=99")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "word2vec: Window (window) is 99; it must be a whole number from 1 to 20.\n"


def test_the_methods_are_listed(capsys):
    assert main(["list"]) == 0
    word2vec, *pretext, simclr, mae, clip, bert, t5, gpt, recall, transfer = capsys.readouterr().out.splitlines()
    assert word2vec.startswith("word2vec ")
    assert "skip-gram" in word2vec
    assert [line.split()[0] for line in pretext] == ["rotation", "inpainting", "jigsaw"]
    assert simclr.startswith("simclr ")
    assert "NT-Xent" in simclr
    assert mae.startswith("mae ")
    assert clip.startswith("clip ")
    assert bert.startswith("bert ")
    assert t5.startswith("t5 ")
    assert gpt.startswith("gpt ")
    assert recall.startswith("recall ")
    assert transfer.startswith("transfer ")


def test_own_text_is_trained_on(tmp_path, capsys):
    path = tmp_path / "own.txt"
    path.write_text("\n".join(topic_lines()), encoding="utf-8")
    arguments = ["train", "word2vec", "--data", str(path), "--set", "epochs=2", "--set", "subsample=0", "--json"]
    assert main([*arguments, "--save", str(tmp_path / "run")]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["step"], last["vocabulary"]) == (2 * 10_800, 26)
    card = json.loads((tmp_path / "run" / "model.json").read_text())
    assert (card["corpus"], card["config"]["corpus"]) == ("own text", "own")


def test_without_json_a_line_is_for_people_and_a_note_goes_beside_it(tmp_path, capsys):
    path = tmp_path / "own.txt"
    path.write_text("one two three\n" * 20, encoding="utf-8")
    assert main(["train", "word2vec", "--data", str(path), "--set", "epochs=1"]) == 0
    printed = capsys.readouterr()
    assert "loss " in printed.out
    assert not printed.out.startswith("{")
    assert printed.err.startswith("note: The longest line has 3 known words")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "dim"], "--set takes name=value, not 'dim'."),
        (["--set", "depth=3"], "There is no setting depth; choose from"),
        (["--set", "corpus=own"], "No text of your own is here yet"),
        (["--set", "corpus=encyclopedia", "--set", "objective=softmax"], "The full softmax would score all"),
        (["--data", "no-such-file.txt"], "No such file"),
        (["--data", "."], "directory"),
    ],
)
def test_what_can_not_be_trained_is_refused_in_a_sentence(arguments, sentence, capsys):
    assert main(["train", "word2vec", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("word2vec: ")
    assert sentence in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_budget_that_is_none_is_refused(seconds, capsys):
    with pytest.raises(SystemExit) as left:
        main(["train", "word2vec", f"--seconds={seconds}"])
    assert left.value.code == 2
    assert "is not a number of seconds" in capsys.readouterr().err


def test_divergence_exits_with_2_and_says_what_to_change(capsys):
    assert main(["train", "word2vec", "--set", "corpus=encyclopedia", "--set", "learning_rate=1"]) == 2
    assert "Lower the learning rate (now 1)" in capsys.readouterr().err


def test_the_help_names_every_setting_with_its_range(capsys):
    with pytest.raises(SystemExit) as left:
        main(["train", "word2vec", "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for info in Word2VecConfig.settings():
        assert f"  {info.name} (default {info.default}" in shown
        assert info.range_text in shown
        assert info.description in shown
