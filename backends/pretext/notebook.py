"""A notebook that repeats a run of a pretext task: puzzles, loss and loop written out (nbformat 4.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
    code,
    markdown,
    notebook,
    one_line,
    own_pictures_cells,
    settings_call,
    sizes_cells,
    write,
)
from backends.pretext.config import OWN_PICTURES, PretextConfig, task_of
from backends.simclr.config import SimCLRConfig
from backends.simclr.notebook import CHECK, LOSS, PROBE, PROBE_NOTE, SAVE, SAVE_NOTE, net_sizes, plain_encoder

MODELS = {"rotation": "RotationModel", "inpainting": "InpaintingModel", "jigsaw": "JigsawModel"}

_INTRODUCTION = """# {title}, this very run

Made by **SSL Playground**. It trains an encoder without labels, by a puzzle that is made of the pictures themselves, \
with the settings that stood on the page: pictures, puzzles, net, loss, loop, what the net answers, what its features \
know, and the encoder as a file for plain torch.

{before}

**The pictures**: {data_note}
"""

_TITLES = {
    "rotation": "Which way is up?",
    "inpainting": "What stood in the hole?",
    "jigsaw": "Where does each tile belong?",
}

_IMPORTS = """import copy
import math
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from torch.nn import functional as F

from backends.analysis.probes import probe_factors
from backends.data.splits import load_split
from backends.nets.seeded import seeded
from backends.pretext.config import {config}
from backends.pretext.held_out import held_out_of{more}
from backends.pretext.model import {model}"""

_MORE = {
    "rotation": ", with_shortcuts",
    "inpainting": "",
    "jigsaw": ", jigsaw_of",
}

_SETTINGS_NOTE = """## The settings

The seed says where weights, batches and puzzles start. On the same processor the same numbers come out as on the \
page; a GPU draws other puzzles."""

_PICTURES_NOTE = """## The pictures

The net never sees the held-out ones in training. Their factors are known, but only the probes at the end may look."""

_PICTURES = """split = load_split(config.data, int(config.image_size), {own_pictures})


def to_tensor(images):
    \"\"\"(n, S, S, 3) uint8 array to (n, 3, S, S) tensor.\"\"\"
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def to_array(images):
    \"\"\"(n, 3, S, S) from 0 to 1 to (n, S, S, 3) uint8 array.\"\"\"
    return images.mul(255).round().byte().permute(0, 2, 3, 1).numpy()


