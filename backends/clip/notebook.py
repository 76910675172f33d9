"""A notebook that repeats a run: both encoders, the loss and the loop written out in plain torch (nbformat 4.5).

Pictures, tokenizer, augmentation and the ten-way test come from this project; the rest can be read and changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.clip.config import CLIPConfig
from backends.data.splits import OWN
from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
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

MODEL_FILE = "clip.safetensors"
TOKENIZER_FILE = "tokenizer.json"

_INTRODUCTION = """# CLIP, this very run

Made by **SSL Playground**. It trains two encoders, one for pictures and one for captions, until both put a pair in \
the same place (Radford et al. 2021), with the settings that stood on the page. The encoders, the loss and the loop \
are written out in plain torch, so that you can read and change them.

{before}

**The pictures**: {data_note}
"""

_IMPORTS = """import copy
import math
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from backends.clip.augment import change
from backends.clip.config import CLIPConfig
from backends.clip.pairs import load_pairs
from backends.clip.tokens import CaptionTokenizer
from backends.clip.zero_shot import ten_way, top_k"""

_CAPTIONS_NOTE = "Captions come from its captions.csv, or else from the names of its folders."

_SETTINGS_NOTE = """## The settings

The seed says where weights, batches and changes of pictures start. On the same processor the same numbers come out as \
on the page; a GPU draws others."""

_PAIRS_NOTE = """## Pictures and captions

A picture may have several captions; each step draws one of them. The net never sees the pictures of the tests in \
training."""

_PAIRS = """pairs = load_pairs(config.data, int(config.image_size), {own_pictures})
train = pairs.train


