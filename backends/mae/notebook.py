"""A notebook that repeats a run: masks, model, loss and loop written out in plain torch (nbformat 4.5).

Only the cells that fetch the pictures take something from this project.
"""

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
from backends.mae.config import OWN_PICTURES, MAEConfig

ENCODER_FILE = "encoder.safetensors"

_INTRODUCTION = """# A masked autoencoder, this very run

Made by **SSL Playground**. It hides most of each picture and learns to paint what is hidden, with the settings that \
stood on the page: masks, model, loss and loop in plain torch, and the encoder as a file.

Only the cells that fetch the pictures take something from the project.

{before} With other \
pictures, as two arrays (n, S, S, 3) of bytes, the rest runs with torch, numpy, plotly and safetensors alone.

**The pictures**: {data_note}
"""

_IMPORTS = """import copy
import math
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import torch
from torch import nn
from torch.nn import functional as F"""

_SETTINGS_NOTE = """## The settings

The seed says where weights, batches and masks start. On the same processor the same numbers come out as on the page, up
to rounding."""

_PICTURES_NOTE = """## The pictures

The net never sees the held-out ones in training. Their factors are known, but only the probe at the end may look."""

_PICTURES = """from backends.data.splits import load_split

split = load_split(config.data, size, {own_pictures})
train, held_out = split.train.images, split.held_out.images  # (n, S, S, 3) uint8


def sheet(images, columns, title):
    \"\"\"A figure of (n, S, S, 3) uint8 pictures side by side, row by row.\"\"\"
    lacking = -len(images) % columns
    tiles = np.pad(images, ((0, lacking), (2, 2), (2, 2), (0, 0)), constant_values=255)
    n, tile = tiles.shape[:2]
    rows = tiles.reshape(n // columns, columns, tile, tile, 3).swapaxes(1, 2)
    figure = go.Figure(go.Image(z=rows.reshape(-1, columns * tile, 3)))
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.update_layout(title=title, height=90 * (n // columns) + 60, margin=dict(l=0, r=0, t=40, b=0))


print(f"{len(train):,} pictures to train on, {len(held_out):,} held out, {size} pixels a side")
sheet(train[:24], 12, "Some pictures")"""

_PATCHES_NOTE = """## Patches

A picture is cut into {side} × {side} patches of {patch} × {patch} pixels. Each becomes a row of {numbers} numbers, \
from about -2 to 2."""

_PATCHES = """side = size // patch
L = side**2


def patchify(images):
    \"\"\"(B, 3, S, S) to (B, L, 3 · patch²), the colours innermost.\"\"\"
    cut = images.reshape(len(images), 3, side, patch, side, patch).permute(0, 2, 4, 3, 5, 1)
    return cut.reshape(len(images), L, -1)


def unpatchify(patches):
    \"\"\"(B, L, 3 · patch²) back to (B, 3, S, S).\"\"\"
    cut = patches.reshape(len(patches), side, side, patch, patch, 3).permute(0, 5, 1, 3, 2, 4)
    return cut.reshape(len(patches), 3, size, size)


def to_patches(images):
    \"\"\"(n, S, S, 3) uint8 array to (n, L, 3 · patch²) uint8 tensor.\"\"\"
    return patchify(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))


def standardised(patches):
    return (patches.float() / 255 - MEAN) / SPREAD


train_patches, held_out_patches = to_patches(train), to_patches(held_out)
print(train_patches.shape)"""

_MASKS_NOTES = {
    "random": """## Masks

Each patch gets a random number; the {hidden} lowest of {patches} are hidden, so every picture hides equally many.""",
    "block": """## Masks

Around a random middle the nearest {hidden} of {patches} patches are hidden: one block, wider or higher.""",
    "grid": """## Masks

The ranks of an ordered dither decide, so that the patches left are spread evenly; {hidden} of {patches} are hidden.""",
}

