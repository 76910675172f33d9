"""A notebook that repeats a run of "LSTM against transformer": sequences, loop and test written out (nbformat 4.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.attention.recall_config import RecallConfig
from backends.engine.notebook_cells import (
    BEFORE_THE_FIRST_CELL,
    code,
    markdown,
    notebook,
    settings_call,
    sizes_cells,
    write,
)


@dataclass(frozen=True)
class Standing:
    """How a run stood when it was taken home; the notebook trains as far, and compares.

    Attributes:
        step: of the run, from 1.
        accuracy: of each net on the held-out sequences, in [0, 1].
        loss: of each net on them, the mean cross-entropy in nats.
    """

    step: int
    accuracy: Mapping[str, float]
    loss: Mapping[str, float]


_INTRODUCTION = """# LSTM against transformer, this very run

Made by **SSL Playground**. Both nets learn to recall the first symbol of a sequence after {distance} distractors, \
with the settings that stood on the page: sequences, nets, loop, how often each is right, what gradient reaches the \
first symbol, and where the transformer looks.

{before}

**The data**: random sequences that are drawn here.
"""

_IMPORTS = """import math

import plotly.graph_objects as go
import torch
from torch.nn import functional as F

from backends.attention.recall_config import RecallConfig
from backends.attention.recall_data import DISTRACTORS, HELD_OUT_SEED, letters_of
from backends.attention.recall_nets import build_nets
from backends.nets.transformer import DECODER, SELF, Look

torch.set_num_threads(1)  # as on the page: so the numbers are the same on any number of cores"""

_SETTINGS_NOTE = """## The settings

The seed says where both nets start and which sequences are drawn. On the same processor the same numbers come out as \
on the page; another one, a GPU or another version of torch rounds differently."""

_SEQUENCES_NOTE = """## The sequences

A symbol, then distractors from an alphabet of their own, then a question mark: which symbol was it? Guessing is right \
once in {symbols}. The held-out sequences are drawn from a seed that no training has."""

_SEQUENCES = """def draw(generator, count, distance):
    \"\"\"(count, distance + 2) tokens and (count,) right answers, all evenly likely.\"\"\"
    answers = torch.randint(config.symbols, (count,), generator=generator)
    distractors = torch.randint(
        config.symbols, config.symbols + DISTRACTORS, (count, distance), generator=generator
    )
    question = torch.full((count, 1), config.symbols + DISTRACTORS)
    return torch.cat([answers[:, None], distractors, question], dim=1), answers


generator = torch.Generator().manual_seed(HELD_OUT_SEED + config.seed)
held_out, right = draw(generator, TESTED_AT_THE_END, config.distance)
for tokens in held_out[:3]:
    print("".join(letters_of(tokens, config.symbols)))"""

_NETS_NOTE = """## The nets

The transformer is a small GPT; the LSTM is as wide as makes both equally large. Both answer from the last place."""

_NETS = """nets = build_nets(config)
rates = {"transformer": config.transformer_learning_rate, "lstm": config.lstm_learning_rate}
optimizers = {name: torch.optim.Adam(net.parameters(), lr=rates[name], fused=True) for name, net in nets.items()}
for name, net in nets.items():
    print(f"{name:<12} {sum(p.numel() for p in net.parameters()):>8,} numbers to learn")"""

_TRAIN_NOTE = """## Train

Each batch goes to both nets, so they take as many steps on the same sequences."""

_TRAIN = """steps = {steps}


@torch.no_grad()
def score(net, tokens, answers):
    \"\"\"Share of right answers, and the mean cross-entropy.\"\"\"
    net.eval()
    logits = torch.cat([net(part) for part in tokens.split(EVALUATION_CHUNK)])
    net.train()
    return (logits.argmax(1) == answers).float().mean().item(), F.cross_entropy(logits, answers).item()


generator = torch.Generator().manual_seed(config.seed)
tested_at, curves = [], {{name: [] for name in nets}}
for step in range(1, steps + 1):
    distance = config.distance
    if config.distances == "mixed":
        distance = int(torch.randint(1, distance + 1, (), generator=generator))
    tokens, answers = draw(generator, config.batch, distance)
    for name, net in nets.items():
        loss = F.cross_entropy(net(tokens), answers)
        optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), config.clip)
        optimizers[name].step()
    if step % max(1, steps // 20) == 0 or step == steps:
        tested_at.append(step)
        for name, net in nets.items():
            curves[name].append(score(net, held_out[:TESTED], right[:TESTED])[0])
        said = ", ".join(f"{{name}} {{curve[-1]:.0%}}" for name, curve in curves.items())
        print(f"step {{step:>6,}} of {{steps:,}}   {{said}}")"""

_RESULT_NOTE = """## Over {distance} distractors

How often each net recalls the symbol in sequences that it has never seen."""

_RESULT = """accuracy, held_out_loss = {}, {}
for name, net in nets.items():
    accuracy[name], held_out_loss[name] = score(net, held_out, right)
    print(f"{name:<12} right in {accuracy[name]:.1%} of {len(held_out):,} held-out sequences")
print(f"guessing     right in {1 / config.symbols:.1%}")

figure = go.Figure([go.Scatter(x=tested_at, y=curve, name=name) for name, curve in curves.items()])
figure.add_hline(y=1 / config.symbols, line_dash="dash", annotation_text="guessing")
figure.update_xaxes(title="steps of both").update_yaxes(title="held-out accuracy", range=[0, 1.05], tickformat=".0%")
figure.update_layout(template="simple_white", height=380)"""

_GRADIENT_NOTE = """## What reaches the first symbol

The norm of the loss's gradient at each input step, as a share of the largest. In the LSTM it passes through every \
step in between; in the transformer every step is one look away."""

