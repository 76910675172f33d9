"""Heads of a trained model: a text of one's own, every head's weights, what each does, and the output without it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.attention import heads as reading
from backends.attention.head_roles import BROAD, DESCRIPTIONS, FIRST, MIXED, Role
from backends.attention.heads import Head, HeadReading, HeadsError, Prediction
from backends.attention.transformers_models import KNOWN_MODELS
from backends.data.own_pictures import read_picture
from backends.data.pictures import PictureError
from backends.language.config import TITLES
from playground.components import answers
from playground.components.head_view import Picture, View, head_view, pack_heads, silenced_heads
from playground.components.sprites import data_url
from playground.session import Session, SessionStore
from playground.tabs import language_state
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.attention.heads import AttentionStack, HeadModel
    from backends.language.trainer import FrozenLanguage

KEPT = "attention_heads"
"""Where a session keeps what it reads."""
SHIPPED = "shipped"
KNOWN, FOLDER, LANGUAGE = "known:", "folder:", "language:"
VIEW_ID = "attention-heads"
PICTURE_SIDE = 224
"""Pixels at which a picture is read and shown."""
PLAIN, BERT, SPANS, SENTENCES = "plain", "bert", "spans", "sentences"
"""What a model reads: a text, one with [MASK], one with <X> and <Y>, or sentences out of order."""
EXAMPLES = {
    "A sentence": "The president of the United States spoke to the people of the United States about peace.",
    "A repeat": "red blue green seven red blue",
    "A list": "In war, in peace, in trade, in law, in faith, and in",
    "Who?": "The nation honors its soldiers because they defended its freedom.",
}
EXAMPLES_OF: dict[str, dict[str, str]] = {
    PLAIN: EXAMPLES,
    BERT: {
        "A word": "The president of the United [MASK] spoke to the people about peace.",
        "Two words": "The Congress of the United [MASK] has the [MASK] to make war.",
        "A small word": "The nation honors its soldiers [MASK] they defended its freedom.",
        "Who?": "The nation honors its soldiers because [MASK] defended its freedom.",
    },
    SPANS: {
        "A gap": "The president of the <X> spoke to the people about peace.",
        "Two gaps": "The president of the <X> spoke to the people of the <Y> about peace.",
        "An end": "The nation honors its soldiers because they defended <X>.",
        "A beginning": "<X> of the United States has the power to make war.",
    },
    SENTENCES: {
        "Two": "They defended our freedom. Our soldiers were brave.",
        "Three": "Thank you. And God bless America. My fellow citizens.",
        "A cause": "Therefore we must act. The danger is great.",
        "An answer": "We will win. Can we win?",
    },
}
"""As many of each, for as many buttons."""
HEADS_TITLE = "Heads of a trained model"
SHOW_HEADS = """async (note) => {
    if (note) return;
    const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    openTab("Attention");
    for (let looks = 0; looks < 100; looks++) {
        await wait(100);
        const was = openTab("TITLE", "#attention-views-tabs > .tab-wrapper");
        if (was === "opened") return;
        const again = document.querySelector("#attention-heads-again");
        if (was === "open" && again) return again.click();
    }
}""".replace("TITLE", HEADS_TITLE)
"""Goes to the heads, which a page may not have shown yet; where they stand already, they are read anew."""
NO_ATTENTION = "This page has no Attention tab; start the app with all of its tabs, and look there."
LOADING: dict[str, Any] = {"show_progress": "minimal", "concurrency_limit": 2, "concurrency_id": "models"}
"""Loading takes seconds and half a gigabyte."""


@dataclass(frozen=True)
class HeadsPart:
    """The components of this part.

    Attributes:
        outputs: what `shown` makes values for.
    """

    model: gr.Dropdown
    text: gr.Textbox
    read: gr.Button
    again: gr.Button
    picture: gr.UploadButton
    texts: gr.Row
    examples: list[gr.Button]
    note: gr.HTML
    output: gr.HTML
    view: gr.HTML

    @property
    def outputs(self) -> list[gr.blocks.Block]:
        """Model, text, picture's button, note, output, heads, the row of example texts, and the examples."""
        return [
            self.model, self.text, self.picture, self.note, self.output, self.view, self.texts, *self.examples
        ]  # fmt: skip


@dataclass
class Asked:
    """What a session reads.

    Attributes:
        model: the value of a choice.
        reads: what it reads, a key of `EXAMPLES_OF`.
        text: a text that is read.
        picture: one that is read instead.
        silenced: heads that are left out.
    """

    model: str = SHIPPED
    reads: str = PLAIN
    text: str = next(iter(EXAMPLES.values()))
    picture: np.ndarray | None = None
    silenced: tuple[Head, ...] = ()


