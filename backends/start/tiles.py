"""A small picture of every tab, made by what the tab itself runs: `python -m backends.start.tiles [NAME ...]`.

Pictures are SVG with the page's own colours as CSS variables, so that they fit a light and a dark page.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from backends.engine.checkpoints import write_text

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "start" / "tiles"
WIDTH, HEIGHT = 320, 200
APPLE = 3
"""Which held-out apple is shown."""
PALEST = 0.07
WORDS = (
    "france", "spain", "king", "queen", "peace", "war", "money", "school", "river", "father", "son", "city", "law",
    "music", "ships", "gold", "doctor", "church",
)  # fmt: skip
WORD_WIDTH, LINE = 78, 17
"""Room of a word on the map; one that finds none is left out."""
MAP_DOTS = 700
DOTS = "stroke:var(--chart-muted);stroke-width:3.4;stroke-linecap:round;opacity:0.45"
NEAR = 3
"""From how many words back on attention counts as looking back."""
READ = "We the people of the United States want peace and want justice"
MASK_RATIO, MASK_SEED = 0.75, 3
MASKED = "The people of the [MASK] States"
CONCEPTS = ("red apple", "dog face", "rocket", "key", "rose")


def picture_of(name: str) -> str:
    """The picture of a tab as SVG; "" where there is none. Read once."""
    return _read(name) if name in MAKERS else ""


@lru_cache(maxsize=32)
def _read(name: str) -> str:
    path = FOLDER / f"{name}.svg"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def make(name: str) -> Path:
    """Make a tab's picture and write it."""
    text = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" focusable="false">{MAKERS[name]()}</svg>\n'
    return write_text(FOLDER / f"{name}.svg", text)


def _word_map() -> str:
    """The shipped map of words, and where some of them are."""
    from backends.word2vec import shipped

    model = shipped.load()
    points = model.map_points
    low, high = np.quantile(points, 0.01, axis=0), np.quantile(points, 0.99, axis=0)
    at = (points - low) / (high - low) * (WIDTH - 56, HEIGHT - 40) + (20, 22)
    inside = [(x, y) for x, y in at[:MAP_DOTS] if 0 < x < WIDTH and 0 < y < HEIGHT]
    dots = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in inside)
    words, taken = "", [(WIDTH, HEIGHT)]
    for word in WORDS:
        number = model.vectors.find(word)
        if number >= len(at):
            continue
        x, y = at[number]
        free = all(abs(y - there) > LINE or abs(x - left) > WORD_WIDTH for left, there in taken)
        if free and 0 < x < WIDTH - WORD_WIDTH and LINE < y < HEIGHT - LINE:
            taken.append((x, y))
            words += f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" style="fill:var(--accent)"/>'
            words += _text(x + 6, y + 5, word, size=17, weight=600)
    return f'<path d="{dots}" style="{DOTS}"/>{words}'


def _attention() -> str:
    """The weights of one head of the shipped decoder: of the one that looks hardest at words further back."""
    from backends.attention import shipped

    decoder = shipped.load()
    stack = decoder.run(decoder.prepare(READ), ()).stacks[0]
    weights = stack.weights[:, :, 1:, 1:]
    tokens = weights.shape[2]
    back = np.tril(np.ones((tokens, tokens)), -NEAR)
    layer, head = np.unravel_index((weights * back).max(axis=3).mean(axis=2).argmax(), weights.shape[:2])
    chosen = weights[layer, head]
    side = HEIGHT - 8
    cell, left = side / tokens, (WIDTH - side) / 2
    return "".join(
        _bar(left + column * cell, 4 + row * cell, cell - 1.5, cell - 1.5, share=float(chosen[row, column]))
        for row in range(tokens)
        for column in range(row + 1)
    )


