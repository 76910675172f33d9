"""A notebook that repeats a run: the model, what it is asked, and the loop written out in plain torch (nbformat 4.5).

Text, tokenizer and the ways to break a text come from this project; the rest can be read and changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.data.corpora import BUILT_IN, OWN_TEXT
from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
    code,
    fill,
    literal,
    markdown,
    notebook,
    one_line,
    settings_call,
    sizes_cells,
    write,
)
from backends.language.config import METHOD_OF, GPTConfig, LanguageConfig, T5Config

OWN_TEXT_FILE = "my_text.txt"
MODEL_FILE = "language.safetensors"
TOKENIZER_FILE = "tokenizer.json"

_TITLES = {
    "bert": ("BERT, this very run", "fills in what is hidden in a text (Devlin et al. 2019)"),
    "t5": ("T5, this very run", "writes what is missing in a text (Raffel et al. 2020)"),
    "gpt": ("GPT, this very run", "guesses each next token of a text (Radford et al. 2019)"),
}

_INTRODUCTION = """# {title}

Made by **SSL Playground**. It trains a small transformer that {task}, with the settings that stood on the page. The \
model, what it is asked, and the loop are written out in plain torch, so that you can read and change them.

{before}

**The text**: {data_note}
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

from backends.language.config import {config}
from backends.language.corruption import {corruption}
from backends.language.text import load_text
from backends.language.tokens import {tokens}, TextTokenizer"""

_CORRUPTION = {
    "bert": "mask_tokens",
    "t5": "corrupt_spans, is_sentinel, restore, shuffle_sentences, span_layout",
    "gpt": "next_tokens",
}
_TOKENS = {
    "bert": "FIRST_ORDINARY, MASK, MASK_ID, START_ID",
    "t5": "END_ID, FIRST_ORDINARY, LINE_ID, SENTINEL_ID, SENTINEL_NAMES, START_ID",
    "gpt": "FIRST_ORDINARY, LINE_ID, START_ID",
}

_OWN_NOTE = f"""## Your text

The text that you brought is not in this notebook. Put the path of the same file in place of `{OWN_TEXT_FILE}`."""

_OWN = f"""from backends.language.text import read_text_lines

lines = read_text_lines(Path("{OWN_TEXT_FILE}"))
print(f"{{len(lines):,}} lines")"""

_SETTINGS_NOTE = """## The settings

The seed says where weights, stretches of text and what is hidden start. On the same processor the same numbers come \
out as on the page; a GPU draws others."""

_TEXT_NOTE = """## Text and tokens

Every twentieth block of lines is held out: neither the model nor the tokenizer sees it. Byte-pair encoding joins \
letters that often stand together; a token ends each line."""

_TEXT = """text = load_text(config.corpus, {lines})
tokenizer = TextTokenizer.learn(text.train, config.vocabulary)
train, held_out = tokenizer.encode_lines(text.train), tokenizer.encode_lines(text.held_out)
print(f"{len(tokenizer):,} tokens; {len(train):,} of them running to train on, {len(held_out):,} held out")
example = tokenizer.encode(text.held_out[0], marks=()).first(config.length - 1)
print(" | ".join(example.pieces))"""

_TASK_NOTES = {
    "bert": r"""## What it is asked

Some tokens are hidden: most become [MASK], some a random token, some stay as they are, so that the model may trust no
token. It sees the text on both sides of each hidden place $i \in M$:

$$\mathcal{L} = -\frac{1}{|M|} \sum_{i \in M} \log p(x_i \mid \text{the text with the hidden places})$$""",
    "t5": r"""## What it is asked

Some stretches of the text are cut out, and a name such as <X> stands in each one's place; the model writes the names,
each followed by what was there. Or the sentences are shuffled, and it writes the text in order. With the broken text
$s$ and what is to be written $y$:

$$\mathcal{L} = -\frac{1}{|y|} \sum_{t} \log p(y_t \mid y_{<t}, s)$$""",
    "gpt": r"""## What it is asked

At every place: which token comes next? The model sees only what stands before it.

$$\mathcal{L} = -\frac{1}{T} \sum_{t} \log p(x_t \mid x_{<t})$$""",
}

_TASKS = {
    "bert": """stretch = config.length - 1  # one place is the start token's
