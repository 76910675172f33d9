"""Every notebook runs from a clean environment with the package beside it, as its first cell says.

A folder holds a copy of `backends/`, the assets, and the notebook, as a clone would; a fresh Python that knows of
nothing else executes the cells in order, without Jupyter.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = """
import json, sys
sys.path.insert(0, "")  # as Jupyter does: the notebook's own folder
names = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
import backends
print("BACKENDS", backends.__file__)
"""
NOTEBOOKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "word2vec": (
        "word2vec",
        "backends.word2vec.config:Word2VecConfig",
        {
            "corpus": "encyclopedia",
            "epochs": 1,
            "dim": 8,
            "window": 2,
            "min_count": 5,
        },
    ),
    "bert": ("language", "backends.language.config:BERTConfig", {"corpus": "encyclopedia", "steps": 10, "batch": 8}),
    "t5": ("language", "backends.language.config:T5Config", {"corpus": "encyclopedia", "steps": 10, "batch": 8}),
    "gpt": ("language", "backends.language.config:GPTConfig", {"corpus": "encyclopedia", "steps": 10, "batch": 8}),
    "rotation": ("pretext", "backends.pretext.config:RotationConfig", {"steps": 10, "batch": 16}),
    "inpainting": ("pretext", "backends.pretext.config:InpaintingConfig", {"steps": 10, "batch": 16}),
    "jigsaw": ("pretext", "backends.pretext.config:JigsawConfig", {"steps": 10, "batch": 16}),
    "simclr": ("simclr", "backends.simclr.config:SimCLRConfig", {"steps": 10, "batch": 16}),
    "mae": ("mae", "backends.mae.config:MAEConfig", {"steps": 10, "batch": 16}),
    "clip": ("clip", "backends.clip.config:CLIPConfig", {"steps": 10, "batch": 16}),
    "recall": ("attention", "backends.attention.recall_config:RecallConfig", {"distance": 5, "steps": 10, "batch": 8}),
    "transfer": (
        "transfer",
        "backends.transfer.config:TransferConfig",
        {"encoder": "mae", "most_labels": "2", "seeds": 2, "fine_tuning": "off", "scratch": "off"},
    ),
}
"""By method: the package with its notebook, its config, and settings that make a run short."""


def written(name: str, folder: Path) -> Path:
    package, config_path, settings = NOTEBOOKS[name]
    module, config = config_path.split(":")
    made = getattr(importlib.import_module(module), config)().with_changes(**settings)
    return importlib.import_module(f"backends.{package}.notebook").write_notebook(made, folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of the project holds, as far as a notebook may need it."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "backends", folder / "backends", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "assets").symlink_to(ROOT / "assets")
    return folder


def test_every_package_with_a_notebook_is_executed_here():
    assert {path.parent.name for path in (ROOT / "backends").glob("*/notebook.py")} == {
        package for package, _, _ in NOTEBOOKS.values()
    }


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_built_as_the_format_demands(name, tmp_path):
    made = json.loads(written(name, tmp_path).read_text(encoding="utf-8"))
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert made["metadata"]["kernelspec"]["name"] == "python3"
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    for cell in made["cells"]:
        fields = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == (fields | {"execution_count", "outputs"} if cell["cell_type"] == "code" else fields)
        assert all(isinstance(line, str) and "\n" not in line[:-1] for line in cell["source"])
    assert "requirements.txt" in "".join(made["cells"][0]["source"]) or "requirements.txt" in "".join(
        made["cells"][1]["source"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_with_nothing_but_the_package_beside_it(name, clone):
    path = written(name, clone)
    known = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "GOMP_SPINCOUNT") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUNNER, path.name],
        cwd=clone,
        env={**known, "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert str(clone / "backends") in done.stdout.rsplit("BACKENDS", 1)[1]
