"""What a model knows, as tables to take home: the Embedding Projector's two TSV files, and the probes as CSV."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from backends.data.pictures import PictureError, PictureSet
from backends.engine.checkpoints import write_atomically

if TYPE_CHECKING:
    import numpy as np

    from backends.analysis.prober import Probed
    from backends.data.splits import Split

FEATURES_TSV, LABELS_TSV = "features.tsv", "labels.tsv"
PROBE_COLUMNS = (
    "factor", "classes", "chance", "knn", "linear", "untrained_knn", "untrained_linear", "pixels_knn", "pixels_linear",
)  # fmt: skip
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f\x85\u2028\u2029]+")


class ProbedModel(Protocol):
    """A frozen copy of a model that makes features of pictures, whatever the method."""

    @property
    def split(self) -> Split:
        """The pictures of the run."""

    @property
    def probed(self) -> Probed:
        """The newest probe."""

    @property
    def untrained(self) -> Probed:
        """The probe before the first step."""

    @property
    def pixels(self) -> Mapping[str, float]:
        """The same scores of the raw pixels."""

    @property
    def map_pictures(self) -> PictureSet:
        """The held-out pictures whose features `probed` holds, in its order."""


def write_features(frozen: ProbedModel, path: Path) -> Path:
    """Write a .zip of features.tsv (a picture in each line, no header) and labels.tsv (header; name and factors).

    The pictures are those of the map, which were held out.

    Raises:
        PictureError: the model's pictures are not here.
    """
    features = frozen.probed.features
    if not len(features):
        raise PictureError("The pictures of this model are not here, so it has no features to take home.")
    return write_vectors(features, _labels(frozen.map_pictures), path)


def write_vectors(vectors: np.ndarray, labels: Sequence[Sequence[str]], path: Path) -> Path:
    """Write a .zip of features.tsv and labels.tsv, as the Embedding Projector reads them.

    Args:
        vectors: (n, D), a line each, without a header.
        labels: the header and n rows; may hold a visitor's texts.
        path: of the .zip.
    """
    lines = "".join("\t".join(_cell(text) for text in row) + "\n" for row in labels)
    return write_atomically(path, lambda temporary: _pack(temporary, _features(vectors), lines))


def write_probes(frozen: ProbedModel, path: Path) -> Path:
    """Write a line for each factor: accuracies in [0, 1] on held-out pictures; see `PROBE_COLUMNS`.

    Raises:
        PictureError: no factor was probed.
    """
    if not frozen.probed.scores:
        raise PictureError("Nothing was probed: that takes pictures of at least two kinds, each with its folder.")
    return write_atomically(path, lambda temporary: _write_probes(frozen, temporary))


def _write_probes(frozen: ProbedModel, path: Path) -> None:
    starts = (frozen.probed.scores, frozen.untrained.scores, frozen.pixels)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(PROBE_COLUMNS)
        for name, factor in frozen.split.held_out.factors.items():
            if f"knn_{name}" not in frozen.probed.scores:
                continue
            scores = [known.get(f"{kind}_{name}", "") for known in starts for kind in ("knn", "linear")]
            table.writerow([name, len(factor.classes), *(_rounded(value) for value in (factor.chance, *scores))])


def _rounded(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"


def _features(features: np.ndarray) -> str:
    return "".join("\t".join(f"{value:.6g}" for value in row) + "\n" for row in features.tolist())


def _labels(pictures: PictureSet) -> list[list[str]]:
    factors = list(pictures.factors.values())
    rows = [["name", *(factor.name for factor in factors)]]
    for i, name in enumerate(pictures.names):
        rows.append([name, *(factor.classes[factor.values[i]] for factor in factors)])
    return rows


def _cell(text: str) -> str:
    """A visitor's folder or file name may hold what would end a cell or a line; an empty cell would end a column."""
    return _BREAKS.sub(" ", text).strip() or "_"


def _pack(path: Path, features: str, labels: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(FEATURES_TSV, features)
        archive.writestr(LABELS_TSV, labels)