_RANKS = {
    "random": """def ranks(pictures, random):
    return random.random((pictures, L))""",
    "block": """def ranks(pictures, random):
    middle = random.uniform(0, side - 1, (pictures, 2, 1))
    stretch = MAX_STRETCH ** random.uniform(-1, 1, (pictures, 1, 1))
    rows, columns = (np.abs(np.arange(side) - middle[:, [axis]]) for axis in (0, 1))
    distances = np.maximum(rows.transpose(0, 2, 1) * stretch, columns / stretch).reshape(pictures, -1)
    return distances + 1e-6 * random.random(distances.shape)  # ties are broken by chance""",
    "grid": """def ranks(pictures, random):
    order = np.zeros((1, 1), np.int64)
    while len(order) < side:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    down, right = random.integers(0, len(order), (2, pictures, 1))
    rows, columns = (np.arange(side) + down) % len(order), (np.arange(side) + right) % len(order)
    return -order[rows[:, :, None], columns[:, None, :]].reshape(pictures, -1)""",
}

_MASKS = """hidden_count = min(L - 1, max(1, round(config.mask_ratio * L)))


{ranks}


def draw_masks(pictures, random):
    \"\"\"(pictures, L) bool, True = hidden.\"\"\"
    masks = np.zeros((pictures, L), bool)
    lowest = np.argpartition(ranks(pictures, random), hidden_count - 1, axis=1)[:, :hidden_count]
    np.put_along_axis(masks, lowest, True, axis=1)
    return torch.from_numpy(masks)


def split_patches(hidden):
    \"\"\"The places of the visible (B, V) and of the hidden ones (B, M); every row hides equally many.\"\"\"
    order, count = hidden.to(torch.uint8).argsort(dim=1, stable=True), int(hidden[0].sum())
    return order[:, : hidden.shape[1] - count], order[:, hidden.shape[1] - count :]


def take(patches, idx):
    return patches.gather(1, idx[:, :, None].expand(-1, -1, patches.shape[-1]))


some = draw_masks(12, np.random.default_rng(0))
grey = torch.where(some[:, :, None], torch.tensor(128, dtype=torch.uint8), train_patches[:12])
sheet(unpatchify(grey).permute(0, 2, 3, 1).numpy(), 12, f"{{hidden_count}} of {{L}} patches hidden")"""

_MODEL_NOTE = """## Encoder and decoder

The encoder is a vision transformer that gets the visible patches only: that is why it is fast. The decoder gets what \
the encoder made of them, the same learned mask token everywhere else, and positions; it paints every patch."""

_MODEL = """class Block(nn.Module):
    \"\"\"x + attention(norm(x)), then x + MLP(norm(x)).\"\"\"

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.qkv.weight.data[: 2 * width] *= SHARPER  # queries and keys: attention starts less even
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).view(B, T, 3, self.heads, D // self.heads).unbind(2)
        mixed = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x = x + self.out(mixed.transpose(1, 2).reshape(B, T, D))
        return x + self.mlp(self.norm_mlp(x))


def positions_of(width):
    \"\"\"(L, width): sines and cosines of each patch's row and column.\"\"\"
    rates = torch.exp(-math.log(100) * torch.arange(width // 4) / (width // 4))
    angles = torch.arange(side)[:, None] * rates
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows, columns = axis[:, None].expand(side, side, -1), axis[None].expand(side, side, -1)
    return torch.cat([rows, columns], dim=2).reshape(L, width)


class MaskedAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        width, thin, heads = int(config.width), int(config.decoder_width), int(config.heads)
        numbers = 3 * patch**2
        self.embedding = nn.Linear(numbers, width)
        self.positions = positions_of(width)
        self.encoder = nn.Sequential(*(Block(width, heads) for _ in range(config.depth)), nn.LayerNorm(width))
        self.bridge = nn.Linear(width, thin)
        self.mask_token = nn.Parameter(TOKEN_SPREAD * torch.randn(thin))
        self.decoder_positions = positions_of(thin)
        self.decoder = nn.Sequential(*(Block(thin, heads) for _ in range(config.decoder_depth)), nn.LayerNorm(thin))
        self.head = nn.Linear(thin, numbers)

    def encode(self, patches, visible_idx):
        \"\"\"(B, L, P) patches to (B, V, D) of the visible ones.\"\"\"
        return self.encoder(self.embedding(take(patches, visible_idx)) + self.positions[visible_idx])

    def decode(self, tokens, visible_idx):
        \"\"\"(B, V, D) to (B, L, E): mask tokens wherever nothing is visible.\"\"\"
        seen = self.bridge(tokens)
        index = visible_idx[:, :, None].expand(-1, -1, seen.shape[-1])
        x = self.mask_token.expand(len(seen), L, -1).scatter(1, index, seen) + self.decoder_positions
        return self.decoder(x)

    def forward(self, patches, hidden):
        \"\"\"Paint every patch: (B, L, P).\"\"\"
        visible_idx, _ = split_patches(hidden)
        return self.head(self.decode(self.encode(patches, visible_idx), visible_idx))

    def features(self, patches):
        \"\"\"(B, D): the mean over all patches, with nothing hidden.\"\"\"
        return self.encoder(self.embedding(patches) + self.positions).mean(dim=1)


torch.manual_seed(config.seed)
model = MaskedAutoencoder()
untrained = copy.deepcopy(model).eval()
print(f"{sum(p.numel() for p in model.parameters()):,} weights")"""

