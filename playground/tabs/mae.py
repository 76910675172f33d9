"""The MAE tab: hide patches and see them painted, train it live, look inside, ask why 75 %, take it home."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from backends.analysis.map_config import MapConfig
from backends.engine.config import MethodConfig
from backends.mae.bench_config import BenchConfig
from backends.mae.config import OWN_PICTURES, MAEConfig, valid_patches
from playground import controls
from playground.components import answers
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.run_panel import RunPanel, TabRun
from playground.link_texts import kept_texts, number_of, take_texts
from playground.links import Link, LinkTarget
from playground.own_pictures import own_pictures
from playground.picture_map import AT_REST, MapPart
from playground.session import Session, SessionStore
from playground.tabs import mae_bench, mae_inside, mae_live, mae_pictures, mae_ratios, picture_home, pictures
from playground.tabs.bench_picture import MAX_TURN
from playground.tabs.mae_home import HOME
from playground.tabs.mae_how import build_how_it_works
from playground.tabs.mae_presets import lay_out_presets
from playground.tabs.mae_state import TAB, model_of
from playground.tabs.presets import ButtonOf, wire_presets
from playground.tabs.tab import QUICK, Tab

QUESTION = "How much of a picture can you hide and still know what it is?"
LEAD = (
    "No labels: the puzzle comes from the picture itself. Hide most of its patches, let a net paint them, and it must "
    "learn what things look like."
)
MAP_PREFIX, BENCH_PREFIX = "map_", "bench_"
LINK = LinkTarget(
    {"": MAEConfig, MAP_PREFIX: MapConfig, BENCH_PREFIX: BenchConfig},
    kept=(number_of("picture", mae_bench.bench_of, "turn", 0, least=0, most=MAX_TURN), mae_bench.MASK_TEXT),
)
SHOW_TRAINING = "() => ({__type__: 'update', selected: 'live'})"


@dataclass
class Parts:
    """The components of the tab that are wired to each other."""

    widgets: dict[str, Any]
    data_note: gr.HTML
    panel: RunPanel
    copy_link: gr.Button
    link: gr.Textbox
    views: gr.Tabs
    bench: mae_bench.BenchPart
    live: mae_live.Live
    map: MapPart
    origin: gr.HTML
    inside_tab: gr.Tab
    inside: mae_inside.InsidePart
    ratios: mae_ratios.RatiosPart
    pictures: pictures.PicturesPart
    presets: ButtonOf
    expectation: gr.HTML


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_settings(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            shown = _lay_out_views(store)
    parts = Parts(**asked, **shown)
    settings = controls.in_config_order(MAEConfig, parts.widgets)
    run = mae_live.run_of(store, parts.live, parts.map, parts.bench, settings)
    for button in (parts.panel.train, parts.panel.step, parts.panel.reset):
        button.click(None, None, parts.views, js=SHOW_TRAINING)  # before the training, whose end it would wait for
    parts.panel.wire(run)
    mae_live.wire_live(store, parts.live)
    mae_live.MAP.wire(store, parts.map, parts.origin)
    mae_bench.wire_bench(store, parts.bench)
    mae_inside.wire_inside(store, parts.inside, parts.inside_tab)
    ratios = mae_ratios.wire_ratios(store, parts.ratios, settings)
    _wire_pictures(store, parts, settings)
    _wire_data(store, parts)
    wire_link(parts.copy_link, parts.link, settings, partial(make_query, store, run))
    wire_presets(store, parts.presets, parts.expectation, settings)
    bench_inputs = parts.bench.controls.inputs

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = take_link(session, link)
        bench = mae_bench.bench_of(session)
        held = bench.config.model_dump()
        return [
            *parts.panel.restore(run, session, config),
            *parts.ratios.panel.restore_run(ratios, session),
            bench.painter,
            *[held[name] for name in parts.bench.controls.widgets],
            *mae_bench.bench_views(store, session),
        ]

    outputs = [
        *parts.panel.outputs(run),
        *parts.ratios.panel.own_outputs(ratios),
        parts.bench.painter,
        *bench_inputs,
        *parts.bench.views,
    ]
    return Tab(outputs, on_open, LINK)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = controls.build_essential(MAEConfig, "mae")
    data_note = answers.html_area(elem_id="mae-data-note", elem_classes=["note-line"])
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(MAEConfig, "mae")
    panel = RunPanel(store, "mae")
    with gr.Row(elem_classes=["run-buttons"]):
        copy_link = gr.Button("Copy link", size="sm", elem_id="mae-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "data_note": data_note,
        "panel": panel,
        "copy_link": copy_link,
        "link": link_field("mae"),
    }


def _lay_out_views(store: SessionStore) -> dict[str, Any]:
    with gr.Tabs(elem_classes=["questions"], elem_id="mae-views-tabs") as views:
        with gr.Tab("Reconstruct", id="bench"):
            bench = mae_bench.lay_out_bench(store)
        with gr.Tab("Your run", id="live"):
            live = mae_live.lay_out_live()
        with gr.Tab("Inside", id="inside") as inside_tab:
            inside = mae_inside.lay_out_inside()
        with gr.Tab("Map", id="map"):
            shown_map = mae_live.MAP.lay_out()
            origin = mae_live.MAP.lay_out_origin()
        with gr.Tab("Why 75 %?", id="ratios"):
            ratios = mae_ratios.lay_out_ratios(store)
        with gr.Tab("Pictures", id="pictures"):
            brought = pictures.lay_out_pictures(mae_pictures.USE, store.limits)
        with gr.Tab("Try this", id="try"):
            presets, expectation = lay_out_presets()
        with gr.Tab("Take home", id="home"):
            _lay_out_home(store, bench, live, shown_map, origin)
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "views": views,
        "bench": bench,
        "live": live,
        "map": shown_map,
        "origin": origin,
        "inside_tab": inside_tab,
        "inside": inside,
        "ratios": ratios,
        "pictures": brought,
        "presets": presets,
        "expectation": expectation,
    }


def _lay_out_home(
    store: SessionStore, bench: mae_bench.BenchPart, live: mae_live.Live, shown_map: MapPart, origin: gr.HTML
) -> None:
    """Downloads, and the loading of other models, which then paint and are what the map shows."""

    def on_loaded(session: Session) -> list[Any]:
        session.stop(TAB)
        mae_bench.bench_of(session).painter = mae_bench.PRESENT
        return [
            mae_bench.PRESENT,
            *mae_bench.fresh_views(store, session),
            *mae_live.loaded_views(session),
        ]

    outputs = [bench.painter, *bench.views, live.side, shown_map.explorer.frame, shown_map.neighbours, origin]
    with gr.Row(elem_classes=["two-parts"]):
        with gr.Column():
            answers.html_area("<h3>Take it home</h3>")
            picture_home.build_take_home(HOME, store, model_of)
        with gr.Column():
            answers.html_area("<h3>Load another model</h3>")
            rest = mae_live.MAP.rest(store)
            for loaded in picture_home.build_load(HOME, store, on_loaded, outputs):
                loaded.then(rest, None, shown_map.explorer.frame, api_name=False, **AT_REST)


def _wire_pictures(store: SessionStore, parts: Parts, settings: controls.Controls) -> None:
    """A picked picture goes on the bench."""

    def on_picked(request: gr.Request) -> list[Any]:
        return mae_bench.bench_views(store, store.of(str(request.session_hash)))

    brought = pictures.wire_pictures(store, mae_pictures.USE, parts.pictures, settings)
    brought.picked.then(on_picked, None, parts.bench.views, api_name=False, **QUICK)


def _wire_data(store: SessionStore, parts: Parts) -> None:
    """Whoever chooses their own pictures is led to where they are brought; only patches that fit are on offer."""

    def on_data(data: str, request: gr.Request) -> list[Any]:
        missing = data == OWN_PICTURES and own_pictures(store.of(str(request.session_hash))) is None
        note = answers.sentence("Bring a .zip of folders under Pictures.") if missing else ""
        return [note, gr.Tabs(selected="pictures") if missing else gr.skip()]

    def on_size(size: str, patch: str) -> Any:
        return patch_choices(str(size), str(patch))

    data, size, patch = (parts.widgets[name] for name in ("data", "image_size", "patch"))
    data.change(on_data, data, [parts.data_note, parts.views], api_name=False, **QUICK)
    size.change(on_size, [size, patch], patch, api_name=False, **QUICK)


def patch_choices(size: str, patch: str) -> Any:
    """The patches that tile pictures of this size; the chosen one stays if it is among them."""
    known = MAEConfig.model_fields["image_size"].annotation
    valid = valid_patches(size) if size in getattr(known, "__args__", ()) else ()
    if not valid:
        return gr.skip()
    nearest = min(valid, key=lambda name: abs(int(name) - int(patch))) if patch.isdecimal() else valid[0]
    return gr.update(choices=list(valid), value=patch if patch in valid else nearest)


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings, map and mask.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    kept = mae_live.MAP.kept(session)
    configs: dict[str, MethodConfig] = {
        "": tab.controls.read(values),
        BENCH_PREFIX: mae_bench.bench_of(session).config,
        **({MAP_PREFIX: kept} if kept is not None else {}),
    }
    return copied_query(session, TAB, LINK, configs, kept_texts(session, LINK.kept))


def take_link(session: Session, link: Link | None) -> MethodConfig | None:
    """Take map and mask of a link into the session; returns the settings for the widgets, or None without a link."""
    if link is None:
        return None
    map_config, bench_config = link.configs[MAP_PREFIX], link.configs[BENCH_PREFIX]
    assert isinstance(map_config, MapConfig)
    assert isinstance(bench_config, BenchConfig)
    if map_config != MapConfig():
        mae_live.MAP.keep(session, map_config)
    bench = mae_bench.bench_of(session)
    bench.config, bench.hidden = bench_config, None
    take_texts(session, LINK.kept, link.texts)
    bench.changed()
    return link.configs[""]