shortest = min(SHORTEST, stretch)


def as_tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, np.int64))


def ask(stretches, draws):
    \"\"\"(B, T) token numbers to what the model reads, what it has to say, and where.\"\"\"
    masked = mask_tokens(
        stretches, draws, len(tokenizer), mask_ratio=config.mask_ratio, masked_share=config.masked_share
    )
    starts = np.full((len(stretches), 1), START_ID, stretches.dtype)
    inputs = np.concatenate([starts, masked.inputs], axis=1)
    return as_tensor(inputs), as_tensor(masked.targets), as_tensor(masked.places + 1)


counts = np.bincount(train, minlength=len(tokenizer)).astype(np.float64)
counts[:FIRST_ORDINARY] = 0  # special tokens are almost never hidden
frequencies = (counts + 1) / (counts + 1).sum()  # of the targets

inputs, targets, places = ask(np.array([example.ids]), np.random.default_rng(0))
print("it reads:   ", " | ".join(tokenizer.piece(number) for number in inputs[0].tolist()))
print("it has to say:", " | ".join(tokenizer.piece(number) for number in targets[0].tolist()))""",
    "t5": """stretch = config.length
shortest = min(SHORTEST, stretch)


def as_tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, np.int64))


def ask(stretches, draws):
    \"\"\"(B, T) token numbers to what the encoder reads, what is to be written, what the decoder reads meanwhile.\"\"\"
    if config.objective == "spans" or (config.objective == "both" and draws.random() < 0.5):
        ratio, mean_span = config.corruption_ratio, config.mean_span
        broken = corrupt_spans(stretches, draws, corruption_ratio=ratio, mean_span=mean_span)
    else:
        broken = shuffle_sentences(stretches, draws, tokenizer.ends_sentence)
    starts = np.full((len(stretches), 1), START_ID, broken.targets.dtype)
    written = np.concatenate([starts, broken.targets[:, :-1]], axis=1)
    return as_tensor(broken.source), as_tensor(broken.targets), as_tensor(written)


counts = np.bincount(train, minlength=len(tokenizer)).astype(np.float64)
hidden, spans = span_layout(stretch, config.corruption_ratio, config.mean_span)
share = {"spans": 1.0, "sentences": 0.0, "both": 0.5}[config.objective]
expected = (counts + 1) / (counts + 1).sum() * (share * hidden + (1 - share) * stretch)
expected[END_ID] += 1
expected[SENTINEL_ID : SENTINEL_ID + spans] += share
frequencies = expected / expected.sum()  # of the targets

source, targets, _ = ask(np.array([example.ids]), np.random.default_rng(0))
print("it reads: ", " | ".join(tokenizer.piece(number) for number in source[0].tolist()))
print("it writes:", " | ".join(tokenizer.piece(number) for number in targets[0].tolist()))""",
    "gpt": """stretch = shortest = config.length  # the beginning of a long text is a short one


def as_tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, np.int64))


def ask(stretches, draws):
    \"\"\"(B, T) token numbers to what the model reads, and what it has to say at each place; nothing is drawn.\"\"\"
    asked = next_tokens(stretches)
    return as_tensor(asked.inputs), as_tensor(asked.targets)


counts = np.bincount(train, minlength=len(tokenizer)).astype(np.float64)
frequencies = (counts + 1) / (counts + 1).sum()  # of the targets

inputs, targets = ask(np.array([example.ids[:12]]), None)
for read, said in zip(inputs[0].tolist(), targets[0].tolist()):
    print(f"{tokenizer.piece(read):>16}  then  {tokenizer.piece(said)}")""",
}

_BLOCK_NOTE = """## A transformer block

