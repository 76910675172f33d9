"""The augmentation bench: every augmentation's switch and strength beside two views of one picture."""

from __future__ import annotations

import html
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from backends.data.pictures import PictureError
from backends.engine.config import ConfigError
from backends.simclr.augment_config import AUGMENTATIONS, COLOUR_AUGMENTATIONS, AugmentConfig
from backends.simclr.augment_presets import PRESETS
from backends.simclr.config import SimCLRConfig
from playground.components import answers
from playground.components.sprites import data_url
from playground.controls import Controls, build_one
from playground.own_pictures import split_of
from playground.session import Session, SessionStore
from playground.tabs.simclr_state import BENCH_PICTURE, pick, picked
from playground.tabs.tab import QUICK

SIDE = 128
"""Pixels of a view on the bench: crisp at the size at which it is shown."""
MORE_PAIRS = 3
LABELS = {info.name: info.label for info in AugmentConfig.settings()}
BENCH_SEED = "simclr_bench_seed"
SWITCHED_ON = {"rotation": 30, "blur": 0.5, "cutout": 0.4, "noise": 0.1, "solarise": 0.2}
"""Strengths that a switch sets where the default is 0."""


@dataclass(frozen=True)
class Bench:
    """The components of the bench."""

    widgets: dict[str, Any]
    switches: dict[str, gr.Checkbox]
    presets: dict[str, gr.Button]
    expectation: gr.HTML
    views: gr.HTML
    draw: gr.Button
    another: gr.Button
    own: gr.UploadButton


def lay_out_bench() -> Bench:
    """Lay the bench out where it is called."""
    widgets: dict[str, Any] = {}
    switches: dict[str, gr.Checkbox] = {}
    with gr.Row(elem_classes=["presets"]):
        presets = {
            name: gr.Button(preset.label, size="sm", elem_id=f"simclr-aug-{name}") for name, preset in PRESETS.items()
        }
    expectation = answers.html_area(elem_id="simclr-aug-expect", elem_classes=["note-line"])
    with gr.Row(elem_classes=["bench-row"]):
        with gr.Column(min_width=400, elem_classes=["bench-views"]):
            views = answers.html_area(elem_id="simclr-views")
            with gr.Row(elem_classes=["actions"]):
                draw = gr.Button("Draw again", size="sm", elem_id="simclr-draw", min_width=90)
                another = gr.Button("Another picture", size="sm", elem_id="simclr-another", min_width=110)
                own = gr.UploadButton(
                    "A picture of your own",
                    size="sm",
                    file_types=["image"],
                    file_count="single",
                    elem_id="simclr-bench-own",
                    min_width=140,
                )
        with gr.Column(min_width=340, elem_classes=["bench-strengths"]):
            for name in AUGMENTATIONS:
                with gr.Row(elem_classes=["bench-strength"]):
                    label = LABELS[name]
                    switches[name] = gr.Checkbox(
                        AugmentConfig.model_fields[name].default > 0,
                        label=f"{label} on",
                        container=False,
                        min_width=20,
                        elem_id=f"simclr-on-{name}",
                        elem_classes=["switch"],
                    )
                    widgets[name] = build_one(SimCLRConfig, name, "simclr")
    return Bench(widgets, switches, presets, expectation, views, draw, another, own)


def wire_bench(store: SessionStore, bench: Bench, controls: Controls) -> None:
    """Wire the bench; `controls` are all of the tab's settings, the bench's among them."""

    def session_of(request: gr.Request) -> Session:
        return store.of(str(request.session_hash))

    def on_change(request: gr.Request, *values: Any) -> list[Any]:
        return [bench_html(session_of(request), controls, values), *switch_values(controls, values)]

    def on_draw(request: gr.Request, *values: Any) -> str:
        session = session_of(request)
        session.uploads[BENCH_SEED] = secrets.randbelow(2**31)
        return bench_html(session, controls, values)

    def on_another(request: gr.Request, *values: Any) -> str:
        session = session_of(request)
        take_another(session, controls, values)
        return bench_html(session, controls, values)

    def on_own(path: str | None, request: gr.Request, *values: Any) -> str:
        session = session_of(request)
        problem = take_bench_picture(session, path)
        return problem or bench_html(session, controls, values)

    shown = [bench.views, *bench.switches.values()]
    changes = [controls.widgets[name].change for name in (*AUGMENTATIONS, "data", "shortcut")]
    gr.on(changes, on_change, controls.inputs, shown, trigger_mode="always_last", api_name=False, **QUICK)
    bench.draw.click(on_draw, controls.inputs, bench.views, api_name=False, **QUICK)
    bench.another.click(on_another, controls.inputs, bench.views, api_name=False, **QUICK)
    bench.own.upload(on_own, [bench.own, *controls.inputs], bench.views, api_name="simclr_bench_picture", **QUICK)
    for name, switch in bench.switches.items():

        def on_switch(on: bool, chosen: str = name) -> float:
            return strength_of(chosen) if on else 0

        switch.input(on_switch, switch, bench.widgets[name], api_name=False, **QUICK)
    for preset, button in bench.presets.items():

        def on_preset(chosen: str = preset) -> list[Any]:
            config = PRESETS[chosen].config
            return [answers.sentence(PRESETS[chosen].expect), *(getattr(config, name) for name in AUGMENTATIONS)]

        outputs = [bench.expectation, *(bench.widgets[name] for name in AUGMENTATIONS)]
        button.click(on_preset, None, outputs, api_name=False, **QUICK)


