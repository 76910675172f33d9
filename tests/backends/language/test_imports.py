"""What a page imports must not bring torch with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULES = ("config", "text", "tokens", "corruption", "use", "heads", "checkpoint")


def test_what_a_page_needs_imports_nothing_heavy():
    imports = ", ".join(f"backends.language.{module}" for module in MODULES)
    code = f"import sys, {imports}; print(*({{'torch', 'tokenizers', 'gensim', 'gradio'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
