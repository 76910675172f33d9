"""The Pretext tab: make a puzzle of a picture, play it against the net, train it live, ask what it taught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from backends.analysis.map_config import MapConfig
from backends.engine.config import MAX_SEED, MethodConfig
from backends.pretext.config import OWN_PICTURES, task_of
from backends.pretext.task_config import OWN_SETTINGS, TaskConfig
from playground import controls
from playground.components import answers
from playground.components.link_box import copied_query, link_field, wire_link
from playground.components.run_panel import RunPanel, TabRun
from playground.link_texts import kept_texts, number_of, take_texts
from playground.links import Link, LinkTarget
from playground.own_pictures import own_pictures
from playground.picture_map import AT_REST, MapPart
from playground.session import Session, SessionStore
from playground.tabs import (
    picture_home,
    pictures,
    pretext_bench,
    pretext_compare,
    pretext_game,
    pretext_live,
    pretext_pictures,
    pretext_unsolvable,
)
from playground.tabs.bench_picture import MAX_TURN
from playground.tabs.presets import ButtonOf, wire_presets
from playground.tabs.pretext_home import HOME
from playground.tabs.pretext_how import build_how_it_works
from playground.tabs.pretext_presets import lay_out_presets
from playground.tabs.pretext_state import LOADED, TAB, choose_task, chosen_task, model_of
from playground.tabs.tab import QUICK, Tab

QUESTION = "What must you know to solve a puzzle?"
LEAD = "Turn a picture, cut a hole, shuffle its tiles: what was done is the label, and nobody has to write it."
MAP_PREFIX = "map_"
LINK = LinkTarget(
    {"": TaskConfig, MAP_PREFIX: MapConfig},
    kept=(
        number_of("picture", pretext_bench.bench_of, "turn", 0, least=0, most=MAX_TURN),
        number_of("puzzle", pretext_bench.bench_of, "seed", 1, least=0, most=MAX_SEED),
    ),
)
FIRST = ("task", "data", "steps")
"""The settings that stand above those which only one task has."""
SHOW_TRAINING = """() => {
    const shown = document.querySelector("#pretext-views-tabs button[role=tab][aria-selected=true]");
    const playing = shown !== null && shown.textContent.trim() === "Play";
    return playing ? {__type__: "update"} : {__type__: "update", selected: "live"};
}"""
"""Who plays goes on playing against the net that now learns."""


@dataclass
class Parts:
    """The components of the tab that are wired to each other."""

    widgets: dict[str, Any]
    groups: dict[str, gr.Column]
    data_note: gr.HTML
    panel: RunPanel
    copy_link: gr.Button
    link: gr.Textbox
    views: gr.Tabs
    tabs: dict[str, gr.Tab]
    bench: pretext_bench.BenchPart
    game: pretext_game.GamePart
    live: pretext_live.Live
    map: MapPart
    origin: gr.HTML
    unsolvable: pretext_unsolvable.UnsolvablePart
    compare: pretext_compare.ComparePart
    pictures: pictures.PicturesPart
    presets: ButtonOf
    expectation: gr.HTML

    @property
    def of_model(self) -> list[gr.components.Component]:
        """What `of_model_views` makes values for."""
        shown = [self.live.side, self.map.explorer.frame, self.map.neighbours, self.origin]
        return [*self.bench.views, *self.game.views, *shown]


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_settings(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            shown, home = _lay_out_views(store)
    parts = Parts(**asked, **shown)
    settings = controls.in_config_order(TaskConfig, parts.widgets)
    run = pretext_live.run_of(store, parts.live, parts.map, parts.bench, parts.game, settings)
    for button in (parts.panel.train, parts.panel.step, parts.panel.reset):
        button.click(None, None, parts.views, js=SHOW_TRAINING)  # before the training, whose end it would wait for
    parts.panel.wire(run)
    pretext_live.MAP.wire(store, parts.map, parts.origin)
    pretext_bench.wire_bench(store, parts.bench)
    pretext_game.wire_game(store, parts.game, parts.tabs["play"])
    pretext_unsolvable.wire_unsolvable(store, parts.unsolvable, parts.tabs["unsolvable"])
    pretext_compare.wire_compare(store, parts.compare, parts.tabs["compare"])
    _wire_task(store, parts)
    _wire_home(store, parts, home)
    _wire_pictures(store, parts, settings)
    _wire_data(store, parts)
    wire_link(parts.copy_link, parts.link, settings, partial(make_query, store, run))
    wire_presets(store, parts.presets, parts.expectation, settings)

    def on_open(session: Session, link: Link | None) -> list[Any]:
        config = opened_config(session, link)
        return [
            *parts.panel.restore(run, session, config),
            *group_updates(chosen_task(session)),
            *pretext_bench.bench_views(session),
            *pretext_game.game_views(session),
        ]

    outputs = [*parts.panel.outputs(run), *parts.groups.values(), *parts.bench.views, *parts.game.views]
    return Tab(outputs, on_open, LINK)


def _lay_out_settings(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    widgets = {name: controls.build_one(TaskConfig, name, "pretext") for name in FIRST}
    groups = {}
    for task, names in OWN_SETTINGS.items():
        with gr.Column(visible=task == TaskConfig().task, elem_classes=["own-settings"]) as groups[task]:
            widgets |= {name: controls.build_one(TaskConfig, name, "pretext") for name in names}
    data_note = answers.html_area(elem_id="pretext-data-note", elem_classes=["note-line"])
    with gr.Accordion("Advanced", open=False):
        widgets |= controls.build_advanced(TaskConfig, "pretext")
    panel = RunPanel(store, "pretext")
    with gr.Row(elem_classes=["run-buttons"]):
        copy_link = gr.Button("Copy link", size="sm", elem_id="pretext-copy-link", min_width=60)
    return {
        "widgets": widgets,
        "groups": groups,
        "data_note": data_note,
        "panel": panel,
        "copy_link": copy_link,
        "link": link_field("pretext"),
    }


def _lay_out_views(store: SessionStore) -> tuple[dict[str, Any], gr.Column]:
    tabs: dict[str, gr.Tab] = {}
    with gr.Tabs(elem_classes=["questions"], elem_id="pretext-views-tabs") as views:
        with gr.Tab("Puzzle", id="bench"):
            bench = pretext_bench.lay_out_bench()
        with gr.Tab("Play", id="play") as tabs["play"]:
            game = pretext_game.lay_out_game()
        with gr.Tab("Your run", id="live"):
            live = pretext_live.lay_out_live()
        with gr.Tab("Map", id="map"):
            shown_map = pretext_live.MAP.lay_out()
            origin = pretext_live.MAP.lay_out_origin()
        with gr.Tab("Unsolvable", id="unsolvable") as tabs["unsolvable"]:
            unsolvable = pretext_unsolvable.lay_out_unsolvable()
        with gr.Tab("Compare", id="compare") as tabs["compare"]:
            compare = pretext_compare.lay_out_compare()
        with gr.Tab("Pictures", id="pictures"):
            brought = pictures.lay_out_pictures(pretext_pictures.USE, store.limits)
        with gr.Tab("Try this", id="try"):
            presets, expectation = lay_out_presets()
        with gr.Tab("Take home", id="home"), gr.Row(elem_classes=["two-parts"]):
            with gr.Column():
                answers.html_area("<h3>Take it home</h3>")
                picture_home.build_take_home(HOME, store, model_of)
            with gr.Column() as home:
                answers.html_area("<h3>Load another model</h3>")
        with gr.Tab("How it works", id="how"):
            build_how_it_works()
    return {
        "views": views,
        "tabs": tabs,
        "bench": bench,
        "game": game,
        "live": live,
        "map": shown_map,
        "origin": origin,
        "unsolvable": unsolvable,
        "compare": compare,
        "pictures": brought,
        "presets": presets,
        "expectation": expectation,
    }, home


def of_model_views(session: Session) -> list[Any]:
    """Values of what shows the net that answers: bench, game, probes, map."""
    bench, game = pretext_bench.bench_views(session), pretext_game.game_views(session)
    return [*bench, *game, *pretext_live.model_views(session)]


def group_updates(task: str) -> list[Any]:
    """Show the settings that the task has of its own, and no other task's."""
    return [gr.update(visible=name == task) for name in OWN_SETTINGS]


