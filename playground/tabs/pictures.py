"""The pictures of a tab: a grid to browse, by factor and class, to pick from, and the door for a visitor's own.

Every tab that trains on pictures has this part; what a picked picture is for is said by its `PictureUse`.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.data.own_pictures import MAX_ARCHIVE_BYTES
from backends.data.pictures import PictureError, PictureSet
from backends.engine.config import ConfigError, MethodConfig
from playground.components import answers
from playground.components.picture_grid import TILE, is_back, pack_pictures, picked_index, picture_grid, tile_for
from playground.controls import Controls
from playground.limits import Limits
from playground.own_pictures import (
    OWN_DATA,
    OWN_SIZE,
    own_pictures,
    own_version,
    read_own_pictures,
    split_of,
    take_own_pictures,
)
from playground.session import Session, SessionStore
from playground.tabs.picture_filters import (
    EVERY,
    HELD_OUT,
    SHOWN,
    TRAINING,
    Asked,
    checked,
    chosen,
    filter_values,
    matching_line,
    side_of,
)
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.data.splits import Split

KEPT_GRIDS = 4
"""Of the grids sent last, in which a click still counts."""
SETTINGS = ("data", "shortcut", "image_size")
"""Which settings decide on the pictures, as far as a tab has them."""
CHANGING = ("data", "shortcut")
"""Those of them that show other pictures."""
UPLOAD: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "pictures", "show_progress": "minimal"}
"""Decoding thousands of pictures takes seconds of a core."""
VIEWS, MATCHING = 8, 4
"""How many views there are, and which of them is the line that says how many pictures match."""
WAITING = "Drawing the pictures…"
DOOR = (
    "A .zip with a folder for each class; the folders' names are the labels. Your pictures stay in this server's "
    "memory only, and only while this page is open."
)


@dataclass(frozen=True)
class Picked:
    """A picture that a visitor picked.

    Attributes:
        data: of which set.
        side: TRAINING or HELD_OUT.
        index: among the pictures of that side.
        version: which of the visitor's own sets was here then.
    """

    data: str
    side: str
    index: int
    version: int = 0


@dataclass(frozen=True)
class PictureUse:
    """What a tab has pictures for.

    Attributes:
        prefix: of element ids, endpoints and what the session keeps: the tab's name.
        config: class of the tab's settings, with `data` and `image_size` and perhaps `shortcut`.
        notes: by side, the sentence below its pictures: what a click does, or why there is none.
        on_pick: called when a picture was picked, with what it shows (untrusted); returns a sentence to say. None:
            pictures are there to be seen, and none can be picked.
        pickable: the sides whose pictures can be picked.
        at_first: side and index of the picture that counts as picked before any is; None: none does.
    """

    prefix: str
    config: type[MethodConfig]
    notes: Mapping[str, str]
    on_pick: Callable[[Session, Picked, str], str] | None = None
    pickable: tuple[str, ...] = (TRAINING, HELD_OUT)
    at_first: tuple[str, int] | None = (TRAINING, 0)

    @property
    def settings(self) -> tuple[str, ...]:
        """Which of the tab's settings decide on the pictures."""
        return tuple(name for name in SETTINGS if name in self.config.model_fields)


@dataclass(frozen=True)
class PicturesPart:
    """The components of this part.

    Attributes:
        side: training pictures or held-out ones.
        factor, chosen_class: what the pictures shall have in common.
        others: shows other pictures.
        matching: how many pictures match; or why there are none.
        grid: the pictures.
        picked_note: which picture was picked.
        origin: source, licence, and the shortcut if there is one.
        own: where a visitor's own pictures come in.
        own_note: what became of them.
    """

    side: gr.Radio
    factor: gr.Dropdown
    chosen_class: gr.Dropdown
    others: gr.Button
    matching: gr.HTML
    grid: gr.HTML
    picked_note: gr.HTML
    origin: gr.HTML
    own: gr.File
    own_note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        ask = [self.side, self.factor, self.chosen_class, self.others]
        return [*ask, self.matching, self.grid, self.picked_note, self.origin]


