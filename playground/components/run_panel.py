"""The run panel: train, pause, step, reset, with progress. Each tab brings its trainer and its views."""

from __future__ import annotations

import asyncio
import html
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.engine.config import ConfigError, MethodConfig
from backends.engine.misfortune import said_of
from backends.engine.trainer import Trainer, TrainingError
from playground.components import answers
from playground.controls import Controls
from playground.kept_runs import KeptError, keep
from playground.session import Run, Session, SessionStore
from playground.threads import off_the_loop

MAX_WAITING = 64
"""Trainings that may stand in line; further ones wait in Gradio's own queue."""
TOO_MANY = "{} trainings of yours are under way on this server, as many as one visitor may have: pause one first."
NO_MEMORY = "There is not enough memory for these settings: choose smaller ones, or less data."
PAUSED_FOR_OTHERS = "Paused, so that others get their turn; press Resume to go on."
BUSY = "() => [{i}, {a}, {i}, {a}]".replace("{i}", "{__type__: 'update', interactive: false}").replace(
    "{a}", "{__type__: 'update', interactive: true}"
)
"""What a click does to train, pause, step and reset in the page itself, before the server has answered."""

log = logging.getLogger(__name__)

Values = list[Any]


@dataclass(frozen=True)
class TabRun:
    """What a tab brings to its run panel.

    Attributes:
        tab: the tab's name, under which the session keeps the run.
        controls: the widgets that make the config.
        make_trainer: builds a trainer for a session and a config; may take seconds, runs off the event loop.
        views: the components that show the run; each costs time at every update, so they are few.
        draw: makes the views' values (None: leave it as it is); told whether to draw also what has not changed.
        pauses: names of the session's runs that stop when this one starts.
        rest: what goes on when nothing trains any more, such as a map that comes to rest, and the components it sets.
        first_views: makes the views' values before any training in this session.
        describe: one line about pace and device.
    """

    tab: str
    controls: Controls
    make_trainer: Callable[[Session, MethodConfig], Trainer]
    views: Sequence[gr.components.Component]
    draw: Callable[[Session, Run, bool], Values]
    first_views: Callable[[Session], Values]
    describe: Callable[[Run], str]
    pauses: tuple[str, ...] = ()
    rest: tuple[Callable[[gr.Request], AsyncIterator[Any]], Sequence[gr.components.Component]] | None = None


