"""The pictures of the SimCLR tab: a grid to browse, by factor and class, and the door for a visitor's own."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from backends.data.pictures import Factor, PictureError, PictureSet
from backends.engine.config import ConfigError
from backends.simclr.config import OWN_PICTURES, SimCLRConfig
from playground.components import answers
from playground.components.picture_grid import TILE, pack_pictures, picked_index, picture_grid, tile_for
from playground.controls import Controls
from playground.session import Session, SessionStore
from playground.tabs.simclr_state import own_pictures, pick, picked, split_of, take_own_pictures
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.simclr.data import Split

SHOWN = 60
GRID_SEED = 0
"""Of the order in which pictures are shown: the same for everybody, so that a lecturer finds them again."""
BROWSING = "simclr_browsing"
KEPT_GRIDS = 4
"""Of the grids sent last, in which a click still counts."""
TRAINING, HELD_OUT = "train", "held_out"
EVERY = ""
"""No factor, or no class, is asked for."""
SETTINGS = ("data", "shortcut", "image_size")
"""Which settings decide on the pictures."""
UPLOAD: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "pictures", "show_progress": "minimal"}
"""Decoding thousands of pictures takes seconds of a core."""
OWN_SIZE = "64"
"""At which own pictures are read."""
VIEWS, MATCHING = 8, 4
"""How many views there are, and which of them is the line that says how many pictures match."""
WAITING = "Drawing the pictures…"
DOOR = (
    "A .zip with a folder for each class; the folders' names are the labels. Your pictures stay in this server's "
    "memory only, and only while this page is open."
)
TRAINING_NOTE = "Click a picture to put it on the augmentation bench."
HELD_OUT_NOTE = "Held-out pictures only measure; to put one on the augmentation bench, show those to train on."


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
class Asked:
    """Which pictures a visitor wants to see.

    Attributes:
        side: TRAINING or HELD_OUT.
        factor: name of a factor, or EVERY.
        class_idx: of the factor; None: every class.
        page: how often others were asked for.
    """

    side: str = TRAINING
    factor: str = EVERY
    class_idx: int | None = None
    page: int = 0


@dataclass(frozen=True)
class Shown:
    """Pictures that were sent to the page: `indices` and `names` are (n,), the former within their side."""

    grid_id: str
    data: str
    side: str
    indices: np.ndarray
    names: tuple[str, ...]


@dataclass
class Browsing:
    """What a visitor looks at.

    Attributes:
        subject: which pictures there are to choose from (data, shortcut, own pictures); None before any were shown.
        asked: which of them are wanted.
        tile: pixels a side that are sharp on the visitor's screen.
        shown: by grid id, those sent last: answers may overtake each other.
    """

    subject: tuple[str, str, PictureSet | None] | None = None
    asked: Asked = Asked()
    tile: int = TILE
    shown: dict[str, Shown] = field(default_factory=dict)

    def remember(self, shown: Shown) -> None:
        """Keep what was sent to the page, in place of what was sent long before."""
        self.shown = dict([*self.shown.items(), (shown.grid_id, shown)][-KEPT_GRIDS:])


def lay_out_pictures() -> PicturesPart:
    """Lay this part out where it is called."""
    with gr.Row(elem_classes=["actions", "pg-filters"]):
        side = gr.Radio(
            [("to train on", TRAINING), ("held out", HELD_OUT)],
            value=TRAINING,
            label="Pictures",
            elem_id="simclr-pic-side",
        )
        factor = gr.Dropdown(
            [("any", EVERY)], value=EVERY, label="Factor", interactive=True, min_width=130, elem_id="simclr-pic-factor"
        )
        chosen_class = gr.Dropdown(
            [("every class", EVERY)],
            value=EVERY,
            label="Class",
            interactive=False,
            min_width=170,
            elem_id="simclr-pic-class",
        )
        others = gr.Button("Show others", size="sm", min_width=110, elem_id="simclr-pic-others")
    matching = answers.html_area(answers.sentence(WAITING), elem_id="simclr-pic-matching", elem_classes=["note-line"])
    grid = picture_grid("Pictures of the data set", "simclr-pic-grid", places=SHOWN)
    note = answers.html_area(elem_id="simclr-pic-picked", elem_classes=["note-line"])
    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column(min_width=300):
            origin = answers.html_area(elem_id="simclr-pic-origin", elem_classes=["note-line"])
        with gr.Column(min_width=300):
            own = gr.File(
                label="Your own pictures (.zip, up to 200 MB)",
                file_types=[".zip"],
                height=124,
                elem_id="simclr-pic-own",
            )
            own_note = answers.html_area(own_note_html(None), elem_id="simclr-pic-own-note", elem_classes=["note-line"])
    return PicturesPart(side, factor, chosen_class, others, matching, grid, note, origin, own, own_note)


def wire_pictures(store: SessionStore, part: PicturesPart, controls: Controls) -> PictureEvents:
    """Let the part follow its own widgets and those settings that decide on the pictures."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_open(event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        session = session_of(request)
        shown = open_views(session, values, tile_for(event._data))
        return [*shown, own_note_html(own_pictures(session))]

    def on_settings(request: gr.Request, *values: Any) -> Iterator[list[Any]]:
        yield from settings_views(session_of(request), values)

    def on_filter(side: Any, factor: Any, chosen_class: Any, request: gr.Request, *values: Any) -> list[Any]:
        return filter_views(session_of(request), values, side, factor, chosen_class)

    def on_others(request: gr.Request, *values: Any) -> list[Any]:
        return other_views(session_of(request), values)

    def on_pick(event: gr.EventData, request: gr.Request) -> str:
        return pick_shown(session_of(request), event._data)

    def on_upload(path: str | None, request: gr.Request) -> list[Any]:
        note, taken = take_pictures(session_of(request), path)
        return [note, None, OWN_PICTURES if taken else gr.skip()]

    settings = [controls.widgets[name] for name in SETTINGS]
    latest: dict[str, Any] = {"api_name": False, "trigger_mode": "always_last", **QUICK}
    asked = [part.side, part.factor, part.chosen_class]
    part.grid.open(on_open, settings, [*part.views, part.own_note], **latest)
    for name in ("data", "shortcut"):
        controls.widgets[name].change(on_settings, settings, part.views, **latest)
    for widget in asked:
        widget.input(on_filter, [*asked, *settings], part.views, **latest)
    part.others.click(on_others, settings, part.views, api_name=False, trigger_mode="multiple", **QUICK)
    picked_event = part.grid.pick(on_pick, None, part.picked_note, **latest)
    outputs = [part.own_note, part.own, controls.widgets["data"]]
    uploaded = part.own.upload(on_upload, part.own, outputs, api_name="simclr_own_pictures", **UPLOAD)
    uploaded.then(on_settings, settings, part.views, **latest)  # where "own" was chosen already
    return PictureEvents(uploaded, picked_event)