Each token gathers from the others what it needs (attention), then thinks about it alone (MLP). Both add to what the \
token was; the norms come first. Beside what two tokens say to each other, each head learns a score for their \
distance."""

_ATTENTION = """class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.distances = nn.Parameter(torch.zeros(heads, 2 * REACH + 1))

    def bias(self, T):
        places = torch.arange(T)
        distance = (places[:, None] - places[None]).clamp(-REACH, REACH)
        return DISTANCE_GAIN * self.distances[:, distance + REACH]  # (heads, T, T)

    def forward(self, x, causal=False):
        B, T, D = x.shape
        q, k, v = (part.transpose(1, 2) for part in self.qkv(x).view(B, T, 3, self.heads, D // self.heads).unbind(2))
        bias = self.bias(T)
        if causal:  # no token sees those after it
            bias = bias.masked_fill(~torch.ones(T, T, dtype=torch.bool).tril(), float("-inf"))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(B, -1, -1, -1))  # (B, heads, T, d)
        return self.out(mixed.transpose(1, 2).reshape(B, T, D)){ask_attention}{cross_attention}


class Block(nn.Module):
    def __init__(self, width, heads{cross_argument}):
        super().__init__()
        self.norm_attention, self.attention = nn.LayerNorm(width), Attention(width, heads){cross_layers}
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, MLP_RATIO * width), nn.GELU(), nn.Linear(MLP_RATIO * width, width))

    def forward(self, x{memory_argument}, causal=False):
        x = x + self.attention(self.norm_attention(x), causal){cross_call}
        return x + self.mlp(self.norm_mlp(x)){ask_block}


