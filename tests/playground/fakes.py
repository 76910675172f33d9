"""A trainer that trains nothing, and a tab around it: what the page's machinery is tested with."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.block_function import BlockFunction

from backends.engine.config import MethodConfig, setting
from backends.engine.trainer import Snapshot, Trainer, TrainingDiverged, TrainingError
from playground import controls
from playground.components.run_panel import RunPanel, TabRun
from playground.session import Run, Session, SessionStore

TAB = "fake"
DIVERGED = "The loss became <NaN>; lower the rate."


class FakeConfig(MethodConfig):
    """One setting of each kind of widget."""

    slices: int = setting(5, "How long.", label="Slices", ge=1, le=5000, step=1, essential=True)
    rate: float = setting(0.5, "How fast; above 1 it diverges.", label="Rate", ge=0.0, le=2.0, scale="log")
    shape: Literal["round", "square"] = setting(
        "round", "What.", label="Shape", choices={"round": "Round", "square": "Square"}
    )
    seed: int = setting(1, "Where random numbers start.", label="Seed", unit="number", ge=0, le=2**31 - 1)


class Frozen:
    """What a fake run has learned; weakly referable."""

    def __init__(self, slices: int) -> None:
        self.slices = slices


class FakeTrainer(Trainer):
    """Counts slices; diverges in the third where the rate is above 1."""

    method = "fake"

    def __init__(self, config: FakeConfig, slice_seconds: float = 0.0) -> None:
        self.config = config
        self.device = "cpu"
        self.notes = []
        self.slice_seconds = slice_seconds
        self.slices = 0
        self.random = np.random.default_rng(config.seed)

    def steps(self) -> Iterator[Snapshot]:
        total = self.config.slices
        for i in range(1, total + 1):
            if self.config.rate > 1 and i == 3:
                raise TrainingDiverged(DIVERGED)
            time.sleep(self.slice_seconds)
            self.slices = i
            yield Snapshot(i, total, i / 10, {"loss": float(self.random.random())}, done=i == total)

    def freeze(self) -> Frozen:
        return Frozen(self.slices)

    def evaluate(self) -> dict[str, float]:
        return {}

    def save(self, directory: Path) -> list[Path]:
        return []


@dataclass
class FakeTab:
    """A run panel with a fake tab, and what the two did.

    Attributes:
        built: every trainer that was made.
        refuse: a sentence with which building a trainer is refused, if any.
        rested: the sessions' pages whose map was told to come to rest.
    """

    store: SessionStore
    slice_seconds: float = 0.0
    trainer: type[FakeTrainer] = FakeTrainer
    built: list[FakeTrainer] = field(default_factory=list)
    refuse: str = ""
    rested: list[str] = field(default_factory=list)
    blocks: gr.Blocks = field(init=False)
    panel: RunPanel = field(init=False)
    tab: TabRun = field(init=False)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        with gr.Blocks() as self.blocks:
            widgets = controls.build_essential(FakeConfig, "f") | controls.build_advanced(FakeConfig, "f")
            self.panel = RunPanel(self.store, "f")
            view = gr.HTML()
        self.tab = TabRun(
            tab=TAB,
            controls=controls.in_config_order(FakeConfig, widgets),
            make_trainer=self._make_trainer,
            views=[view],
            draw=_draw,
            first_views=lambda session: ["untrained"],
            describe=lambda run: "a pace & a device",
            rest=(self._rest, [view]),
        )

    async def _rest(self, request: gr.Request) -> AsyncIterator[str]:
        self.rested.append(str(request.session_hash))
        yield "at rest"

    def _make_trainer(self, session: Session, config: MethodConfig) -> FakeTrainer:
        if self.refuse:
            raise TrainingError(self.refuse)
        made = self.trainer(config, self.slice_seconds)
        with self._lock:
            self.built.append(made)
        return made

    def wire(self) -> list[BlockFunction]:
        """Connect the buttons; returns everything that they set off, in order."""
        with self.blocks:
            self.panel.wire(self.tab)
        return list(self.blocks.fns.values())

    def buttons(self, session: Session) -> list[bool]:
        """Which of train, pause, step and reset could be pressed now."""
        return [button["interactive"] for button in self.panel.button_updates(self.tab, session)]

    def label(self, session: Session) -> str:
        """What the train button is called now."""
        return str(self.panel.button_updates(self.tab, session)[0]["value"])

    def values(self, **changes: Any) -> list[Any]:
        """The widgets' values: the defaults, with raw changes that need not be allowed."""
        return list((FakeConfig().model_dump() | changes).values())

    def train(self, session: Session, **changes: Any) -> AsyncIterator[list[Any]]:
        return self.panel._train(self.tab, session, self.values(**changes))

    def step(self, session: Session, **changes: Any) -> AsyncIterator[list[Any]]:
        return self.panel._step(self.tab, session, self.values(**changes))

    def reset(self, session: Session, **changes: Any) -> AsyncIterator[list[Any]]:
        return self.panel._reset(self.tab, session, self.values(**changes))


def _draw(session: Session, run: Run, everything: bool) -> list[Any]:
    """The step, where it is new or everything is asked for."""
    changed = everything or run.views.get("drawn") is not run.snapshot
    run.views["drawn"] = run.snapshot
    step = run.snapshot.step if run.snapshot else 0
    return [step if changed else None]


def fake_run(store: SessionStore, **settings: Any) -> Run:
    """A run that nobody drives."""
    return Run(FakeTrainer(FakeConfig(**settings)), store.device_lock)


async def collect(updates: AsyncIterator[list[Any]]) -> list[list[Any]]:
    return [update async for update in updates]


def phases(updates: list[list[Any]]) -> list[str]:
    """The phases that were shown, each once in a row."""
    shown = [re.search(r'data-phase="(\w+)"', update[0]) for update in updates if isinstance(update[0], str)]
    names = [match[1] for match in shown if match]
    return [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]


def alerts(status: str) -> list[str]:
    """The sentences in a status line, or any other piece of HTML, that say what went wrong."""
    return re.findall(r'<p class="problem" role="alert">(.*?)</p>', status)
