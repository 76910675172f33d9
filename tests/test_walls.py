"""The walls between the parts: backends know no user interface, the pages know no torch, and imports are light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "umap", "gensim", "sklearn", "gradio")


def imported_packages(source: str) -> set[str]:
    """Top-level packages that a module imports, at its top or late."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def modules_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_the_search_finds_every_kind_of_import():
    source = "import a.b as x\nfrom c.d import e\nfrom . import f\ndef g():\n    import h, i\n"
    assert imported_packages(source) == {"a", "c", "h", "i"}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("backends", {"gradio", "playground", "plotly"}), ("playground", {"torch", "torchvision"})],
)
def test_a_package_stays_on_its_side(package, forbidden):
    modules = modules_of(package)
    assert modules
    crossing = {
        str(path.relative_to(ROOT)): crossed
        for path in modules
        if (crossed := imported_packages(path.read_text(encoding="utf-8")) & forbidden)
    }
    assert crossing == {}


@pytest.mark.parametrize(
    "module",
    [
        "backends.engine.config",
        "backends.engine.trainer",
        "backends.engine.methods",
        "backends.engine.device",
        "backends.engine.checkpoints",
        "backends.data.text",
        "backends.data.corpora",
        "backends.analysis.word_vectors",
        "backends.analysis.projection",
        "backends.word2vec.config",
        "backends.word2vec.trainer",
    ],
)
def test_importing_a_module_imports_nothing_heavy(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_training_on_the_cpu_needs_no_torch():
    code = (
        "import sys; from backends.__main__ import main\n"
        "from backends.data.text import tokenise; from backends.word2vec.config import Word2VecConfig\n"
        "from backends.word2vec.trainer import Word2VecTrainer\n"
        "config = Word2VecConfig(corpus='own', epochs=1)\n"
        "list(Word2VecTrainer(config, text=tokenise(['one two three'] * 9)).steps())\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