def _masked_sentence() -> str:
    """A masked word and what the shipped BERT finds likely there."""
    from backends.language import shipped
    from backends.language.use import fill_masks

    filled = fill_masks(shipped.load("bert"), MASKED, guesses=3)
    before, after = MASKED.split("[MASK]")
    lines = _text(16, 36, before.strip(), size=21) + _text(106, 72, after.strip(), size=21)
    lines += '<rect x="14" y="50" width="84" height="30" rx="4" style="fill:var(--highlight)"/>'
    lines += '<text x="56" y="71" text-anchor="middle" style="fill:var(--paper);font-size:17px;font-weight:700">[MASK]'
    lines += "</text>"
    for place, guess in enumerate(filled.guesses[0]):
        y = 116 + 32 * place
        word = guess.token
        lines += _text(16, y, word.strip(), size=19, weight=700 if place == 0 else 400)
        width = 130 * guess.probability
        lines += _bar(116, y - 14, max(2, width), 14)
        lines += _text(254, y, f"{guess.probability:.2f}", size=18)
    return lines


def _turned() -> str:
    """A turned picture, and which way is up to the shipped net."""
    from backends.pretext import shipped
    from backends.pretext.deal import turn_pictures

    net = shipped.load("rotation")
    pictures = net.split.held_out
    few = np.arange(24)
    turned = turn_pictures(pictures.images[few], np.ones(len(few), np.int64))
    shares = net.answer(turned)
    chosen = int(few[shares[:, 1].argmax()])
    large = turn_pictures(pictures.at_size([chosen], 160), np.ones(1, np.int64))[0]
    bars = ""
    for turn in range(4):
        share = float(shares[chosen, turn])
        y = 58 + 34 * turn
        bars += _text(180, y, f"{90 * turn}°", size=18, weight=700 if turn == 1 else 400)
        bars += _bar(226, y - 14, max(2, 78 * share), 15)
    return _image(large, 12, 26, 150) + _text(180, 26, "turned by", size=15) + bars


def _views() -> str:
    """Two views of one picture, as the tab's own settings make them."""
    from backends.data.apples import apple_pictures
    from backends.simclr.config import SimCLRConfig
    from backends.simclr.preview import preview

    apple = apple_pictures(APPLE + 1, 12, 160).images[APPLE]
    first, second = preview(apple, SimCLRConfig(), 5, 1)
    arrow = _text(WIDTH / 2, 105, "↔", size=26, weight=700, anchor="middle")
    return _image(first, 8, 34, 134) + _image(second, WIDTH - 142, 34, 134) + arrow


