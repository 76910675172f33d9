"""Reconstruct: one picture, some of its patches hidden, and what a model paints of them."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import gradio as gr
import numpy as np

from backends.data.pictures import PictureError
from backends.engine.config import ConfigError
from backends.mae.bench_config import BenchConfig
from playground.components import answers
from playground.components.downloads import download_button, wire_download, write_bytes
from playground.components.mask_bench import Masked, mask_bench, pack_bench, pack_strip, ratio_strip, read_hidden
from playground.components.webcam import read_snapshot, webcam
from playground.controls import Controls, build_one, in_config_order
from playground.link_texts import KeptText
from playground.session import Session, SessionStore
from playground.tabs import mae_models
from playground.tabs.bench_picture import picture_on, take_own_picture
from playground.tabs.mae_models import PRESENT, ModelProblem
from playground.tabs.mae_state import TAB, model_of
from playground.tabs.pictures import Picked
from playground.tabs.tab import QUICK

if TYPE_CHECKING:
    from backends.mae.trainer import Reconstruction

KEPT = "mae_bench"
RATIOS = (0.25, 0.5, 0.75, 0.9)
"""Of the strip."""
OWN_SIDE = 224
"""Pixels at which a visitor's picture is kept: models take 32 to 224."""
NOTHING = [gr.skip()] * 3
PANELS_NAME = "reconstruction.png"
LOADING: dict[str, Any] = {"show_progress": "minimal", "concurrency_limit": 2, "concurrency_id": "models"}
"""Loading takes seconds and half a gigabyte."""