_LOSS_NOTES = {
    "pixels": r"""## The loss

The mean squared error over the hidden patches $M$ alone: copying what is visible would teach nothing.

$$\mathcal{L} = \frac{1}{|M|} \sum_{i \in M} \frac{1}{P} \lVert \hat{x}_i - x_i \rVert^2$$""",
    "normalised": r"""## The loss

The mean squared error over the hidden patches $M$ alone, each less its mean $\mu_i$ and divided by its spread
$\sigma_i$: edges and texture count, brightness does not.

$$\mathcal{L} = \frac{1}{|M|} \sum_{i \in M} \frac{1}{P} \left\lVert \hat{x}_i - \frac{x_i - \mu_i}{\sigma_i}
\right\rVert^2$$""",
}

_TARGETS = {
    "pixels": """def target(patches):
    return patches


SCALE = SPREAD**2  # back to pixels from 0 to 1""",
    "normalised": """def target(patches):
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    return (patches - mean) / (variance + VARIANCE_FLOOR).sqrt()


SCALE = 1.0""",
}

_LOSS = """{target}


def loss_of(patches, hidden):
    visible_idx, hidden_idx = split_patches(hidden)
    tokens = model.decode(model.encode(patches, visible_idx), visible_idx)
    painted = model.head(take(tokens, hidden_idx))  # of the visible ones nobody asks
    return F.mse_loss(painted, target(take(patches, hidden_idx)))"""

_TRAIN_NOTE = """## Train

The learning rate rises for a short while and falls along a cosine to 0. Every picture comes once \
before any comes again, each time under a new mask."""

_TRAIN = """def rate_at(share):
    if share < WARM_UP_SHARE:
        return max(0.05, share / WARM_UP_SHARE)
    return 0.5 * (1 + math.cos(math.pi * (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE)))


optimizer = torch.optim.AdamW(
    model.parameters(), lr=config.learning_rate, betas=BETAS, weight_decay=config.weight_decay, fused=True
)
shuffles, order = np.random.default_rng(config.seed), np.zeros(0, np.int64)
masks = np.random.default_rng([config.seed, 1])
batch = min(config.batch, len(train), PATCHES_A_STEP // L)
history = []
for step in range(config.steps):
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * rate_at(step / config.steps)
    hidden = draw_masks(batch, masks)
    if len(order) < batch:
        order = shuffles.permutation(len(train))
    chosen, order = order[:batch], order[batch:]
    loss = loss_of(standardised(train_patches[torch.from_numpy(chosen)]), hidden)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    history.append(loss.item() * SCALE)
    if step % max(1, config.steps // 20) == 0 or step == config.steps - 1:
        print(f"step {step + 1:>6,} of {config.steps:,}   loss {history[-1]:.4f}")
model.eval()"""