def open_views(session: Session, values: Sequence[Any], tile: int) -> list[Any]:
    """The grid came into the page, perhaps anew: values of the views."""
    browsing_of(session).tile = tile
    return views_of(session, values)


def settings_views(session: Session, values: Sequence[Any]) -> Iterator[list[Any]]:
    """A setting may have changed: values of the views, or nothing where the same pictures are shown already."""
    if is_shown(session, values):
        yield [gr.skip()] * VIEWS
    else:
        yield [*[gr.skip()] * MATCHING, answers.sentence(WAITING), *[gr.skip()] * (VIEWS - MATCHING - 1)]
        yield views_of(session, values)


def filter_views(session: Session, values: Sequence[Any], side: Any, factor: Any, chosen_class: Any) -> list[Any]:
    """Other pictures are asked for: values of the views.

    Args:
        session: whose.
        values: of `SETTINGS`.
        side: TRAINING or HELD_OUT.
        factor: its name, or EVERY.
        chosen_class: its index, or EVERY; counts only where the factor is the same as before.
    """
    try:
        _, split = _pictures_of(session, values)
        before = browsing_of(session).asked
        asked = _checked(split, before, side, factor, chosen_class)
    except (ConfigError, PictureError) as error:
        return [*[gr.skip()] * MATCHING, answers.problem(str(error)), *[gr.skip()] * (VIEWS - MATCHING - 1)]
    return views_of(session, values, asked)