def sheet(images, columns):
    \"\"\"A figure of (n, S, S, 3) uint8 pictures side by side, row by row.\"\"\"
    lacking = -len(images) % columns
    tiles = np.pad(images, ((0, lacking), (2, 2), (2, 2), (0, 0)), constant_values=255)
    n, side = tiles.shape[:2]
    rows = tiles.reshape(n // columns, columns, side, side, 3).swapaxes(1, 2)
    figure = go.Figure(go.Image(z=rows.reshape(-1, columns * side, 3)))
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.update_layout(height=90 * (n // columns) + 40, margin=dict(l=0, r=0, t=30, b=0))


images = to_tensor(split.train.images)
print(f"{len(split.train):,} pictures to train on, {len(split.held_out):,} held out, {split.train.size} pixels a side")
sheet(split.train.images[:24], 12).update_layout(title="Some pictures")"""

_PUZZLE_NOTES = {
    "rotation": """## The puzzle

Each picture is turned by 0, 90, 180 or 270 degrees; the net says by which. Who wants to know has to find out what \
stands where in a picture that is the right way up, unless something else gives it away.""",
    "inpainting": """## The puzzle

A part of each picture is cut out, and the net paints it. Nobody says what it is that stands there.""",
    "jigsaw": """## The puzzle

3 × 3 tiles lie in any order; the net says of each where it belongs. It is not told where a tile lies.""",
}

_PUZZLES = {
    "rotation": """if config.has_shortcut:
    parts = [with_shortcuts(part.float() / 255, config) for part in images.split(1_000)]
    images = (torch.cat(parts) * 255).round().byte()


def make_puzzles(some, generator):
    \"\"\"(B, 3, S, S) bytes to the turned pictures and by how many quarter turns they were turned.\"\"\"
    turns = torch.randint(4, (len(some),), generator=generator)
    turned = some.clone()
    for quarter in (1, 2, 3):
        chosen = turns == quarter
        turned[chosen] = some[chosen].rot90(quarter, (-2, -1))
    return (turned.float() / 255).contiguous(memory_format=torch.channels_last), turns


def loss_of(some, generator):
    turned, turns = make_puzzles(some, generator)
    return F.cross_entropy(model(turned), turns)


shown = to_array(make_puzzles(images[:12], torch.Generator().manual_seed(0))[0])
sheet(shown, 12).update_layout(title="Turned")""",
    "inpainting": """from backends.pretext.puzzles import cut_out, draw_holes


def make_puzzles(some, generator):
    \"\"\"(B, 3, S, S) bytes to pictures from 0 to 1 and (B, S, S) holes, True where the net may not see.\"\"\"
    holes = draw_holes(config.hole, config.hole_share, config.size, len(some), generator)
    return (some.float() / 255).contiguous(memory_format=torch.channels_last), holes


def loss_of(some, generator):
    \"\"\"The mean squared error over the pixels in the holes: the rest can be seen.\"\"\"
    whole, holes = make_puzzles(some, generator)
    wrong = (model(whole, holes) - whole).square().mean(dim=1)
    return (wrong * holes).sum() / holes.sum().clamp_min(1)


shown = to_array(cut_out(*make_puzzles(images[:12], torch.Generator().manual_seed(0))))
sheet(shown, 12).update_layout(title="With their holes")""",
    "jigsaw": """from backends.pretext.puzzles import lay_tiles


def loss_of(some, generator):
    \"\"\"Cross-entropy of each tile's place; blank tiles, of which nobody can know it, are left out.\"\"\"
    tiles, places, blank = jigsaw_of(some.float() / 255, config, generator)
    wrong = F.cross_entropy(model(tiles).flatten(0, 1), places.flatten(), reduction="none")
    counted = ~blank.flatten()
    return (wrong * counted).sum() / counted.sum().clamp_min(1)


tiles, _, _ = jigsaw_of(images[:12].float() / 255, config, torch.Generator().manual_seed(0))
shown = to_array(lay_tiles(tiles, config.size, config.gap, 1.0))
sheet(shown, 12).update_layout(title="Shuffled")""",
}

_MODEL_NOTE = """## The net

The encoder is kept: the same small net as SimCLR's, so that features can be compared. What stands behind it answers \
the puzzle and is thrown away."""

_MODEL = """with seeded(config.seed):
    model = {model}(config).to(memory_format=torch.channels_last)
untrained = copy.deepcopy(model).eval()
weights = sum(p.numel() for p in model.encoder.parameters())
print(f"{{weights:,}} weights, {{model.encoder.width}} features a picture")"""

_TRAIN_NOTE = """## Train

The learning rate rises for a short while and falls along a cosine to 0. Every picture comes once \
before any comes again, each time with a new puzzle."""

_TRAIN = """def rate_at(share):
    if share < WARM_UP_SHARE:
        return max(0.05, share / WARM_UP_SHARE)
    return 0.5 * (1 + math.cos(math.pi * (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE)))


optimizer = torch.optim.AdamW(
    model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
)
shuffles, order = np.random.default_rng(config.seed), np.zeros(0, np.int64)
generator = torch.Generator().manual_seed(config.seed)
batch = min(config.batch, len(images))
history = []
model.train()
for step in range(config.steps):
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * rate_at(step / config.steps)
    if len(order) < batch:
        order = shuffles.permutation(len(images))
    chosen, order = order[:batch], order[batch:]
    loss = loss_of(images[torch.from_numpy(chosen)], generator)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    history.append(loss.item())
    if step % max(1, config.steps // 20) == 0 or step == config.steps - 1:
        print(f"step {step + 1:>6,} of {config.steps:,}   loss {history[-1]:.4f}")
model.eval()"""

_ANSWER_NOTES = {
    "rotation": """## Which way is up?

Held-out pictures, each in all four ways. A row of the matrix is how a picture was turned, a column what the net says. \
Where the pictures have a shortcut, accuracy without it shows what was learned besides.""",
    "inpainting": """## The holes, filled

Held-out pictures. The guess to beat fills each hole with the mean colour of the pixels around it.""",
    "jigsaw": """## Where does each tile belong?

Held-out pictures; blank tiles are left out of the count, and one in nine would be right by chance. A row of the \
matrix is where a tile belongs, a column what the net says; places are counted row by row.""",
}

_ANSWER = """measured = held_out_of(config, split, "cpu").measure(model, MOST_PICTURES)
for name, value in measured.metrics.items():
    print(f"{name:<28} {value:.4f}")
"""

_CONFUSION = """confusion = measured.arrays["confusion"]
names = {names}
matrix = go.Figure(go.Heatmap(z=confusion, x=names, y=names, colorscale="Blues"))
matrix.update_yaxes(autorange="reversed")
matrix.update_layout(title="Counts", xaxis_title="says", yaxis_title="is", template="simple_white", height=480)"""

_SHOWN = {
    "rotation": _CONFUSION.format(names='["upright", "90°", "180°", "270°"]'),
    "inpainting": """sheet(measured.arrays["painted"], 6).update_layout(title="Filled")""",
    "jigsaw": _CONFUSION.format(names="[str(place + 1) for place in range(9)]"),
}


def notebook_of(config: PretextConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed.

    Args:
        config: the run's settings, those of one of the three tasks; validated once more.
        data_note: what the pictures were, in a sentence of ours; where empty, the built-in pictures'.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    from backends.pretext.held_out import MOST_PICTURES
    from backends.pretext.trainer import CLIP_NORM

    config = type(config).parse(config.model_dump())
    task, own = task_of(config), config.data == OWN_PICTURES
    names = {"config": type(config).__name__, "more": _MORE[task], "model": MODELS[task]}
    told = one_line(data_note) or _data_note(config)
    cells = [
        markdown(_INTRODUCTION.format(title=_TITLES[task], before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(_IMPORTS.format(**names)),
        *(own_pictures_cells() if own else []),
        markdown(_SETTINGS_NOTE),
        code(settings_call(config, names["config"])),
        *sizes_cells([*net_sizes(CLIP_NORM), ("MOST_PICTURES", MOST_PICTURES, "held-out ones that are asked at most")]),
        markdown(_PICTURES_NOTE),
        code(_PICTURES.replace("{own_pictures}", "pictures" if own else "None")),
        markdown(_PUZZLE_NOTES[task]),
        code(_PUZZLES[task]),
        markdown(_MODEL_NOTE),
        code(_MODEL.format(model=MODELS[task])),
        markdown(_TRAIN_NOTE),
        code(_TRAIN),
        code(LOSS),
        markdown(_ANSWER_NOTES[task]),
        code(_ANSWER + _SHOWN[task]),
        markdown(PROBE_NOTE),
        code(PROBE),
        markdown(SAVE_NOTE),
        code("embedded = features(model.encoder, tested)\n" + SAVE),
        code(plain_encoder(SimCLRConfig(encoder=config.encoder, image_size=config.image_size))),
        code(CHECK),
    ]
    return notebook(cells)


def write_notebook(config: PretextConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _data_note(config: PretextConfig) -> str:
    if config.data == "apples":
        return "apples, drawn by the project's own renderer."
    if config.data == "emoji":
        return "emoji, each drawn by four artists; their licences are in `assets/emoji/LICENCES.md`."
    return "your own."