@dataclass(frozen=True)
class PictureEvents:
    """What other parts of the tab may follow up on, with `.then`.

    Attributes:
        uploaded: a .zip was read, or refused; where it was read, the data setting is "own" by now.
        picked: another training picture was picked.
    """

    uploaded: Any
    picked: Any


@dataclass(frozen=True)
class Shown:
    """Pictures that were sent to the page: `indices` and `names` are (n,), the former within their side."""

    grid_id: str
    data: str
    side: str
    indices: np.ndarray
    names: tuple[str, ...]


Subject = tuple[str, str, int]
"""Which pictures there are to choose from: data, shortcut, version of the own pictures."""


@dataclass
class Browsing:
    """What a visitor looks at.

    Attributes:
        subject: which pictures there are to choose from; None before any were shown.
        asked: which of them are wanted.
        tile: pixels a side that are sharp on the visitor's screen.
        shown: by grid id, those sent last: answers may overtake each other.
        told: which version of the own pictures the note beside their door tells of.
    """

    subject: Subject | None = None
    asked: Asked = field(default_factory=Asked)
    tile: int = TILE
    shown: dict[str, Shown] = field(default_factory=dict)
    told: int = 0

    def remember(self, shown: Shown) -> None:
        """Keep what was sent to the page, in place of what was sent long before."""
        self.shown = dict([*self.shown.items(), (shown.grid_id, shown)][-KEPT_GRIDS:])


def lay_out_pictures(use: PictureUse, limits: Limits) -> PicturesPart:
    """Lay this part out where it is called.

    Args:
        use: what the tab has pictures for.
        limits: what an upload may have.
    """
    prefix = f"{use.prefix}-pic"
    with gr.Row(elem_classes=["actions", "pg-filters"]):
        side = gr.Radio(
            [("to train on", TRAINING), ("held out", HELD_OUT)],
            value=TRAINING,
            label="Pictures",
            elem_id=f"{prefix}-side",
        )
        factor = gr.Dropdown(
            [("any", EVERY)], value=EVERY, label="Factor", interactive=True, min_width=130, elem_id=f"{prefix}-factor"
        )
        chosen_class = gr.Dropdown(
            [("every class", EVERY)],
            value=EVERY,
            label="Class",
            interactive=False,
            min_width=170,
            elem_id=f"{prefix}-class",
        )
        others = gr.Button("Show others", size="sm", min_width=110, elem_id=f"{prefix}-others")
    matching = answers.html_area(answers.sentence(WAITING), elem_id=f"{prefix}-matching", elem_classes=["note-line"])
    grid = picture_grid("Pictures of the data set", f"{prefix}-grid", places=SHOWN)
    note = answers.html_area(elem_id=f"{prefix}-picked", elem_classes=["note-line"])
    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column(min_width=300):
            origin = answers.html_area(elem_id=f"{prefix}-origin", elem_classes=["note-line"])
        with gr.Column(min_width=300):
            own = gr.File(
                label=f"Your own pictures (.zip, {limits.up_to(MAX_ARCHIVE_BYTES)})",
                file_types=[".zip"],
                height=124,
                elem_id=f"{prefix}-own",
            )
            own_note = answers.html_area(own_note_html(None), elem_id=f"{prefix}-own-note", elem_classes=["note-line"])
    return PicturesPart(side, factor, chosen_class, others, matching, grid, note, origin, own, own_note)


