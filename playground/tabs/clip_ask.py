"""Ask: one picture, labels as text, and every step from the words to the answer."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.clip.answering import Answering
from backends.clip.zero_shot import (
    MAX_LABEL_CHARS,
    MAX_LABELS,
    PromptError,
    make_classes,
    occlude,
    read_labels,
    read_templates,
    score,
    softmax,
)
from backends.data.pictures import PictureError, resize, trim
from playground.components import answers
from playground.components.sprites import data_url
from playground.components.webcam import read_snapshot, webcam
from playground.link_texts import KeptText
from playground.session import Session, SessionStore
from playground.tabs.clip_state import GROUP_TITLES, gallery_of, groups_of, model_of, waiting
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.clip.pairs import Captioned
    from backends.clip.zero_shot import Classes, Scores

KEPT = "clip_ask"
SHOWN_SIDE, OWN_SIDE = 192, 224
OWN_NAME = "your picture"
BARS, TRACED = 12, 4
FIRST_LABELS = {
    "emoji": "a red apple\nan angry cat\na rocket\na sad face\na musical instrument\nsomething to eat",
    "apples": "a red flat apple\na yellow flat apple\na green tall apple\na lime heart apple\na crimson round apple",
}
FIRST_TEMPLATES = "{}\nan emoji of {}\na picture of {}"
MAX_TEXT = 2 * MAX_LABELS * MAX_LABEL_CHARS
NO_MODEL = "There is no model yet: press Train, and ask again when it has made some steps."
UNSURE = 0.5


@dataclass
class Asked:
    """The picture that a visitor asks about.

    Attributes:
        group: of the model's data, or "" before any was chosen.
        index: in that group.
        own: (OWN_SIDE, OWN_SIDE, 3) uint8, the visitor's own; it counts before the group's.
        texts: labels and templates as they were asked last; empty before that.
    """

    group: str = ""
    index: int = 0
    own: np.ndarray | None = None
    texts: tuple[str, str] = field(default=("", ""))


@dataclass(frozen=True)
class AskPart:
    """The components of the part."""

    picture: gr.HTML
    group: gr.Dropdown
    another: gr.Button
    own: gr.UploadButton
    camera: gr.HTML
    labels: gr.Textbox
    templates: gr.Textbox
    answer: gr.Button
    bars: gr.HTML
    trace: gr.HTML
    note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.picture, self.bars, self.trace, self.note, self.group]


def lay_out_ask() -> AskPart:
    """Lay the part out where it is called."""
    with gr.Row(elem_classes=["clip-ask"]):
        with gr.Column(scale=0, min_width=216, elem_classes=["clip-picture-column"]):
            picture = answers.html_area(elem_id="clip-picture")
            group = gr.Dropdown(
                [(title, name) for name, title in GROUP_TITLES.items() if name in ("train", "unseen_artist")],
                value="unseen_artist",
                label="Pictures",
                interactive=True,
                elem_id="clip-group",
                elem_classes=["setting"],
            )
            another = gr.Button("Another picture", size="sm", elem_id="clip-another")
            own = gr.UploadButton(
                "A picture of your own", size="sm", file_types=["image"], file_count="single", elem_id="clip-own"
            )
            camera = webcam("clip-webcam")
        with gr.Column(scale=1, min_width=240, elem_classes=["clip-words"]):
            labels = gr.Textbox(
                FIRST_LABELS["emoji"],
                label="Labels, one a line",
                lines=6,
                max_lines=6,
                max_length=MAX_TEXT,
                elem_id="clip-labels",
            )
            templates = gr.Textbox(
                FIRST_TEMPLATES,
                label="Templates, one a line; {} is the label",
                lines=3,
                max_lines=3,
                max_length=2_000,
                elem_id="clip-templates",
            )
            answer = gr.Button("Which label fits?", variant="primary", size="sm", elem_id="clip-answer")
        with gr.Column(scale=2, min_width=360):
            bars = answers.html_area(elem_id="clip-bars")
    trace = answers.html_area(elem_id="clip-trace")
    note = answers.html_area(elem_id="clip-ask-note", elem_classes=["note-line"])
    return AskPart(picture, group, another, own, camera, labels, templates, answer, bars, trace, note)


def wire_ask(store: SessionStore, part: AskPart) -> None:
    """Wire the part."""
    texts = [part.labels, part.templates]

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def answered(session: Session) -> Iterator[list[Any]]:
        frozen, _ = model_of(session)
        if frozen is not None and (wait := waiting(session, (frozen.occlusion_cells + 1) ** 2)):
            yield said(wait)
        yield views_of(session)

    def on_answer(labels: str, templates: str, request: gr.Request) -> Iterator[list[Any]]:
        session = session_of(request)
        asked_of(session).texts = (str(labels), str(templates))
        yield from answered(session)

    def on_another(group: str, labels: str, templates: str, request: gr.Request) -> Iterator[list[Any]]:
        session = session_of(request)
        asked = asked_of(session)
        asked.group, asked.own, asked.texts = str(group), None, (str(labels), str(templates))
        frozen, _ = model_of(session)
        pictures = groups_of(frozen).get(asked.group) if frozen is not None else None
        asked.index = secrets.randbelow(len(pictures)) if pictures is not None and len(pictures) else 0
        yield from answered(session)

    def on_own(path: str | None, request: gr.Request) -> list[Any]:
        session = session_of(request)
        problem = take_own(session, path)
        return said(problem) if problem else views_of(session)

    def on_snap(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        try:
            asked_of(session).own = read_snapshot(event._data, OWN_SIDE)
        except PictureError as error:
            return said(answers.problem(str(error)))
        return views_of(session)

    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUICK}
    gr.on(
        [part.answer.click, part.labels.blur, part.templates.blur],
        on_answer,
        texts,
        part.views,
        api_name="clip_ask",
        **latest,
    )
    gr.on(
        [part.another.click, part.group.input], on_another, [part.group, *texts], part.views, api_name=False, **latest
    )
    part.own.upload(on_own, part.own, part.views, api_name="clip_picture", **QUICK)
    part.camera.snap(on_snap, None, part.views, api_name="clip_snapshot", **QUICK)


def asked_of(session: Session) -> Asked:
    """What the visitor asks about."""
    asked: Asked = session.uploads.setdefault(KEPT, Asked())
    return asked


def texts_of(session: Session) -> tuple[str, str]:
    """Labels and templates as they were asked last; at first some that fit the model's pictures."""
    texts = asked_of(session).texts
    if texts[0]:
        return texts
    frozen, _ = model_of(session)
    return first_labels(frozen.config.data if frozen is not None else ""), FIRST_TEMPLATES


