"""Words across layers: one word in two sentences, one vector at the bottom and two at the top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.language.config import TITLES
from playground.components import answers
from playground.components.plotly_view import pack, plotly_view
from playground.figures import layers
from playground.session import Session, SessionStore
from playground.tabs.language_state import model_of
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.language.contexts import Comparison, SharedWord

KEPT = "language_layers"
FIRST_METHOD = "bert"
EXAMPLES = {
    "bank: river, money": (
        "They walked along the bank of the river.",
        "The national bank lends money to the government.",
    ),
    "bank: river, lake": ("They walked along the bank of the river.", "He fell down from the bank of the lake."),
    "state": ("I must state the facts.", "In this state the people vote."),
    "may, May": ("We may need more time.", "In May the treaty was signed."),
    "power": ("The power of the court is limited by law.", "The plant makes electric power from water."),
    "party": ("Neither party has a majority in the Senate.", "A party of men went up the river."),
}
"""By the button that asks them; words of the texts that the models read."""
CHART_HEIGHT = 336
MAX_TEXT = 100_000
MOST_PATHS = 10
"""Words of a sentence that are drawn; of more none could be read."""
UNMOVED = 0.995


@dataclass(frozen=True)
class LayersPart:
    """The components of this part."""

    method: gr.Radio
    first: gr.Textbox
    second: gr.Textbox
    compare: gr.Button
    examples: dict[str, gr.Button]
    cosines: gr.HTML
    paths: gr.HTML
    line: gr.HTML

    @property
    def inputs(self) -> list[gr.components.Component]:
        """Who reads what."""
        return [self.method, self.first, self.second]

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.cosines, self.paths, self.line]


@dataclass
class Asked:
    """What was asked last."""

    method: str = FIRST_METHOD
    first: str = EXAMPLES["bank: river, money"][0]
    second: str = EXAMPLES["bank: river, money"][1]


def lay_out_layers() -> LayersPart:
    """Lay this part out where it is called."""
    asked = Asked()
    with gr.Row(elem_classes=["language-layers-ask"]):
        first = gr.Textbox(
            asked.first, label="A sentence", max_lines=1, max_length=MAX_TEXT, elem_id="language-layers-first"
        )
        second = gr.Textbox(
            asked.second,
            label="Another that shares a word",
            max_lines=1,
            max_length=MAX_TEXT,
            elem_id="language-layers-second",
        )
        compare = gr.Button("Compare", size="sm", elem_id="language-layers-compare", min_width=80)
    with gr.Row(elem_classes=["language-layers-ask"]):
        method = gr.Radio(
            [(title, name) for name, title in TITLES.items()],
            value=FIRST_METHOD,
            label="Who reads",
            elem_id="language-layers-method",
            elem_classes=["inline-radio", "one-row"],
            scale=0,
            min_width=300,
        )
        with gr.Row(elem_classes=["example-row"]):
            examples = {
                name: gr.Button(name, size="sm", min_width=50, elem_id=f"language-layers-example-{number}")
                for number, name in enumerate(EXAMPLES)
            }
    line = answers.html_area(elem_id="language-layers-line", elem_classes=["language-layers-line"])
    with gr.Row(elem_classes=["two-parts"]):
        cosines = plotly_view(
            label="Cosine of a word's two vectors at each layer", height=CHART_HEIGHT, elem_id="language-layers-cosines"
        )
        paths = plotly_view(
            label="The first sentence's words across the layers", height=CHART_HEIGHT, elem_id="language-layers-paths"
        )
    return LayersPart(method, first, second, compare, examples, cosines, paths, line)


def wire_layers(store: SessionStore, part: LayersPart, tab: gr.Tab) -> None:
    """Wire this part; it is filled when its tab is opened."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> list[Any]:
        return opened(session_of(request))

    def on_compare(method: Any, first: Any, second: Any, request: gr.Request) -> list[Any]:
        session = session_of(request)
        ask(session, method, first, second)
        return views_of(session)

    tab.select(on_open, None, [*part.inputs, *part.views], api_name=False, **QUICK)
    gr.on(
        [part.method.input, part.compare.click, part.first.submit, part.second.submit],
        on_compare,
        part.inputs,
        part.views,
        trigger_mode="always_last",
        api_name="language_words_across_layers",
        **QUICK,
    )
    for name, button in part.examples.items():

        def on_example(method: Any, request: gr.Request, chosen: str = name) -> list[Any]:
            session = session_of(request)
            ask(session, method, *EXAMPLES[chosen])
            return opened(session)[1:]  # the model may have been chosen anew meanwhile

        shown = [part.first, part.second, *part.views]
        button.click(on_example, part.method, shown, trigger_mode="always_last", api_name=False, **QUICK)


