"""The command that opens the page: its flags, its refusals, and that importing it does nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import app
from backends.engine import device

ROOT = Path(__file__).resolve().parents[2]


def test_the_help_documents_every_flag():
    done = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    described = dict(re.findall(r"^  (--[a-z-]+)\b.*?\s{2,}(\S.*)$", done.stdout.replace("}\n", "} "), re.MULTILINE))
    assert set(described) == {
        "--host",
        "--port",
        "--share",
        "--device",
        "--max-runs",
        "--model-dir",
        "--hosted",
        "--mcp",
    }
    assert all(len(text.split()) >= 3 for text in described.values())


def test_importing_the_app_does_nothing():
    code = (
        "import sys, threading; import app\n"
        "heavy = ('gradio', 'torch', 'numpy', 'playground', 'backends')\n"
        "print([name for name in heavy if name in sys.modules], threading.active_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[] 1"


@pytest.mark.parametrize("count", ["0", "-1", "65", "1.5", "many", "", "nan"])
def test_a_wrong_number_of_runs_ends_with_status_2_and_a_sentence(capsys, count):
    with pytest.raises(SystemExit) as ended:
        app._parser().parse_args([f"--max-runs={count}"])
    assert ended.value.code == 2
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert last.endswith(f"error: argument --max-runs: {count!r} is not a whole number from 1 to 64")


@pytest.mark.parametrize("count", ["1", "64"])
def test_the_ends_of_the_range_are_allowed(count):
    assert app._parser().parse_args(["--max-runs", count]).max_runs == int(count)


def test_an_unknown_device_ends_with_status_2_and_names_the_choices(capsys):
    with pytest.raises(SystemExit) as ended:
        app._parser().parse_args(["--device", "tpu"])
    assert ended.value.code == 2
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert "'tpu'" in last
    assert all(name in last for name in device.DEVICE_NAMES)


def test_a_missing_device_ends_with_status_2_and_one_sentence(capsys, monkeypatch):
    def missing(name):
        raise device.DeviceError(f"torch finds no {name} device here; use --device cpu.")

    monkeypatch.setattr(device, "choose_device", missing)
    assert app.main(["--device", "cuda"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "torch finds no cuda device here; use --device cpu.\n"
    assert captured.out == ""


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_wrong_port_ends_with_status_2(port):
    with pytest.raises(SystemExit) as ended:
        app._parser().parse_args([f"--port={port}"])
    assert ended.value.code == 2


def test_a_model_dir_that_is_no_folder_is_said_before_anything_starts(tmp_path, capsys):
    assert app.main(["--model-dir", str(tmp_path / "nowhere")]) == 2
    assert "--model-dir needs one" in capsys.readouterr().err