def strength_of(name: str) -> float:
    """The strength at which a switch turns an augmentation on."""
    default = float(AugmentConfig.model_fields[name].default)
    return default or SWITCHED_ON[name]


def switch_values(controls: Controls, values: Sequence[Any]) -> list[bool]:
    """Which augmentations are on."""
    by_name = dict(zip(controls.widgets, values, strict=True))
    return [bool(by_name[name]) for name in AUGMENTATIONS]


def take_another(session: Session, controls: Controls, values: Sequence[Any]) -> None:
    """Put another of the training pictures on the bench."""
    try:
        config = controls.read(values)
        assert isinstance(config, SimCLRConfig)
        count = len(split_of(session, config).train)
    except (ConfigError, PictureError):
        return
    pick(session, config.data, secrets.randbelow(count))


def take_bench_picture(session: Session, path: str | None) -> str:
    """Put a visitor's picture on the bench; returns a problem, or nothing."""
    from backends.data.own_pictures import read_picture

    if not path:
        return answers.problem("No picture arrived: choose a JPEG, PNG, WebP or GIF file.")
    try:
        session.uploads[BENCH_PICTURE] = read_picture(Path(path), SIDE)
    except PictureError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    return ""


def bench_picture(session: Session, config: SimCLRConfig) -> tuple[np.ndarray, str]:
    """The picture on the bench, (SIDE, SIDE, 3) uint8, and what it shows.

    Raises:
        PictureError: own pictures are asked for and there are none.
    """
    brought = session.uploads.get(BENCH_PICTURE)
    if brought is not None:
        return brought, "your picture"
    train = split_of(session, config).train
    index = min(picked(session, config.data), len(train) - 1)
    return train.at_size([index], SIDE)[0], train.names[index]


def bench_html(session: Session, controls: Controls, values: Sequence[Any]) -> str:
    """The picture, two views of it, further pairs, and what the two views have in common."""
    try:
        config = controls.read(values)
    except ConfigError as error:
        return answers.problem(str(error))
    assert isinstance(config, SimCLRConfig)
    return bench_of(session, config)


def bench_of(session: Session, config: SimCLRConfig) -> str:
    """The same for settings that are known to be good."""
    from backends.simclr.preview import preview

    try:
        picture, name = bench_picture(session, config)
    except PictureError as error:
        return answers.problem(str(error))

    seed = int(session.uploads.get(BENCH_SEED, 1))
    views = [data_url(view) for view in preview(picture, config, seed, 1 + MORE_PAIRS)]
    large = "".join(
        f'<figure><img src="{src}" alt="{alt}"><figcaption>{html.escape(caption)}</figcaption></figure>'
        for src, alt, caption in (
            (data_url(picture), "the picture", name),
            (views[0], "first view", "view 1"),
            (views[1], "second view", "view 2"),
        )
    )
    more = "".join(
        f'<span class="bench-pair"><img src="{one}" alt="first view"><img src="{other}" alt="second view"></span>'
        for one, other in zip(views[2::2], views[3::2], strict=True)
    )
    return (
        f'<div class="bench"><div class="bench-large">{large}</div>'
        f'<p class="bench-more"><span>More pairs</span>{more}</p>{answers.sentence(what_is_ignored(config))}</div>'
    )


def what_is_ignored(config: AugmentConfig) -> str:
    """What the loss is told by these augmentations to overlook."""
    if not any(getattr(config, name) for name in AUGMENTATIONS):
        return "Nothing differs between the views: the task is trivial and teaches next to nothing."
    ignored = []
    if any(getattr(config, name) for name in COLOUR_AUGMENTATIONS):
        ignored.append("which colour it has")
    if config.brightness or config.contrast or config.solarise:
        ignored.append("how bright it is")
    if config.crop or config.cutout:
        ignored.append("where it stands and which part is seen")
    if config.flip or config.rotation:
        ignored.append("which way it faces")
    if config.blur or config.noise:
        ignored.append("how sharp it is")
    listed = ignored[0] if len(ignored) == 1 else ", ".join(ignored[:-1]) + " and " + ignored[-1]
    return f"To the loss both views are the same thing, so the features learn to overlook {listed}."