def lay_out_heads(store: SessionStore) -> HeadsPart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["heads-row"]):
        with gr.Column(scale=0, min_width=300, elem_classes=["heads-ask"]):
            model = gr.Dropdown(
                model_choices(store), value=SHIPPED, label="Model", interactive=True, elem_id="attention-model"
            )
            text = gr.Textbox(
                Asked().text, label="Text", lines=3, max_lines=6, max_length=100_000, elem_id="attention-text"
            )
            with gr.Row(elem_classes=["actions"]):
                read = gr.Button("Read", variant="primary", size="sm", elem_id="attention-read", min_width=80)
                again = gr.Button("Again", visible="hidden", elem_id="attention-heads-again")
                picture = gr.UploadButton(
                    "A picture", size="sm", file_types=["image"], visible=False, elem_id="attention-picture"
                )
            with gr.Row(elem_classes=["examples"]) as texts:
                examples = [
                    gr.Button(name, size="sm", min_width=60, elem_id=f"attention-example-{number}")
                    for number, name in enumerate(EXAMPLES)
                ]
            note = answers.html_area(elem_id="attention-heads-note", elem_classes=["note-line"])
            output = answers.html_area(elem_id="attention-output")
        with gr.Column(scale=1, min_width=480):
            view = head_view(elem_id=VIEW_ID)
    return HeadsPart(model, text, read, again, picture, texts, examples, note, output, view)


def wire_heads(store: SessionStore, parts: HeadsPart, tab: gr.Tab) -> None:
    """Wire the questions; the part is filled when its tab is opened."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> list[Any]:
        session = session_of(request)
        model, *others = shown(store, session)
        return [gr.update(choices=model_choices(store, session), value=model), *others]

    def on_text(text: str, request: gr.Request) -> list[Any]:
        session = session_of(request)
        asked_of(session).text = text if isinstance(text, str) else ""
        return shown(store, session, typed=True)

    def on_model(name: str, request: gr.Request) -> list[Any]:
        return shown(store, session_of(request), change_to=str(name))

    def on_picture(path: str | None, request: gr.Request) -> list[Any]:
        session = session_of(request)
        if not path:
            return only_note("No picture arrived: choose a JPEG, PNG, WebP or GIF file.")
        try:
            asked_of(session).picture = read_picture(path, PICTURE_SIDE)
        except PictureError as error:
            return only_note(str(error))
        return shown(store, session)

    def on_silence(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        asked = asked_of(session)
        try:
            shape = load_model(store, session, asked.model)[0].shape
        except HeadsError as error:
            return only_note(str(error))
        asked.silenced = tuple(silenced_heads(event._data, shape))
        return shown(store, session)

    options: dict[str, Any] = {"outputs": parts.outputs, "api_name": False}
    for event in (tab.select, parts.again.click):
        event(on_open, None, **options, **QUICK)
    for event in (parts.read.click, parts.text.submit):
        event(on_text, parts.text, trigger_mode="always_last", **options, **QUICK)
    parts.model.input(on_model, parts.model, **options, **LOADING)
    parts.picture.upload(on_picture, parts.picture, **options, **LOADING)
    parts.view.silence(on_silence, None, trigger_mode="always_last", **options, **QUICK)
    _wire_examples(store, parts)


def _wire_examples(store: SessionStore, parts: HeadsPart) -> None:
    for number, button in enumerate(parts.examples):

        def on_example(request: gr.Request, chosen: int = number) -> list[Any]:
            session = store.of(str(request.session_hash))
            asked = asked_of(session)
            asked.text = list(EXAMPLES_OF[asked.reads].values())[chosen]
            return shown(store, session)

        button.click(on_example, None, outputs=parts.outputs, api_name=False, **QUICK)


def wire_inside(store: SessionStore, button: gr.Button, note: gr.HTML, method: str) -> None:
    """Let a button of another tab show a language model's heads here.

    Args:
        store: the sessions.
        button: to be pressed.
        note: of the button's own tab: says what is in the way, and is emptied where nothing is.
        method: "bert", "t5" or "gpt".
    """
    page = gr.context.Context.root_block

    def on_inside(request: gr.Request) -> str:
        if page is None or all(block.elem_id != VIEW_ID for block in page.blocks.values()):
            return answers.problem(NO_ATTENTION)
        return open_inside(store.of(str(request.session_hash)), method)

    asked = button.click(on_inside, None, note, api_name=False, **QUICK)
    asked.then(None, note, None, js=SHOW_HEADS)


def open_inside(session: Session, method: str) -> str:
    """Choose a language model for the next time that the heads are seen; return a problem's HTML, or ""."""
    if method not in TITLES:
        return answers.problem(f"There is no model {method[:20]!r}; choose {', '.join(TITLES.values())}.")
    model, line = language_state.model_of(session, method)
    if model is None:
        return answers.problem(line)
    turn_to(asked_of(session), LANGUAGE + method, kind_of(model))
    return ""