def _take_labels(session: Session, text: str) -> None:
    asked = asked_of(session)
    asked.texts = (text, asked.texts[1] or FIRST_TEMPLATES)


def _take_templates(session: Session, text: str) -> None:
    asked_of(session).texts = (texts_of(session)[0], text)


def _labels(session: Session) -> str:
    """Labels that the visitor has typed; those of the page are the model's, and need no model to be left out."""
    labels = asked_of(session).texts[0]
    return "" if labels in FIRST_LABELS.values() else labels


TEXTS = (
    KeptText("labels", _labels, _take_labels, ""),
    KeptText(
        "templates", lambda session: asked_of(session).texts[1] or FIRST_TEMPLATES, _take_templates, FIRST_TEMPLATES
    ),
)
"""What a link carries of what was asked."""


def forget_first_labels(session: Session) -> None:
    """Let labels that the visitor has not touched follow the model's pictures."""
    asked = asked_of(session)
    if asked.texts[0] in FIRST_LABELS.values():
        asked.texts = ("", "")


def first_labels(data: str) -> str:
    """Labels that fit a set of pictures."""
    return FIRST_LABELS.get(data, FIRST_LABELS["emoji"])


def group_choices(session: Session) -> Any:
    """The groups of pictures that the present model has, for the dropdown."""
    frozen, _ = model_of(session)
    groups = groups_of(frozen) if frozen is not None else {}
    asked = asked_of(session)
    if asked.group not in groups:
        begin_asking(asked, groups, frozen.config.data if frozen is not None else "")
    return gr.update(choices=[(GROUP_TITLES[name], name) for name in groups], value=asked.group or None)


def take_own(session: Session, path: str | None) -> str:
    """Keep a visitor's picture and delete its file; returns a problem, or nothing."""
    from backends.data.own_pictures import read_picture

    if not path:
        return answers.problem("No picture arrived: choose a JPEG, PNG, WebP or GIF file.")
    try:
        asked_of(session).own = read_picture(Path(path), OWN_SIDE)
    except PictureError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    return ""