def asked_of(session: Session) -> Asked:
    """What was asked last."""
    asked: Asked = session.uploads.setdefault(KEPT, Asked())
    return asked


def ask(session: Session, method: Any, first: Any, second: Any) -> None:
    """Keep what is asked; a method that is none stays as it was."""
    asked = asked_of(session)
    asked.method = method if isinstance(method, str) and method in TITLES else asked.method
    asked.first, asked.second = (text[:MAX_TEXT] if isinstance(text, str) else "" for text in (first, second))


def opened(session: Session) -> list[Any]:
    """Values of all components of this part but its buttons."""
    asked = asked_of(session)
    return [asked.method, asked.first, asked.second, *views_of(session)]


def views_of(session: Session) -> list[Any]:
    """Values of both charts and of the line."""
    from backends.language.contexts import compare
    from backends.language.use import LanguageError

    asked = asked_of(session)
    model, origin = model_of(session, asked.method)
    if model is None:
        return [None, None, answers.sentence(origin)]
    try:
        found = compare(model, asked.first, asked.second)
    except LanguageError as error:
        return [gr.skip(), gr.skip(), answers.problem(str(error))]
    notes = [note for note in dict.fromkeys((found.first.note, found.second.note)) if note]
    said = [seen_in(found, asked.method), *notes, origin]
    return [pack(cosines_of(found)), pack(paths_of(found)), "".join(map(answers.sentence, said))]


def cosines_of(found: Comparison) -> dict[str, Any]:
    """The chart of shared words."""
    return layers.cosines_over_layers(
        [(word.name, word.cosines) for word in found.shared],
        found.others,
        found.first.levels,
        title="How alike a word's two vectors are",
    )


def paths_of(found: Comparison) -> dict[str, Any]:
    """The first sentence's words in a plane; the first shared word once more, from the other sentence."""
    from backends.language.contexts import paths_in_plane

    main = found.shared[0]
    own, other = paths_in_plane(found.first, found.second.vectors[:, [main.places[1]]])
    colours = {word.places[0]: layers.LINE_COLOURS[number] for number, word in enumerate(found.shared)}
    shown = [place for place in range(len(found.first.words)) if place < MOST_PATHS or place in colours]
    paths = [layers.Path(found.first.words[place], own[:, place], colours.get(place)) for place in shown]
    name = found.second.words[main.places[1]]
    paths.append(layers.Path(f"{name} (2nd)", other[:, 0], layers.LINE_COLOURS[0], dashed=True))
    return layers.word_paths(paths, title="The first sentence: table • to last block ●")


def seen_in(found: Comparison, method: str) -> str:
    """What the chart shows, in words."""
    main = next((word for word in found.shared if word.same_row), None)
    said = []
    if found.shared[0] is not main:
        told = found.shared[0]
        said.append(f"“{told.name}” is two rows of the table, so its vectors begin apart: {_number(told.cosines[0])}.")
    if main is not None:
        said.append(
            f"In the table “{main.name}” is one row, wherever it stands: {_number(main.cosines[0])}. On the way up its "
            f"place and its sentence make two vectors of it: {_number(main.cosines[-1])} after the last block."
        )
    if np.isfinite(found.others).all():
        said.append(f"Other words: {_number(found.others[-1])} on average.")
    if method == "gpt" and any(_unmoved(word) for word in found.shared):
        said.append("GPT reads only what stands before a word: where both sentences begin alike, nothing parts it.")
    return " ".join(said)


def _unmoved(word: SharedWord) -> bool:
    return bool(word.same_row and word.cosines[-1] > UNMOVED)


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
