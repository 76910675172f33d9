"""The heads alone in a page of their own: no server, no Gradio, nothing but files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from playground.components import head_view
from playground.components.head_view import Picture, View
from playground.components.sprites import data_url

STYLE = Path(head_view.FOLDER).parents[1] / "style.css"
SENTENCE = "the animal did not cross the street because it was too tired , and the street was far too wide for it"
RECORD = "window.asked = [];"
SILENCES = "onSilence: (what) => window.asked.push(what)"
ROLES = [
    ("previous token", "previous token"),
    ("next token", "next token"),
    ("itself", "itself"),
    ("separator", "separator"),
    ("first token", "first token"),
    ("broad", "broad"),
]


def write(directory: Path, *, width: int = 900, dark: bool = False, silences: bool = True) -> str:
    """Write the page with a view `v` and a list `asked` of what it reported; returns its address."""
    scripts = "".join(
        f'<script data-head-view="{name}">{path.read_text(encoding="utf-8")}</script>'
        for name, path in head_view.SCRIPTS.items()
    )
    make = f'window.v = new HeadView(document.getElementById("heads"), {{ {SILENCES if silences else ""} }});'
    path = directory / "heads.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>heads</title>'
        f"<style>{STYLE.read_text(encoding='utf-8')} body {{ margin: 0; font-family: system-ui, sans-serif }}</style>"
        f'<style data-head-view="style">{head_view.STYLE.read_text(encoding="utf-8")}</style>'
        f'<body class="{"dark" if dark else ""}"><main style="padding: 8px"><h1 hidden>heads</h1><h2 hidden>heads</h2>'
        f'<div id="heads" style="width:{width}px"></div></main>{scripts}<script>{RECORD}{make}</script>',
        encoding="utf-8",
    )
    return path.as_uri()


def tokens(count: int) -> list[str]:
    """A text of so many tokens, [CLS] first and [SEP] last, marked as GPT-2 does."""
    words = [f"Ġ{word}" for word in itertools.islice(itertools.cycle(SENTENCE.split()), max(0, count - 2))]
    return ["[CLS]", *words, "[SEP]"][:count]


def attention(layers: int, heads: int, rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """(L, H, T, S) float32: head h of every layer has the role `ROLES[(layer + h) % 6]`, more or less strictly."""
    random = np.random.default_rng(seed)
    i, k = np.arange(rows)[:, None], np.arange(columns)[None, :] * max(1, rows - 1) / max(1, columns - 1)
    middle = [i - 1, i + 1, i, np.full_like(i, rows - 1), np.zeros_like(i)]
    out = np.empty((layers, heads, rows, columns), np.float32)
    for layer, head in itertools.product(range(layers), range(heads)):
        role = (layer + head) % len(ROLES)
        scores = random.normal(size=(rows, columns)) * 0.9
        if role < len(middle):
            scores += (4 + 2 * random.random()) * np.exp(-np.abs(np.round(k) - middle[role]))
        else:
            scores *= 0.2
        exps = np.exp(scores)
        out[layer, head] = exps / exps.sum(axis=1, keepdims=True)
    return out


def roles(weights: np.ndarray) -> list[list[tuple[str, str, float]]]:
    """A role for every head, its figure the mean of the rows' largest weights."""
    return [
        [
            (*ROLES[(layer + head) % len(ROLES)], float(weights[layer, head].max(axis=-1).mean()))
            for head in range(weights.shape[1])
        ]
        for layer in range(weights.shape[0])
    ]


def view(
    count: int = 12,
    layers: int = 4,
    heads: int = 4,
    *,
    across: Sequence[str] | None = None,
    given: Sequence[str] | None = None,
    **changes: Any,
) -> View:
    """A view of a text of `count` tokens (or of `given` ones) onto itself, or across to other tokens."""
    rows = list(given) if given is not None else tokens(count)
    columns = rows if across is None else list(across)
    weights = attention(layers, heads, len(rows), len(columns), changes.pop("seed", 0))
    square = across is None
    values: dict[str, Any] = {
        "name": "encoder self",
        "label": "Encoder",
        "rows": rows,
        "columns": columns,
        "weights": weights,
        "roles": roles(weights),
        "rollout": rolled(weights) if square else None,
        "special_rows": special(rows),
        "special_columns": special(columns),
    }
    return View(**{**values, **changes})


def special(told: Sequence[str]) -> list[int]:
    return [k for k, token in enumerate(told) if token.startswith("[")]


def rolled(weights: np.ndarray) -> np.ndarray:
    """(L, T, T): half of each layer's mean, half identity, multiplied."""
    identity, out = np.eye(weights.shape[2]), []
    reached = identity
    for layer in weights.mean(axis=1):
        reached = (0.5 * layer + 0.5 * identity) @ reached
        out.append(reached)
    return np.array(out, np.float32)


def photo(side: int = 112) -> np.ndarray:
    """(side, side, 3) uint8: a red disc on a green slope."""
    y, x = np.mgrid[:side, :side] / side
    picture = np.stack([0.55 + 0 * x, 0.5 + 0.4 * y, 0.75 - 0.3 * x], axis=-1)
    disc = (x - 0.55) ** 2 + (y - 0.5) ** 2 < 0.09
    picture[disc] = np.stack([0.85 - 0.3 * x, 0.15 + 0.2 * y, 0.15 + 0 * x], axis=-1)[disc]
    return (255 * picture).astype(np.uint8)


def patches(rows: int = 7, columns: int = 7, layers: int = 3, heads: int = 4) -> View:
    """A vision transformer's view: a class token and rows * columns patches; heads look around themselves."""
    count = 1 + rows * columns
    y, x = np.divmod(np.arange(rows * columns), columns)
    apart = (y[:, None] - y[None]) ** 2 + (x[:, None] - x[None]) ** 2
    random = np.random.default_rng(3)
    weights = np.empty((layers, heads, count, count), np.float32)
    for layer, head in itertools.product(range(layers), range(heads)):
        scores = random.normal(size=(count, count)) * 0.4
        scores[1:, 1:] -= apart / (0.5 + 3 * head)
        exps = np.exp(scores)
        weights[layer, head] = exps / exps.sum(axis=1, keepdims=True)
    told = ["[CLS]", *(f"{i + 1},{k + 1}" for i in range(rows) for k in range(columns))]
    return View(
        "vit",
        "Vision transformer",
        told,
        told,
        weights,
        rollout=rolled(weights),
        special_rows=[0],
        special_columns=[0],
        picture=Picture(data_url(photo()), (rows, columns), 1),
    )


def three_views(count: int = 12) -> list[View]:
    """What an encoder-decoder has: two self-attentions and a cross attention between texts of different lengths."""
    target = ["▁das", "▁Tier", "▁über", "querte", "▁die", "▁Straße", "▁nicht", "</s>"]
    causal = view(given=target, name="decoder self", label="Decoder")
    lower = np.tril(causal.weights)
    return [
        view(count),
        View(**{**vars(causal), "weights": lower / lower.sum(-1, keepdims=True), "rollout": None}),
        view(given=target, across=tokens(count), name="cross", label="Cross", seed=4),
    ]