_GRADIENT = """def gradient_norms(net, tokens):
    \"\"\"(T,) mean norm at each place; in double precision, as an LSTM's can shrink below what float32 holds.\"\"\"
    embedded = net.embed(tokens).detach().requires_grad_()
    loss = F.cross_entropy(net.answer(embedded), tokens[:, 0], reduction="sum")
    return torch.autograd.grad(loss, embedded)[0].norm(dim=2).mean(0)


figure = go.Figure()
for name, net in nets.items():
    norms = gradient_norms(net.double(), held_out[:GRADIENT_SEQUENCES])
    net.float()
    figure.add_scatter(x=list(range(len(norms)))[::-1], y=(norms / norms.max()).tolist(), name=name)
figure.update_xaxes(title="steps before the question", autorange="reversed")
figure.update_yaxes(title="gradient, share of the largest", type="log", exponentformat="power")
figure.update_layout(template="simple_white", height=380)"""

_LOOK_NOTE = """## Where the transformer looks

Attention of the question mark on each place of one held-out sequence, a mean over heads and blocks."""

_LOOK = """look = Look()
with torch.no_grad():
    nets["transformer"](held_out[:1], look=look)
weights = torch.stack([look.weights[DECODER, SELF, layer][0, :, -1] for layer in range(config.depth)]).mean((0, 1))
letters = letters_of(held_out[0], config.symbols)
print(f"{weights[0]:.0%} of the attention is on the first symbol, {letters[0]}")
figure = go.Figure(go.Bar(x=list(range(len(letters))), y=weights.tolist(), hovertext=letters))
figure.update_xaxes(title="place").update_yaxes(title="attention", tickformat=".0%")
figure.update_layout(template="simple_white", height=320)"""

_CHECK_NOTE = """## Is it the same run?

What the page measured at step {step:,}, on the same held-out sequences, beside what came out here."""

_CHECK = """on_the_page = {{
    "transformer": {{"accuracy": {transformer_accuracy}, "loss": {transformer_loss}}},
    "lstm": {{"accuracy": {lstm_accuracy}, "loss": {lstm_loss}}},
}}


def alike(one, other):
    return one == other or math.isclose(one, other, rel_tol=1e-4) or (math.isnan(one) and math.isnan(other))


repeated = True
for name, page in on_the_page.items():
    print(f"{{name:<12}} accuracy: page {{page['accuracy']:.2%}}, here {{accuracy[name]:.2%}}")
    print(f"{{name:<12}} loss:     page {{page['loss']:.6f}}, here {{held_out_loss[name]:.6f}}")
    repeated &= alike(page["accuracy"], accuracy[name]) and alike(page["loss"], held_out_loss[name])
print(
    "The run is repeated."
    if repeated
    else "Not the same numbers: this processor, or this version of torch, rounds differently from the page's."
)"""


def notebook_of(config: RecallConfig, standing: Standing | None = None) -> dict[str, Any]:
    """Make the notebook that repeats a run with these settings.

    The code holds validated settings and numbers only, as literals; no path of this machine, nothing that a visitor
    typed.

    Args:
        config: the run's settings; validated once more.
        standing: how the run stood; without it, all steps are trained and nothing is compared at the end.

    Returns:
        The notebook as JSON's types (nbformat 4.5).
    """
    config = RecallConfig.parse(config.model_dump())
    steps = "config.steps"
    if standing is not None and standing.step != config.steps:
        steps = f"{int(standing.step)}  # there the run stood, of {config.steps:,}"
    cells = [
        markdown(_INTRODUCTION.format(before=BEFORE_THE_FIRST_CELL, distance=config.distance)),
        code(_IMPORTS),
        markdown(_SETTINGS_NOTE),
        code(settings_call(config, "RecallConfig")),
        *sizes_cells(_sizes()),
        markdown(_SEQUENCES_NOTE.format(symbols=config.symbols)),
        code(_SEQUENCES),
        markdown(_NETS_NOTE),
        code(_NETS),
        markdown(_TRAIN_NOTE),
        code(_TRAIN.format(steps=steps)),
        markdown(_RESULT_NOTE.format(distance=config.distance)),
        code(_RESULT),
        markdown(_GRADIENT_NOTE),
        code(_GRADIENT),
        markdown(_LOOK_NOTE),
        code(_LOOK),
    ]
    if standing is not None:
        numbers = {f"{net}_accuracy": _number(value) for net, value in standing.accuracy.items()}
        numbers |= {f"{net}_loss": _number(value) for net, value in standing.loss.items()}
        cells += [markdown(_CHECK_NOTE.format(step=standing.step)), code(_CHECK.format(**numbers))]
    return notebook(cells)


def write_notebook(config: RecallConfig, path: Path, standing: Standing | None = None) -> Path:
    """Write the notebook of a run; see `notebook_of`."""
    return write(notebook_of(config, standing), path)


def _sizes() -> list[tuple[str, object, str]]:
    """The constants of the tests, as they stand in their modules."""
    from backends.attention import recall, recall_frozen

    return [
        ("TESTED", recall.TESTED, "held-out sequences while the nets train"),
        ("TESTED_AT_THE_END", recall.TESTED_AT_THE_END, "and at the end"),
        ("EVALUATION_CHUNK", recall_frozen.EVALUATION_CHUNK, "sequences that a net reads at a time"),
        ("GRADIENT_SEQUENCES", recall_frozen.GRADIENT_SEQUENCES, "whose gradients are averaged"),
    ]


def _number(value: float) -> str:
    """A number as Python code: a net whose steps are far too large can have a loss that is none."""
    return repr(float(value)) if math.isfinite(value) else f'float("{float(value)}")'