class RunPanel:
    """The buttons and the progress line of one tab."""

    def __init__(self, store: SessionStore, prefix: str, verb: str = "Train", *, pins: bool = True) -> None:
        """Lay the panel out where it is created.

        `verb` is what its first button does; `pins` says whether its runs can be pinned for the tab Compare here.
        """
        self.store = store
        self.verb = verb
        self.pin: gr.Button | None = None
        with gr.Row(elem_classes=["run-buttons"]):
            self.train = gr.Button(verb, variant="primary", size="sm", elem_id=f"{prefix}-train", min_width=60)
            self.pause = gr.Button("Pause", size="sm", interactive=False, elem_id=f"{prefix}-pause", min_width=60)
            self.step = gr.Button("Step", size="sm", elem_id=f"{prefix}-step", min_width=60)
            self.reset = gr.Button("Reset", size="sm", elem_id=f"{prefix}-reset", min_width=60)
        self.status = answers.html_area(status_html("ready"), elem_id=f"{prefix}-status", elem_classes=["run-status"])
        if pins:
            self.pin_note = answers.html_area(elem_id=f"{prefix}-kept-note", elem_classes=["note-line", "pin-note"])
            with gr.Row(elem_classes=["run-buttons", "pin-row"]):
                self.pin = gr.Button("Pin this run", size="sm", elem_id=f"{prefix}-keep", min_width=60)

    @property
    def buttons(self) -> list[gr.Button]:
        """Train, pause, step, reset."""
        return [self.train, self.pause, self.step, self.reset]

    def wire(self, tab: TabRun) -> None:
        """Connect the buttons with a tab's trainer and views."""
        outputs = [self.status, *tab.views]
        options: dict[str, Any] = {"outputs": outputs, "show_progress": "hidden", "trigger_mode": "multiple"}
        inputs = tab.controls.inputs

        async def on_train(request: gr.Request, *values: Any) -> AsyncIterator[Values]:
            async for update in self._train(tab, self._session(request), values):
                yield update

        async def on_step(request: gr.Request, *values: Any) -> AsyncIterator[Values]:
            async for update in self._step(tab, self._session(request), values):
                yield update

        async def on_reset(request: gr.Request, *values: Any) -> AsyncIterator[Values]:
            async for update in self._reset(tab, self._session(request), values):
                yield update

        def on_pause(request: gr.Request) -> None:
            self._session(request).stop(tab.tab)

        def on_rest(request: gr.Request) -> Values:
            return self.button_updates(tab, self._session(request))

        def on_change(request: gr.Request, *values: Any) -> Values:
            return self._changed(tab, self._session(request), values)

        for button, handler, name in (
            (self.train, on_train, "train"),
            (self.step, on_step, "step"),
            (self.reset, on_reset, "reset"),
        ):
            button.click(None, None, self.buttons, js=BUSY)
            trained = button.click(
                handler, inputs, concurrency_limit=MAX_WAITING, api_name=f"{tab.tab}_{name}", **options
            )
            rested = trained.then(on_rest, None, self.buttons, show_progress="hidden", api_name=False)
            if tab.rest is not None:
                rested.then(
                    tab.rest[0],
                    None,
                    list(tab.rest[1]),
                    show_progress="hidden",
                    concurrency_limit=MAX_WAITING,
                    trigger_mode="multiple",
                    api_name=False,
                )
        self.pause.click(on_pause, None, None, show_progress="hidden", api_name=f"{tab.tab}_pause")
        self._wire_pin(tab)
        changes = [widget.change for widget in tab.controls.widgets.values()]
        gr.on(
            changes,
            on_change,
            inputs,
            [self.train, self.step],
            show_progress="hidden",
            trigger_mode="always_last",
            api_name=False,
        )

    def _wire_pin(self, tab: TabRun) -> None:
        """Pin the run for the tab Compare; a new training takes the sentence about it away."""
        if self.pin is None:
            return

        def on_pin(request: gr.Request) -> str:
            session = self._session(request)
            try:
                kept = keep(session, session.runs.get(tab.tab))
            except KeptError as error:
                return answers.problem(str(error))
            return answers.sentence(f"Pinned as “{kept.run.name}”: it stands in the tab Compare.")

        self.pin.click(
            on_pin, None, self.pin_note, show_progress="hidden", concurrency_limit=8, api_name=f"{tab.tab}_pin"
        )
        gr.on([self.train.click, self.step.click, self.reset.click], None, None, self.pin_note, js="() => ''")

    def outputs(self, tab: TabRun) -> list[gr.components.Component]:
        """What `restore` sets: status, buttons, views, and the widgets of the settings."""
        return [*self.own_outputs(tab), *tab.controls.inputs]

    def own_outputs(self, tab: TabRun) -> list[gr.components.Component]:
        """What `restore_run` sets: status, buttons and views."""
        return [self.status, *self.buttons, *tab.views]

    def restore(self, tab: TabRun, session: Session, settings: MethodConfig | None = None) -> Values:
        """What the panel shows when a page is opened or reloaded: the run of before, or none.

        The widgets get the run's settings, or those of a link that was opened just now.
        """
        run = session.runs.get(tab.tab)
        settings = settings or (run.config if run is not None else None)
        return [*self.restore_run(tab, session), *self._widget_values(tab, settings)]

    def restore_run(self, tab: TabRun, session: Session) -> Values:
        """The same without the widgets, for a panel that shares them with another."""
        run = session.runs.get(tab.tab)
        if run is None:
            return [gr.skip(), *[gr.skip()] * len(self.buttons), *map(_or_skip, tab.first_views(session))]
        status, *views = self._show(tab, session, run, self._resting_phase(run), everything=True)
        return [status, *self.button_updates(tab, session), *views]

    @staticmethod
    def _widget_values(tab: TabRun, config: MethodConfig | None) -> Values:
        if config is None:
            return [gr.skip()] * len(tab.controls.inputs)
        values = config.model_dump()
        return [values[name] for name in tab.controls.widgets]

    def button_updates(self, tab: TabRun, session: Session) -> Values:
        """Which buttons can be pressed now, and what training would be called."""
        run = session.runs.get(tab.tab)
        phase = "training" if session.is_driven(tab.tab) else "ready" if run is None else self._resting_phase(run)
        return self._button_updates(phase)

    def _session(self, request: gr.Request) -> Session:
        return self.store.of(str(request.session_hash))

    async def _train(self, tab: TabRun, session: Session, values: Sequence[Any]) -> AsyncIterator[Values]:
        if session.is_driven(tab.tab):
            return
        for other in tab.pauses:
            session.stop(other)
        if session.training() >= self.store.limits.session_runs:
            yield self._refused(tab, session, TOO_MANY.format(self.store.limits.session_runs))
            return
        driver = session.drive(tab.tab)
        run: Run | None = None
        try:
            yield self._only_status(tab, "preparing")
            run, problem = await self._ready_run(tab, session, values, start_over_if_done=True)
            if run is None:
                yield self._refused(tab, session, problem)
                return
            async for update in self._pull_until_stopped(tab, session, run, driver):
                yield update
        finally:
            session.stop(tab.tab, driver)
        yield self._show(tab, session, run, self._resting_phase(run), everything=True)

    async def _pull_until_stopped(
        self, tab: TabRun, session: Session, run: Run, driver: object
    ) -> AsyncIterator[Values]:
        """Pull slice after slice; while one trains, the one before is drawn."""
        shown = False
        async with self.store.place(lambda: session.is_driver(tab.tab, driver)) as ahead:
            end: float | None = None
            while session.is_driver(tab.tab, driver):
                waiting = await ahead()
                if waiting:
                    yield self._only_status(tab, "waiting", f"{waiting} ahead of you; training starts by itself.")
                    continue
                end = end or time.monotonic() + self.store.limits.stretch_seconds
                if time.monotonic() > end:
                    run.note = PAUSED_FOR_OTHERS
                    return
                run.note = ""
                pulled = self.store.submit(run.pull)
                yield await off_the_loop(self._show, tab, session, run, "training", everything=not shown)
                shown = True
                try:
                    snapshot = await asyncio.wrap_future(pulled)
                except TrainingError:
                    return
                self.store.touch(session)
                if snapshot is None or snapshot.done:
                    return

    async def _step(self, tab: TabRun, session: Session, values: Sequence[Any]) -> AsyncIterator[Values]:
        session.stop(tab.tab)
        run, problem = await self._ready_run(tab, session, values, start_over_if_done=False)
        if run is None:
            yield self._refused(tab, session, problem)
            return
        try:
            await asyncio.wrap_future(self.store.submit(run.pull))
        except TrainingError:
            log.info("a step diverged")
        yield self._show(tab, session, run, self._resting_phase(run), everything=True)

    async def _reset(self, tab: TabRun, session: Session, values: Sequence[Any]) -> AsyncIterator[Values]:
        session.stop(tab.tab)
        yield self._only_status(tab, "preparing")
        old = session.runs.pop(tab.tab, None)
        run, problem = await self._ready_run(tab, session, values, start_over_if_done=True)
        if run is None:
            if old is not None:
                session.runs[tab.tab] = old
            yield self._refused(tab, session, problem)
            return
        yield self._show(tab, session, run, "ready", everything=True)

    async def _ready_run(
        self, tab: TabRun, session: Session, values: Sequence[Any], *, start_over_if_done: bool
    ) -> tuple[Run | None, str]:
        """Return the session's run if the settings still are its own, else a new one; or why there is none.

        A refused setting leaves the run that was there alone.
        """
        try:
            config = tab.controls.read(values)
        except ConfigError as error:
            return None, str(error)
        run = session.runs.get(tab.tab)
        finished = run is not None and (run.stale or run.failure is not None or (run.done and start_over_if_done))
        if run is not None and run.config == config and not finished:
            return run, ""
        try:
            building = self.store.submit(lambda: self.store.run_of(tab.make_trainer(session, config)))
            fresh = await asyncio.wrap_future(building)
        except (TrainingError, ValueError) as error:
            return None, str(error)
        except MemoryError:
            return None, NO_MEMORY
        except RuntimeError as error:  # torch says so where it builds a net that is too large
            if said_of(error) is None:
                raise
            return None, NO_MEMORY
        session.runs[tab.tab] = fresh
        self.store.evict()
        return fresh, ""

    def _train_label(self, tab: TabRun, session: Session, values: Sequence[Any]) -> str:
        run = session.runs.get(tab.tab)
        if run is None or run.snapshot is None:
            return self.verb
        try:
            same = tab.controls.read(values) == run.config
        except ConfigError:
            return self.verb
        return self._label(self._resting_phase(run)) if same else f"{self.verb} anew"

    def _changed(self, tab: TabRun, session: Session, values: Sequence[Any]) -> Values:
        """What train is called with these settings, and whether a step can be taken (after the end: of a new run)."""
        label = self._train_label(tab, session, values)
        if session.is_driven(tab.tab):
            return [gr.update(value=label), gr.skip()]
        run = session.runs.get(tab.tab)
        over = run is not None and self._resting_phase(run) == "done" and label == self._label("done")
        return [gr.update(value=label), gr.update(interactive=not over)]

    def _label(self, phase: str) -> str:
        return {"paused": "Resume", "done": f"{self.verb} again", "failed": f"{self.verb} again"}.get(phase, self.verb)

    def _button_updates(self, phase: str) -> Values:
        busy = phase in ("training", "waiting", "preparing")
        return [
            gr.update(value=self._label(phase), interactive=not busy),
            gr.update(interactive=phase in ("training", "waiting")),
            gr.update(interactive=not busy and phase != "done"),
            gr.update(interactive=phase != "preparing"),
        ]

    @staticmethod
    def _resting_phase(run: Run) -> str:
        if run.failure:
            return "failed"
        if run.snapshot is None:
            return "ready"
        return "done" if run.done else "paused"

    def _show(self, tab: TabRun, session: Session, run: Run, phase: str, *, everything: bool = False) -> Values:
        hint = run.note if phase == "paused" else ""
        status = status_html(phase, run=run, line=tab.describe(run), alert=run.failure or "", hint=hint)
        return [status, *map(_or_skip, tab.draw(session, run, everything))]

    def _only_status(self, tab: TabRun, phase: str, hint: str = "") -> Values:
        return [status_html(phase, hint=hint), *[gr.skip()] * len(tab.views)]

    def _refused(self, tab: TabRun, session: Session, problem: str) -> Values:
        run = session.runs.get(tab.tab)
        phase = "ready" if run is None else self._resting_phase(run)
        line = "" if run is None else tab.describe(run)
        return [status_html(phase, run=run, line=line, alert=problem), *[gr.skip()] * len(tab.views)]


