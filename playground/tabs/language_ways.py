"""Raw text labels itself, three ways: what BERT, T5 and GPT read of one sentence, and what each has to say."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.language import corruption
from backends.language.config import TITLES
from backends.language.corruption import KEPT, MASKED, RANDOM, CorruptionError
from backends.language.trio_config import METHODS
from playground.components import answers
from playground.components.pick_area import pick_area, picked_number
from playground.session import Session, SessionStore
from playground.tabs.language_state import model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.tokens import TextTokenizer, Tokens

KEEPS = "language_ways"
EXAMPLES = (
    "The people want peace. We ask for no more than our share.",
    "I am glad to report that the state of the Union is strong. Our work is not done.",
    "Every nation has the right to choose its own government. We respect it.",
)
MOST_TOKENS = 48
"""Of a sentence that are shown; a longer one is cut, and that is said."""
MAX_TEXT = 100_000
MIN_RATIO, MAX_RATIO, MIN_SPAN, MAX_SPAN, MOST_CUT = 0.05, 0.9, 1.0, 10.0, 0.5
FEWEST = 2
DRAWS = 20
FACTS = {
    "bert": (
        "an encoder",
        "What stood there?",
        "every token, on both sides",
        "search, classifying, likeness",
    ),
    "t5": (
        "encoder and decoder",
        "What is missing?",
        "all that is left, and what it wrote",
        "translation, summaries",
    ),
    "gpt": (
        "a decoder",
        "What comes next?",
        "only what stands before it",
        "writing, answering, talking",
    ),
}
"""By method: what it is, what it is asked, what a token sees, what it is good for."""
KIND_HELP = {
    MASKED: "hidden",
    RANDOM: "replaced with a random token, so that no token may be trusted",
    KEPT: "left as it is, and asked for all the same",
}

CUT_OUT, SHUFFLED = "spans", "sentences"
"""How T5's texts are broken."""


@dataclass
class Ways:
    """What a visitor has on the bench.

    Attributes:
        places: those that they hid by clicking; empty: chance hides some.
    """

    text: str = EXAMPLES[0]
    ratio: float = corruption.MASK_RATIO
    span: float = corruption.MEAN_SPAN
    shuffled: bool = False
    seed: int = 1
    places: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class WaysPart:
    """The components of the bench."""

    text: gr.Textbox
    ratio: gr.Slider
    span: gr.Slider
    broken: gr.Radio
    draw: gr.Button
    clear: gr.Button
    example: gr.Button
    tokens: gr.HTML
    ways: gr.HTML
    note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.tokens, self.ways, self.note]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What can be set."""
        return [self.text, self.ratio, self.span, self.broken]


def lay_out_ways() -> WaysPart:
    """Lay the bench out where it is called."""
    with gr.Row(elem_classes=["ways-ask"]):
        text = gr.Textbox(
            EXAMPLES[0],
            label="A sentence or two, of your own if you like",
            lines=1,
            max_lines=3,
            max_length=MAX_TEXT,
            elem_id="language-ways-text",
            elem_classes=["word-box"],
            scale=3,
        )
        with gr.Column(scale=2, min_width=300, elem_classes=["ways-settings"]):
            ratio = gr.Slider(
                0.05,
                MAX_RATIO,
                corruption.MASK_RATIO,
                step=0.05,
                label="Hidden",
                info="Share of the tokens that BERT and T5 are asked for. Both papers took 15 %.",
                elem_id="language-ways-ratio",
                elem_classes=["setting"],
            )
            span = gr.Slider(
                1,
                MAX_SPAN,
                corruption.MEAN_SPAN,
                step=0.5,
                label="Span length",
                info="How many neighbouring tokens T5 loses at once, on average.",
                elem_id="language-ways-span",
                elem_classes=["setting"],
            )
    with gr.Row(elem_classes=["actions", "ways-actions"]):
        draw = gr.Button("Hide others", variant="primary", size="sm", elem_id="language-ways-draw", min_width=100)
        clear = gr.Button("Let chance choose", size="sm", elem_id="language-ways-clear", min_width=120)
        example = gr.Button("Another sentence", size="sm", elem_id="language-ways-example", min_width=120)
        broken = gr.Radio(
            [("cut spans out", CUT_OUT), ("shuffle sentences", SHUFFLED)],
            value=CUT_OUT,
            label="T5: what is broken",
            show_label=False,
            container=False,
            elem_id="language-ways-broken",
            elem_classes=["inline-radio"],
        )
    tokens = pick_area(elem_id="language-ways-tokens")
    note = answers.html_area(elem_id="language-ways-note", elem_classes=["note-line"])
    ways = answers.html_area(elem_id="language-ways")
    return WaysPart(text, ratio, span, broken, draw, clear, example, tokens, ways, note)


def wire_ways(store: SessionStore, part: WaysPart) -> None:
    """Let every change show at once."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_change(text: Any, ratio: Any, span: Any, broken: Any, request: gr.Request) -> list[Any]:
        session = session_of(request)
        return set_ways(session, text, ratio, span, broken) or views_of(session)

    def on_draw(request: gr.Request) -> list[Any]:
        session = session_of(request)
        kept = kept_ways(session)
        kept.seed, kept.places = kept.seed + 1, set()
        return views_of(session)

    def on_clear(request: gr.Request) -> list[Any]:
        session = session_of(request)
        kept_ways(session).places = set()
        return views_of(session)

    def on_example(request: gr.Request) -> list[Any]:
        session = session_of(request)
        kept = kept_ways(session)
        others = [example for example in EXAMPLES if example != kept.text]
        kept.text, kept.places = secrets.choice(others), set()
        return [kept.text, *views_of(session)]

    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        place = picked_number(event._data, MOST_TOKENS)
        if place is not None:
            kept_ways(session).places ^= {place}
        return views_of(session)

    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    gr.on(
        [part.text.blur, part.text.submit, part.ratio.input, part.span.input, part.broken.input],
        on_change,
        part.inputs,
        part.views,
        api_name="language_ways",
        **latest,
    )
    part.draw.click(on_draw, None, part.views, api_name=False, **QUICK)
    part.clear.click(on_clear, None, part.views, api_name=False, **QUICK)
    part.example.click(on_example, None, [part.text, *part.views], api_name=False, **QUICK)
    part.tokens.pick(on_pick, None, part.views, api_name=False, **QUICK)


