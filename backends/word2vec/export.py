"""Word vectors to take home: word2vec text, and the two TSV files that the Embedding Projector reads."""

from __future__ import annotations

import zipfile
from pathlib import Path

from backends.analysis.word_vectors import WordVectors
from backends.engine.checkpoints import write_atomically
from backends.word2vec.vectors_file import as_token

VECTORS_TSV, METADATA_TSV = "vectors.tsv", "metadata.tsv"
METADATA_HEADER = "word\tcount\trank"
MAX_NUMBERS = 6_000_000
"""About 60 MB of text, written in a few seconds; 16,900 words of 300 numbers are 5 million."""


def first_words(vectors: WordVectors, max_numbers: int = MAX_NUMBERS) -> WordVectors:
    """Return the most frequent words, as many as fit into `max_numbers` numbers; all if they do."""
    kept = max(1, max_numbers // vectors.dim)
    if kept >= len(vectors):
        return vectors
    return WordVectors.build(vectors.words[:kept], vectors.counts[:kept], vectors.vectors[:kept])


def write_text(vectors: WordVectors, path: Path) -> Path:
    """Write word2vec text format; white space within a word becomes "_", which would break its row."""
    words = [as_token(word) for word in vectors.words]
    return WordVectors.build(words, vectors.counts, vectors.vectors).save_text(path)


def write_tsv(vectors: WordVectors, folder: Path) -> list[Path]:
    """Write vectors.tsv (a vector in each line, no header) and metadata.tsv (header; word, count, rank).

    Tabs and line ends within a word become "_". Where no word has a count (vectors from a file) the column is empty.
    """
    return [
        write_atomically(folder / VECTORS_TSV, lambda path: _write_vectors(vectors, path)),
        write_atomically(folder / METADATA_TSV, lambda path: _write_metadata(vectors, path)),
    ]


def write_tsv_zip(vectors: WordVectors, path: Path) -> Path:
    """Write both TSV files into one .zip; see `write_tsv`."""
    files = write_tsv(vectors, path.parent)
    try:
        return write_atomically(path, lambda temporary: _pack(files, temporary))
    finally:
        for file in files:
            file.unlink()


def _write_vectors(vectors: WordVectors, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for vector in vectors.vectors:
            file.write("\t".join(f"{value:.6g}" for value in vector.tolist()) + "\n")


def _write_metadata(vectors: WordVectors, path: Path) -> None:
    counted = bool(vectors.counts.any())
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(METADATA_HEADER + "\n")
        for rank, (word, count) in enumerate(zip(vectors.words, vectors.counts.tolist(), strict=True), start=1):
            file.write(f"{as_token(word)}\t{count if counted else ''}\t{rank}\n")


def _pack(files: list[Path], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.write(file, file.name)