def wire_pictures(store: SessionStore, use: PictureUse, part: PicturesPart, controls: Controls) -> PictureEvents:
    """Let the part follow its own widgets and those settings that decide on the pictures.

    Args:
        store: the sessions.
        use: as it was laid out with.
        part: from `lay_out_pictures`.
        controls: the tab's settings; `data` is set to a visitor's own pictures when these come in.
    """

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        session = session_of(request)
        shown = opened_views(use, session, values, event._data)
        return [*shown, opened_note(use, session, event._data)]

    def on_settings(request: gr.Request, *values: Any) -> Iterator[list[Any]]:
        yield from settings_views(use, session_of(request), values)

    def on_filter(side: Any, factor: Any, chosen_class: Any, request: gr.Request, *values: Any) -> list[Any]:
        return filter_views(use, session_of(request), values, side, factor, chosen_class)

    def on_others(request: gr.Request, *values: Any) -> list[Any]:
        return other_views(use, session_of(request), values)

    def on_pick(event: gr.EventData, request: gr.Request) -> str:
        return pick_shown(use, session_of(request), event._data)

    def on_upload(path: str | None, request: gr.Request) -> list[Any]:
        note, taken = take_pictures(session_of(request), path)
        return [note, None, OWN_DATA if taken else gr.skip()]

    settings = [controls.widgets[name] for name in use.settings]
    latest: dict[str, Any] = {"api_name": False, "trigger_mode": "always_last", **QUICK}
    asked = [part.side, part.factor, part.chosen_class]
    part.grid.open(on_open, settings, [*part.views, part.own_note], **latest)
    for name in CHANGING:
        if name in use.settings:
            controls.widgets[name].change(on_settings, settings, part.views, **latest)
    for widget in asked:
        widget.input(on_filter, [*asked, *settings], part.views, **latest)
    part.others.click(on_others, settings, part.views, api_name=False, trigger_mode="multiple", **QUICK)
    picked_event = part.grid.pick(on_pick, None, part.picked_note, **latest)
    outputs = [part.own_note, part.own, controls.widgets["data"]]
    uploaded = part.own.upload(on_upload, part.own, outputs, api_name=f"{use.prefix}_own_pictures", **UPLOAD)
    uploaded.then(on_settings, settings, part.views, **latest)  # where "own" was chosen already
    return PictureEvents(uploaded, picked_event)


def picked(session: Session, prefix: str, data: str) -> Picked | None:
    """The picture of this data set that was picked last in the tab with this prefix, if one was."""
    kept: Picked | None = session.uploads.get(f"{prefix}_picked")
    if kept is None or kept.data != data:
        return None
    return kept if data != OWN_DATA or kept.version == own_version(session) else None


def pick(session: Session, prefix: str, data: str, side: str, index: int) -> Picked:
    """Pick a picture in the tab with this prefix: the index-th of this side of this data set."""
    made = session.uploads[f"{prefix}_picked"] = Picked(data, side, index, own_version(session))
    return made


def opened_views(use: PictureUse, session: Session, values: Sequence[Any], event_data: Any) -> list[Any]:
    """The grid came into the page, or into sight again: values of the views, or nothing where they are shown already.

    Args:
        use: of the tab.
        session: whose.
        values: of the tab's `PictureUse.settings`.
        event_data: what the grid's `open` brought, which may be anything.
    """
    if is_back(event_data) and is_shown(use, session, values):
        return [gr.skip()] * VIEWS
    browsing_of(use, session).tile = tile_for(event_data)
    return views_of(use, session, values)


def settings_views(use: PictureUse, session: Session, values: Sequence[Any]) -> Iterator[list[Any]]:
    """A setting may have changed: values of the views, or nothing where the same pictures are shown already."""
    if is_shown(use, session, values):
        yield [gr.skip()] * VIEWS
    else:
        yield [*[gr.skip()] * MATCHING, answers.sentence(WAITING), *[gr.skip()] * (VIEWS - MATCHING - 1)]
        yield views_of(use, session, values)