_CURVE = """curve = go.Figure(go.Scatter(x=list(range(1, len(history) + 1)), y=history, mode="lines"))
curve.update_layout(title="Loss on hidden patches", xaxis_title="steps", template="simple_white")"""

_ERROR_NOTE = """## Against a guess

Pictures that the net never saw, each under a mask that stays the same. Guessing the mean colour of what is visible is \
the baseline: the ratio says how much of its error is left."""

_ERROR = """chosen = np.random.default_rng(0).permutation(len(held_out))[:TESTED]
tested = standardised(held_out_patches[torch.from_numpy(chosen)])
hidden = draw_masks(len(tested), np.random.default_rng(ERROR_SEED))
with torch.no_grad():
    painted = torch.cat([model(*some) for some in zip(tested.split(CHUNK), hidden.split(CHUNK))])
    masked_error = (painted - target(tested)).square().mean(dim=2)[hidden].mean().item() * SCALE
    colours = target(tested).unflatten(2, (-1, 3))  # (n, L, patch², 3)
    visible = ~hidden[:, :, None]
    guess = (colours.mean(dim=2) * visible).sum(dim=1) / visible.sum(dim=1)
    wrong = (colours - guess[:, None, None]).square().mean(dim=(2, 3))
    visible_mean_error = wrong[hidden].mean().item() * SCALE
error_ratio = masked_error / visible_mean_error if visible_mean_error else math.nan
print(f"masked error {masked_error:.4f}; guessing the visible mean: {visible_mean_error:.4f}")
print(f"ratio {error_ratio:.3f}")"""

_PAINT_NOTES = {
    "pixels": """## What it paints

From top to bottom: held-out pictures, what the net saw, all that it painted, and its painting with the visible \
patches put back. The visible patches of the last row are copied, not predicted.""",
    "normalised": """## What it paints

From top to bottom: held-out pictures, what the net saw, and all that it painted: normalised patches, shown as such. \
To give them back their brightness would take the hidden patches' own, which is the answer.""",
}

_PAINT = """count = min(8, len(tested))
pixels = SPREAD * tested[:count] + MEAN
seen = pixels.masked_fill(hidden[:count, :, None], MEAN)
shown = SPREAD * painted[:count] + MEAN
rows = [pixels, seen, shown{mixed}]
pictures = torch.cat([unpatchify(row.clamp(0, 1)) for row in rows]).mul(255).round().byte().permute(0, 2, 3, 1)
sheet(pictures.numpy(), count, "Held-out pictures")"""

_PROBE_NOTE = """## What do the features know?

The encoder is frozen and sees whole pictures. Each held-out picture takes the factors of its nearest neighbours \
among `PROBED` training pictures, by majority. Beside it an untrained encoder and the raw pixels."""

_PROBE = """def some_of(pictures):
    return pictures.subset(np.random.default_rng(0).permutation(len(pictures))[:PROBED])


@torch.no_grad()
def features(net, pictures):
    return torch.cat([net.features(some) for some in standardised(to_patches(pictures.images)).split(CHUNK)])


def neighbours(known, asked):
    return (F.normalize(asked, dim=1) @ F.normalize(known, dim=1).T).topk(min(NEIGHBOURS, len(known)), dim=1).indices


def accuracy(nearest, known, asked):
    votes = F.one_hot(torch.from_numpy(known.values)[nearest], len(known.classes)).double()
    weights = 1 + 1e-3 * 0.5 ** torch.arange(nearest.shape[1])  # the nearest decides a tie
    winners = (votes * weights[:, None]).sum(dim=1).argmax(dim=1)
    return (winners.numpy() == asked.values).mean().item()


bank, test = some_of(split.train), some_of(split.held_out)
flat = [torch.from_numpy(pictures.images).flatten(1).float() for pictures in (bank, test)]
found = [neighbours(features(net, bank), features(net, test)) for net in (model, untrained)] + [neighbours(*flat)]
scores = {}
print(f"{'held-out accuracy':<20} {'trained':>8} {'untrained':>10} {'pixels':>8}")
for name, factor in bank.factors.items():
    if len(factor.classes) < 2:
        continue
    scores[name] = [accuracy(nearest, factor, test.factors[name]) for nearest in found]
    print(f"{name:<20} {scores[name][0]:>8.1%} {scores[name][1]:>10.1%} {scores[name][2]:>8.1%}")"""

