"""From one hot to skip-gram by hand: one sentence, every number, one step at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from backends.engine.config import ConfigError
from backends.word2vec import by_hand
from backends.word2vec.by_hand import ByHand, ByHandConfig, SentenceError, StepsRanAway
from playground import controls
from playground.components import answers
from playground.figures import by_hand as tables
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

FIRST_SENTENCE = "The cat sat on the mat"
MAX_CHARACTERS = 400
STEP_COUNTS = (1, 20, 100)
STATE = "by_hand"


@dataclass(frozen=True)
class Bench:
    """What a visitor has on the bench.

    Attributes:
        state: the sentence and its matrices.
        centre: index of the chosen word.
        before: the state before the last steps, or None.
    """

    state: ByHand
    centre: int
    before: ByHand | None = None


def build_by_hand(store: SessionStore, tab: gr.Tab) -> None:
    """Lay out and wire the sum by hand in a tab; opening it shows what the visitor had reached before a reload."""
    first = fresh_bench(FIRST_SENTENCE, ByHandConfig())
    with gr.Row(elem_classes=["formula"]):
        sentence = gr.Textbox(
            FIRST_SENTENCE,
            label="a sentence of yours",
            max_lines=1,
            max_length=MAX_CHARACTERS,
            scale=3,
            elem_id="w2v-hand-sentence",
        )
        centre = gr.Dropdown(
            list(first.state.words), value=first.state.words[first.centre], label="centre word w", scale=1,
            filterable=False, elem_id="w2v-hand-centre",
        )  # fmt: skip
    with gr.Row(elem_classes=["by-hand-settings"]):
        widgets = controls.build_essential(ByHandConfig, "w2v-hand")
    message = answers.html_area(elem_id="w2v-hand-message")
    parts = [
        answers.html_area(value, elem_id=f"w2v-hand-{name}", elem_classes=["by-hand"])
        for name, value in zip(("text", "matrices", "sums"), drawn(first), strict=True)
    ]
    with gr.Row(elem_classes=["actions"]):
        steps = [
            gr.Button(
                f"{count} step{'s' if count > 1 else ''}",
                size="sm",
                variant="primary" if count == 1 else "secondary",
                elem_id=f"w2v-hand-step-{count}",
                min_width=90,
            )
            for count in STEP_COUNTS
        ]
        again = gr.Button("Start over", size="sm", elem_id="w2v-hand-again", min_width=90)
    moved = answers.html_area(
        answers.sentence("Take a step: what moves in both matrices appears here."),
        elem_id="w2v-hand-moved",
        elem_classes=["by-hand"],
    )
    settings, outputs = list(widgets.values()), [message, centre, *parts, moved]

    def changed(request: gr.Request, text: Any, word: Any, *values: Any) -> list[Any]:
        session = store.of(str(request.session_hash))
        return answered(session, partial(take, session, text, word, dict(zip(widgets, values, strict=True))))

    def stepping(count: int) -> Any:
        def stepped(request: gr.Request, text: Any, word: Any, *values: Any) -> list[Any]:
            session = store.of(str(request.session_hash))

            def work() -> Bench:
                bench = take(session, text, word, dict(zip(widgets, values, strict=True)))
                return Bench(by_hand.step(bench.state, count), bench.centre, bench.state)

            return answered(session, work)

        return stepped

    def restarted(request: gr.Request, text: Any, word: Any, *values: Any) -> list[Any]:
        store.of(str(request.session_hash)).uploads.pop(STATE, None)
        return changed(request, text, word, *values)

    given = [sentence, centre, *settings]
    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    tab.select(changed, given, outputs, api_name=False, **latest)
    sentence.change(changed, given, outputs, api_name="word2vec_by_hand", **latest)
    centre.input(changed, given, outputs, api_name=False, **latest)
    for widget in settings:
        widget.change(changed, given, outputs, api_name=False, **latest)
    for count, button in zip(STEP_COUNTS, steps, strict=True):
        button.click(stepping(count), given, outputs, api_name=f"word2vec_by_hand_step_{count}", **QUICK)
    again.click(restarted, given, outputs, api_name=False, **QUICK)


def take(session: Session, text: Any, word: Any, values: dict[str, Any]) -> Bench:
    """The bench for what the page shows now: the one of before if sentence, dimensions and seed are the same.

    Another centre word keeps what the last steps moved; another setting forgets it.

    Raises:
        SentenceError: no text, a text that is too long, or fewer than two different words.
        ConfigError: a setting is out of its range.
    """
    config = ByHandConfig.parse(values)
    fresh = fresh_bench(_checked(text), config)
    held = session.uploads.get(STATE)
    state, before = fresh.state, None
    if isinstance(held, Bench) and _same_matrices(held.state, fresh.state):
        state = by_hand.with_config(held.state, config)
        before = held.before if held.state.config == config else None
    return Bench(state, state.words.index(word) if word in state.words else fresh.centre, before)


def fresh_bench(text: str, config: ByHandConfig) -> Bench:
    """A bench before the first step; its centre word is the sentence's third, or the last of a shorter one.

    Raises:
        SentenceError: fewer than two different words.
    """
    state = by_hand.begin(text, config)
    return Bench(state, int(state.tokens[min(2, len(state.tokens) - 1)]))


def answered(session: Session, work: Any) -> list[Any]:
    """Run a handler's work and draw the bench; what was refused is said and the bench stays as it was."""
    try:
        bench: Bench = work()
    except (SentenceError, StepsRanAway, ConfigError) as error:
        return [answers.problem(str(error)), *[gr.skip()] * 5]
    session.uploads[STATE] = bench
    words = list(bench.state.words)
    note = answers.sentence(bench.state.note) if bench.state.note else ""
    choice = gr.update(choices=words, value=words[bench.centre])
    return [note, choice, *drawn(bench), moved_line(bench)]


