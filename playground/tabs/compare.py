"""The Compare tab: pinned runs of all tabs side by side, named, saved to a file and opened again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from backends.engine.checkpoints import write_text
from playground import kept_files
from playground.components import answers
from playground.components.downloads import Make, download_button, wire_download
from playground.components.pick_area import pick_area, picked
from playground.components.plotly_view import plotly_view
from playground.kept_runs import (
    MAX_KEPT,
    MAX_NAME,
    KeptError,
    KeptRun,
    add_from_file,
    keep,
    kept_of,
    remove,
    rename,
    toggle,
)
from playground.links import Link, LinkTarget
from playground.session import Session, SessionStore
from playground.tabs.compare_views import (
    SECONDS,
    STEPS,
    chosen_family,
    curve_views,
    family_choices,
    list_html,
    shown_of,
    table_html,
    unpinned_of,
)
from playground.tabs.tab import QUICK, Tab

TAB = "compare"
QUESTION = "Which run learned more, and which setting was it?"
LEAD = (
    "Runs of every tab that you have pinned: their curves, what differs, where they ended. Name them, take them home."
)
LINK = LinkTarget({})
MEASURE, OVER, NAMED = "compare_measure", "compare_over", "compare_named"
JSON_NAME, CSV_NAME = "runs.json", "runs.csv"
TO_NAME = """() => setTimeout(() => {
    const field = document.querySelector("#compare-name input, #compare-name textarea");
    if (field && field.offsetParent) { field.focus(); field.select(); }
}, 60)"""
"""Who presses Rename types right away; with a long list the field may be out of sight."""


@dataclass(frozen=True)
class Parts:
    """The components of the tab."""

    pinned: gr.HTML
    naming: gr.Row
    name: gr.Textbox
    save_name: gr.Button
    message: gr.HTML
    measure: gr.Dropdown
    over: gr.Radio
    json: gr.Button
    csv: gr.Button
    file: gr.DownloadButton
    upload: gr.File
    chart: gr.HTML
    note: gr.HTML
    table: gr.HTML

    @property
    def views(self) -> list[gr.components.Component]:
        """What `views_of` makes values for."""
        return [self.pinned, self.measure, self.over, self.chart, self.note, self.table]


def build_tab(store: SessionStore) -> Tab:
    """Lay the tab out and wire it."""
    with gr.Row(elem_classes=["tab-body"]):
        with gr.Column(scale=0, min_width=312, elem_classes=["ask-column"]):
            asked = _lay_out_list(store)
        with gr.Column(scale=1, min_width=480, elem_classes=["view-column"]):
            shown = _lay_out_views()
    parts = Parts(**asked, **shown)
    _wire_list(store, parts)
    _wire_choices(store, parts)
    _wire_files(store, parts)

    def on_open(session: Session, link: Link | None) -> list[Any]:
        return [*views_of(session), gr.update(visible=False), ""]

    return Tab([*parts.views, parts.naming, parts.message], on_open, LINK, every_time=True)


def _lay_out_list(store: SessionStore) -> dict[str, Any]:
    answers.html_area(f"<h2>{QUESTION}</h2><p>{LEAD}</p>", elem_classes=["lead"])
    pinned = pick_area(elem_id="compare-list", elem_classes=["cmp-pinned"])
    with gr.Row(visible=False, elem_classes=["actions", "cmp-naming"]) as naming:
        name = gr.Textbox(
            label="Name", max_lines=1, max_length=MAX_NAME, elem_id="compare-name", elem_classes=["word-box"], scale=1
        )
        save_name = gr.Button("Save name", size="sm", elem_id="compare-save-name", min_width=90, scale=0)
    message = answers.html_area(elem_id="compare-message", elem_classes=["note-line"])
    with gr.Row(elem_classes=["run-buttons"]):
        json = gr.Button("Save runs (.json)", size="sm", elem_id="compare-json", min_width=60)
        csv = gr.Button("Table (.csv)", size="sm", elem_id="compare-csv", min_width=60)
    file = download_button("compare-file")
    upload = gr.File(
        label=f"Open runs saved here (.json, {store.limits.up_to(kept_files.MAX_FILE_BYTES)})",
        file_types=[".json"],
        height=120,
        elem_id="compare-open",
    )
    return {
        "pinned": pinned,
        "naming": naming,
        "name": name,
        "save_name": save_name,
        "message": message,
        "json": json,
        "csv": csv,
        "file": file,
        "upload": upload,
    }


def _lay_out_views() -> dict[str, Any]:
    with gr.Row(elem_classes=["actions", "cmp-choices"]):
        measure = gr.Dropdown([], label="Measure", interactive=True, elem_id="compare-measure", min_width=260, scale=0)
        over = gr.Radio(
            [("steps", STEPS), ("seconds", SECONDS)],
            value=STEPS,
            label="Over",
            elem_id="compare-over",
            min_width=230,
            scale=0,
        )
    return {
        "measure": measure,
        "over": over,
        "chart": plotly_view(label="Curves of the pinned runs", height=400, elem_id="compare-chart"),
        "note": answers.html_area(elem_id="compare-note", elem_classes=["note-line"]),
        "table": answers.html_area(elem_id="compare-table"),
    }


def views_of(session: Session) -> list[Any]:
    """List, measure, axis, curves, note and table for what is pinned now."""
    family, over, shown = chosen_family(session, session.uploads.get(MEASURE)), over_of(session), shown_of(session)
    return [
        list_html(session, unpinned_of(session)),
        gr.update(choices=family_choices(session), value=family or None),
        over,
        *curve_views(shown, family, over),
        table_html(shown),
    ]


def over_of(session: Session) -> str:
    """What the curves are drawn over."""
    return SECONDS if session.uploads.get(OVER) == SECONDS else STEPS


def _wire_list(store: SessionStore, parts: Parts) -> None:
    def on_pick(event: gr.EventData, request: gr.Request) -> list[Any]:
        session = _session(store, request)
        what, _, which = picked(event._data).partition(":")
        return act(session, what, which, len(parts.views))

    def on_name(typed: str, request: gr.Request) -> list[Any]:
        session = _session(store, request)
        try:
            kept = rename(session, str(session.uploads.get(NAMED, "")), str(typed))
        except KeptError as error:
            return [*[gr.skip()] * len(parts.views), gr.skip(), gr.skip(), answers.problem(str(error))]
        said = answers.sentence(f"It is called “{kept.run.name}” now.")
        return [*views_of(session), gr.update(visible=False), gr.skip(), said]

    outputs = [*parts.views, parts.naming, parts.name, parts.message]
    clicked = parts.pinned.pick(on_pick, None, outputs, api_name=False, **QUICK)
    clicked.then(None, None, None, js=TO_NAME, api_name=False)
    for event in (parts.name.submit, parts.save_name.click):
        event(on_name, parts.name, outputs, api_name=False, **QUICK)


def act(session: Session, what: str, which: str, views: int) -> list[Any]:
    """Answer a click in the list: values of the views, of the naming row, its field and the message."""
    shut, kept = gr.update(visible=False), {each.id: each for each in kept_of(session)}
    said: Any = ""
    if what == "name" and which in kept:
        session.uploads[NAMED] = which
        asked = gr.update(value=kept[which].run.name, label=f"New name of run {list(kept).index(which) + 1}")
        return [*[gr.skip()] * views, gr.update(visible=True), asked, ""]
    if what == "show":
        toggle(session, which)
    elif what == "drop":
        remove(session, which)
    elif what == "pin":
        try:
            said = answers.sentence(f"Pinned as “{keep(session, session.runs.get(which)).run.name}”.")
        except KeptError as error:
            said = answers.problem(str(error))
    return [*views_of(session), shut, gr.skip(), said]


def _wire_choices(store: SessionStore, parts: Parts) -> None:
    def on_choice(measure: Any, over: Any, request: gr.Request) -> list[Any]:
        session = _session(store, request)
        session.uploads |= {MEASURE: measure if isinstance(measure, str) else None, OVER: over}
        family = chosen_family(session, session.uploads[MEASURE])
        return curve_views(shown_of(session), family, over_of(session))

    for widget in (parts.measure, parts.over):
        widget.input(on_choice, [parts.measure, parts.over], [parts.chart, parts.note], api_name=False, **QUICK)


def _wire_files(store: SessionStore, parts: Parts) -> None:
    def saver(name: str, write: Callable[[Sequence[KeptRun]], str]) -> Make:
        def make(session: Session, folder: Path) -> tuple[Path | None, str]:
            runs = [kept.run for kept in kept_of(session)]
            if not runs:
                return None, answers.problem("There is nothing to save yet: pin a run first.")
            path = write_text(folder / name, write(runs))
            said = f"{name}: {len(runs)} {'run' if len(runs) == 1 else 'runs'}, {path.stat().st_size / 1024:,.0f} kB."
            return path, answers.sentence(said)

        return make

    def on_upload(path: str | None, request: gr.Request) -> list[Any]:
        session = _session(store, request)
        said = open_file(session, path)
        return [*views_of(session), None, said]

    for button, name, write in ((parts.json, JSON_NAME, kept_files.to_json), (parts.csv, CSV_NAME, kept_files.to_csv)):
        made = saver(name, write)
        wire_download(store, button, made, parts.file, parts.message, f"compare_{name.rpartition('.')[2]}")
    parts.upload.upload(
        on_upload,
        parts.upload,
        [*parts.views, parts.upload, parts.message],
        api_name="compare_open",
        show_progress="hidden",
        concurrency_limit=2,
        trigger_mode="once",
    )


def open_file(session: Session, path: str | None) -> str:
    """Add the runs of an uploaded file and delete it; returns what to say."""
    if not path:
        return answers.problem("No file arrived: choose a .json file that Compare saved.")
    try:
        runs = kept_files.read_file(Path(path))
    except KeptError as error:
        return answers.problem(str(error))
    finally:
        Path(path).unlink(missing_ok=True)
    added, left = add_from_file(session, runs)
    if left:
        return answers.problem(
            f"{added} of the file’s {added + left} runs were added: the list holds {MAX_KEPT}. Remove some, then open "
            "the file again."
        )
    return answers.sentence(
        f"{added} {'run' if added == 1 else 'runs'} added from the file; their models aren’t in it."
    )


def _session(store: SessionStore, request: gr.Request) -> Session:
    return store.of(str(request.session_hash))
