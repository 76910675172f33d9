"""The SimCLR tab: would you jitter the colours to sort apples by colour? Vote, train, look, ablate, take home."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from backends.analysis.map_config import MapConfig
from backends.engine.config import ConfigError, MethodConfig
from backends.simclr.augment_config import AUGMENTATIONS
from backends.simclr.config import OWN_PICTURES, SimCLRConfig
from playground import controls
from playground.components import answers
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.run_panel import RunPanel, TabRun
from playground.kept_runs import distinction
from playground.links import Link, LinkTarget
from playground.own_pictures import own_pictures
from playground.picture_map import AT_REST
from playground.pins import PinError
from playground.session import Session, SessionStore
from playground.tabs import (
    picture_home,
    pictures,
    simclr_ablation,
    simclr_augment,
    simclr_experiment,
    simclr_live,
    simclr_pictures,
)
from playground.tabs.presets import ButtonOf, wire_presets
from playground.tabs.simclr_by_hand import build_by_hand
from playground.tabs.simclr_compare import Compare, build_compare, comparison, pin_present
from playground.tabs.simclr_home import HOME
from playground.tabs.simclr_how import build_how_it_works
from playground.tabs.simclr_presets import lay_out_presets
from playground.tabs.simclr_state import TAB, draw_batch, model_of
from playground.tabs.tab import QUICK, Tab

QUESTION = "Which differences should a net learn to overlook?"
LEAD = (
    "No labels: two views of one picture must find each other among all others. What the views vary, the features "
    "forget; what they keep, the features use."
)
MAP_PREFIX = "map_"
LINK = LinkTarget({"": SimCLRConfig, MAP_PREFIX: MapConfig})
SHOW_TRAINING = "() => ({__type__: 'update', selected: 'live'})"


@dataclass
class Parts:
    """The components of the tab that are wired to each other."""

    widgets: dict[str, Any]
    data_note: gr.HTML
    panel: RunPanel
    pin: gr.Button
    pin_note: gr.HTML
    copy_link: gr.Button
    link: gr.Textbox
    views: gr.Tabs
    experiment: simclr_experiment.Experiment
    live: simclr_live.Live
    bench: simclr_augment.Bench
    ablation: simclr_ablation.AblationPart
    pictures: pictures.PicturesPart
    compare_tab: gr.Tab
    compare: Compare
    presets: ButtonOf
    expectation: gr.HTML


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_settings(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            shown = _lay_out_views(store)
    asked["widgets"] |= shown["bench"].widgets
    parts = Parts(**asked, **shown)
    settings = controls.in_config_order(SimCLRConfig, parts.widgets)
    run = simclr_live.run_of(store, parts.live, settings)
    for button in (parts.panel.train, parts.panel.step, parts.panel.reset):
        button.click(None, None, parts.views, js=SHOW_TRAINING)  # before the training, whose end it would wait for
    parts.panel.wire(run)
    simclr_live.wire_live(store, parts.live)
    simclr_augment.wire_bench(store, parts.bench, settings)
    brought = pictures.wire_pictures(store, simclr_pictures.USE, parts.pictures, settings)
    _wire_bench_to_pictures(store, parts, settings, brought)
    others = [
        (parts.experiment.panel, simclr_experiment.wire_experiment(store, parts.experiment, settings)),
        (parts.ablation.panel, simclr_ablation.wire_ablation(store, parts.ablation, settings)),
    ]
    wire_link(parts.copy_link, parts.link, settings, partial(make_query, store, run))
    _wire_data(store, parts, settings)
    _wire_pins(store, parts)
    wire_presets(store, parts.presets, parts.expectation, settings)

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = take_link(session, link)
        restored = parts.panel.restore(run, session, config)
        for panel, other in others:
            restored += panel.restore_run(other, session)
        shown = config or held_config(session)
        assert isinstance(shown, SimCLRConfig)
        return [
            *restored,
            simclr_augment.bench_of(session, shown),
            *simclr_experiment.vote_labels(session),
            simclr_experiment.question_html(shown.data),
            *simclr_experiment.glance_values(session, shown),
        ]

    outputs = parts.panel.outputs(run)
    for panel, other in others:
        outputs += panel.own_outputs(other)
    asking = parts.experiment
    outputs += [parts.bench.views, *asking.votes.values(), asking.question, *asking.glances.values()]
    return Tab(outputs, on_open, LINK)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = controls.build_essential(SimCLRConfig, "simclr")
    data_note = answers.html_area(elem_id="simclr-data-note", elem_classes=["note-line"])
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(SimCLRConfig, "simclr", AUGMENTATIONS)
    panel = RunPanel(store, "simclr", pins=False)
    with gr.Row(elem_classes=["run-buttons"]):
        pin = gr.Button("Pin this run", size="sm", elem_id="simclr-pin", min_width=60)
        copy_link = gr.Button("Copy link", size="sm", elem_id="simclr-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "data_note": data_note,
        "panel": panel,
        "pin": pin,
        "copy_link": copy_link,
        "link": link_field("simclr"),
        "pin_note": answers.html_area(elem_id="simclr-pin-note", elem_classes=["note-line"]),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    with gr.Tabs(elem_classes=["questions"], elem_id="simclr-views-tabs") as views:
        with gr.Tab("Experiment", id="experiment"):
            experiment = simclr_experiment.lay_out_experiment(store)
        with gr.Tab("Your run", id="live"):
            live = simclr_live.lay_out_live()
        with gr.Tab("Augment", id="augment"):
            bench = simclr_augment.lay_out_bench()
        with gr.Tab("By hand", id="by-hand"):
            build_by_hand(store, draw_batch)
        with gr.Tab("Pictures", id="pictures"):
            brought = pictures.lay_out_pictures(simclr_pictures.USE, store.limits)
        with gr.Tab("Ablation", id="ablation"):
            ablation = simclr_ablation.lay_out_ablation(store)
        with gr.Tab("Compare", id="compare") as compare_tab:
            compare = build_compare(store)
        with gr.Tab("Try this", id="try"):
            presets, expectation = lay_out_presets()
        with gr.Tab("Take home", id="home"):
            _lay_out_home(store, live)
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "views": views,
        "experiment": experiment,
        "live": live,
        "bench": bench,
        "ablation": ablation,
        "pictures": brought,
        "compare_tab": compare_tab,
        "compare": compare,
        "presets": presets,
        "expectation": expectation,
    }


def _lay_out_home(store: SessionStore, live: simclr_live.Live) -> None:
    """Downloads, and the loading of other models, which then are what the map shows."""

    def on_loaded(session: Session) -> list[Any]:
        session.stop(TAB)
        return simclr_live.loaded_views(session)

    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column():
            answers.html_area("<h3>Take it home</h3>")
            picture_home.build_take_home(HOME, store, model_of)
        with gr.Column():
            answers.html_area("<h3>Load another model</h3>")
            rest = simclr_live.MAP.rest(store)
            for loaded in picture_home.build_load(HOME, store, on_loaded, live.answers):
                loaded.then(rest, None, live.map.explorer.frame, api_name=False, **AT_REST)


def _wire_bench_to_pictures(
    store: SessionStore, parts: Parts, settings: controls.Controls, brought: pictures.PictureEvents
) -> None:
    """A picked picture goes on the bench, and so do pictures that were just brought."""

    def on_picked(request: gr.Request, *values: Any) -> str:
        return simclr_augment.bench_html(store.of(str(request.session_hash)), settings, values)

    for event in (brought.picked, brought.uploaded):
        event.then(on_picked, settings.inputs, parts.bench.views, api_name=False, **QUICK)


def _wire_data(store: SessionStore, parts: Parts, settings: controls.Controls) -> None:
    """Whoever chooses their own pictures is led to where they are brought."""

    def on_data(data: str, request: gr.Request) -> list[Any]:
        missing = data == OWN_PICTURES and own_pictures(store.of(str(request.session_hash))) is None
        note = answers.sentence("Bring a .zip of folders under Pictures.") if missing else ""
        question = simclr_experiment.question_html(str(data))
        return [note, gr.Tabs(selected="pictures") if missing else gr.skip(), question]

    def on_views(request: gr.Request, *values: Any) -> list[str]:
        try:
            config = settings.read(values)
        except ConfigError:
            return [""] * len(parts.experiment.glances)
        assert isinstance(config, SimCLRConfig)
        return simclr_experiment.glance_values(store.of(str(request.session_hash)), config)

    data = parts.widgets["data"]
    data.change(on_data, data, [parts.data_note, parts.views, parts.experiment.question], api_name=False, **QUICK)
    changes = [parts.widgets[name].change for name in (*AUGMENTATIONS, "data", "shortcut")]
    glances = list(parts.experiment.glances.values())
    gr.on(changes, on_views, settings.inputs, glances, trigger_mode="always_last", api_name=False, **QUICK)


def _wire_pins(store: SessionStore, parts: Parts) -> None:
    def on_pin(request: gr.Request) -> str:
        try:
            pinned = pin_present(store.of(str(request.session_hash)))
        except PinError as error:
            return answers.problem(str(error))
        return answers.sentence(f"Pinned: {distinction(pinned.config)}. Change a setting, train, then open Compare.")

    def on_compare(request: gr.Request) -> list[Any]:
        return comparison(store.of(str(request.session_hash)))

    outputs = parts.compare.outputs
    pinned = parts.pin.click(on_pin, None, parts.pin_note, api_name="simclr_pin", **QUICK)
    pinned.then(on_compare, None, outputs, api_name=False, **QUICK)
    parts.compare_tab.select(on_compare, None, outputs, api_name=False, **QUICK)


def held_config(session: Session) -> SimCLRConfig:
    """The settings of the run that the session holds, or the defaults."""
    run = session.runs.get(TAB)
    config = run.config if run is not None else SimCLRConfig()
    assert isinstance(config, SimCLRConfig)
    return config


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings and map.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    kept = simclr_live.MAP.kept(session)
    return copied_query(
        session, TAB, LINK, {"": tab.controls.read(values), **({MAP_PREFIX: kept} if kept is not None else {})}
    )


def take_link(session: Session, link: Link | None) -> MethodConfig | None:
    """Take the map of a link into the session; returns the settings for the widgets, or None without a link."""
    if link is None:
        return None
    map_config = link.configs[MAP_PREFIX]
    if map_config != MapConfig():
        assert isinstance(map_config, MapConfig)
        simclr_live.MAP.keep(session, map_config)
    return link.configs[""]