def kept_ways(session: Session) -> Ways:
    """What the visitor has on the bench."""
    kept: Ways = session.uploads.setdefault(KEEPS, Ways())
    return kept


def broken_of(kept: Ways) -> str:
    """How T5's text is broken on a bench."""
    return SHUFFLED if kept.shuffled else CUT_OUT


def set_ways(session: Session, text: Any, ratio: Any, span: Any, broken: Any) -> list[Any]:
    """Take the settings of the bench; values that say what is wrong with one, or nothing."""
    kept = kept_ways(session)
    for value, name, least, most in (
        (ratio, "Hidden", MIN_RATIO, MAX_RATIO),
        (span, "Span length", MIN_SPAN, MAX_SPAN),
    ):
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            return said(f"{name} is {str(value)[:20]}; it must be a number from {least:g} to {most:g}.")
    text = str(text)[:MAX_TEXT] if isinstance(text, str) else ""
    if text != kept.text:
        kept.places = set()
    kept.text, kept.ratio, kept.span, kept.shuffled = text, float(ratio), float(span), broken == SHUFFLED
    return []


def said(message: str) -> list[Any]:
    """A sentence that says what to do; what is shown stays."""
    return [gr.skip(), gr.skip(), answers.problem(message)]


def tokenizer_of(session: Session) -> TextTokenizer:
    """The tokenizer of a model that answers here; where there is none, one learned from the speeches."""
    from backends.language.trainer import load_tokens
    from backends.language.trio_config import TrioConfig

    for method in METHODS:
        model, _ = model_of(session, method)
        if model is not None:
            return model.tokenizer
    first = TrioConfig()
    return load_tokens(first.corpus, first.vocabulary).tokenizer