def model_choices(store: SessionStore, session: Session | None = None) -> list[tuple[str, str]]:
    """(label, value) of every model that may be chosen; a session's own run is called so."""
    choices = [("Small GPT, trained by this project", SHIPPED)]
    choices += [(language_label(session, method), LANGUAGE + method) for method in TITLES]
    if store.model_folder is not None:
        choices += [(name, FOLDER + name) for name in store.model_folder.names()]
    return choices + [(f"{known.name} ({known.title})", KNOWN + known.name) for known in KNOWN_MODELS.values()]


def language_label(session: Session | None, method: str) -> str:
    """What a language model is called: it may be the visitor's own."""
    name = f"{TITLES[method]} of the Language tab"
    loaded = {} if session is None else session.uploads.get(language_state.LOADED, {})
    if session is None or (method in loaded and not session.is_driven(language_state.TAB)):
        return name
    return f"Your own {name}" if method in language_state.own_models_of(session) else name


def load_model(store: SessionStore, session: Session, choice: str) -> tuple[HeadModel, str, str]:
    """The model of a choice, the line that says where it comes from or "", and what it reads (of `EXAMPLES_OF`).

    Raises:
        HeadsError: it can't be had; the message says why.
    """
    from backends.attention import shipped, transformers_models

    if choice == SHIPPED:
        return shipped.load(), shipped.origin(), PLAIN
    if choice.startswith(LANGUAGE):
        return load_language(session, choice.removeprefix(LANGUAGE))
    if choice.startswith(FOLDER) and store.model_folder is not None:
        return store.model_folder.load(choice.removeprefix(FOLDER)), "", PLAIN
    return transformers_models.load_known(choice.removeprefix(KNOWN)), "", PLAIN


def load_language(session: Session, method: str) -> tuple[HeadModel, str, str]:
    """The same of the model that answers in the Language tab, as it is now.

    Raises:
        HeadsError: there is none.
    """
    from backends.language.heads import LanguageHeads

    if method not in TITLES:
        raise HeadsError(f"There is no model {method[:20]!r} here; choose another one.")
    frozen, line = language_state.model_of(session, method)
    if frozen is None:
        raise HeadsError(f"There is no {TITLES[method]} yet: train one in the Language tab.")
    return LanguageHeads(frozen), line, kind_of(frozen)


def kind_of(frozen: FrozenLanguage) -> str:
    """What a language model reads, a key of `EXAMPLES_OF`."""
    from backends.language.config import BERTConfig, T5Config

    if isinstance(frozen.config, BERTConfig):
        return BERT
    if isinstance(frozen.config, T5Config):
        return SENTENCES if frozen.config.objective == "sentences" else SPANS
    return PLAIN


def turn_to(asked: Asked, choice: str, reads: str) -> None:
    """Read another model; an example gives way to one that fits it, a visitor's own text stays."""
    if choice != asked.model:
        asked.silenced = ()
    if reads != asked.reads and asked.text in EXAMPLES_OF[asked.reads].values():
        asked.text = next(iter(EXAMPLES_OF[reads].values()))
    asked.model, asked.reads = choice, reads


def asked_of(session: Session) -> Asked:
    """What a session reads."""
    asked: Asked = session.uploads.setdefault(KEPT, Asked())
    return asked


def shown(store: SessionStore, session: Session, *, change_to: str | None = None, typed: bool = False) -> list[Any]:
    """The values of all components.

    Args:
        store: knows the operator's models.
        session: whose text is read.
        change_to: another model, which replaces the present one if it can be had.
        typed: the text comes from its field, which then keeps what stands in it.
    """
    asked = asked_of(session)
    before = asked.text
    try:
        choice = change_to or asked.model
        model, line, reads = load_model(store, session, choice)
        turn_to(asked, choice, reads)
        asked.silenced = tuple(head for head in asked.silenced if has_head(model, head))
        if model.takes_picture and asked.picture is None:
            asked.picture = built_in_picture()
        source = asked.picture if model.takes_picture else asked.text
        result = reading.read_heads(model, source, silenced=asked.silenced)
    except HeadsError as error:
        return only_note(str(error), model=asked.model)
    packed = pack_heads([view_of(stack, asked.picture) for stack in result.stacks], silenced=result.silenced)
    notes = [line, result.note] if asked.model.startswith(LANGUAGE) else [result.note or line]
    kept = typed and asked.text == before
    return [
        asked.model,
        gr.skip() if kept else gr.update(value=asked.text, visible=not model.takes_picture),
        gr.update(visible=model.takes_picture),
        "".join(answers.sentence(note) for note in notes if note),
        output_html(result),
        packed,
        gr.update(visible=not model.takes_picture),
        *EXAMPLES_OF[asked.reads],
    ]