class Painter(Protocol):
    """A model that paints hidden patches: one of ours, or a ViT-MAE of the library transformers."""

    def reconstruct(self, images: np.ndarray, hidden: np.ndarray) -> Reconstruction:
        """Paint (n, S, S, 3) uint8 pictures under (L,) or (n, L) masks."""

    def visible_mean(self, images: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """(n, L) errors of guessing the mean colour of what is visible."""


@dataclass(frozen=True)
class Shape:
    """What a painter takes: pictures of `size` pixels a side, in patches of `patch`."""

    size: int
    patch: int

    @property
    def side(self) -> int:
        """Patches side by side."""
        return self.size // self.patch


@dataclass
class Bench:
    """What stands on a visitor's bench.

    Attributes:
        painter: which model paints, as `mae_models` names it.
        turn: which of the model's held-out pictures is shown where none was picked or brought.
        picked: a picture that was picked from a data set.
        own: (OWN_SIDE, OWN_SIDE, 3) uint8, the visitor's own.
        hidden: (L,) the patches as they were clicked; None: as the settings say.
        config: those settings.
        number: counts what the server changed, so that the page knows an answer to its clicks from something new.
    """

    painter: str = PRESENT
    turn: int = 0
    picked: Picked | None = None
    own: np.ndarray | None = None
    hidden: np.ndarray | None = None
    config: BenchConfig = field(default_factory=BenchConfig)
    number: int = 0

    @property
    def id(self) -> str:
        """As the page knows it."""
        return f"bench-{self.number}"

    def changed(self) -> None:
        """The server has changed something: what was clicked before does not count any more."""
        self.number += 1


@dataclass(frozen=True)
class BenchPart:
    """The components of the bench."""

    painter: gr.Dropdown
    controls: Controls
    again: gr.Button
    another: gr.Button
    own: gr.UploadButton
    camera: gr.HTML
    save: gr.Button
    file: gr.DownloadButton
    area: gr.HTML
    strip: gr.HTML
    note: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `bench_views` makes values for: the five panels, the strip, the line below."""
        return [self.area, self.strip, self.note]


def lay_out_bench(store: SessionStore) -> BenchPart:
    """Lay the bench out where it is called."""
    with gr.Row(elem_classes=["actions", "mae-ask"]):
        widgets = {name: build_one(BenchConfig, name, "mae-bench") for name in BenchConfig.model_fields}
        again = gr.Button("Draw again", size="sm", elem_id="mae-again", min_width=90)
        painter = gr.Dropdown(
            mae_models.choices(store),
            value=PRESENT,
            label="Painted by",
            interactive=True,
            min_width=180,
            elem_id="mae-painter",
            elem_classes=["setting"],
        )
    area = mask_bench("One picture in patches", "mae-bench")
    with gr.Row(elem_classes=["actions", "mae-picture"]):
        another = gr.Button("Another picture", size="sm", elem_id="mae-another", min_width=110)
        own = gr.UploadButton(
            "A picture of your own",
            size="sm",
            file_types=["image"],
            file_count="single",
            elem_id="mae-own",
            min_width=140,
        )
        camera = webcam("mae-webcam")
        save = gr.Button("Save as PNG", size="sm", elem_id="mae-save", min_width=100)
        note = answers.html_area(elem_id="mae-bench-note", elem_classes=["note-line"])
    strip = ratio_strip("The same picture at four mask ratios", "mae-strip")
    file = download_button("mae-save-file")
    settings = in_config_order(BenchConfig, widgets)
    return BenchPart(painter, settings, again, another, own, camera, save, file, area, strip, note)


def wire_bench(store: SessionStore, part: BenchPart) -> None:
    """Wire the bench."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_mask(event: gr.EventData, request: gr.Request) -> str | Any:
        return clicked_view(store, session_of(request), event._data)

    def on_settings(request: gr.Request, *values: Any) -> list[Any]:
        return settings_views(store, session_of(request), part.controls, values)

    def on_again(request: gr.Request) -> list[Any]:
        session = session_of(request)
        seed = secrets.randbelow(10_000)
        bench = bench_of(session)
        bench.config = bench.config.with_changes(seed=seed)
        return [seed, *fresh_views(store, session)]

    def on_another(request: gr.Request) -> list[Any]:
        session = session_of(request)
        bench = bench_of(session)
        bench.turn, bench.picked, bench.own = bench.turn + 1, None, None
        return fresh_views(store, session)

    def on_own(path: str | None, request: gr.Request) -> list[Any]:
        session = session_of(request)
        return take_own(session, path) or fresh_views(store, session)

    def on_snap(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = session_of(request)
        try:
            bench_of(session).own = read_snapshot(event._data, OWN_SIDE)
        except PictureError as error:
            return said(answers.problem(str(error)))
        return fresh_views(store, session)

    def on_painter(name: str, request: gr.Request) -> list[Any]:
        session = session_of(request)
        bench = bench_of(session)
        before, bench.painter = bench.painter, str(name)
        try:
            painter_of(store, session)
        except ModelProblem as error:
            bench.painter = before
            return [before, *said(answers.problem(str(error)))]
        return [gr.skip(), *fresh_views(store, session)]

    latest: dict[str, Any] = {"trigger_mode": "always_last", "api_name": False, **QUICK}
    seed = part.controls.widgets["seed"]
    part.area.mask(on_mask, None, part.area, trigger_mode="multiple", api_name="mae_mask", **QUICK)
    changes = [
        part.controls.widgets["ratio"].input,
        part.controls.widgets["kind"].input,
        seed.submit,
        seed.blur,
    ]
    gr.on(changes, on_settings, part.controls.inputs, part.views, **latest)
    part.again.click(on_again, None, [seed, *part.views], **latest)
    part.another.click(on_another, None, part.views, **latest)
    part.own.upload(on_own, part.own, part.views, api_name="mae_picture", **QUICK)
    part.camera.snap(on_snap, None, part.views, api_name="mae_snapshot", **QUICK)
    _wire_save(store, part)
    part.painter.input(on_painter, part.painter, [part.painter, *part.views], api_name="mae_painter", **LOADING)


def _wire_save(store: SessionStore, part: BenchPart) -> None:
    """Let a button make the PNG and download it."""

    def make(session: Session, folder: Path) -> tuple[Path | None, Any]:
        try:
            return save_panels(store, session, folder), gr.skip()
        except ModelProblem as error:
            return None, answers.problem(str(error))

    wire_download(store, part.save, make, part.file, part.note, "mae_panels")


def bench_of(session: Session) -> Bench:
    """What stands on the visitor's bench."""
    bench: Bench = session.uploads.setdefault(KEPT, Bench())
    return bench


def put_on_bench(session: Session, picked: Picked) -> None:
    """Let a picked picture take the place of what was on the bench."""
    bench = bench_of(session)
    bench.picked, bench.own = picked, None
    bench.changed()


def painter_of(store: SessionStore, session: Session) -> tuple[Painter | None, Shape, str]:
    """The model that paints, what it takes, and a line that says where it comes from.

    Raises:
        ModelProblem: it can't be had.
    """
    bench = bench_of(session)
    if bench.painter != PRESENT and session.is_driven(TAB):
        bench.painter = PRESENT  # what is being trained is what is shown
        bench.changed()
    painter, size, patch, line = mae_models.painter(store, session, bench.painter)
    return painter, Shape(size, patch), line


def picture_of(session: Session, size: int) -> tuple[np.ndarray, str]:
    """The picture on the bench: (size, size, 3) uint8, and its name, which may be a visitor's."""
    return picture_on(bench_of(session), session, model_of(session)[0], size)


def hidden_of(bench: Bench, side: int) -> np.ndarray:
    """Which patches are hidden: (side²,) bool, as clicked, or as the settings say."""
    from backends.mae.masking import draw_mask

    if bench.hidden is not None and len(bench.hidden) == side * side:
        return bench.hidden
    return draw_mask(bench.config.kind, bench.config.ratio, side, bench.config.seed)


def _clicked(session: Session) -> str:
    """The patches that a visitor has chosen by clicking, for a link: how many a side, and their bits."""
    hidden = bench_of(session).hidden
    return "" if hidden is None else f"{math.isqrt(len(hidden))}-{np.packbits(hidden).tobytes().hex()}"


def _bits_of(text: str) -> np.ndarray | None:
    """(side²,) bool of such a text; None: it is none."""
    side, _, bits = text.partition("-")
    if not re.fullmatch(r"[1-9][0-9]?", side) or not re.fullmatch(r"([0-9a-f]{2})+", bits):
        return None
    packed, patches = np.frombuffer(bytes.fromhex(bits), np.uint8), int(side) ** 2
    return np.unpackbits(packed)[:patches].astype(bool) if len(packed) == -(-patches // 8) else None


def _take_clicked(session: Session, text: str) -> None:
    bench_of(session).hidden = _bits_of(text)


MASK_TEXT = KeptText(
    "mask",
    _clicked,
    _take_clicked,
    "",
    lambda text: "" if _bits_of(text) is not None else "The link's mask can't be read; the settings' own is drawn.",
)
"""What a link carries of the clicked patches; on a model of other patches it waits."""


def bench_views(store: SessionStore, session: Session) -> list[Any]:
    """Values of the five panels, the strip, and the line that says who paints."""
    try:
        painter, shape, line = painter_of(store, session)
    except ModelProblem as error:
        return said(answers.problem(str(error)))
    picture, name = picture_of(session, shape.size)
    return [
        _panels(bench_of(session), painter, shape, picture, name),
        _strip(bench_of(session), painter, shape, picture),
        answers.sentence(line),
    ]


def fresh_views(store: SessionStore, session: Session) -> list[Any]:
    """The same after the picture, the model or the settings of the mask have changed: what was clicked is gone."""
    bench = bench_of(session)
    bench.hidden = None
    bench.changed()
    return bench_views(store, session)


def live_view(store: SessionStore, session: Session) -> str | None:
    """The five panels with what the model in training paints now; None where nothing does."""
    try:
        painter, shape, _ = painter_of(store, session)
    except ModelProblem:
        return None
    return _panels(bench_of(session), painter, shape, *picture_of(session, shape.size))


def clicked_view(store: SessionStore, session: Session, event_data: Any) -> Any:
    """The five panels after a visitor has hidden or uncovered patches."""
    bench = bench_of(session)
    try:
        painter, shape, _ = painter_of(store, session)
    except ModelProblem:
        return gr.skip()
    hidden = read_hidden(event_data, shape.side**2, bench.id)
    if hidden is None:
        return gr.skip()
    bench.hidden = hidden
    return _panels(bench, painter, shape, *picture_of(session, shape.size))


def settings_views(store: SessionStore, session: Session, controls: Controls, values: Sequence[Any]) -> list[Any]:
    """The views after ratio, kind or seed have changed."""
    bench = bench_of(session)
    try:
        config = controls.read(values)
    except ConfigError as error:
        return said(answers.problem(str(error)))
    assert isinstance(config, BenchConfig)
    if config == bench.config and bench.hidden is None:
        return NOTHING
    same_strip = (config.kind, config.seed) == (bench.config.kind, bench.config.seed)
    bench.config = config
    panels, strip, line = fresh_views(store, session)
    return [panels, gr.skip() if same_strip else strip, line]


def save_panels(store: SessionStore, session: Session, folder: Path) -> Path:
    """Write the five panels as one PNG; returns where.

    Raises:
        ModelProblem: there is no model.
    """
    from backends.mae.panels import panels_png

    painter, shape, line = painter_of(store, session)
    if painter is None:
        raise ModelProblem(line)
    picture, _ = picture_of(session, shape.size)
    hidden = hidden_of(bench_of(session), shape.side)
    done = painter.reconstruct(picture[None], hidden)
    png = panels_png(picture, done.painted[0], done.errors[0], hidden, shape.patch)
    return write_bytes(folder / PANELS_NAME, png)


def take_own(session: Session, path: str | None) -> list[Any]:
    """Put a visitor's picture on the bench; returns what to show where it can't be read."""
    problem = take_own_picture(bench_of(session), path, OWN_SIDE)
    return said(problem) if problem else []


def said(text: str) -> list[Any]:
    """A line below the panels, which stay as they are."""
    return [gr.skip(), gr.skip(), text]


def _panels(bench: Bench, painter: Painter | None, shape: Shape, picture: np.ndarray, name: str) -> str:
    hidden = hidden_of(bench, shape.side)
    if painter is None:
        return pack_bench(picture, None, None, hidden, shape.patch, id=bench.id, name=name)
    done = painter.reconstruct(picture[None], hidden)
    baseline = float(painter.visible_mean(picture[None], hidden)[0][hidden].mean()) if hidden.any() else None
    return pack_bench(
        picture,
        done.painted[0],
        done.errors[0],
        hidden,
        shape.patch,
        normalised=done.normalised,
        id=bench.id,
        name=name,
        baseline=baseline,
    )


def _strip(bench: Bench, painter: Painter | None, shape: Shape, picture: np.ndarray) -> str | None:
    from backends.mae.masking import draw_mask

    if painter is None:
        return None
    masks = np.stack([draw_mask(bench.config.kind, ratio, shape.side, bench.config.seed) for ratio in RATIOS])
    done = painter.reconstruct(np.repeat(picture[None], len(masks), axis=0), masks)
    columns = [
        Masked(mask, painted, float(errors[mask].mean()) if mask.any() else None)
        for mask, painted, errors in zip(masks, done.painted, done.errors, strict=True)
    ]
    return pack_strip(picture, columns, shape.patch, normalised=done.normalised)
