"""A notebook that repeats a run: the trainer's steps written out, in Jupyter's file format (nbformat 4.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
    code,
    fill,
    literal,
    markdown,
    notebook,
    one_line,
    own_pictures_cells,
    settings_call,
    sizes_cells,
    write,
)
from backends.simclr.config import OWN_PICTURES, SimCLRConfig

ENCODER_FILE = "encoder.safetensors"

_INTRODUCTION = """# SimCLR, this very run

Made by **SSL Playground**. It trains an encoder without labels, with the settings that stood on the page: pictures, \
two views of each, the loss, the loop, the probes, and the encoder as a file for plain torch.

{before}

**The pictures**: {data_note}
"""

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
from backends.simclr.augment import two_views
from backends.simclr.config import SimCLRConfig
from backends.simclr.model import TwoViewModel"""

_SETTINGS_NOTE = """## The settings

The seed says where weights, batches and views start. On the same processor the same numbers come out as on the page; \
a GPU draws other views."""

_PICTURES_NOTE = """## The pictures

The net never sees the held-out ones in training. Their factors are known, but only the probes at the end may look."""

_PICTURES = """split = load_split(config.data, int(config.image_size), {own_pictures}, config.shortcut)


def to_tensor(images):
    \"\"\"(n, S, S, 3) uint8 array to (n, 3, S, S) tensor.\"\"\"
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


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
for factor in split.train.factors.values():
    print(f"{factor.label:<20} {len(factor.classes)} classes, always guessing the largest is right {factor.chance:.0%}")
sheet(split.train.images[:24], 12).update_layout(title="Some pictures")"""

_VIEWS_NOTE = """## Two views of each

What the two views of a picture differ in, the encoder learns to overlook. Upper row: pictures; below: their views."""

_VIEWS = """some = images[:12].float() / 255
first, second = two_views(some, config, torch.Generator().manual_seed(0))
rows = torch.cat([some, first, second]).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
sheet(rows, len(some)).update_layout(title="Pictures and two views of each")"""

_NT_XENT_NOTE = r"""## NT-Xent

Each view asks: which of the others comes from my picture? A softmax over its cosines to all other views of the batch,
divided by the temperature, must pick its partner. For a pair $(i, j)$ among the $2N$ views:

$$\ell(i, j) = -\log
\frac{\exp(\mathrm{sim}(z_i, z_j) / \tau)}{\sum_{k \neq i} \exp(\mathrm{sim}(z_i, z_k) / \tau)}$$"""

_NT_XENT = """def nt_xent(first, second, temperature):
    views = F.normalize(torch.cat([first, second]), dim=1)  # (2N, P), each of length 1
    similarity_logits = views @ views.T / temperature  # (2N, 2N)
    similarity_logits.fill_diagonal_(float("-inf"))  # a view is not its own partner
    partner = torch.arange(len(views)).roll(len(first))  # view i belongs to view i + N
    return F.cross_entropy(similarity_logits, partner)


same = torch.ones(8, 4)
print(f"all projections alike: {nt_xent(same, same, 0.2):.4f}, which is log(2N - 1) = {math.log(2 * 8 - 1):.4f}")
at_chance = math.log(2 * min(config.batch, len(images)) - 1)
print(f"guessing the partner among the views of this run's batches costs {at_chance:.4f}")"""

_LOSSES = {
    "simsiam": """## SimSiam

A predictor turns one view's projection into a guess of the other's; the loss is minus their cosine. The projections \
are held fixed meanwhile (stop-gradient), without which all pictures would get the same one. `model.loss` \
computes it.""",
    "barlow-twins": """## Barlow Twins

Each number of the projection should agree between two views (diagonal of the cross-correlation matrix: 1) and say \
something that no other number says (off the diagonal: 0). `model.loss` computes it.""",
    "vicreg": """## VICReg

Two views' projections should agree (invariance), each number should keep varying over the batch (variance), and no \
two numbers should say the same (covariance). `model.loss` computes it.""",
}

_MODEL_NOTE = """## Encoder and head

The features h = encoder(x) are kept. The loss compares the projections z = head(h), and the head is thrown away."""

_MODEL = """with seeded(config.seed):
    model = TwoViewModel(config).to(memory_format=torch.channels_last)
untrained = copy.deepcopy(model).eval()
print(model.head)
print(f"{sum(p.numel() for p in model.encoder.parameters()):,} weights, {model.encoder.width} features a picture")"""