def other_views(session: Session, values: Sequence[Any]) -> list[Any]:
    """The next pictures that match: values of the views."""
    asked = browsing_of(session).asked
    return views_of(session, values, replace(asked, page=asked.page + 1))


def pick_shown(session: Session, event_data: Any) -> str:
    """Pick a picture of the grid for the augmentation bench; returns what to say."""
    for shown in browsing_of(session).shown.values():
        index = picked_index(event_data, shown.grid_id, len(shown.indices))
        if index is None:
            continue
        if shown.side != TRAINING:
            return answers.sentence(HELD_OUT_NOTE)
        pick(session, shown.data, int(shown.indices[index]))
        return answers.sentence(f"Picked: {shown.names[index]}. Under Augmentations you see its views.")
    return answers.sentence("These pictures are no longer the ones that are shown: click again.")


def take_pictures(session: Session, path: str | None) -> tuple[str, bool]:
    """Read an uploaded .zip into the session and delete it; return what to say, and whether it was taken."""
    from backends.data.own_pictures import read_zip
    from backends.simclr.data import load_split

    if not path:
        return answers.problem("No file arrived: choose a .zip of folders of pictures."), False
    try:
        pictures = read_zip(path, int(OWN_SIZE))
        config = SimCLRConfig.parse({"data": OWN_PICTURES, "image_size": OWN_SIZE})
        load_split(config, pictures)  # what could not be trained on is refused here
    except PictureError as error:
        return answers.problem(str(error)), False
    finally:
        Path(path).unlink(missing_ok=True)
    take_own_pictures(session, pictures)
    return own_note_html(pictures), True


def own_note_html(pictures: PictureSet | None) -> str:
    """What is known about a visitor's pictures, with what was left out of them."""
    if pictures is None:
        return answers.sentence(DOOR)
    classes = max((len(factor.classes) for factor in pictures.factors.values()), default=0)
    extent = f"{len(pictures):,} pictures in {classes:,} {'folder' if classes == 1 else 'folders'}."
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in pictures.notes)
    stay = "They stay in this server's memory only, and only while this page is open; another .zip takes their place."
    return answers.sentence(f"{extent} {stay}") + (f'<ul class="pg-notes">{notes}</ul>' if notes else "")


def views_of(session: Session, values: Sequence[Any], asked: Asked | None = None) -> list[Any]:
    """Values of the views: SHOWN of the pictures that match.

    Args:
        session: whose.
        values: of `SETTINGS`.
        asked: what is wanted; None: what was wanted before, if there are the same pictures to choose from.
    """
    browsing = browsing_of(session)
    try:
        config, split = _pictures_of(session, values)
    except (ConfigError, PictureError) as error:
        browsing.subject = None
        return no_views(str(error))
    subject = _subject_of(session, config)
    if not _same(browsing.subject, subject):
        asked = Asked()
        browsing.shown = {}
    browsing.subject, browsing.asked = subject, asked or browsing.asked
    return _views(session, browsing, config, _side_of(split, browsing.asked.side), browsing.asked)