def ask_about(session: Session, index: int) -> None:
    """Let a picture of the gallery be the one that is asked about."""
    gallery = gallery_of(session)
    if gallery is None:
        return
    asked = asked_of(session)
    asked.own = None
    asked.group, asked.index = gallery.where(index)


def picture_of(session: Session, frozen: Answering) -> tuple[np.ndarray, np.ndarray, str]:
    """The asked picture to show and as the model sees it, and what it is; the name may be a visitor's."""
    asked = asked_of(session)
    if asked.own is not None:
        fit = trim if frozen.config.data == "emoji" else resize  # as the emoji were that it learned from
        return fit(asked.own[None], SHOWN_SIDE)[0], fit(asked.own[None], frozen.size)[0], OWN_NAME
    groups = groups_of(frozen)
    if not groups:
        blank = np.full((1, SHOWN_SIDE, SHOWN_SIDE, 3), 255, np.uint8)
        return blank[0], resize(blank, frozen.size)[0], "no picture: bring one of your own"
    if asked.group not in groups:
        begin_asking(asked, groups, frozen.config.data)
    captioned = groups[asked.group]
    index = asked.index % len(captioned)
    pictures = captioned.pictures
    return pictures.at_size([index], SHOWN_SIDE)[0], pictures.images[index], pictures.names[index]


def begin_asking(asked: Asked, groups: dict[str, Captioned], data: str) -> None:
    """Choose what is asked about at first: a picture never trained on, of which one of the first labels is right."""
    asked.group, asked.index = (list(groups)[min(1, len(groups) - 1)] if groups else ""), 0
    if not groups:
        return
    captioned = groups[asked.group]
    labels = [label.split(" ", 1)[1] for label in first_labels(data).splitlines() if " " in label]
    fitting = [i for i, name in enumerate(captioned.classes) if name in labels or name.partition(" ")[2] in labels]
    pictures = np.flatnonzero(np.isin(captioned.class_idx, fitting))
    if len(pictures):
        asked.index = int(pictures[0])


def views_of(session: Session) -> list[Any]:
    """Values of picture, bars, calculation, the line below, and the choice of pictures."""
    frozen, line = model_of(session)
    if frozen is None:
        return ["", answers.sentence(NO_MODEL), "", "", gr.skip()]
    shown, picture, name = picture_of(session, frozen)
    labels_text, templates_text = texts_of(session)
    try:
        labels, templates = read_labels(labels_text[:MAX_TEXT]), read_templates(templates_text[:MAX_TEXT])
    except PromptError as error:
        problem = answers.problem(str(error))
        return [picture_html(shown, name, None, ""), gr.skip(), gr.skip(), problem, group_choices(session)]
    classes = make_classes(frozen, labels.names, templates)
    embedded = frozen.embed_pictures(picture[None])
    scores = score(frozen, embedded, classes.vectors)
    order = np.argsort(-scores.cosines[0])
    best = int(order[0])
    heat = occlude(frozen, picture, classes.vectors[best], frozen.occlusion_cells)
    notes = [*labels.notes, *_reading_notes(frozen, labels.names)]
    if scores.alone[0].max() < UNSURE and len(labels.names) > 1:
        notes.append(
            "No label fits well for itself, so the right one may be missing; softmax gives its 100 % away all the same."
        )
    return [
        picture_html(shown, name, heat, labels.names[best]),
        bars_html(frozen, labels.names, scores, order),
        trace_html(frozen, classes, embedded[0], order),
        "".join(answers.sentence(note) for note in [*notes, line]),
        group_choices(session),
    ]


def said(message: str) -> list[Any]:
    """A message in the line below, and all else as it was."""
    return [gr.skip(), gr.skip(), gr.skip(), message, gr.skip()]


def _reading_notes(frozen: Answering, names: Sequence[str]) -> list[str]:
    readings = [frozen.read(name) for name in names]
    notes = []
    if any(reading.cut for reading in readings):
        notes.append("A label is longer than the model reads; its end is left out.")
    if all(reading.words and set(reading.words) == set(reading.unseen) for reading in readings):
        notes.append(
            "Not a single word of these labels was in the training: the answer is a guess from pieces of words."
        )
    return notes


def marked(frozen: Answering, text: str) -> str:
    """A text, escaped, its words that the model has never seen underlined."""
    from backends.clip.tokens import words_of

    parts = []
    for word in text.split(" "):
        plain = words_of(word)
        new = any(piece in frozen.read(word).unseen for piece in plain)
        escaped = html.escape(word)
        parts.append(f'<span class="unseen" title="never seen in training">{escaped}</span>' if new else escaped)
    return " ".join(parts)


