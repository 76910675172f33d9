"""What the machine ran out of, said in a sentence: memory or disk. Neither is a fault of the code that met it."""

from __future__ import annotations

import errno

OUT_OF_MEMORY = "The server ran out of memory; what was learned so far is kept. Choose smaller settings, or less data."
DISK_FULL = "The server's disk is full, so the file could not be written; nothing trained is lost. Try again later."
_MEMORY_WORDS = ("can't allocate memory", "out of memory", "cannot allocate memory", "unable to allocate")
_DISK_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DISK_WORDS = ("no space left on device", "file too large", "disk quota exceeded")


def said_of(error: BaseException) -> str | None:
    """Return the sentence for an error that means full memory or a full disk, else None.

    torch raises `torch.OutOfMemoryError` on a GPU and a plain `RuntimeError` on a CPU; safetensors wraps what the disk
    says in an error of its own. So words count where there is no type.
    """
    text = str(error).lower()
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in text for w in _MEMORY_WORDS)):
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in _DISK_CODES:
        return DISK_FULL
    if type(error).__name__ == "SafetensorError" and any(words in text for words in _DISK_WORDS):
        return DISK_FULL
    return None