def has_head(model: HeadModel, head: Head) -> bool:
    """Whether a model has a head: a run that was built anew may be smaller."""
    stack, layer, number = head
    layers, heads = model.shape.get(stack, (0, 0))
    return layer < layers and number < heads


def only_note(message: str, model: str | None = None) -> list[Any]:
    """A sentence that says what to do; what is shown stays."""
    skipped = gr.skip()
    return [
        model if model is not None else skipped,
        skipped,
        skipped,
        answers.problem(message),
        *[skipped] * (3 + len(EXAMPLES)),
    ]


def built_in_picture() -> np.ndarray:
    """The first apple, at the size at which pictures are read."""
    from backends.data.apples import apple_pictures

    picture: np.ndarray = apple_pictures(1, 0, 32).at_size(np.array([0]), PICTURE_SIDE)[0]
    return picture


def view_of(stack: AttentionStack, picture: np.ndarray | None) -> View:
    """A stack's attention as the component takes it."""
    side = stack.grid_side
    return View(
        name=stack.name,
        label=stack.label,
        rows=list(stack.rows),
        columns=list(stack.columns),
        weights=stack.weights,
        roles=[[(role.name, DESCRIPTIONS[role.name], role.figure) for role in layer] for layer in stack.roles],
        rollout=stack.rollout,
        special_rows=list(stack.special_rows),
        special_columns=list(stack.special_columns),
        picture=Picture(data_url(picture), (side, side), len(stack.columns) - side**2)
        if side and picture is not None
        else None,
        begin=telling_head(stack.roles),
    )


def telling_head(roles: Sequence[Sequence[Role]]) -> tuple[int, int]:
    """Layer and number of the head whose role says most about the text; the first if none does."""
    figures = {
        (layer, number): role.figure
        for layer, heads in enumerate(roles)
        for number, role in enumerate(heads)
        if role.name not in (FIRST, BROAD, MIXED)
    }
    return max(figures, key=lambda head: figures[head], default=(0, 0))


def output_html(result: HeadReading) -> str:
    """What the model makes of the text, and what silencing changed."""
    parts = []
    if result.written:
        parts.append(f'<p class="answer">It writes: <b>{html.escape(result.written)}</b></p>')
    if result.change is not None:
        names = ", ".join(head_name(head, result) for head in result.silenced)
        parts.append(
            f'<p class="answer"><b>Without {html.escape(names)}.</b> {html.escape(result.change.sentence)}</p>'
        )
    for number, prediction in enumerate(result.predictions[:2]):
        without = result.predictions_silenced[number] if number < len(result.predictions_silenced) else None
        parts.append(guesses_table(prediction, without))
    return "".join(parts)


def head_name(head: Head, result: HeadReading) -> str:
    """A head as the grid calls it, such as head 2.3."""
    stack, layer, number = head
    name = f"head {layer + 1}.{number + 1}"
    return name if len(result.stacks) == 1 else f"{result.stack(stack).label.lower()} {name}"


def guesses_table(prediction: Prediction, without: Prediction | None) -> str:
    """The likeliest tokens with bars; beside them the same without the silenced heads."""
    caption = f"<caption>Most likely {html.escape(prediction.where)}</caption>"
    columns: Sequence[Prediction] = [prediction] if without is None else [prediction, without]
    heads = "" if without is None else "<thead><tr><th>all heads</th><th>without</th></tr></thead>"
    body = "".join(
        f'<td><table class="ranked"><tbody>{"".join(_guess_row(g.token, g.probability) for g in column.guesses)}'
        "</tbody></table></td>"
        for column in columns
    )
    return f'<table class="guesses">{caption}{heads}<tbody><tr>{body}</tr></tbody></table>'


def _guess_row(token: str, probability: float) -> str:
    return (
        f'<tr><th scope="row">{html.escape(token)}</th>'
        f'<td class="bar"><span style="width:{100 * probability:.0f}%"></span></td>'
        f'<td class="num">{100 * probability:.1f} %</td></tr>'
    )