_SAVE_NOTE = f"""## The encoder, for elsewhere

`{ENCODER_FILE}` is the same file that **Encoder for torch** on the page makes. The second cell below needs torch and \
safetensors alone: copy it and the file into your own project. Pictures come in as (B, 3, {{size}}, {{size}}) with \
values from 0 to 1."""

_SAVE = f"""from safetensors.torch import save_file

names = [("qkv.", "self_attn.in_proj_"), ("out.", "self_attn.out_proj."), ("norm_attention.", "norm1."),
         ("norm_mlp.", "norm2."), ("mlp.0.", "linear1."), ("mlp.2.", "linear2.")]
tensors = {{"positions": model.positions, **model.embedding.state_dict(prefix="embedding.")}}
for number, layer in enumerate(model.encoder):
    for name, value in layer.state_dict().items():
        for ours, torchs in names:
            if name.startswith(ours):
                name = name.replace(ours, torchs)
        tensors[f"blocks.{{number}}.{{name}}" if number < config.depth else f"norm.{{name}}"] = value
save_file(tensors, "{ENCODER_FILE}")"""

_PLAIN = """import torch
from safetensors.torch import load_file
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Linear({numbers}, {width})
        self.register_buffer("positions", torch.empty({patches}, {width}))
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
        cut = pictures.reshape(len(pictures), 3, {side}, {patch}, {side}, {patch}).permute(0, 2, 4, 3, 5, 1)
        patches = (cut.reshape(len(pictures), {patches}, {numbers}) - {mean}) / {spread}
        return self.norm(self.blocks(self.embedding(patches) + self.positions)).mean(dim=1)


net = Encoder()
net.load_state_dict(load_file("{file}"))
net.eval()"""

_CHECK = """whole = torch.from_numpy(test.images).permute(0, 3, 1, 2).float() / 255
with torch.no_grad():
    difference = (net(whole) - features(model, test)).abs().max().item()
print(f"largest difference to the features above: {difference:.1e}")"""