def _wire_task(store: SessionStore, parts: Parts) -> None:
    """Another puzzle: its settings, its net, its bench and game."""
    outputs = [*parts.groups.values(), *parts.of_model]

    def on_task(task: str, request: gr.Request) -> Iterator[list[Any]]:
        session = store.of(str(request.session_hash))
        if task == chosen_task(session) or not choose_task(session, str(task)):
            yield [*group_updates(chosen_task(session)), *[gr.skip()] * len(parts.of_model)]
            return
        pretext_bench.bench_of(session).renew()
        yield [*group_updates(task), *[gr.skip()] * len(parts.of_model)]
        yield [*group_updates(task), *of_model_views(session)]

    task = parts.widgets["task"]
    changed = task.change(on_task, task, outputs, trigger_mode="always_last", api_name="pretext_task", **QUICK)
    changed.then(pretext_live.MAP.rest(store), None, parts.map.explorer.frame, api_name=False, **AT_REST)


def _wire_home(store: SessionStore, parts: Parts, home: gr.Column) -> None:
    """A model that is loaded answers in all parts; its task becomes the chosen one."""
    task = parts.widgets["task"]

    def on_loaded(session: Session) -> list[Any]:
        session.stop(TAB)
        loaded = session.uploads.get(LOADED)
        if loaded is not None:
            choose_task(session, task_of(loaded[0].config))
            pretext_bench.bench_of(session).renew()
        return [chosen_task(session), *group_updates(chosen_task(session)), *of_model_views(session)]

    with home:
        loads = picture_home.build_load(HOME, store, on_loaded, [task, *parts.groups.values(), *parts.of_model])
    rest = pretext_live.MAP.rest(store)
    for loaded in loads:
        loaded.then(rest, None, parts.map.explorer.frame, api_name=False, **AT_REST)