def filter_views(
    use: PictureUse, session: Session, values: Sequence[Any], side: Any, factor: Any, chosen_class: Any
) -> list[Any]:
    """Other pictures are asked for: values of the views.

    Args:
        use: of the tab.
        session: whose.
        values: of the tab's `PictureUse.settings`.
        side: TRAINING or HELD_OUT.
        factor: its name, or EVERY.
        chosen_class: its index, or EVERY; counts only where the factor is the same as before.
    """
    try:
        _, split = _pictures_of(use, session, values)
        before = browsing_of(use, session).asked
        asked = checked(split, before, side, factor, chosen_class)
    except (ConfigError, PictureError) as error:
        return [*[gr.skip()] * MATCHING, answers.problem(str(error)), *[gr.skip()] * (VIEWS - MATCHING - 1)]
    return views_of(use, session, values, asked)


def other_views(use: PictureUse, session: Session, values: Sequence[Any]) -> list[Any]:
    """The next pictures that match: values of the views."""
    asked = browsing_of(use, session).asked
    return views_of(use, session, values, replace(asked, page=asked.page + 1))


def pick_shown(use: PictureUse, session: Session, event_data: Any) -> str:
    """Pick a picture of the grid; returns what to say."""
    for shown in browsing_of(use, session).shown.values():
        index = picked_index(event_data, shown.grid_id, len(shown.indices))
        if index is None:
            continue
        if use.on_pick is None or shown.side not in use.pickable:
            return answers.sentence(use.notes[shown.side])
        made = pick(session, use.prefix, shown.data, shown.side, int(shown.indices[index]))
        return answers.sentence(use.on_pick(session, made, shown.names[index]))
    return answers.sentence("These pictures are no longer the ones that are shown: click again.")


def take_pictures(session: Session, path: str | None) -> tuple[str, bool]:
    """Read an uploaded .zip into the session and delete it; return what to say, and whether it was taken."""
    if not path:
        return answers.problem("No file arrived: choose a .zip of folders of pictures."), False
    try:
        pictures = read_own_pictures(path)
    except PictureError as error:
        return answers.problem(str(error)), False
    take_own_pictures(session, pictures)
    return own_note_html(pictures), True


def opened_note(use: PictureUse, session: Session, event_data: Any) -> Any:
    """The grid came into the page, or into sight again: the note on own pictures, or nothing where it tells of them.

    It comes with the grid, which takes its time: it must not take the place of what was said of a .zip meanwhile.
    """
    browsing, version = browsing_of(use, session), own_version(session)
    told = browsing.told if is_back(event_data) else 0  # a page that is new tells of none
    browsing.told = version
    return gr.skip() if told == version else own_note_html(own_pictures(session))


def own_note_html(pictures: PictureSet | None) -> str:
    """What is known about a visitor's pictures, with what was left out of them."""
    if pictures is None:
        return answers.sentence(DOOR)
    classes = max((len(factor.classes) for factor in pictures.factors.values()), default=0)
    extent = f"{len(pictures):,} pictures in {classes:,} {'folder' if classes == 1 else 'folders'}."
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in pictures.notes)
    stay = "They stay in this server's memory only, and only while this page is open; another .zip takes their place."
    return answers.sentence(f"{extent} {stay}") + (f'<ul class="pg-notes">{notes}</ul>' if notes else "")


def views_of(use: PictureUse, session: Session, values: Sequence[Any], asked: Asked | None = None) -> list[Any]:
    """Values of the views: SHOWN of the pictures that match.

    Args:
        use: of the tab.
        session: whose.
        values: of the tab's `PictureUse.settings`.
        asked: what is wanted; None: what was wanted before, if there are the same pictures to choose from.
    """
    browsing = browsing_of(use, session)
    try:
        config, split = _pictures_of(use, session, values)
    except (ConfigError, PictureError) as error:
        browsing.subject = None
        return no_views(str(error))
    subject = _subject_of(session, config)
    if browsing.subject != subject:
        asked = Asked()
        browsing.shown = {}
    browsing.subject, browsing.asked = subject, asked or browsing.asked
    pictures = side_of(split, browsing.asked.side)
    indices, names, captions, count = chosen(pictures, browsing.asked)
    shown = Shown(secrets.token_hex(8), subject[0], browsing.asked.side, indices, names)
    browsing.remember(shown)
    grid = pack_pictures(
        pictures.at_size(indices, browsing.tile),
        names,
        captions,
        _marked(use, session, shown),
        grid_id=shown.grid_id,
        pickable=use.on_pick is not None and shown.side in use.pickable,
        empty="No picture has this class: choose another one.",
    )
    return [
        *filter_values(pictures, browsing.asked, count),
        answers.sentence(matching_line(browsing.asked, len(pictures), count, len(indices))),
        grid,
        answers.sentence(use.notes[shown.side]),
        origin_html(pictures, config),
    ]