def to_tensor(images):
    \"\"\"(n, S, S, 3) uint8 array to (n, 3, S, S) uint8 tensor.\"\"\"
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def sheet(images, columns, title):
    \"\"\"A figure of (n, S, S, 3) uint8 pictures side by side, row by row.\"\"\"
    lacking = -len(images) % columns
    tiles = np.pad(images, ((0, lacking), (2, 2), (2, 2), (0, 0)), constant_values=255)
    n, side = tiles.shape[:2]
    rows = tiles.reshape(n // columns, columns, side, side, 3).swapaxes(1, 2)
    figure = go.Figure(go.Image(z=rows.reshape(-1, columns * side, 3)))
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.update_layout(title=title, height=90 * (n // columns) + 60, margin=dict(l=0, r=0, t=40, b=0))


images = to_tensor(train.pictures.images)
_, first_of_class = np.unique(train.class_idx, return_index=True)
count = min(SHOWN_PAIRS, len(first_of_class))
shown = first_of_class[np.linspace(0, len(first_of_class) - 1, count).round().astype(int)]
print(f"{len(train):,} pairs to train on, {len(train.classes):,} different names")
for name, test in pairs.tests.items():
    print(f"{name:<20} {len(test):,} pictures, {len(test.classes):,} names to choose from")
for i in shown[:4]:
    print(" | ".join(pairs.captions[i]))
sheet(train.pictures.images[shown], 8, "Some pictures; above, the captions of the first four")"""

_TOKENS_NOTE = """## Tokens

Byte-pair encoding joins letters that often stand together, so that a word you never trained on still falls into known \
pieces. An end token closes each caption, and zeros fill the rest of the row."""

_TOKENS = """tokenizer = CaptionTokenizer.learn([caption for ways in pairs.captions for caption in ways])
tokens = tokenizer.encode([caption for ways in pairs.captions for caption in ways])
tokens = torch.from_numpy(tokens.reshape(len(train), len(pairs.captions[0]), -1))  # (n, ways, T)
print(f"{len(tokenizer):,} tokens")
print(pairs.captions[shown[0]][0], "becomes", tokens[shown[0], 0].tolist())"""

_CHANGES_NOTE = """## Changed pictures

Each time a picture comes, it is changed a little, so that the net learns what it shows and not its pixels. Upper row: \
pictures; below: what training may see of them."""

_CHANGES = """some = images[shown].float() / 255
changed = change(some, config, torch.Generator().manual_seed(0))
rows = torch.cat([some, changed]).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
sheet(rows, len(some), "Pictures and changed pictures")"""

_BLOCK_NOTE = """## A transformer block

Each token gathers from the others what it needs (attention), then thinks about it alone (MLP). Both add to what the \
token was; the norms come first."""

_BLOCK = """class Block(nn.Module):
    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))
        self.dropout = nn.Dropout(dropout)

    def attention(self, x, seen):
        B, T, D = x.shape
        q, k, v = (part.transpose(1, 2) for part in self.qkv(x).view(B, T, 3, self.heads, D // self.heads).unbind(2))
        mask = None if seen is None else seen[:, None, None, :]  # True where a token may be seen
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (B, heads, T, D / heads)
        return self.out(mixed.transpose(1, 2).reshape(B, T, D))

    def forward(self, x, seen=None):
        x = x + self.dropout(self.attention(self.norm_attention(x), seen))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))"""

_IMAGE_NOTES = {
    "conv": """## The image encoder

A small conv net. Each stage halves the picture; all but the first add a convolution to what they have. The mean over \
all places stands for the picture.""",
    "vit": """## The image encoder

A small vision transformer. The picture is cut into patches, each becomes a token that knows its row and column, and \
the mean over all tokens stands for the picture.""",
}

_IMAGE_ENCODERS = {
    "conv": """def convolution(channels, width, stride):
    layer = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.convolution = convolution(width, width, stride=1)

    def forward(self, x):
        return x + self.convolution(x)


class ImageEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        stages, channels = [], 3
        for stage, width in enumerate(CONV_WIDTHS):
            stages.append(convolution(channels, width, stride=2))
            if stage > 0:
                stages.append(Residual(width))
            channels = width
        self.stages, self.width = nn.Sequential(*stages), channels

    def forward(self, images):  # (B, 3, S, S) in [0, 1] to (B, D)
        return self.stages((images - MEAN) / SPREAD).mean(dim=(2, 3))""",
    "vit": """def positions_of(side, width):
    \"\"\"(side², width): sines and cosines of each patch's row and column.\"\"\"
    rates = torch.exp(-math.log(100) * torch.arange(width // 4) / (width // 4))
    angles = torch.arange(side)[:, None] * rates
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows, columns = axis[:, None].expand(side, side, -1), axis[None].expand(side, side, -1)
    return torch.cat([rows, columns], dim=2).reshape(side**2, width)


class ImageEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.width = VIT_WIDTH
        self.patches = nn.Conv2d(3, VIT_WIDTH, VIT_PATCH, stride=VIT_PATCH)
        self.positions = positions_of(int(config.image_size) // VIT_PATCH, VIT_WIDTH)
        self.blocks = nn.Sequential(*(Block(VIT_WIDTH, VIT_HEADS) for _ in range(VIT_DEPTH)))
        self.norm = nn.LayerNorm(VIT_WIDTH)

    def forward(self, images):  # (B, 3, S, S) in [0, 1] to (B, D)
        patches = self.patches((images - MEAN) / SPREAD).flatten(2).transpose(1, 2)  # (B, L, D)
        return self.norm(self.blocks(patches + self.positions)).mean(dim=1)""",
}

_TEXT_NOTE = """## The text encoder

Each token and each position has a vector of its own. The blocks let tokens see each other, but never the padding, and \
the mean over the tokens stands for the caption. (Radford et al. 2021 take the end token's vector instead.)"""

_TEXT = """class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding = nn.Embedding(len(tokenizer), TEXT_WIDTH)
        self.position_embedding = nn.Embedding(LONGEST, TEXT_WIDTH)
        nn.init.normal_(self.token_embedding.weight, std=INIT_SPREAD)
        nn.init.normal_(self.position_embedding.weight, std=INIT_SPREAD)
        self.drop = nn.Dropout(config.dropout)
        blocks = [Block(TEXT_WIDTH, TEXT_HEADS, config.dropout) for _ in range(config.text_depth)]
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(TEXT_WIDTH)

    def forward(self, tokens):  # (B, T) token numbers to (B, D)
        seen = tokens != 0
        x = self.drop(self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]])
        for block in self.blocks:
            x = block(x, seen)
        weights = seen.float().unsqueeze(2)
        return (self.norm(x) * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)"""

_MODEL_NOTES = {
    "clip": """## One space for both

A matrix on top of each encoder brings pictures and captions into one space, where every vector has the length 1. \
Cosines are divided by the temperature before the softmax; it is learned too, as the logarithm of `scale`.""",
    "siglip": """## One space for both

A matrix on top of each encoder brings pictures and captions into one space, where every vector has the length 1. \
Temperature and bias are learned too; the bias starts low, since most of a batch's pictures and captions do not match \
(Zhai et al. 2023).""",
}

_BIASES = {"clip": "", "siglip": "\n        self.logit_bias = nn.Parameter(torch.tensor(BIAS_START))"}

_MODEL = """class CLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.image_encoder, self.image_drop = ImageEncoder(), nn.Dropout(config.dropout)
        self.image_projection = nn.Linear(self.image_encoder.width, PROJECTION, bias=False)
        self.text_encoder = TextEncoder()
        self.text_projection = nn.Linear(TEXT_WIDTH, PROJECTION, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(SCALE_START))){bias}

    @property
    def scale(self):
        return self.logit_scale.exp().clamp(max=MAX_SCALE)  # 1 / temperature

    def embed_images(self, images):
        images = images.contiguous(memory_format=torch.channels_last)
        return F.normalize(self.image_projection(self.image_drop(self.image_encoder(images))), dim=1)

    def embed_texts(self, tokens):
        return F.normalize(self.text_projection(self.text_encoder(tokens)), dim=1)


torch.manual_seed(config.seed)
model = CLIP().to(memory_format=torch.channels_last)
untrained = copy.deepcopy(model).eval()
print(f"{sum(p.numel() for p in model.image_encoder.parameters()):,} weights read pictures")
print(f"{sum(p.numel() for p in model.text_encoder.parameters()):,} weights read captions")"""

_LOSS_NOTES = {
    "clip": r"""## The loss

Each picture must find its caption among all of the batch, and each caption its picture: the cross entropy of the
similarity matrix's rows and columns, half of each (Radford et al. 2021, figure 3). With pictures $x_i$ and captions
$y_j$ of length 1, and the temperature $\tau$:

$$\mathcal{L} = -\frac{1}{2N} \sum_{i=1}^{N} \left(
\log \frac{e^{x_i \cdot y_i / \tau}}{\sum_j e^{x_i \cdot y_j / \tau}}
+ \log \frac{e^{x_i \cdot y_i / \tau}}{\sum_j e^{x_j \cdot y_i / \tau}} \right)$$""",
    "siglip": r"""## The loss

Each picture with each caption is a question of its own, answered with yes or no (Zhai et al. 2023, algorithm 1). With
pictures $x_i$ and captions $y_j$ of length 1, the temperature $\tau$, the bias $b$, and $z_{ij} = 1$ where picture and
caption belong together, $-1$ elsewhere:

$$\mathcal{L} = -\frac{1}{N} \sum_{i=1}^{N} \sum_{j=1}^{N} \log \sigma
\left( z_{ij} \left( x_i \cdot y_j / \tau + b \right) \right)$$""",
}

_LOSSES = {
    "clip": """def loss_of(pictures, captions):
    logits = model.scale * pictures @ captions.T  # (N, N)
    own = torch.arange(len(logits))  # caption i belongs to picture i
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


batch = min(config.batch, len(train))
print(f"who knows nothing pays {math.log(batch):.4f} in a batch of {batch}")""",
    "siglip": """def loss_of(pictures, captions):
    logits = model.scale * pictures @ captions.T + model.logit_bias  # (N, N)
    z = 2 * torch.eye(len(logits)) - 1  # 1 for pairs, -1 for all others
    return -F.logsigmoid(z * logits).sum(dim=1).mean()


batch = min(config.batch, len(train))
even = math.log(batch) + (batch - 1) * math.log(batch / max(1, batch - 1))
print(f"who only knows how rare pairs are pays {even:.4f} in a batch of {batch}")""",
}

_TRAIN_NOTE = """## Train

The learning rate rises for a short while and falls along a cosine to 0. Batches are cut from rounds: in each round \
every name comes once, so a batch holds as few equal captions as can be, which would count as wrong answers."""

_TRAIN = """def rate_at(share):
    if share < WARM_UP_SHARE:
        return max(0.05, share / WARM_UP_SHARE)
    return 0.5 * (1 + math.cos(math.pi * ((share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))))


def in_rounds(class_idx, draws):
    \"\"\"(n,) places of all pictures: each name once, then those that are left once more, and so on.\"\"\"
    order = draws.permutation(len(class_idx))
    order = order[np.argsort(class_idx[order], kind="stable")]  # name after name
    names = class_idx[order]
    rounds = np.arange(len(names)) - np.searchsorted(names, names)  # 0 for the first of a name, 1 for the second
    return order[np.lexsort((draws.random(len(order)), rounds))]


decayed, free = [], []  # only matrices are pulled to zero
for name, parameter in model.named_parameters():
    (free if parameter.ndim < 2 or "embedding" in name else decayed).append(parameter)
groups = [dict(params=decayed, weight_decay=config.weight_decay), dict(params=free, weight_decay=0.0)]
optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)
draws, order = np.random.default_rng(config.seed), np.zeros(0, np.int64)
generator = torch.Generator().manual_seed(config.seed)
history = []
model.train()
for step in range(config.steps):
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * rate_at(step / config.steps)
    if len(order) < batch:
        order = in_rounds(train.class_idx, draws)
    chosen, order = torch.from_numpy(order[:batch]), order[batch:]
    ways = torch.from_numpy(draws.integers(0, tokens.shape[1], batch))
    pictures_now = change(images[chosen].float() / 255, config, generator)
    captions_now = tokens[chosen, ways]
    captions_now = captions_now[:, : int((captions_now != 0).sum(dim=1).max())]  # no column of padding alone
    torch.manual_seed(config.seed + step)  # of the dropout
    loss = loss_of(model.embed_images(pictures_now), model.embed_texts(captions_now))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=math.log(MAX_SCALE))
    history.append(loss.item())
    if step % max(1, config.steps // 20) == 0 or step == config.steps - 1:
        print(f"step {step + 1:>6,} of {config.steps:,}   loss {history[-1]:.4f}   scale {model.scale.item():.1f}")
model.eval()"""

_CURVE = """curve = go.Figure(go.Scatter(x=list(range(1, len(history) + 1)), y=history, mode="lines"))
curve.update_layout(title="Loss", xaxis_title="steps", template="simple_white")"""

_MATRIX_NOTE = """## The similarity matrix

The cosine of each of these pictures with each of their captions. A bright diagonal says that pairs find each other."""

_MATRIX = """@torch.no_grad()
def embed_pictures(net, pictures):
    \"\"\"(n, S, S, 3) uint8 array to (n, P) of length 1.\"\"\"
    return torch.cat([net.embed_images(part.float() / 255) for part in to_tensor(pictures).split(EMBED_CHUNK)])


@torch.no_grad()
def embed_prompts(net, prompts):
    \"\"\"Texts to (n, P) of length 1.\"\"\"
    parts = torch.from_numpy(tokenizer.encode(prompts)).split(EMBED_CHUNK)
    return torch.cat([net.embed_texts(part) for part in parts])


words = [pairs.captions[i][0] for i in shown]
matrix = (embed_pictures(model, train.pictures.images[shown]) @ embed_prompts(model, words).T).numpy()
heatmap = go.Figure(go.Heatmap(z=matrix, colorscale="Viridis", colorbar_title="cosine"))
heatmap.update_xaxes(tickvals=list(range(len(words))), ticktext=words, title="captions")
heatmap.update_yaxes(tickvals=list(range(len(words))), ticktext=words, title="pictures", autorange="reversed")
heatmap.update_layout(title="Pictures and captions", width=800, height=700)"""

_TESTS_NOTE = """## Zero-shot tests

Pictures that were never trained on choose among names. Ten-way: the right name stands among nine others of the test; \
the number is the exact mean over all choices of these nine, not a sample. Top five: the right name is among the five \
that fit best of all. Beside both what the untrained net gets, and what guessing gets."""

_TESTS = """def zero_shot(net, test):
    cosines = (embed_pictures(net, test.pictures.images) @ embed_prompts(net, test.classes).T).numpy()
    return ten_way(cosines, test.class_idx, WAYS), top_k(cosines, test.class_idx, 5)


scores = {}
print(f"{'never trained on':<30} {'trained':>8} {'untrained':>10} {'guessing':>9}")
for name, test in pairs.tests.items():
    trained, before = zero_shot(model, test), zero_shot(untrained, test)
    guessing = 1 / min(WAYS, len(test.classes)), min(1.0, 5 / len(test.classes))
    for i, kind in enumerate(("zero_shot", "top5")):
        scores[f"{kind}_{name}"] = trained[i]
        print(f"{kind + '_' + name:<30} {trained[i]:>8.1%} {before[i]:>10.1%} {guessing[i]:>9.1%}")"""

_WORDS_NOTES = {
    "clip": """## A classifier out of words

Put each label into each template; the mean of those vectors, brought to length 1, is the label's class vector \
(Radford et al. 2021, section 3.1.4). The softmax says which label fits best, given that one of them is right. Type \
labels and templates of your own, choose another picture, and run the cell again.""",
    "siglip": """## A classifier out of words

Put each label into each template; the mean of those vectors, brought to length 1, is the label's class vector \
(Radford et al. 2021, section 3.1.4). The softmax says which label fits best, given that one of them is right; \
SigLIP's sigmoid judges each label alone. Type labels and templates of your own, choose another picture, and run the \
cell again.""",
}

_LABELS = {
    "emoji": '[named, "cat face", "pizza", "umbrella", "a car", "a sad face"]',
    "apples": '[named, "a lime heart apple", "a crimson tall apple", "a yellow flat apple", "a picture"]',
    "own": '[named, *test.classes[:5], "something else"]',
}

_ALONE = {
    "clip": ("", "", ""),
    "siglip": (
        "\n    alone = torch.sigmoid(model.scale * cosines + model.logit_bias)",
        " {'alone':>8}",
        " {alone[i].item():>8.2%}",
    ),
}

_WORDS = """test = next(iter(pairs.tests.values()))
number = 0  # of the picture in the test
named = test.classes[test.class_idx[number]]  # what its caption says
labels = list(dict.fromkeys({labels}))
templates = list(pairs.templates)  # {} is where the label goes

prompts = [template.replace("{}", label) for label in labels for template in templates]
in_templates = embed_prompts(model, prompts).reshape(len(labels), len(templates), -1)
class_vectors = F.normalize(in_templates.mean(dim=1), dim=1)  # (labels, P)
picture = test.pictures.images[number]
with torch.no_grad():
    cosines = class_vectors @ embed_pictures(model, picture[None])[0]
    softmax = (model.scale * cosines).softmax(dim=0){alone}
print(f"{'label':<40} {'cosine':>7} {'softmax':>8}{alone_head}")
for i in cosines.argsort(descending=True).tolist():
    print(f"{labels[i]:<40} {cosines[i].item():>7.3f} {softmax[i].item():>8.1%}{alone_cell}")
sheet(picture[None], 1, named)"""

_SAVE_NOTE = f"""## Take it with you

`{MODEL_FILE}` holds the weights of the image encoder, the text encoder, both projections and the temperature; the \
tokenizer goes into `{TOKENIZER_FILE}`. The classes above read them again: names that begin with `image_encoder.` are \
all that you need for pictures alone."""

_SAVE = f"""save_file({{name: value.contiguous() for name, value in model.state_dict().items()}}, "{MODEL_FILE}")
Path("{TOKENIZER_FILE}").write_text(tokenizer.to_json(), encoding="utf-8")

again = CLIP().eval()
again.load_state_dict(load_file("{MODEL_FILE}"))
both = [torch.cat([embed_prompts(net, labels), embed_pictures(net, picture[None])]) for net in (again, model)]
difference = (both[0] - both[1]).abs().max().item()
print(f"largest difference once it is read again: {{difference:.1e}}")"""


def notebook_of(config: CLIPConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed.

    Args:
        config: the run's settings; validated once more.
        data_note: what the pictures were, in a sentence of ours; where empty, the built-in pictures'.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    config = CLIPConfig.parse(config.model_dump())
    own = config.data == OWN
    encoder = "vit" if config.image_encoder == "vit" else "conv"
    told = one_line(data_note) or _data_note(config)
    cells = [
        markdown(fill(_INTRODUCTION, before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(_IMPORTS),
        *(own_pictures_cells(_CAPTIONS_NOTE) if own else []),
        markdown(_SETTINGS_NOTE),
        code(settings_call(config, "CLIPConfig")),
        *sizes_cells(_sizes(config)),
        markdown(_PAIRS_NOTE),
        code(fill(_PAIRS, own_pictures="pictures" if own else "None")),
        markdown(_TOKENS_NOTE),
        code(_TOKENS),
        markdown(_CHANGES_NOTE),
        code(_CHANGES),
        markdown(_BLOCK_NOTE),
        code(_BLOCK),
        markdown(_IMAGE_NOTES[encoder]),
        code(_IMAGE_ENCODERS[encoder]),
        markdown(_TEXT_NOTE),
        code(_TEXT),
        markdown(_MODEL_NOTES[config.loss]),
        code(fill(_MODEL, bias=_BIASES[config.loss])),
        markdown(_LOSS_NOTES[config.loss]),
        code(_LOSSES[config.loss]),
        markdown(_TRAIN_NOTE),
        code(_TRAIN),
        code(_CURVE),
        markdown(_MATRIX_NOTE),
        code(_MATRIX),
        markdown(_TESTS_NOTE),
        code(_TESTS),
        markdown(_WORDS_NOTES[config.loss]),
        code(_words(config)),
        markdown(_SAVE_NOTE),
        code(_SAVE),
    ]
    return notebook(cells)


def write_notebook(config: CLIPConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _sizes(config: CLIPConfig) -> list[tuple[str, object, str]]:
    """The constants that the model and the trainer have, as they stand in their modules."""
    from backends.clip import model, tokens, trainer
    from backends.engine import schedule
    from backends.nets import transformer, vision

    siglip = config.loss == "siglip"
    sizes: list[tuple[str, object, str]] = [
        ("PROJECTION", model.PROJECTION, "numbers of the vectors that pictures and captions become"),
        ("MEAN", vision.MEAN, "of pixels, taken away"),
        ("SPREAD", vision.SPREAD, "of pixels, divided by"),
    ]
    if widths := model.CONV_WIDTHS.get(config.image_encoder):
        sizes += [("CONV_WIDTHS", widths, "channels of each stage")]
    else:
        sizes += [
            ("VIT_PATCH", vision.VIT_PATCH, "pixels a side of a patch"),
            ("VIT_WIDTH", vision.VIT_WIDTH, "numbers of a patch"),
            ("VIT_DEPTH", vision.VIT_DEPTH, "blocks"),
            ("VIT_HEADS", vision.VIT_HEADS, "attention heads"),
        ]
    sizes += [
        ("TEXT_WIDTH", model.TEXT_WIDTH, "numbers of a token"),
        ("TEXT_HEADS", model.TEXT_HEADS, "attention heads"),
        ("LONGEST", tokens.LONGEST, "tokens of a caption at most"),
        ("MLP_RATIO", transformer.MLP_RATIO, "how much wider the inside of a block's MLP is"),
        ("INIT_SPREAD", transformer.INIT_SPREAD, "of fresh embeddings"),
        ("SCALE_START", model.SIGLIP_SCALE if siglip else model.SCALE_START, "1 / temperature at the start"),
        *([("BIAS_START", model.SIGLIP_BIAS, "added to each logit at the start")] if siglip else []),
        ("MAX_SCALE", model.MAX_SCALE, "1 / temperature at most"),
        ("CLIP_NORM", trainer.CLIP_NORM, "longest gradient"),
        ("WARM_UP_SHARE", schedule.WARM_UP_SHARE, "of the steps in which the learning rate rises"),
        ("WAYS", trainer.WAYS, "names to choose from in the ten-way test"),
        ("SHOWN_PAIRS", trainer.SHOWN_PAIRS, "in the similarity matrix"),
        ("EMBED_CHUNK", trainer.EMBED_CHUNK, "pictures or texts at a time"),
    ]
    return sizes


def _words(config: CLIPConfig) -> str:
    lines, head, cell = _ALONE[config.loss]
    return fill(_WORDS, labels=_LABELS[config.data], alone=lines, alone_head=head, alone_cell=cell)


def _data_note(config: CLIPConfig) -> str:
    from backends.clip.pairs import UNSEEN_ARTIST, UNSEEN_COMBINATIONS, UNSEEN_CONCEPTS

    if config.data == "apples":
        return (
            "apples, drawn by the project's own renderer, with captions made of their factors; "
            f"{len(UNSEEN_COMBINATIONS)} combinations of colour and shape are never trained on."
        )
    if config.data == "emoji":
        return (
            "emoji with their names, each drawn by four artists; their licences are in `assets/emoji/LICENCES.md`. "
            f"Drawings by {UNSEEN_ARTIST} and {UNSEEN_CONCEPTS} names are never trained on."
        )
    return "your own."