def _painted() -> str:
    """A picture of which three quarters are hidden, and what the shipped masked autoencoder paints."""
    from backends.mae import shipped
    from backends.mae.masking import draw_mask

    model = shipped.load("apples-64")
    picture = model.split.held_out.images[APPLE]
    side, patch = int(model.config.image_size), int(model.config.patch)
    hidden = draw_mask("random", MASK_RATIO, side // patch, MASK_SEED)
    painted = (255 * np.clip(model.reconstruct(picture[None], hidden).painted[0], 0, 1)).astype(np.uint8)
    unseen = hidden.reshape(side // patch, -1).repeat(patch, 0).repeat(patch, 1)[:, :, None]
    seen = np.where(unseen, np.array((201, 198, 244), np.uint8), picture)
    whole = np.where(unseen, painted, picture)
    arrow = _text(WIDTH / 2, 105, "→", size=26, weight=700, anchor="middle")
    return _image(seen, 8, 34, 134) + _image(whole, WIDTH - 142, 34, 134) + arrow


def _matrix() -> str:
    """Cosines of some emoji with their names, by the shipped CLIP."""
    from backends.clip import shipped
    from backends.data.emoji import load_emoji, load_index

    model = shipped.load("emoji")
    names = load_index().concepts
    rows = [names.index(concept) for concept in CONCEPTS if concept in names]
    artist = load_emoji(artists=("Twemoji",))
    pictures = artist.at_size(rows, model.size)
    cosines = model.embed_pictures(pictures) @ model.embed_prompts([f"a picture of {names[row]}" for row in rows]).T
    share = np.exp(model.scale * (cosines - cosines.max(axis=1, keepdims=True)))
    share /= share.sum(axis=1, keepdims=True)
    cell, step, left, top = 33, 51, 60, 27
    cells = "".join(
        _bar(left + column * step, top + row * cell, step - 3, cell - 3, share=float(share[row, column]))
        for row in range(len(rows))
        for column in range(len(rows))
    )
    shown = "".join(_image(artist.images[number], 22, top + row * cell, cell - 4) for row, number in enumerate(rows))
    words = "".join(
        _text(
            left + (step - 3) / 2 + column * step,
            18,
            names[number].removesuffix(" face").split()[-1],
            size=14,
            anchor="middle",
        )
        for column, number in enumerate(rows)
    )
    return cells + shown + words


def _few_labels() -> str:
    """Accuracy over the number of labels: the shipped SimCLR's features, and pixels."""
    from backends.transfer.config import TransferConfig
    from backends.transfer.points import curves
    from backends.transfer.trainer import TransferTrainer

    config = TransferConfig(encoder="simclr", against="pixels", knn="off", fine_tuning="off", scratch="off")
    trainer = TransferTrainer(config)
    for _ in trainer.steps():
        pass
    means = {curve.encoder: curve.mean.tolist() for curve in curves(trainer.freeze())}
    lines = _curve(means["pixels"], "--highlight", "pixels") + _curve(means["simclr"], "--accent", "SimCLR")
    axis = f'<path d="M28 8V168H{WIDTH - 12}" style="fill:none;stroke:var(--chart-muted);stroke-width:1.5"/>'
    return axis + lines + _text(170, 192, f"labels of each kind, 1 to {config.most_labels}", size=16, anchor="middle")


def _two_runs() -> str:
    """What two shipped SimCLR models know, side by side: without and with colour jitter."""
    from backends.simclr import shipped

    drawn = ""
    for row, factor in enumerate(("colour", "shape")):
        y = 42 + 86 * row
        drawn += _text(12, y, factor, size=18, weight=600)
        for place, (name, colour, said) in enumerate(
            (("apples-without-jitter", "--accent", "A"), ("apples-with-jitter", "--highlight", "B"))
        ):
            share = shipped.load(name).probed.scores[f"knn_{factor}"]
            top = y + 10 + 24 * place
            drawn += _text(14, top + 14, said, size=15)
            drawn += _bar(36, top, 210 * share, 18, colour=colour)
            drawn += _text(254, top + 15, f"{share:.2f}", size=17)
    return drawn


def _curve(means: Sequence[float], colour: str, name: str) -> str:
    xs = np.linspace(34, WIDTH - 96, len(means))
    ys = [164 - 150 * mean for mean in means]
    path = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(xs, ys, strict=True))
    label = _text(xs[-1] + 8, ys[-1] + 6, name, size=17, weight=600, colour=colour)
    return f'<polyline points="{path}" style="fill:none;stroke:var({colour});stroke-width:4"/>{label}'


def _text(
    x: float, y: float, text: str, *, size: int, weight: int = 400, anchor: str = "start", colour: str = "--chart-text"
) -> str:
    style = f"fill:var({colour});font-size:{size}px;font-weight:{weight}"
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" style="{style}">{html.escape(text)}</text>'


def _bar(x: float, y: float, width: float, height: float, *, colour: str = "--accent", share: float = 1.0) -> str:
    """A rectangle, the paler the smaller its share in [0, 1]."""
    style = f"fill:var({colour});opacity:{min(1.0, max(PALEST, share)):.2f}"
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" style="{style}"/>'


def _image(picture: np.ndarray, x: float, y: float, side: float) -> str:
    """An (S, S, 3) uint8 picture at a place."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "WEBP", quality=80, method=4)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<image x="{x:.0f}" y="{y:.0f}" width="{side:.0f}" height="{side:.0f}" href="data:image/webp;base64,{data}"/>'
    )


MAKERS: dict[str, Callable[[], str]] = {
    "word2vec": _word_map,
    "attention": _attention,
    "language": _masked_sentence,
    "pretext": _turned,
    "simclr": _views,
    "mae": _painted,
    "clip": _matrix,
    "transfer": _few_labels,
    "compare": _two_runs,
}
"""By the tab's name."""


def main(names: Sequence[str]) -> None:
    """Make the named pictures, or all of them."""
    for name in names or MAKERS:
        written = make(name)
        print(f"{written.name}: {written.stat().st_size / 1e3:.1f} kB")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
