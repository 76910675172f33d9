"""The recordings' files: one of JSON for each, small enough to be sent to a page."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from backends.engine.checkpoints import CheckpointError, write_text
from backends.recordings.recipes import COMMAND, NAMES
from backends.recordings.recording import Recording

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "recordings"
MAX_FILE_BYTES = 200_000


def path_of(name: str, folder: Path = FOLDER) -> Path:
    """Where the recording of this name is."""
    return folder / f"{name}.json"


def write(recording: Recording, folder: Path = FOLDER) -> Path:
    """Write a recording's file.

    Raises:
        CheckpointError: it is larger than what a page should be sent.
    """
    text = recording.model_dump_json() + "\n"
    size = len(text.encode())
    if size > MAX_FILE_BYTES:
        raise CheckpointError(f"The recording {recording.name} has {size:,} bytes; {MAX_FILE_BYTES:,} are allowed.")
    return write_text(path_of(recording.name, folder), text)


@lru_cache(maxsize=32)
def load(name: str, folder: Path = FOLDER) -> Recording:
    """Read a recording that this project made; of a file that is too large no more than shows that it is.

    Raises:
        CheckpointError: there is none of this name, or its file is missing or damaged.
    """
    if name not in NAMES:
        raise CheckpointError(f"There is no recording {name[:40]!r}; choose from {', '.join(NAMES)}.")
    path = path_of(name, folder)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        raise CheckpointError(f"{path.name} is missing; {COMMAND} {name} makes it.") from None
    if len(data) > MAX_FILE_BYTES:
        raise CheckpointError(f"{path.name} is too large to be what {COMMAND} writes; run that again.")
    try:
        return Recording.model_validate_json(data)
    except ValidationError:
        raise CheckpointError(f"{path.name} is damaged; {COMMAND} {name} makes it anew.") from None