def views_of(session: Session) -> list[Any]:
    """Values of the sentence's tokens, of the three ways, and of the line below."""
    kept = kept_ways(session)
    tokenizer = tokenizer_of(session)
    whole = tokenizer.encode(kept.text, marks=())
    tokens = whole.first(MOST_TOKENS)
    if len(tokens) < FEWEST:
        what = "The text is empty" if not len(tokens) else "One token alone teaches nothing"
        return said(f"{what}: write a sentence.")
    kept.places = {place for place in kept.places if place < len(tokens)}
    if len(kept.places) == len(tokens):
        return [tokens_html(tokens, kept.places), gr.skip(), answers.problem("Leave at least one token to go by.")]
    try:
        ways = {method: MAKERS[method](kept, tokenizer, tokens) for method in METHODS}
    except CorruptionError as error:
        return [tokens_html(tokens, kept.places), gr.skip(), answers.problem(str(error))]
    note = ""
    if kept.shuffled and not tokenizer.ends_sentence[list(tokens.ids[:-1])].any():
        note = answers.sentence("One sentence alone is always in order: write two for T5.")
    if kept.ratio > MOST_CUT and not (kept.shuffled or kept.places):
        note += answers.sentence(f"T5 cuts out {MOST_CUT:.0%} at most.")
    if len(whole) > len(tokens) or whole.cut:
        words = len(kept.text.split())
        note += answers.sentence(f"{words:,} words were cut to the first {len(tokens)} tokens.")
    shown = "".join(way_html(method, *ways[method], len(tokens)) for method in METHODS)
    return [tokens_html(tokens, kept.places), f'<div class="ways">{shown}</div>', note]


def tokens_html(tokens: Tokens, places: set[int]) -> str:
    """The sentence, each token a button that hides it."""
    chips = "".join(
        f'<button type="button" class="chip{_joined(tokens, place)}" data-pick="{place}" '
        f'aria-pressed="{"true" if place in places else "false"}">{html.escape(piece)}</button>'
        for place, piece in enumerate(tokens.pieces)
    )
    count = len(places)
    hint = (
        "Click tokens to hide them; until then chance does."
        if not count
        else f"You hide {count} {'token' if count == 1 else 'tokens'}."
    )
    return (
        f'<div class="chips">{chips}</div><p class="note">{hint} The sentence is its own label: nobody wrote one.</p>'
    )


def way_html(method: str, body: str, asked: int, length: int) -> str:
    """One way: what the model is, reads, has to say, sees, and is good for."""
    kind, question, sees, good = FACTS[method]
    return (
        f'<section class="way of-{method}"><header>{sight_svg(method)}<h3>{TITLES[method]}<small>{kind}</small></h3>'
        f'<p class="asks">{question}</p><p><b>Sees</b> {sees}.</p><p><b>Good for</b> {good}.</p>'
        f'<p class="num">{asked} answers from {length} tokens</p></header><div class="way-body">{body}</div></section>'
    )


def _bert(kept: Ways, tokenizer: TextTokenizer, tokens: Tokens) -> tuple[str, int]:
    masked = corruption.mask_tokens(
        np.array([tokens.ids]),
        np.random.default_rng(kept.seed),
        len(tokenizer),
        mask_ratio=kept.ratio,
        places=kept.places or None,
    )
    kinds = dict(zip(masked.places[0].tolist(), masked.kinds[0].tolist(), strict=True))
    pairs = []
    for place, number in enumerate(masked.inputs[0].tolist()):
        kind = kinds.get(place)
        shown = tokens.pieces[place] if kind in (None, KEPT) else tokenizer.piece(number)
        pairs.append(_pair(shown, tokens.pieces[place] if kind is not None else "", kind))
    return _pairs_html(pairs), len(kinds)


def _t5(kept: Ways, tokenizer: TextTokenizer, tokens: Tokens) -> tuple[str, int]:
    source, source_places, targets, target_places = _broken(kept, tokenizer, tokens)
    reads = _pieces(tokenizer, tokens, source, source_places)
    says = _pieces(tokenizer, tokens, targets, target_places)
    chips = "".join(_chip(piece, int(number)) for piece, number in zip(reads, source, strict=True))
    before = zip(["[START]", *says[:-1]], [0, *targets[:-1]], strict=True)
    pairs = [
        (_chip(left, int(number)), _chip(right, 0, "answer"))
        for (left, number), right in zip(before, says, strict=True)
    ]
    row = f'<div class="row"><span class="label">encoder reads</span><div class="chips">{chips}</div></div>'
    return row + _pairs_html(pairs, "decoder reads"), len(targets)


