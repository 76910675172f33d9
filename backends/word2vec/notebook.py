"""A notebook that repeats a run: Jupyter's file format (nbformat 4.5), written without Jupyter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
    code,
    markdown,
    notebook,
    one_line,
    settings_call,
    write,
)
from backends.word2vec.config import Word2VecConfig

OWN_TEXT_FILE = "my_text.txt"
VECTORS_FILE = "vectors.txt"
MAP_WORDS = 1_000

_INTRODUCTION = """# word2vec, this very run

Made by **SSL Playground**. It trains word vectors with the settings that stood on the page, asks the lecture's \
analogies, and draws the loss and a map.

{before}

**The text**: {data_note}
"""

_IMPORTS = """from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from backends.analysis import analogies
from backends.word2vec.config import Word2VecConfig
from backends.word2vec.trainer import Word2VecTrainer"""

_OWN_TEXT_NOTE = f"""## Your text

The text that you brought is not in this notebook. Put the path of the same file in place of `{OWN_TEXT_FILE}`."""

_OWN_TEXT = f"""from backends.data.text import read_text_file

text = read_text_file(Path("{OWN_TEXT_FILE}"))
print(f"{{len(text):,}} words, {{len(text.words):,}} of them different")"""

_SETTINGS_NOTE = """## The settings

The seed says where the random numbers start. {threads_note}"""

_ONE_THREAD = "One thread trains, as on the page, so the vectors come out the same to the last bit."
_SEVERAL_THREADS = (
    "On the page {threads} threads trained at once, and which of them is first is chance. Here it is one, so that "
    "the vectors come out the same to the last bit each time; raise `threads` and it takes less time."
)

_TRAIN_NOTE = """## Train

`steps()` trains a little further each time the loop asks for the next snapshot."""

_TRAIN = """trainer = Word2VecTrainer(config{own_text})
history = []
for snapshot in trainer.steps():
    history.append((snapshot.step, snapshot.metrics["loss"]))
    if len(history) % 10 == 1 or snapshot.done:
        print(f"{{snapshot.step:>12,}} of {{snapshot.total:,}} words   loss {{snapshot.metrics['loss']:.4f}}")
vectors = trainer.freeze()
print(f"{{len(vectors):,}} words of {{vectors.dim}} numbers")"""

_ASK_NOTE = """## Ask

The nearest word to a − b + c by cosine; a, b and c themselves do not count."""

_ASK = """for result in analogies.ask(vectors):
    question = f"{result.analogy.a} - {result.analogy.b} + {result.analogy.c}"
    if result.answer is None:
        print(f"{question:<28} a word is not in the vocabulary")
    else:
        mark = "right" if result.correct else f"expected {result.analogy.answer}"
        print(f"{question:<28} {result.answer} {result.cosine:.2f} ({mark})")"""

_LOSS = """steps, losses = zip(*history)
loss_figure = go.Figure(go.Scatter(x=steps, y=losses, mode="lines"))
loss_figure.update_layout(title="Loss per prediction", xaxis_title="words read", template="simple_white")"""

_MAP_NOTE = """## A map of the most frequent words

UMAP lays words that point the same way next to each other (the first time it compiles for about half a minute)."""

_MAP = f"""shown = min({MAP_WORDS}, len(vectors))
unit = vectors.unit[:shown]
if shown > 16:
    import umap

    points = umap.UMAP(metric="cosine", n_jobs=1, random_state=config.seed).fit_transform(unit)
else:
    centred = unit - unit.mean(axis=0)
    points = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
map_figure = go.Figure(
    go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers", text=vectors.words[:shown], hoverinfo="text")
)
map_figure.update_layout(title=f"The {{shown:,}} most frequent words", template="simple_white", height=600)"""

_SAVE_NOTE = """## Keep them

word2vec text format. `gensim.models.KeyedVectors.load_word2vec_format("vectors.txt")` reads it, and so does \
**Load** on the page."""

_SAVE = f"""vectors.save_text(Path("{VECTORS_FILE}"))"""


def notebook_of(config: Word2VecConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings, on one thread.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed.

    Args:
        config: the run's settings; validated once more.
        data_note: what the text was, in a sentence of ours; where empty, the built-in text's source and licence.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    config = Word2VecConfig.parse(config.model_dump())
    own = config.corpus == OWN_TEXT
    told = one_line(data_note) or _data_note(config)
    cells = [
        markdown(_INTRODUCTION.format(before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(_IMPORTS),
        *([markdown(_OWN_TEXT_NOTE), code(_OWN_TEXT)] if own else []),
        markdown(_SETTINGS_NOTE.format(threads_note=_threads_note(config))),
        code(settings_call(config, "Word2VecConfig", threads=1)),
        markdown(_TRAIN_NOTE),
        code(_TRAIN.format(own_text=", text=text" if own else "")),
        markdown(_ASK_NOTE),
        code(_ASK),
        code(_LOSS),
        markdown(_MAP_NOTE),
        code(_MAP),
        markdown(_SAVE_NOTE),
        code(_SAVE),
    ]
    return notebook(cells)


def write_notebook(config: Word2VecConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _threads_note(config: Word2VecConfig) -> str:
    return _ONE_THREAD if config.threads == 1 else _SEVERAL_THREADS.format(threads=config.threads)


def _data_note(config: Word2VecConfig) -> str:
    info = BUILT_IN.get(config.corpus)
    return "your own." if info is None else f"{info.title}. {info.source}. {info.licence}."