def picture_html(shown: np.ndarray, name: str, heat: np.ndarray | None, label: str) -> str:
    """The picture, and over it which parts speak for a label."""
    told = html.escape(name, quote=True)
    cells = ""
    caption = f"<figcaption>{told}</figcaption>"
    if heat is not None:
        top = max(float(np.abs(heat).max()), 1e-6)
        cells = "".join(
            f'<i class="{"for" if value > 0 else "against"}" style="opacity:{0.75 * abs(float(value)) / top:.2f}"></i>'
            for value in heat.ravel()
        )
        cells = f'<div class="clip-heat" style="--cells:{heat.shape[0]}" aria-hidden="true">{cells}</div>'
        caption = (
            f"<figcaption><b>{told}</b><br>Coloured: covering it takes from <em>{html.escape(label)}</em> "
            f"(violet) or adds to it (orange), up to {top:.2f} of cosine.</figcaption>"
        )
    return (
        f'<figure class="clip-shown"><div class="clip-frame"><img src="{data_url(shown)}" alt="{told}">{cells}</div>'
        f"{caption}</figure>"
    )


def bars_html(frozen: Answering, names: Sequence[str], scores: Scores, order: np.ndarray) -> str:
    """The labels, best first: softmax as a bar, the cosine behind it, and the label's score for itself."""
    alone = "sigmoid" if frozen.bias is not None else "against “a picture”"
    rows = "".join(
        f'<tr><th scope="row">{marked(frozen, names[i])}</th>'
        f'<td class="bar"><span style="width:{100 * scores.softmax[0, i]:.1f}%"></span></td>'
        f'<td class="num">{scores.softmax[0, i]:.0%}</td><td class="num">{signed(scores.cosines[0, i])}</td>'
        f'<td class="num">{scores.alone[0, i]:.0%}</td></tr>'
        for i in order[:BARS]
    )
    more = f'<p class="note">and {len(names) - BARS} more labels</p>' if len(names) > BARS else ""
    head = (
        '<tr><th></th><th></th><th title="one of these labels, given that one is right">softmax</th>'
        f'<th title="how alike picture and label are">cosine</th><th title="{alone}">by itself</th></tr>'
    )
    return f'<table class="ranked clip-bars"><thead>{head}</thead><tbody>{rows}</tbody></table>{more}'


def trace_html(frozen: Answering, classes: Classes, picture: np.ndarray, order: np.ndarray) -> str:
    """How the best labels' numbers come about: each template's cosine, the class vector's, times the scale, softmax."""
    prompts = classes.prompts @ picture  # (L, T)
    mean = classes.vectors @ picture
    whole = softmax(frozen.scale * mean)
    alone = softmax(frozen.scale * prompts.T).T  # (L, T): each template for itself
    head = "".join(f"<th>{html.escape(template[:28])}</th>" for template in classes.templates)
    rows = "".join(
        f'<tr><th scope="row">{marked(frozen, classes.labels[i])}</th>'
        + "".join(
            f'<td class="num">{signed(prompts[i, t])} <small>{alone[i, t]:.0%}</small></td>'
            for t in range(len(classes.templates))
        )
        + f'<td class="num">{signed(mean[i])}</td><td class="num">{signed(frozen.scale * mean[i], 1)}</td>'
        f'<td class="num"><b>{whole[i]:.0%}</b></td><td class="num">{classes.agreement[i]:.2f}</td></tr>'
        for i in order[:TRACED]
    )
    return (
        '<details class="clip-trace" open><summary>How the answer comes about</summary>'
        '<div class="scroll"><table><thead><tr><th rowspan="2">label</th>'
        f'<th colspan="{len(classes.templates)}">cosine with each prompt <small>and its softmax alone</small></th>'
        '<th rowspan="2">class vector</th>'
        f'<th rowspan="2">× {frozen.scale:.1f}</th><th rowspan="2">softmax</th>'
        '<th rowspan="2" title="mean cosine of the label’s prompts with its class vector">prompts agree</th></tr>'
        f"<tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="note">Each label is put into every template and embedded; the mean of these vectors, brought to '
        "length 1, is the label’s class vector. Nothing is trained. The softmax runs over all labels.</p></details>"
    )


def signed(value: float, digits: int = 2) -> str:
    """A number with a real minus."""
    return f"{value:.{digits}f}".replace("-", "−")