def drawn(bench: Bench) -> list[str]:
    """The three tables: sentence and pairs beside one-hot rows, both matrices, both sums."""
    state, centre = bench.state, bench.centre
    pairs = by_hand.pairs(state)
    scale = float(max(np.abs(state.v).max(), np.abs(state.u).max(), 1.0))
    contexts = contexts_of(state, centre)
    sums = by_hand.softmax_sum(state, centre)
    size = f"{len(state.words)} × {state.config.dim}"
    moved = tables.most_moved(*_matrices(bench)) if bench.before is not None else []
    of_v, of_u = ([cell for cell in moved if cell[0] == matrix] for matrix in (0, 1))
    text = _columns(
        tables.sentence_html(state.words, state.tokens.tolist(), pairs, centre),
        tables.one_hot_html(state.words, centre),
    )
    named_v = f"V, centre vectors ({size}): the one-hot row picks v"
    named_u = f"U, context vectors ({size}): each u is scored with v"
    matrices = _columns(
        tables.matrix_html(named_v, state.words, state.v, centre, scale, of_v),
        tables.matrix_html(named_u, state.words, state.u, None, scale, of_u),
    )
    context = max(contexts, key=lambda i: sums.probabilities[i])
    sampled = by_hand.sampled_sum(state, centre, context)
    both = _columns(
        tables.softmax_html(
            state.words, centre, (state.v, state.u), sums.scores, sums.exps, sums.probabilities, contexts
        ),
        tables.sampled_html(
            state.words, centre, sampled.words.tolist(), sampled.scores, sampled.sigmoids, sampled.loss
        ),
    )
    return [text, matrices, both]


def contexts_of(state: ByHand, centre: int) -> set[int]:
    """The words that stand in the window of a word, anywhere in the sentence."""
    return {int(c) for w, c in state.tokens[by_hand.pairs(state)] if w == centre}


def moved_line(bench: Bench) -> str:
    """What the last steps changed, or what to do."""
    state, before = bench.state, bench.before
    if before is None:
        taken = f" {state.steps:,} taken so far." if state.steps else ""
        return answers.sentence(f"Take a step: what moves in both matrices appears here.{taken}")
    pairs = state.tokens[by_hand.pairs(state)]
    contexts = np.bincount(pairs[pairs[:, 0] == bench.centre, 1], minlength=len(state.words))
    return tables.moved_html(
        state.words,
        bench.centre,
        (state.steps - before.steps, state.steps),
        (by_hand.loss(before), by_hand.loss(state)),
        (
            by_hand.softmax_sum(before, bench.centre).probabilities,
            by_hand.softmax_sum(state, bench.centre).probabilities,
        ),
        contexts / contexts.sum(),
        _matrices(bench),
    )


def _matrices(bench: Bench) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """V and U before the last steps, and after them."""
    before, after = bench.before or bench.state, bench.state
    return [before.v, before.u], [after.v, after.u]


def _checked(text: Any) -> str:
    """The sentence, if it is one.

    Raises:
        SentenceError: not a text, or longer than the field takes.
    """
    if not isinstance(text, str):
        raise SentenceError("The sentence is missing: type at least two words.")
    if len(text) > MAX_CHARACTERS:
        raise SentenceError(
            f"The sentence has {len(text):,} characters; up to {MAX_CHARACTERS} can be used: shorten it."
        )
    return text


def _same_matrices(one: ByHand, other: ByHand) -> bool:
    return one.words == other.words and one.v.shape == other.v.shape and one.config.seed == other.config.seed and (
        len(one.tokens) == len(other.tokens) and bool((one.tokens == other.tokens).all())
    )  # fmt: skip


def _columns(left: str, right: str) -> str:
    return f'<div class="by-hand-columns"><section>{left}</section><section>{right}</section></div>'