_TRAIN_NOTE = """## Train

The learning rate rises for a short while and falls along a cosine to 0. Every picture comes once \
before any comes again."""

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
    views = torch.cat(two_views(images[chosen].float() / 255, config, generator))
    first, second = model.project(views.contiguous(memory_format=torch.channels_last)).chunk(2)
    loss = {loss}
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    history.append(loss.item())
    if step % max(1, config.steps // 20) == 0 or step == config.steps - 1:
        print(f"step {{step + 1:>6,}} of {{config.steps:,}}   loss {{history[-1]:.4f}}")
model.eval()"""

# Cells with public names are those of every method whose encoders are of `backends.nets.vision`.
LOSS = """loss_figure = go.Figure(go.Scatter(x=list(range(1, len(history) + 1)), y=history, mode="lines"))
loss_figure.update_layout(title="Loss", xaxis_title="steps", template="simple_white")"""

PROBE_NOTE = """## What do the features know?

The encoder is frozen. Of at most `BANK` training pictures the probes may read the factors; then they say those of \
held-out pictures: by the nearest neighbours, and by a linear classifier. Beside them an untrained net and the raw \
pixels, which show how much of it training brought."""

PROBE = """@torch.no_grad()
def features(encoder, pictures):
    parts = to_tensor(pictures.images).float().div(255).split(EMBED_CHUNK)
    return torch.cat([encoder(part.contiguous(memory_format=torch.channels_last)) for part in parts])


def some_of(pictures, count):
    return pictures.subset(np.random.default_rng(0).permutation(len(pictures))[:count])


def labels(pictures):
    return {name: factor.values for name, factor in pictures.factors.items()}


bank, tested = some_of(split.train, BANK), some_of(split.held_out, TESTED)


def probe(encoder):
    return probe_factors(features(encoder, bank), labels(bank), features(encoder, tested), labels(tested))


scores, baseline, pixels = probe(model.encoder), probe(untrained.encoder), probe(torch.nn.Flatten())
print(f"{'held-out accuracy':<26} {'trained':>8} {'untrained':>10} {'pixels':>8}")
for name in scores:
    print(f"{name:<26} {scores[name]:>8.1%} {baseline[name]:>10.1%} {pixels[name]:>8.1%}")"""

_NEIGHBOURS_NOTE = """## Nearest neighbours

First in each row a held-out picture, then those whose features point most nearly the same way."""

_NEIGHBOURS = """embedded = features(model.encoder, tested)
unit = F.normalize(embedded, dim=1)
cosines = unit @ unit.T
nearest = cosines[:6].topk(min(9, len(unit)), dim=1).indices.numpy()
sheet(tested.images[nearest].reshape(-1, *tested.images.shape[1:]), nearest.shape[1])"""

_MAP_NOTE = """## A map of held-out pictures

UMAP lays pictures whose features point the same way next to each other (the first time it compiles for about half a \
minute). Change `shown_factor` and run the cell again."""

_MAP = """shown_factor = next(iter(tested.factors), None)
mapped = unit[:MAP_PICTURES].numpy()
if len(mapped) > 16:
    import umap

    points = umap.UMAP(metric="cosine", n_jobs=1, random_state=config.seed).fit_transform(mapped)
else:
    centred = mapped - mapped.mean(axis=0)
    points = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
map_figure = go.Figure()
for value, name in enumerate(tested.factors[shown_factor].classes if shown_factor else []):
    chosen = np.flatnonzero(tested.factors[shown_factor].values[: len(points)] == value)
    map_figure.add_scatter(x=points[chosen, 0], y=points[chosen, 1], mode="markers", name=name)
map_figure.update_layout(title=f"{len(points)} held-out pictures", template="simple_white", height=600)"""

SAVE_NOTE = f"""## The encoder, without this project

`{ENCODER_FILE}` is the same file that **Encoder for torch** on the page makes. The second cell below needs torch \
alone: copy it and the file into your own project. Pictures come in as (B, 3, S, S) with values from 0 to 1."""

SAVE = f"""from backends.simclr.checkpoint import encoder_tensors
from safetensors.numpy import save_file

save_file(encoder_tensors(config.encoder, model.encoder), "{ENCODER_FILE}")"""

_CONV = """from torch import nn

net, channels = nn.Sequential(), 3
for width in {widths}:
    net.extend([nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()])
    channels = width


def encode(pictures):
    return net((pictures - {mean}) / {spread}).mean(dim=(2, 3))"""

_RESNET = """from torch import nn
from torchvision.models import resnet18

net = resnet18()
net.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
net.fc = nn.Identity()


def encode(pictures):
    return net((pictures - {mean}) / {spread})"""

_VIT = """from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, {width}, {patch}, stride={patch})
        self.register_buffer("positions", torch.empty({tokens}, {width}))
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    {width}, {heads}, {mlp}, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
                )
                for _ in range({depth})
            )
        )
        self.norm = nn.LayerNorm({width})

    def forward(self, pictures):
        tokens = self.patches((pictures - {mean}) / {spread}).flatten(2).transpose(1, 2) + self.positions
        return self.norm(self.blocks(tokens)).mean(dim=1)


