"""Checkpoints: tensors in safetensors, everything else in a JSON card beside them. Nothing is ever unpickled."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

MAX_CARD_BYTES = 4 << 20
LEFTOVER_SECONDS = 3600.0
"""A temporary file this old belongs to nobody: no save takes as long."""


class CheckpointError(ValueError):
    """A checkpoint can't be read. The message says what is wrong with the file."""


def write_atomically(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file beside `path`, then put it in place in one step.

    A crash in the middle leaves the old file whole; what it left half-written goes with a later save.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text as UTF-8, with the line ends that it has; the file is whole or not there."""

    def fill(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    return write_atomically(path, fill)


def _clear_leftovers(path: Path) -> None:
    """Delete temporary files of this path that a killed process left long ago."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFTOVER_SECONDS:
                left.unlink()


def save_checkpoint(
    path: Path, tensors: Mapping[str, np.ndarray], card: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> list[Path]:
    """Write `path` (.safetensors) and its card `path` with .json; both atomically, the card last.

    Args:
        path: of the tensors.
        tensors: by name.
        card: what JSON can hold.
        metadata: what has to be in the same file as the tensors.
    """
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    written = save_tensors(path, tensors, metadata)
    return [written, write_text(path.with_suffix(".json"), text + "\n")]


def save_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> Path:
    """Write tensors alone, atomically; `metadata` goes into the file's header."""
    from safetensors.numpy import save_file

    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}  # keeps a single number's shape ()
    strings = None if metadata is None else dict(metadata)
    return write_atomically(path, lambda temporary: save_file(arrays, temporary, strings))


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the tensors and the card of a checkpoint.

    Raises:
        CheckpointError: a file is missing, or it isn't what its name says.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    card_path = path.with_suffix(".json")
    try:
        if card_path.stat().st_size > MAX_CARD_BYTES:
            raise CheckpointError(f"{card_path.name} is larger than a card may be ({MAX_CARD_BYTES >> 20} MB).")
        card = json.loads(card_path.read_text(encoding="utf-8"))
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{Path(error.filename or path).name} is missing.") from None
    except (SafetensorError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path.name} is not a checkpoint of this project ({error}).") from None
    return tensors, card
