"""Which errors mean that the machine ran out of something, met for real in child processes where that can be done."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.engine.misfortune import DISK_FULL, OUT_OF_MEMORY, said_of

ROOT = Path(__file__).resolve().parents[3]


class SafetensorError(Exception):
    """As safetensors calls its own."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), OUT_OF_MEMORY),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: 9 TB"),
            OUT_OF_MEMORY,
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"), OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), OUT_OF_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), DISK_FULL),
        (OSError(errno.EFBIG, "File too large"), DISK_FULL),
        (SafetensorError("IoError(Os { code: 28, message: No space left on device })"), DISK_FULL),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
        (FileNotFoundError(errno.ENOENT, "No such file"), None),
        (ValueError("out of memory"), None),
    ],
    ids=repr,
)
def test_bad_luck_is_told_from_faults(error, said):
    assert said_of(error) == said


def test_torch_that_finds_no_memory_is_understood():
    import torch

    with pytest.raises(RuntimeError) as met:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert said_of(met.value) == OUT_OF_MEMORY


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from backends.engine.checkpoints import save_tensors
from backends.engine.misfortune import said_of

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    save_tensors(Path(sys.argv[1]), {"w": np.ones(1_000_000, np.float32)})
except Exception as error:
    print(type(error).__name__, said_of(error))
"""


def test_a_save_that_finds_the_disk_full_says_so_and_leaves_the_old_file_whole(tmp_path):
    """A limit on the size of files, set in a process of its own, stands for the end of the disk."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the old file")
    done = run(FULL_DISK, str(path))
    assert DISK_FULL in done.stdout, done.stdout + done.stderr
    assert path.read_bytes() == b"the old file"
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "nothing half-written is left"


KILLED = """
import os, sys, time
from pathlib import Path
from backends.engine.checkpoints import write_atomically

def write(temporary):
    temporary.write_bytes(b"half of the n")
    print("half", flush=True)
    time.sleep(60)

write_atomically(Path(sys.argv[1]), write)
"""
KILLED_LATER = """
import os, pathlib, signal, sys
from pathlib import Path
from backends.engine.checkpoints import write_atomically

pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path(sys.argv[1]), lambda temporary: temporary.write_bytes(b"all of the new file") and None)
"""


def test_a_process_killed_in_the_middle_of_a_save_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the old file")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "half"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old file"


def test_a_process_killed_between_the_writing_and_the_renaming_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the old file")
    assert run(KILLED_LATER, str(path)).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old file"
    left = [file for file in tmp_path.iterdir() if file != path]
    assert [file.read_bytes() for file in left] == [b"all of the new file"], "it was all there, under another name"
    assert all(file.name.startswith(".") for file in left)


def test_what_a_killed_process_left_goes_with_the_next_save(tmp_path):
    from backends.engine.checkpoints import LEFTOVER_SECONDS, write_atomically

    path, left, other = tmp_path / "a.json", tmp_path / ".a.json.k1ll3d00", tmp_path / ".b.json.k1ll3d00"
    for file in (left, other):
        file.write_bytes(b"half")
        os.utime(file, (time.time() - LEFTOVER_SECONDS - 1,) * 2)
    fresh = tmp_path / ".a.json.an0ther0"
    fresh.write_bytes(b"somebody writes now")
    write_atomically(path, lambda temporary: temporary.write_bytes(b"new") and None)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, fresh.name, other.name])