class Embedding(nn.Module):
    def __init__(self, vocabulary, width, longest):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        nn.init.normal_(self.tokens.weight, std=INIT_SPREAD)
        nn.init.normal_(self.positions.weight, std=INIT_SPREAD)

    def forward(self, tokens):  # (B, T) token numbers to (B, T, D)
        return self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]

    def logits(self, x):  # (B, T, D) to (B, T, V): the tokens' vectors score the output too
        return F.linear(x, self.tokens.weight, self.bias)"""

_ASK_ATTENTION = """

    def ask(self, asked, x, places):  # the same at the places (B, A) alone: (B, A, D)
        B, A, D = asked.shape
        weight, offset = self.qkv.weight, self.qkv.bias
        q = F.linear(asked, weight[:D], offset[:D]).view(B, A, self.heads, D // self.heads).transpose(1, 2)
        parts = F.linear(x, weight[D:], offset[D:]).view(B, -1, 2, self.heads, D // self.heads).unbind(2)
        k, v = (part.transpose(1, 2) for part in parts)
        rows = F.embedding(places, self.bias(x.shape[1]).transpose(0, 1).flatten(1))
        rows = rows.view(B, A, self.heads, -1).transpose(1, 2)  # (B, heads, A, T)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=rows)
        return self.out(mixed.transpose(1, 2).reshape(B, A, D))"""

_ASK_BLOCK = """

    def ask(self, x, places):  # what forward gives at the places alone, without working out the others
        normed = self.norm_attention(x)
        wide = places[:, :, None].expand(-1, -1, x.shape[-1])
        x = x.gather(1, wide) + self.attention.ask(normed.gather(1, wide), normed, places)
        return x + self.mlp(self.norm_mlp(x))"""

_CROSS_ATTENTION = """


class CrossAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.kv = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x, memory):  # what is written (B, T, D) looks at what was read (B, S, D)
        B, T, D = x.shape
        q = self.query(x).view(B, T, self.heads, D // self.heads).transpose(1, 2)
        parts = self.kv(memory).view(B, -1, 2, self.heads, D // self.heads).unbind(2)
        k, v = (part.transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(B, T, D))"""

_CROSS = {
    "ask_attention": "",
    "ask_block": "",
    "cross_attention": _CROSS_ATTENTION,
    "cross_argument": ", cross=False",
    "cross_layers": """
        if cross:
            self.norm_cross, self.cross = nn.LayerNorm(width), CrossAttention(width, heads)""",
    "memory_argument": ", memory=None",
    "cross_call": """
        if memory is not None:
            x = x + self.cross(self.norm_cross(x), memory)""",
}
_NO_CROSS = dict.fromkeys(_CROSS, "")
_BLOCK_PARTS: dict[str, dict[str, str]] = {
    "bert": {**_NO_CROSS, "ask_attention": _ASK_ATTENTION, "ask_block": _ASK_BLOCK},
    "t5": _CROSS,
    "gpt": _NO_CROSS,
}

_MODEL_NOTES = {
    "bert": """## The model

An encoder: every token sees all others. In the last block only the hidden places are worked out.""",
    "t5": """## The model

An encoder reads the broken text, every token sees all others. A decoder writes; each of its tokens sees those before \
it, and all of what the encoder made of the text, less what its tokens have in common, which would drown what \
they differ in. Both share the tokens' vectors.""",
    "gpt": """## The model

A decoder: each token sees those before it.""",
}

_START = """

def start_small(model):
    \"\"\"What a block adds begins small, by 1 / sqrt(2 · depth) (Radford et al. 2019, section 2.3).\"\"\"
    for name, parameter in model.named_parameters():
        if name.endswith((".out.weight", ".mlp.2.weight")):
            nn.init.normal_(parameter, std=GPT2_SPREAD / math.sqrt(2 * config.depth))
        elif name.endswith((".qkv.weight", ".query.weight", ".kv.weight", ".mlp.0.weight")):
            nn.init.normal_(parameter, std=INIT_SPREAD)
        elif name.endswith((".qkv.bias", ".query.bias", ".kv.bias", ".out.bias", ".mlp.0.bias", ".mlp.2.bias")):
            nn.init.zeros_(parameter)


torch.manual_seed(config.seed)
model = Model()
start_small(model)
with torch.no_grad():  # so that a fresh model guesses by frequency alone, and all that it gains is from context
    model.embedding.bias.copy_(torch.from_numpy(np.log(frequencies)))
untrained = copy.deepcopy(model).eval()
print(f"{sum(p.numel() for p in model.parameters()):,} weights")"""

_STACK = """class Stack(nn.Module):
    def __init__(self{arguments}):
        super().__init__()
        width, heads = int(config.width), int(config.heads)
        self.blocks = nn.ModuleList(Block(width, heads{passed}) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)

"""

_MODELS = {
    "bert": _STACK.replace("{arguments}", "").replace("{passed}", "")
    + """    def ask(self, x, places):
        *blocks, last = self.blocks
        for block in blocks:
            x = block(x)
        return self.norm(last.ask(x, places))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(len(tokenizer), int(config.width), LONGEST)
        self.stack = Stack()

    def forward(self, tokens, places):  # (B, T) token numbers to the (B, A, V) scores at the places (B, A)
        return self.embedding.logits(self.stack.ask(self.embedding(tokens), places))


def logits_of(net, inputs, targets, places):
    return net(inputs, places)""",
    "t5": _STACK.replace("{arguments}", ", cross=False").replace("{passed}", ", cross")
    + """    def forward(self, x, memory=None, causal=False):
        for block in self.blocks:
            x = block(x, memory, causal)
        return self.norm(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(len(tokenizer), int(config.width), LONGEST)
        self.encoder, self.decoder = Stack(), Stack(cross=True)

    def encode(self, source):  # (B, S) token numbers to (B, S, D)
        return self.encoder(self.embedding(source))

    def decode(self, written, memory):  # (B, T) token numbers to the (B, T, V) scores of each next token
        own = memory - memory.mean(1, keepdim=True)  # what all tokens share would drown what is written
        memory = F.layer_norm(own, own.shape[-1:], eps=OWN_EPSILON)
        return self.embedding.logits(self.decoder(self.embedding(written), memory, causal=True))

    def forward(self, source, written):
        return self.decode(written, self.encode(source))


def logits_of(net, source, targets, written):
    return net(source, written)""",
    "gpt": _STACK.replace("{arguments}", "").replace("{passed}", "")
    + """    def forward(self, x):
        for block in self.blocks:
            x = block(x, causal=True)
        return self.norm(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(len(tokenizer), int(config.width), LONGEST)
        self.stack = Stack()

    def forward(self, tokens):  # (B, T) token numbers to the (B, T, V) scores of each next token
        return self.embedding.logits(self.stack(self.embedding(tokens)))


def logits_of(net, inputs, targets):
    return net(inputs)""",
}

_TRAIN_NOTE = """## Train

The learning rate rises for a short while and falls along a cosine to 0. Each step reads stretches from anywhere in \
the text: in half of the steps as long as can be, else shorter ones, so that a short sentence is nothing new."""

_TRAIN = """def rate_at(share):
    if share < WARM_UP_SHARE:
        return max(0.05, share / WARM_UP_SHARE)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))))


def draw_stretches(draws):
    \"\"\"(B, T) token numbers from anywhere in the text.\"\"\"
    whole = draws.random() < WHOLE_SHARE
    length = min(stretch if whole else int(draws.integers(shortest, stretch + 1)), len(train))
    starts = draws.integers(0, len(train) - length + 1, config.batch)
    return train[starts[:, None] + np.arange(length)]


decayed, free = [], []  # only matrices are pulled to zero
for name, parameter in model.named_parameters():
    (free if parameter.ndim < 2 or "embedding" in name else decayed).append(parameter)
groups = [dict(params=decayed, weight_decay=config.weight_decay), dict(params=free, weight_decay=0.0)]
optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=BETAS, fused=True)
draws = np.random.default_rng(config.seed)
history = []
model.train()
for step in range(config.steps):
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * RATE * rate_at(step / config.steps)
    batch = ask(draw_stretches(draws), draws)
    loss = F.cross_entropy(logits_of(model, *batch).flatten(0, 1), batch[1].flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    history.append(loss.item())
    if step % max(1, config.steps // 20) == 0 or step == config.steps - 1:
        print(f"step {step + 1:>6,} of {config.steps:,}   loss {history[-1]:.4f} nats a token")
model.eval()"""

_CURVE = """curve = go.Figure(go.Scatter(x=list(range(1, len(history) + 1)), y=history, mode="lines"))
curve.update_layout(title="Loss", xaxis_title="steps", yaxis_title="nats a token", template="simple_white")"""

_TEST_NOTE = """## On text that it never saw

The loss there, beside that of a guesser that knows only how often each token comes. Perplexity is e to the power of \
the loss: among so many equally likely tokens the model still wavers."""

_TEST = """def even_stretches(stream):
    \"\"\"Stretches that do not overlap, spread evenly over the text.\"\"\"
    length = min(stretch, len(stream))
    whole = stream[: len(stream) // length * length].reshape(-1, length)
    return whole[np.unique(np.linspace(0, len(whole) - 1, min(ALL_STRETCHES, len(whole))).round().astype(int))]


@torch.no_grad()
def measure(net):
    stretches, test_draws = even_stretches(held_out), np.random.default_rng(TEST_SEED)
    losses, right, guessed = [], [], []
    for start in range(0, len(stretches), TEST_BATCH):
        batch = ask(stretches[start : start + TEST_BATCH], test_draws)
        logits, targets = logits_of(net, *batch).flatten(0, 1), batch[1].flatten()
        losses.append(F.cross_entropy(logits, targets, reduction="none"))
        right.append(logits.argmax(1) == targets)
        guessed.append(-torch.from_numpy(np.log(frequencies))[targets])
    loss = torch.cat(losses).double().mean().item()
    return {
        "heldout_loss": loss,
        "perplexity": math.exp(min(loss, 700.0)),
        "unigram_entropy": torch.cat(guessed).mean().item(),
        "heldout_accuracy": torch.cat(right).double().mean().item(),
    }


scores, before = measure(model), measure(untrained)
for name, value in scores.items():
    print(f"{name:<18} {value:10.4f}   untrained {before[name]:10.4f}")"""

_USE_NOTES = {
    "bert": """## Fill a mask

Write a sentence of your own with [MASK] in it, and run the cell again.""",
    "t5": """## Repair a text

Write a text of your own and run the cell again. The likeliest token is written each time; the gaps are named in their \
order.""",
    "gpt": """## Go on

Write a beginning of your own and run the cell again. A lower temperature makes it safer, a higher one bolder.""",
}

_USES = {
    "bert": """prompt = "The people of the United [MASK] want peace."


@torch.no_grad()
def fill(prompt, count=5):
    \"\"\"For each [MASK] the likeliest tokens of text, with their probabilities.\"\"\"
    ids = [START_ID, *tokenizer.encode(prompt, marks=(MASK,)).ids[:stretch]]
    places = [place for place, number in enumerate(ids) if number == MASK_ID]
    if not places:  # there is none among the tokens that the model reads
        return []
    scores = model(torch.tensor([ids]), torch.tensor([places]))[0]
    scores[:, :FIRST_ORDINARY] = float("-inf")
    best = scores.softmax(1).topk(count)
    return [
        [(tokenizer.piece(number), share) for number, share in zip(numbers, shares)]
        for numbers, shares in zip(best.indices.tolist(), best.values.tolist())
    ]


answers = fill(prompt)
for guesses in answers:
    print("   ".join(f"{token} {share:.1%}" for token, share in guesses))""",
    "t5": """prompt = {prompt}


@torch.no_grad()
def repair(prompt):
    \"\"\"What the decoder writes, and the text with it.\"\"\"
    source = list(tokenizer.encode(prompt, marks={marks}).ids[:stretch])
    gaps = [number for number in source if is_sentinel(number)]
    ends = [*gaps[1:], END_ID]  # what comes after each answer
    most = LONGEST_ANSWER if gaps else 3 * len(source) - 1
    memory, written = model.encode(torch.tensor([source])), gaps[:1]
    for end in ends:
        for _ in range(most):
            if len(written) + len(ends) >= LONGEST - 1:
                break
            scores = model.decode(torch.tensor([[START_ID, *written]]), memory)[0, -1]
            allowed = [LINE_ID, end]  # and all tokens of text
            kept = scores[allowed]
            scores[:FIRST_ORDINARY] = float("-inf")
            scores[allowed] = kept
            best = int(scores.argmax())
            if best == end:
                break
            written.append(best)
        written.append(end)
    restored = restore(np.array(source), np.array(written)) if gaps else written[:-1]
    return tokenizer.decode(written[:-1]), tokenizer.decode(restored)


answers = repair(prompt)
print(prompt, *answers, sep="\\n")""",
    "gpt": """prompt = "The people of the United States"


@torch.no_grad()
def go_on(prompt, count=40, temperature=0.8, seed=0):
    ids, chance = list(tokenizer.encode(prompt, marks=()).ids), np.random.default_rng(seed)
    for _ in range(count):
        seen = [START_ID, *ids[-(config.length - 1) :]]
        scores = model(torch.tensor([seen]))[0, -1].double().numpy()
        line = scores[LINE_ID]
        scores[:FIRST_ORDINARY] = -np.inf
        scores[LINE_ID] = line  # a line may end
        shares = np.exp((scores - scores.max()) / temperature)
        ids.append(int(chance.choice(len(shares), p=shares / shares.sum())))
    return tokenizer.decode(ids)


answers = go_on(prompt)
print(answers)""",
}

_SAVE_NOTE = f"""## Take it with you

`{MODEL_FILE}` holds the weights, `{TOKENIZER_FILE}` the merges of the tokenizer. The classes above read them again."""

_SAVE = f"""save_file({{name: value.contiguous() for name, value in model.state_dict().items()}}, "{MODEL_FILE}")
Path("{TOKENIZER_FILE}").write_text(tokenizer.to_json(), encoding="utf-8")

again = Model().eval()
again.load_state_dict(load_file("{MODEL_FILE}"))
again_tokenizer = TextTokenizer.from_json(Path("{TOKENIZER_FILE}").read_text(encoding="utf-8"))
batch = ask(even_stretches(held_out)[:4], np.random.default_rng(0))
with torch.no_grad():
    difference = (logits_of(again, *batch) - logits_of(model, *batch)).abs().max().item()
print(f"largest difference once it is read again: {{difference:.1e}}")"""


def notebook_of(config: LanguageConfig, *, data_note: str = "") -> dict[str, Any]:
    """Make the notebook that repeats the run of one model with these settings.

    The code holds validated settings only, as literals; no path of this machine, nothing that a visitor typed or
    brought.

    Args:
        config: of a BERT, a T5 or a GPT; validated once more.
        data_note: what the text was, in a sentence of ours; where empty, the built-in text's.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    method = METHOD_OF[type(config)]
    config = type(config).parse(config.model_dump())
    own = config.corpus == OWN_TEXT
    title, task = _TITLES[method]
    told = one_line(data_note) or _data_note(config)
    name = type(config).__name__
    cells = [
        markdown(fill(_INTRODUCTION, title=title, task=task, before=BEFORE_THE_FIRST_CELL, data_note=told)),
        code(fill(_IMPORTS, config=name, corruption=_CORRUPTION[method], tokens=_TOKENS[method])),
        *([markdown(_OWN_NOTE), code(_OWN)] if own else []),
        markdown(_SETTINGS_NOTE),
        code(settings_call(config, name)),
        *sizes_cells(_sizes(config)),
        markdown(_TEXT_NOTE),
        code(fill(_TEXT, lines="lines" if own else "None")),
        markdown(_TASK_NOTES[method]),
        code(_TASKS[method]),
        markdown(_BLOCK_NOTE),
        code(fill(_ATTENTION, **_BLOCK_PARTS[method])),
        markdown(_MODEL_NOTES[method]),
        code(_MODELS[method] + "\n" + _START),
        markdown(_TRAIN_NOTE),
        code(_TRAIN),
        code(_CURVE),
        markdown(_TEST_NOTE),
        code(_TEST),
        markdown(_USE_NOTES[method]),
        code(_use(config)),
        markdown(_SAVE_NOTE),
        code(_SAVE),
    ]
    return notebook(cells)


def write_notebook(config: LanguageConfig, path: Path, *, data_note: str = "") -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, data_note=data_note), path)


def _sizes(config: LanguageConfig) -> list[tuple[str, object, str]]:
    """The constants that the model and the trainer have, as they stand in their modules."""
    from backends.engine import schedule
    from backends.language import model, objectives, trainer, use
    from backends.nets import transformer

    not_gpt = not isinstance(config, GPTConfig)
    sizes: list[tuple[str, object, str]] = [
        ("LONGEST", model.longest_of(config), "tokens that the model has positions for"),
        ("REACH", model.REACH, "tokens up to which each distance has a score of its own"),
        ("DISTANCE_GAIN", transformer.DISTANCE_GAIN, "how fast these scores are learned"),
        ("MLP_RATIO", transformer.MLP_RATIO, "how much wider the inside of a block's MLP is"),
        ("INIT_SPREAD", transformer.INIT_SPREAD, "of fresh embeddings, and of layers that read"),
        ("GPT2_SPREAD", transformer.GPT2_SPREAD, "of fresh layers that add something"),
        *([("SHORTEST", objectives.SHORTEST, "tokens of the shortest stretches")] if not_gpt else []),
        ("WHOLE_SHARE", trainer.WHOLE_SHARE, "of the steps whose stretches are as long as can be"),
        (
            "RATE",
            objectives.T5_RATE if isinstance(config, T5Config) else 1.0,
            "of the learning rate that suits the model",
        ),
        ("BETAS", trainer.BETAS, "of AdamW"),
        ("CLIP_NORM", trainer.CLIP_NORM, "longest gradient"),
        ("WARM_UP_SHARE", schedule.WARM_UP_SHARE, "of the steps in which the learning rate rises"),
        ("ALL_STRETCHES", trainer.ALL_STRETCHES, "of held-out text that are measured on, at most"),
        ("TEST_BATCH", trainer.TEST_BATCH, "of them at a time"),
        ("TEST_SEED", trainer.TEST_SEED, "of what is hidden in them"),
    ]
    if isinstance(config, T5Config):
        sizes.append(("OWN_EPSILON", transformer.OWN_EPSILON, "least variance of what a token read has of its own"))
        sizes.append(("LONGEST_ANSWER", use.LONGEST_ANSWER, "tokens that are written for a gap, at most"))
    return sizes


def _use(config: LanguageConfig) -> str:
    """The cell that asks the model something."""
    method = METHOD_OF[type(config)]
    if not isinstance(config, T5Config):
        return _USES[method]
    gapped = config.objective != "sentences"
    prompt = "The people of the <X> want peace and <Y>." if gapped else "They want peace. The people have spoken."
    return fill(_USES[method], prompt=literal(prompt), marks="SENTINEL_NAMES" if gapped else "()")


def _data_note(config: LanguageConfig) -> str:
    if config.corpus == OWN_TEXT:
        return "your own."
    info = BUILT_IN[config.corpus]
    return f"{info.title}. From {info.source}. Licence: {info.licence}."
