"""The command that opens the page: its flags, its refusals, and that importing it does nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import app
from backends.engine import device
from playground import limits
from tests.playground.fakes import FakeConfig, FakeTrainer

ROOT = Path(__file__).resolve().parents[2]


def test_the_help_documents_every_flag():
    done = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    described = dict(re.findall(r"^  (--[a-z-]+)\b.*?\s{2,}(\S.*)$", done.stdout.replace("}\n", "} "), re.MULTILINE))
    assert set(described) == {
        "--host",
        "--port",
        "--share",
        "--device",
        "--max-runs",
        "--model-dir",
        "--lecture",
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
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
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


def test_a_broken_lecture_file_is_said_with_its_line_and_ends_with_status_2(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text('title = "Mine"\n\n[[step]]\nid = 4\n')
    assert app.main(["--lecture", str(tmp_path / "mine.toml")]) == 2
    assert capsys.readouterr().err == "mine.toml, line 4: id must be a text in quotes.\n"
    assert app.main(["--lecture", str(tmp_path / "nowhere.toml")]) == 2
    assert "nowhere.toml is none" in capsys.readouterr().err


@pytest.fixture
def launched(monkeypatch):
    """What the page was launched with, and its store; no page is built and no port is opened."""
    from playground import shell, warm_up

    seen: dict[str, object] = {}

    def launch(**options):
        seen.update(options)
        return None, "http://here", None

    def build(store, lecture=None, note=""):
        seen.update(store=store, note=note)
        return SimpleNamespace(launch=launch, block_thread=lambda: None, close=lambda verbose: None)

    monkeypatch.setattr(shell, "build", build)
    monkeypatch.setattr(warm_up, "warm_up", lambda: None)
    monkeypatch.setattr(warm_up, "first_page", lambda address: seen.update(made=address))
    for name in ("SPACE_ID", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "PORT", "SPACES_ZERO_GPU"):
        monkeypatch.delenv(name, raising=False)
    return seen


def test_at_home_it_listens_on_this_machine_only(launched):
    assert app.main([]) == 0
    assert (launched["server_name"], launched["server_port"]) == ("127.0.0.1", None)
    assert launched["store"].limits is limits.OWN
    assert launched["store"].max_runs == limits.OWN.max_runs
    assert launched["max_file_size"] == limits.OWN.file_bytes
    assert launched["made"] == "http://here"


def test_hosted_it_listens_on_every_network_with_stricter_limits(launched):
    assert app.main(["--hosted"]) == 0
    assert (launched["server_name"], launched["server_port"]) == ("0.0.0.0", 7860)
    assert launched["store"].limits is limits.HOSTED
    assert launched["max_file_size"] == limits.HOSTED.file_bytes


def test_a_space_is_hosted_without_a_flag(launched, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/ssl-playground")
    assert app.main([]) == 0
    assert launched["store"].limits is limits.HOSTED
    assert launched["server_name"] == "0.0.0.0"


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"GRADIO_SERVER_NAME": "10.0.0.5", "GRADIO_SERVER_PORT": "9000"}, ("10.0.0.5", 9000)),
        ({"PORT": "8080"}, ("0.0.0.0", 8080)),
        ({"PORT": "none of your business"}, ("0.0.0.0", 7860)),
    ],
)
def test_a_host_says_by_its_environment_where_to_listen(launched, monkeypatch, environment, address):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert app.main(["--hosted"]) == 0
    assert (launched["server_name"], launched["server_port"]) == address


def test_flags_count_more_than_the_environment(launched, monkeypatch):
    monkeypatch.setenv("PORT", "8080")
    assert app.main(["--hosted", "--host", "127.0.0.1", "--port", "7999", "--max-runs", "9"]) == 0
    assert (launched["server_name"], launched["server_port"]) == ("127.0.0.1", 7999)
    assert launched["store"].max_runs == 9


def test_strangers_get_no_folder_of_the_operator(launched, tmp_path, capsys, monkeypatch):
    assert app.main(["--hosted", "--model-dir", str(tmp_path)]) == 2
    monkeypatch.setenv("SPACE_ID", "someone/ssl-playground")
    assert app.main(["--model-dir", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 2
    assert all("--model-dir" in line and "leave it out" in line for line in said)
    assert launched == {}


def test_mcp_without_its_package_ends_with_status_2_and_one_sentence(launched, capsys, monkeypatch):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda name: None)
    assert app.main(["--mcp"]) == 2
    assert capsys.readouterr().err == "--mcp needs the package mcp: install it with pip install 'gradio[mcp]'.\n"
    assert launched == {}


def test_mcp_with_its_package_is_asked_of_gradio(launched, monkeypatch):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda name: object())
    assert app.main(["--mcp"]) == 0
    assert launched["mcp_server"] is True


def test_on_zero_gpu_runs_train_in_stretches_where_a_gpu_is_lent_and_the_page_says_so(launched, monkeypatch):
    registered = []
    monkeypatch.setitem(
        sys.modules, "spaces", SimpleNamespace(GPU=lambda duration: lambda task: registered.append(task))
    )
    monkeypatch.setattr(torch.cuda, "is_available", torch.cuda.is_available)  # put back what is replaced
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(device, "choose_device", lambda name: name)  # ZeroGPU's torch says that there is a GPU
    assert app.main(["--hosted"]) == 0
    assert len(registered) == 1
    assert launched["store"].device == "cpu"
    assert "in stretches on a GPU that it lends" in launched["note"]
    assert registered[0].__name__ == "stretch"
    portable, other = FakeTrainer(FakeConfig()), FakeTrainer(FakeConfig())
    portable.portable = True
    runs = launched["store"].run_of(portable), launched["store"].run_of(other)
    assert [run._lock is launched["store"].device_lock for run in runs] == [False, True]


def test_elsewhere_nothing_is_said_of_zero_gpu(launched):
    assert app.main([]) == 0
    assert launched["note"] == ""