net = Net()


def encode(pictures):
    return net(pictures)"""

_LOAD_IMPORTS = """import torch
from safetensors.torch import load_file
"""

_LOAD = f"""


net.load_state_dict(load_file("{ENCODER_FILE}"))
net.eval()"""

CHECK = """with torch.no_grad():
    difference = (encode(to_tensor(tested.images).float() / 255) - embedded).abs().max().item()
print(f"largest difference to the features above: {difference:.1e}")"""


def notebook_of(config: SimCLRConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed.

    Args:
        config: the run's settings; validated once more.
        data_note: what the pictures were, in a sentence of ours; where empty, the built-in pictures'.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    from backends.analysis.prober import MAP_PICTURES
    from backends.simclr.trainer import CLIP_NORM

    config = SimCLRConfig.parse(config.model_dump())
    own = config.data == OWN_PICTURES
    contrastive = config.loss == "nt-xent"
    loss = "nt_xent(first, second, config.temperature)" if contrastive else "model.loss(first, second)"
    told = one_line(data_note) or _data_note(config)
    cells = [
        markdown(_INTRODUCTION.format(before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(_IMPORTS),
        *(own_pictures_cells() if own else []),
        markdown(_SETTINGS_NOTE),
        code(settings_call(config, "SimCLRConfig")),
        *sizes_cells([*net_sizes(CLIP_NORM), ("MAP_PICTURES", MAP_PICTURES, "of the held-out ones on the map")]),
        markdown(_PICTURES_NOTE),
        code(_PICTURES.replace("{own_pictures}", "pictures" if own else "None")),
        markdown(_VIEWS_NOTE),
        code(_VIEWS),
        *([markdown(_NT_XENT_NOTE), code(_NT_XENT)] if contrastive else [markdown(_LOSSES[config.loss])]),
        markdown(_MODEL_NOTE),
        code(_MODEL),
        markdown(_TRAIN_NOTE),
        code(_TRAIN.format(loss=loss)),
        code(LOSS),
        markdown(PROBE_NOTE),
        code(PROBE),
        markdown(_NEIGHBOURS_NOTE),
        code(_NEIGHBOURS),
        markdown(_MAP_NOTE),
        code(_MAP),
        markdown(SAVE_NOTE),
        code(SAVE),
        code(plain_encoder(config)),
        code(CHECK),
    ]
    return notebook(cells)


def plain_encoder(config: SimCLRConfig) -> str:
    """Code that loads encoder.safetensors with torch alone and defines `encode`."""
    from backends.nets import transformer, vision

    sizes = {
        "mean": vision.MEAN,
        "spread": vision.SPREAD,
        "widths": vision.CONV_WIDTHS,
        "patch": vision.VIT_PATCH,
        "width": vision.VIT_WIDTH,
        "depth": vision.VIT_DEPTH,
        "heads": vision.VIT_HEADS,
        "mlp": transformer.MLP_RATIO * vision.VIT_WIDTH,
        "tokens": (int(config.image_size) // vision.VIT_PATCH) ** 2,
    }
    nets = {"conv": _CONV, "resnet18": _RESNET, "vit": _VIT}
    net = fill(nets[config.encoder], **{name: literal(size) for name, size in sizes.items()})
    return _LOAD_IMPORTS + net + _LOAD


def net_sizes(clip_norm: float) -> list[tuple[str, object, str]]:
    """Sizes that are no settings, of every method whose encoders are of `backends.nets.vision`."""
    from backends.analysis import prober
    from backends.engine import schedule
    from backends.nets import vision

    return [
        ("CLIP_NORM", clip_norm, "longest gradient"),
        ("WARM_UP_SHARE", schedule.WARM_UP_SHARE, "of the steps in which the learning rate rises"),
        ("BANK", prober.BANK, "training pictures that the probes learn from, at most"),
        ("TESTED", prober.TESTED, "held-out pictures that they are tested on, at most"),
        ("EMBED_CHUNK", vision.EMBED_CHUNK, "pictures that the encoder reads at a time"),
    ]


def write_notebook(config: SimCLRConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _data_note(config: SimCLRConfig) -> str:
    if config.data == "apples":
        return "apples, drawn by the project's own renderer."
    if config.data == "emoji":
        return "emoji, each drawn by four artists; their licences are in `assets/emoji/LICENCES.md`."
    return "your own."