def _marked(use: PictureUse, session: Session, shown: Shown) -> int | None:
    """Where the picked picture stands among the shown ones."""
    kept = picked(session, use.prefix, shown.data)
    marked = (kept.side, kept.index) if kept is not None else use.at_first
    if marked is None or marked[0] != shown.side:
        return None
    places = np.flatnonzero(shown.indices == marked[1])
    return int(places[0]) if len(places) else None


def no_views(message: str) -> list[Any]:
    """Values of the views where there are no pictures: why, and what to do."""
    empty = pack_pictures(np.zeros((0, TILE, TILE, 3), np.uint8), [], empty="No pictures to show.")
    return [
        gr.update(value=TRAINING),
        gr.update(choices=[("any", EVERY)], value=EVERY),
        gr.update(choices=[("every class", EVERY)], value=EVERY, interactive=False),
        gr.update(interactive=False),
        answers.problem(message),
        empty,
        "",
        "",
    ]


def origin_html(pictures: PictureSet, config: Any) -> str:
    """The shortcut if there is one, source, licence."""
    told = shortcut_line(config)
    source = f"Source: {pictures.source.rstrip('.')}. Licence: {pictures.licence.rstrip('.')}."
    return (answers.sentence(told) if told else "") + answers.sentence(source)


def shortcut_line(config: Any) -> str:
    """What the background gives away, where it is tied to a factor of the apples."""
    shortcut = _shortcut_of(config)
    if shortcut == "none":
        return ""
    return (
        f"A shortcut: in the training pictures each {shortcut} has a background of its own, so a net may look "
        "there instead of at the apple. Held-out apples stand before any background."
    )


def is_shown(use: PictureUse, session: Session, values: Sequence[Any]) -> bool:
    """Whether the page shows pictures of these settings already."""
    try:
        subject = _subject_of(session, _config_of(use, values))
    except ConfigError:
        return False
    return browsing_of(use, session).subject == subject


def browsing_of(use: PictureUse, session: Session) -> Browsing:
    """What the session looks at in this tab."""
    browsing: Browsing = session.uploads.setdefault(f"{use.prefix}_browsing", Browsing())
    return browsing


def _config_of(use: PictureUse, values: Sequence[Any]) -> Any:
    """The settings that decide on the pictures; whatever is wrong with others is no matter here.

    Raises:
        ConfigError: one of these is out of its range.
    """
    return use.config.parse(dict(zip(use.settings, values, strict=True)))


def _pictures_of(use: PictureUse, session: Session, values: Sequence[Any]) -> tuple[Any, Split]:
    """Settings and pictures. Own ones as they were read, for the split is the same at every size.

    Raises:
        ConfigError: a setting is out of its range.
        PictureError: own pictures are asked for and there are none.
    """
    config = _config_of(use, values)
    return config, split_of(session, config, OWN_SIZE if config.data == OWN_DATA else None)


def _subject_of(session: Session, config: Any) -> Subject:
    return config.data, _shortcut_of(config), own_version(session) if config.data == OWN_DATA else 0


def _shortcut_of(config: Any) -> str:
    """The factor that the background is tied to: only of the apples; "none" where a tab has no such setting."""
    return str(getattr(config, "shortcut", "none")) if config.data == "apples" else "none"