def _views(session: Session, browsing: Browsing, config: SimCLRConfig, pictures: PictureSet, asked: Asked) -> list[Any]:
    sequence = matching(pictures, asked.factor, asked.class_idx)
    indices, captions = page_of(sequence, asked.page), None
    if asked.factor != EVERY and asked.class_idx is None:
        factor = pictures.factors[asked.factor]
        indices = indices[np.argsort(factor.values[indices], kind="stable")]
        captions = [factor.classes[factor.values[i]] for i in indices]
    names = tuple(pictures.names[i] for i in indices)
    shown = Shown(secrets.token_hex(8), config.data, asked.side, indices, names)
    browsing.remember(shown)
    training = asked.side == TRAINING
    grid = pack_pictures(
        pictures.at_size(indices, browsing.tile),
        names,
        captions,
        _position(indices, picked(session, config.data)) if training else None,
        grid_id=shown.grid_id,
        pickable=training,
        empty="No picture has this class: choose another one.",
    )
    return [
        gr.update(value=asked.side),
        gr.update(choices=factor_choices(pictures), value=asked.factor),
        class_update(pictures, asked),
        gr.update(interactive=len(sequence) > SHOWN),
        answers.sentence(matching_line(asked, len(pictures), len(sequence), len(indices))),
        grid,
        answers.sentence(TRAINING_NOTE if training else HELD_OUT_NOTE),
        origin_html(pictures, config),
    ]


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


def matching(pictures: PictureSet, factor: str = EVERY, class_idx: int | None = None) -> np.ndarray:
    """Indices of the pictures that match, in the order in which they are shown: (n,) int64.

    Args:
        pictures: to choose from.
        factor: name of a factor of theirs, or EVERY.
        class_idx: of the factor; None: the classes take turns, so that the first pictures show as many as there are.

    Raises:
        PictureError: there is no such factor.
    """
    order = np.random.default_rng(GRID_SEED).permutation(len(pictures))
    if factor == EVERY:
        return order
    values = factor_of(pictures, factor).values[order]
    if class_idx is not None:
        return order[values == class_idx]
    by_class = np.argsort(values, kind="stable")
    starts = np.searchsorted(values[by_class], values[by_class])
    turn = np.empty(len(order), np.int64)
    turn[by_class] = np.arange(len(order)) - starts
    return order[np.argsort(turn, kind="stable")]


def page_of(sequence: np.ndarray, page: int) -> np.ndarray:
    """The page-th SHOWN of a sequence, which begins anew where it ends; all of a shorter one."""
    if len(sequence) <= SHOWN:
        return sequence
    return np.take(sequence, np.arange(page * SHOWN, (page + 1) * SHOWN), mode="wrap")


def factor_of(pictures: PictureSet, name: Any) -> Factor:
    """A factor by name.

    Raises:
        PictureError: there is no such factor.
    """
    if not isinstance(name, str) or name not in pictures.factors:
        known = ", ".join(pictures.factors) or "none"
        raise PictureError(f"These pictures have no factor {str(name)[:40]!r}; there is: {known}.")
    return pictures.factors[name]


def class_of(factor: Factor, chosen: Any) -> int | None:
    """A class by its index; None for every class.

    Raises:
        PictureError: there is no such class.
    """
    if chosen in (None, EVERY):
        return None
    if not isinstance(chosen, int) or isinstance(chosen, bool) or not 0 <= chosen < len(factor.classes):
        raise PictureError(f"{factor.label} has {len(factor.classes)} classes, none of them {str(chosen)[:40]!r}.")
    return chosen


def factor_choices(pictures: PictureSet) -> list[tuple[str, str]]:
    """The factors, as a dropdown takes them."""
    return [("any", EVERY), *((factor.label.capitalize(), name) for name, factor in pictures.factors.items())]


def class_update(pictures: PictureSet, asked: Asked) -> Any:
    """The classes of the factor that is looked at, each with how many pictures it has."""
    if asked.factor == EVERY:
        return gr.update(choices=[("every class", EVERY)], value=EVERY, interactive=False)
    factor = pictures.factors[asked.factor]
    counts = np.bincount(factor.values, minlength=len(factor.classes))
    classes = [(f"{name} ({count:,})", i) for i, (name, count) in enumerate(zip(factor.classes, counts, strict=True))]
    chosen = EVERY if asked.class_idx is None else asked.class_idx
    return gr.update(choices=[("every class", EVERY), *classes], value=chosen, interactive=True)