def _or_skip(value: Any) -> Any:
    return gr.skip() if value is None else value


_PHASES = {
    "ready": "Ready to train",
    "preparing": "Preparing: reading the data, compiling",
    "waiting": "Waiting for a free place",
    "training": "Training",
    "paused": "Paused",
    "done": "Done",
    "failed": "Stopped",
}


def status_html(phase: str, *, run: Run | None = None, line: str = "", alert: str = "", hint: str = "") -> str:
    """Progress bar, time left, pace and device, and what went wrong, if anything did.

    Args:
        phase: one of `_PHASES`.
        run: the run whose progress is shown.
        line: pace and device.
        alert: a sentence about what went wrong.
        hint: a sentence about what happens now.
    """
    snapshot = run.snapshot if run is not None else None
    share = snapshot.step / max(1, snapshot.total) if snapshot else 0.0
    left = snapshot.seconds_left if snapshot else None
    right = ""
    if phase == "training" and left is not None:
        right = f"{_clock(left)} left"
    elif snapshot is not None:
        right = f"{snapshot.seconds:.1f} s trained"
    hints = [hint] if hint else list(run.trainer.notes) if run is not None else []
    texts = [f'<p class="problem" role="alert">{html.escape(alert)}</p>'] if alert else []
    texts += [f'<p class="note">{html.escape(text)}</p>' for text in hints]
    return (
        f'<div class="status" data-phase="{phase}">'
        f'<div class="status-line"><b>{_PHASES[phase]}</b><span class="num">{right}</span></div>'
        f'<div class="progress" role="progressbar" aria-label="training progress" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{100 * share:.0f}"><span style="width:{100 * share:.1f}%"></span></div>'
        f'<div class="status-line num"><span>{html.escape(line)}</span></div>{"".join(texts)}</div>'
    )


def device_name(device: str) -> str:
    """A device as the panel calls it."""
    return {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU", "lent": "lent GPU"}.get(device, device)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