def _wire_pictures(store: SessionStore, parts: Parts, settings: controls.Controls) -> None:
    """A picked picture goes on the bench."""

    def on_picked(request: gr.Request) -> list[Any]:
        return pretext_bench.bench_views(store.of(str(request.session_hash)))

    brought = pictures.wire_pictures(store, pretext_pictures.USE, parts.pictures, settings)
    brought.picked.then(on_picked, None, parts.bench.views, api_name=False, **QUICK)


def _wire_data(store: SessionStore, parts: Parts) -> None:
    """Whoever chooses their own pictures is led to where they are brought."""

    def on_data(data: str, request: gr.Request) -> list[Any]:
        missing = data == OWN_PICTURES and own_pictures(store.of(str(request.session_hash))) is None
        note = answers.sentence("Bring a .zip of folders under Pictures.") if missing else ""
        return [note, gr.Tabs(selected="pictures") if missing else gr.skip()]

    data = parts.widgets["data"]
    data.change(on_data, data, [parts.data_note, parts.views], api_name=False, **QUICK)


def make_query(store: SessionStore, tab: TabRun, request: gr.Request, values: list[Any]) -> str:
    """The link to a visitor's settings and map.

    Raises:
        ConfigError: a setting is out of its range.
    """
    session = store.of(str(request.session_hash))
    kept = pretext_live.MAP.kept(session)
    configs: dict[str, MethodConfig] = {
        "": tab.controls.read(values),
        **({MAP_PREFIX: kept} if kept is not None else {}),
    }
    return copied_query(session, TAB, LINK, configs, kept_texts(session, LINK.kept))


def opened_config(session: Session, link: Link | None) -> MethodConfig | None:
    """The settings for the widgets of a page that opens: a link's, a run's, or the defaults for the chosen task.

    What a link says of task and map is taken into the session.
    """
    if link is not None:
        config, map_config = link.configs[""], link.configs[MAP_PREFIX]
        assert isinstance(config, TaskConfig)
        assert isinstance(map_config, MapConfig)
        choose_task(session, config.task)
        take_texts(session, LINK.kept, link.texts)
        if map_config != MapConfig():
            pretext_live.MAP.keep(session, map_config)
        return config
    run = session.runs.get(TAB)
    if run is not None:
        assert isinstance(run.config, TaskConfig)
        choose_task(session, run.config.task)
        return None
    return TaskConfig().with_changes(task=chosen_task(session))
