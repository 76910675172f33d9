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
from playground.components import answers
from playground.components.head_view import Picture, View, head_view, pack_heads, silenced_heads
from playground.components.sprites import data_url
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.attention.heads import AttentionStack, HeadModel

KEPT = "attention_heads"
"""Where a session keeps what it reads."""
SHIPPED = "shipped"
KNOWN, FOLDER = "known:", "folder:"
PICTURE_SIDE = 224
"""Pixels at which a picture is read and shown."""
EXAMPLES = {
    "A sentence": "The president of the United States spoke to the people of the United States about peace.",
    "A repeat": "red blue green seven red blue",
    "A list": "In war, in peace, in trade, in law, in faith, and in",
    "Who?": "The nation honors its soldiers because they defended its freedom.",
}
LOADING: dict[str, Any] = {"show_progress": "minimal", "concurrency_limit": 2, "concurrency_id": "models"}
"""Loading takes seconds and half a gigabyte."""
NEEDS_PICTURE = "This model reads a picture; choose one."


@dataclass(frozen=True)
class HeadsPart:
    """The components of this part.

    Attributes:
        outputs: what `shown` makes values for.
    """

    model: gr.Dropdown
    text: gr.Textbox
    read: gr.Button
    picture: gr.UploadButton
    texts: gr.Row
    examples: dict[str, gr.Button]
    note: gr.HTML
    output: gr.HTML
    view: gr.HTML

    @property
    def outputs(self) -> list[gr.blocks.Block]:
        """Model, text, picture's button, note, output, heads, the row of example texts."""
        return [self.model, self.text, self.picture, self.note, self.output, self.view, self.texts]


@dataclass
class Asked:
    """What a session reads: model, text or picture, and the heads that are left out."""

    model: str = SHIPPED
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
                picture = gr.UploadButton(
                    "A picture", size="sm", file_types=["image"], visible=False, elem_id="attention-picture"
                )
            with gr.Row(elem_classes=["examples"]) as texts:
                examples = {
                    name: gr.Button(name, size="sm", min_width=60, elem_id=f"attention-example-{number}")
                    for number, name in enumerate(EXAMPLES)
                }
            note = answers.html_area(elem_id="attention-heads-note", elem_classes=["note-line"])
            output = answers.html_area(elem_id="attention-output")
        with gr.Column(scale=1, min_width=480):
            view = head_view(elem_id="attention-heads")
    return HeadsPart(model, text, read, picture, texts, examples, note, output, view)


def wire_heads(store: SessionStore, parts: HeadsPart, tab: gr.Tab) -> None:
    """Wire the questions; the part is filled when its tab is opened."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(request: gr.Request) -> list[Any]:
        return shown(store, session_of(request))

    def on_text(text: str, request: gr.Request) -> list[Any]:
        session = session_of(request)
        asked_of(session).text = text if isinstance(text, str) else ""
        return shown(store, session, typed=True)

    def on_model(name: str, request: gr.Request) -> list[Any]:
        return shown(store, session_of(request), change_to=str(name))

    def on_picture(path: str, request: gr.Request) -> list[Any]:
        session = session_of(request)
        try:
            asked_of(session).picture = read_picture(path, PICTURE_SIDE)
        except PictureError as error:
            return only_note(str(error))
        return shown(store, session)

    def on_silence(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        asked = asked_of(session)
        try:
            shape = load_model(store, asked.model).shape
        except HeadsError as error:
            return only_note(str(error))
        asked.silenced = tuple(silenced_heads(event._data, shape))
        return shown(store, session)

    options: dict[str, Any] = {"outputs": parts.outputs, "api_name": False}
    tab.select(on_open, None, **options, **QUICK)
    for event in (parts.read.click, parts.text.submit):
        event(on_text, parts.text, trigger_mode="always_last", **options, **QUICK)
    parts.model.input(on_model, parts.model, **options, **LOADING)
    parts.picture.upload(on_picture, parts.picture, **options, **LOADING)
    parts.view.silence(on_silence, None, trigger_mode="always_last", **options, **QUICK)
    for name, button in parts.examples.items():

        def on_example(request: gr.Request, chosen: str = name) -> list[Any]:
            session = session_of(request)
            asked_of(session).text = EXAMPLES[chosen]
            return shown(store, session)

        button.click(on_example, None, **options, **QUICK)


def model_choices(store: SessionStore) -> list[tuple[str, str]]:
    """(label, value) of every model that may be chosen."""
    choices = [("Small GPT, trained by this project", SHIPPED)]
    if store.model_folder is not None:
        choices += [(name, FOLDER + name) for name in store.model_folder.names()]
    return choices + [(f"{known.name} ({known.title})", KNOWN + known.name) for known in KNOWN_MODELS.values()]


def load_model(store: SessionStore, choice: str) -> HeadModel:
    """Load the model of a choice, or return it where it is loaded.

    Raises:
        HeadsError: it can't be had; the message says why.
    """
    from backends.attention import shipped, transformers_models

    if choice == SHIPPED:
        return shipped.load()
    if choice.startswith(FOLDER) and store.model_folder is not None:
        return store.model_folder.load(choice.removeprefix(FOLDER))
    return transformers_models.load_known(choice.removeprefix(KNOWN))


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
    from backends.attention import shipped

    asked = asked_of(session)
    try:
        choice = change_to or asked.model
        model = load_model(store, choice)
        if choice != asked.model:
            asked.model, asked.silenced = choice, ()
        if model.takes_picture and asked.picture is None:
            asked.picture = built_in_picture()
        source = asked.picture if model.takes_picture else asked.text
        result = reading.read_heads(model, source, silenced=asked.silenced)
    except HeadsError as error:
        return only_note(str(error), model=asked.model)
    packed = pack_heads([view_of(stack, asked.picture) for stack in result.stacks], silenced=result.silenced)
    note = result.note or (shipped.origin() if asked.model == SHIPPED else "")
    return [
        asked.model,
        gr.skip() if typed else gr.update(value=asked.text, visible=not model.takes_picture),
        gr.update(visible=model.takes_picture),
        answers.sentence(note) if note else "",
        output_html(result),
        packed,
        gr.update(visible=not model.takes_picture),
    ]


def only_note(message: str, model: str | None = None) -> list[Any]:
    """A sentence that says what to do; what is shown stays."""
    skipped = gr.skip()
    return [model if model is not None else skipped, skipped, skipped, answers.problem(message), *[skipped] * 3]


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