def notebook_of(config: MAEConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed.

    Args:
        config: the run's settings; validated once more.
        data_note: what the pictures were, in a sentence of ours; where empty, the built-in pictures'.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    config = MAEConfig.parse(config.model_dump())
    own = config.data == OWN_PICTURES
    mixed = "" if config.normalised else ", torch.where(hidden[:count, :, None], shown, pixels)"
    told = one_line(data_note) or _data_note(config)
    cells = [
        markdown(_INTRODUCTION.format(before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(_IMPORTS),
        markdown(_SETTINGS_NOTE),
        code(_settings(config)),
        *sizes_cells(_constants(config)),
        *(own_pictures_cells() if own else []),
        markdown(_PICTURES_NOTE),
        code(_PICTURES.replace("{own_pictures}", "pictures" if own else "None")),
        markdown(_PATCHES_NOTE.format(**_sizes(config))),
        code(_PATCHES),
        markdown(_MASKS_NOTES[config.masking].format(**_sizes(config))),
        code(_MASKS.format(ranks=_RANKS[config.masking])),
        markdown(_MODEL_NOTE),
        code(_MODEL),
        markdown(_LOSS_NOTES[config.targets]),
        code(_LOSS.format(target=_TARGETS[config.targets])),
        markdown(_TRAIN_NOTE),
        code(_TRAIN),
        code(_CURVE),
        markdown(_ERROR_NOTE),
        code(_ERROR),
        markdown(_PAINT_NOTES[config.targets]),
        code(_PAINT.format(mixed=mixed)),
        markdown(_PROBE_NOTE),
        code(_PROBE),
        markdown(_SAVE_NOTE.format(size=config.image_size)),
        code(_SAVE),
        code(plain_encoder(config)),
        code(_CHECK),
    ]
    return notebook(cells)


def plain_encoder(config: MAEConfig) -> str:
    """Code that loads encoder.safetensors with torch alone as `net`: (B, 3, S, S) in [0, 1] to (B, D)."""
    from backends.mae import model
    from backends.nets import transformer

    return _PLAIN.format(
        **_sizes(config),
        width=int(config.width),
        heads=int(config.heads),
        depth=config.depth,
        mlp=transformer.MLP_RATIO * int(config.width),
        mean=model.MEAN,
        spread=model.SPREAD,
        file=ENCODER_FILE,
    )


def write_notebook(config: MAEConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _sizes(config: MAEConfig) -> dict[str, int]:
    from backends.mae.masking import hidden_count

    patch = int(config.patch)
    return {
        "side": config.side,
        "patch": patch,
        "patches": config.patches,
        "numbers": 3 * patch**2,
        "hidden": hidden_count(config.mask_ratio, config.patches),
    }


def _constants(config: MAEConfig) -> list[tuple[str, object, str]]:
    """The constants that masks, model, trainer and probe have, as they stand in their modules."""
    from backends.analysis import probes
    from backends.engine import schedule
    from backends.mae import masking, model, trainer
    from backends.nets import transformer

    return [
        ("MEAN", model.MEAN, "of pixels, taken away"),
        ("SPREAD", model.SPREAD, "of pixels, divided by"),
        *([("MAX_STRETCH", masking.MAX_STRETCH, "of a block's sides")] if config.masking == "block" else []),
        ("SHARPER", model.SHARPER, "how much larger fresh queries and keys are"),
        ("MLP_RATIO", transformer.MLP_RATIO, "how much wider the inside of a block's MLP is"),
        ("TOKEN_SPREAD", model.TOKEN_SPREAD, "of the fresh mask token"),
        *([("VARIANCE_FLOOR", model.VARIANCE_FLOOR, "of an even patch")] if config.normalised else []),
        ("BETAS", trainer.BETAS, "of AdamW"),
        ("CLIP_NORM", trainer.CLIP_NORM, "longest gradient"),
        ("WARM_UP_SHARE", schedule.WARM_UP_SHARE, "of the steps in which the learning rate rises"),
        ("PATCHES_A_STEP", trainer.PATCHES_A_STEP, "at most"),
        ("CHUNK", max(1, trainer.CHUNK_PATCHES // config.patches), "pictures that the net reads at a time"),
        (
            "TESTED",
            trainer.affordable(config, trainer.MOST_ERROR_PICTURES),
            "held-out pictures to paint",
        ),
        ("ERROR_SEED", trainer.ERROR_SEED, "of their masks"),
        ("PROBED", trainer.affordable(config, trainer.PROBED_PICTURES), "pictures of the probe, and as many to test"),
        ("NEIGHBOURS", probes.NEIGHBOURS, "that vote"),
    ]


def _settings(config: MAEConfig) -> str:
    """The config with every setting as a keyword and what it does beside it."""
    call = settings_call(config, "SimpleNamespace")
    return call + "\nsize, patch = int(config.image_size), int(config.patch)"


def _data_note(config: MAEConfig) -> str:
    apples = "apples, drawn by the project's own renderer"
    emoji = "emoji, each drawn by four artists; their licences are in `assets/emoji/LICENCES.md`"
    return {"apples": f"{apples}.", "emoji": f"{emoji}.", "both": f"{apples}, and {emoji}."}.get(
        config.data, "your own."
    )