def _broken(kept: Ways, tokenizer: TextTokenizer, tokens: Tokens) -> tuple[np.ndarray, ...]:
    """What T5's encoder reads and what its decoder writes, each with the places where that stood."""
    ids, generator = np.array([tokens.ids]), np.random.default_rng(kept.seed)
    if kept.shuffled:
        made = corruption.shuffle_sentences(ids, generator, tokenizer.ends_sentence)
        for _ in range(DRAWS):  # of two sentences every other order is the right one
            if not np.array_equal(made.source, ids):
                break
            made = corruption.shuffle_sentences(ids, generator, tokenizer.ends_sentence)
        return made.source[0], made.source_places[0], made.targets[0], np.array([*range(len(tokens)), -1])
    spans = corruption.corrupt_spans(
        ids, generator, corruption_ratio=min(kept.ratio, MOST_CUT), mean_span=kept.span, places=kept.places or None
    )
    return spans.source[0], spans.source_places[0], spans.targets[0], spans.target_places[0]


def _gpt(kept: Ways, tokenizer: TextTokenizer, tokens: Tokens) -> tuple[str, int]:
    pieces = ["[START]", *tokens.pieces[:-1]]
    pairs = [
        (_chip(left, number), _chip(right, 0, "answer"))
        for left, number, right in zip(pieces, [0, *tokens.ids[:-1]], tokens.pieces, strict=True)
    ]
    return _pairs_html(pairs), len(pairs)


MAKERS = {"bert": _bert, "t5": _t5, "gpt": _gpt}


def _pair(shown: str, target: str, kind: int | None) -> tuple[str, str]:
    name = "" if kind is None else {MASKED: "mark", RANDOM: "random", KEPT: "kept"}[kind]
    title = "" if kind is None else f' title="{KIND_HELP[kind]}"'
    return (
        f'<span class="chip {name}"{title}>{html.escape(shown)}</span>',
        f'<span class="chip answer">{html.escape(target)}</span>' if target else '<span class="chip none"></span>',
    )


def _chip(text: str, number: int, kind: str = "") -> str:
    from backends.language.tokens import FIRST_ORDINARY

    special = " mark" if number < FIRST_ORDINARY and not kind else ""
    return f'<span class="chip {kind}{special}">{html.escape(text)}</span>'


def _pairs_html(pairs: Sequence[tuple[str, str]], reads: str = "reads") -> str:
    """What is read above what is to be said there."""
    columns = "".join(f'<span class="pair">{top}{bottom}</span>' for top, bottom in pairs)
    return (
        f'<div class="row"><span class="label">{reads}<br><b>has to say</b></span>'
        f'<div class="pairs">{columns}</div></div>'
    )


def _pieces(tokenizer: TextTokenizer, tokens: Tokens, numbers: np.ndarray, places: np.ndarray) -> list[str]:
    """Tokens as they are shown; their places in the text, or −1, tell how broken characters are."""
    return [
        tokens.pieces[place] if tokenizer.is_text(int(number)) and place >= 0 else tokenizer.piece(int(number))
        for number, place in zip(numbers, places, strict=True)
    ]


def _joined(tokens: Tokens, place: int) -> str:
    """A class for a token that goes on with the word before it."""
    return " joined" if place and tokens.words[place] == tokens.words[place - 1] else ""


def sight_svg(method: str) -> str:
    """Who sees whom: a row for each token, a filled square where it may look."""
    side, cell = 6, 6

    def squares(top: int, left: int, causal: bool) -> Iterator[str]:
        for row in range(side):
            for column in range(side):
                filled = not causal or column <= row
                yield (
                    f'<rect x="{left + column * cell}" y="{top + row * cell}" width="{cell - 1}" height="{cell - 1}" '
                    f'class="{"seen" if filled else "unseen"}"/>'
                )

    wide = method == "t5"
    width = side * cell * (2 if wide else 1) + (4 if wide else 0)
    parts = list(squares(0, 0, causal=method == "gpt"))
    if wide:
        parts += squares(0, side * cell + 4, causal=True)
    told = {
        "bert": "Every token sees every token",
        "t5": "The encoder's tokens see each other; the decoder's see the encoder's and those before them",
        "gpt": "Every token sees itself and those before it",
    }[method]
    return (
        f'<svg class="sight" width="{width}" height="{side * cell}" role="img" aria-label="{told}">'
        f"<title>{told}</title>{''.join(parts)}</svg>"
    )