def matching_line(asked: Asked, total: int, count: int, shown: int) -> str:
    """How many of the pictures match, and how many of those are shown."""
    kind = "training" if asked.side == TRAINING else "held-out"
    noun = f"{kind} {'picture' if total == 1 else 'pictures'}"
    if asked.class_idx is None:
        line = f"{total:,} {noun}"
    else:
        line = f"{count:,} of {total:,} {noun} {'matches' if count == 1 else 'match'}"
    if count == 0:
        return f"{line}: choose another class."
    return f"{line}; {shown} are shown." if shown < count else f"{line}."


def origin_html(pictures: PictureSet, config: SimCLRConfig) -> str:
    """The shortcut if there is one, source, licence."""
    told = shortcut_line(config)
    source = f"Source: {pictures.source.rstrip('.')}. Licence: {pictures.licence.rstrip('.')}."
    return (answers.sentence(told) if told else "") + answers.sentence(source)


def shortcut_line(config: SimCLRConfig) -> str:
    """What the background gives away, where it is tied to a factor of the apples."""
    if config.data != "apples" or config.shortcut == "none":
        return ""
    return (
        f"A shortcut: in the training pictures each {config.shortcut} has a background of its own, so a net may look "
        "there instead of at the apple. Held-out apples stand before any background."
    )


def is_shown(session: Session, values: Sequence[Any]) -> bool:
    """Whether the page shows pictures of these settings already."""
    try:
        subject = _subject_of(session, _config_of(values))
    except ConfigError:
        return False
    return _same(browsing_of(session).subject, subject)


def browsing_of(session: Session) -> Browsing:
    """What the session looks at."""
    browsing: Browsing = session.uploads.setdefault(BROWSING, Browsing())
    return browsing


def _config_of(values: Sequence[Any]) -> SimCLRConfig:
    """The settings that decide on the pictures; whatever is wrong with others is no matter here.

    Raises:
        ConfigError: one of these is out of its range.
    """
    return SimCLRConfig.parse(dict(zip(SETTINGS, values, strict=True)))


def _pictures_of(session: Session, values: Sequence[Any]) -> tuple[SimCLRConfig, Split]:
    """Settings and pictures. Own ones as they were read, for the split is the same at every size.

    Raises:
        ConfigError: a setting is out of its range.
        PictureError: own pictures are asked for and there are none.
    """
    config = _config_of(values)
    own = config.data == OWN_PICTURES
    return config, split_of(session, config.with_changes(image_size=OWN_SIZE) if own else config)


def _subject_of(session: Session, config: SimCLRConfig) -> tuple[str, str, PictureSet | None]:
    own = own_pictures(session) if config.data == OWN_PICTURES else None
    return config.data, config.shortcut if config.data == "apples" else "none", own


def _same(one: tuple[str, str, PictureSet | None] | None, other: tuple[str, str, PictureSet | None]) -> bool:
    return one is not None and one[:2] == other[:2] and one[2] is other[2]


def _checked(split: Split, before: Asked, side: Any, factor: Any, chosen_class: Any) -> Asked:
    """What is wanted now; a class stays only with the classes that it was chosen from.

    Raises:
        PictureError: there is no such side, factor or class.
    """
    if side not in (TRAINING, HELD_OUT):
        raise PictureError(f"Pictures are {TRAINING} or {HELD_OUT}, not {str(side)[:40]!r}.")
    if factor is None or factor == EVERY:
        return Asked(side)
    wanted = factor_of(_side_of(split, side), factor)
    known = _side_of(split, before.side).factors.get(before.factor)
    same = known is not None and (known.name, known.classes) == (wanted.name, wanted.classes)
    return Asked(side, wanted.name, class_of(wanted, chosen_class) if same else None)


def _side_of(split: Split, side: str) -> PictureSet:
    return split.train if side == TRAINING else split.held_out


def _position(indices: np.ndarray, index: int) -> int | None:
    """Where an index stands among the shown ones."""
    places = np.flatnonzero(indices == index)
    return int(places[0]) if len(places) else None
