"""The map of one set of vectors: laid out off the event loop a frame at a time, with its history."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np

from backends.analysis import projection
from backends.analysis.map_config import LIVE_POINTS, MapConfig
from backends.analysis.word_vectors import WordVectors
from playground.components import embedding_explorer as explorer
from playground.session import SessionStore

MAP_SECONDS = 0.2
"""At least so long from one layout to the next while training: every second update, which leaves cores to train."""
HISTORY_STATES = 120
HISTORY_BYTES = 4_000_000
CLUSTER_NAMES = 2
NAMING_POOL = 60
"""A cluster is named after those of its most frequent words that stand nearest to its middle."""


@dataclass(frozen=True)
class Source:
    """The vectors that a map shows, as they are now.

    Attributes:
        id: of the run, or of shipped or loaded vectors.
        vectors: frozen; their order stays the same for one id.
        step: place in the training, 0 before the first; vectors from elsewhere count as trained.
        label: the step in words.
        resting: nothing trains these vectors now.
        views: where the map is kept.
        title: what a map of n of them shows, before the layout's name.
        points: places that are known already, with the layout's settings they were made with, or None.
    """

    id: str
    vectors: WordVectors
    step: int
    label: str
    resting: bool
    views: dict[str, Any]
    title: Callable[[int], str]
    points: np.ndarray | None = None


@dataclass
class MapView:
    """A map that follows its source."""

    config: MapConfig
    live: projection.LiveMap
    frame: projection.MapFrame
    shown: int
    map_id: str = field(default_factory=lambda: secrets.token_hex(4))
    frames: int = 0
    rests_at: int | None = None
    laid_out_at: int = -1
    history: list[dict[str, Any]] = field(default_factory=list)
    seen: int = 0
    every: int = 1
    job: Future[projection.MapFrame | None] | None = None
    job_step: tuple[int, str] = (0, "")
    begun: float = 0.0
    groups: tuple[int, dict[str, Any]] | None = None

    def poll(self, store: SessionStore, source: Source) -> tuple[bool, bool]:
        """Take a finished frame and start the next; return (a new frame was taken, more are to come at rest)."""
        fresh = False
        if self.job is not None:
            if not self.job.done():
                return False, True
            frame, self.job = self.job.result(), None
            if frame is not None:
                self.frame, fresh = frame, True
                self.frames += 1
                self._remember(*self.job_step)
            elif not self.live.waits:
                self.rests_at = self.job_step[0]
        moving = not source.resting
        if moving:
            self.rests_at = None
        if source.step == 0 or (self.rests_at == source.step and source.resting):
            return fresh, False
        if self.live.waits and self.laid_out_at == source.step:
            return fresh, True
        if moving and (monotonic() - self.begun < MAP_SECONDS or self.laid_out_at == source.step):
            return fresh, True
        self.begun, self.laid_out_at, self.job_step = monotonic(), source.step, (source.step, source.label)
        vectors = space_of(source.vectors, self.config, self.shown)
        self.job = store.map_worker.submit(lambda: self.live.advance(vectors, source.step, resting=not moving))
        return fresh, True

    def _remember(self, step: int, label: str) -> None:
        state = {**explorer.pack_points(self.frame.points), "step": step, "label": label}
        if self.history and self.history[-1]["step"] == step:
            self.history[-1] = {**state, "place": self.history[-1]["place"]}
            return
        if self.history and self.history[-1]["place"] % self.every:  # only stood there as the newest
            self.history.pop()
        self.history.append({**state, "place": self.seen})
        self.seen += 1
        states = min(HISTORY_STATES, max(8, HISTORY_BYTES // max(1, len(state["q"]))))
        if len(self.history) > states:
            self.every *= 2
            self.history = [s for s in self.history if s["place"] % self.every == 0 or s is self.history[-1]]


def space_of(vectors: WordVectors, config: MapConfig, shown: int) -> np.ndarray:
    """(shown, D) float32: the vectors in which the map's metric is plain distance."""
    return projection.space(vectors.vectors[:shown], vectors.unit[:shown], config.metric)


def map_of(source: Source, config: MapConfig) -> MapView:
    """Return the source's map with these settings; other settings (the colour apart) begin a new one, as a PCA."""
    shown = min(config.points, len(source.vectors), config.points if source.resting else LIVE_POINTS)
    view: MapView | None = source.views.get("map")
    if view is not None and _same_layout(view.config, config) and view.shown == shown:
        view.config = config
        return view
    if source.points is not None and _same_layout(MapConfig(points=len(source.points)), config):
        frame = projection.MapFrame(source.points, "umap")
        view = MapView(config, projection.LiveMap(config), frame, len(source.points), rests_at=source.step)
    else:
        points, _ = projection.pca(space_of(source.vectors, config, shown), dimensions=config.dimensions)
        view = MapView(config, projection.LiveMap(config), projection.MapFrame(points, "pca"), shown)
    source.views["map"] = view
    return view


def _same_layout(one: MapConfig, other: MapConfig) -> bool:
    return not set(one.differences(other)) - {"colour"}


def packed_frame(source: Source, view: MapView, word: str, near: Sequence[str], *, with_history: bool = False) -> str:
    """The explorer's frame: places, title, the asked word and its neighbours, colours."""
    asked, near_indices = marks_of(source, view, word, near)
    config = view.config
    return explorer.pack_frame(
        view.frame.points,
        frame_id=f"{source.id}-{view.map_id}-{view.frames}-{source.step}-{config.colour}-{asked}",
        run=source.id,
        map_id=view.map_id,
        items_id=items_id(source, view),
        step=source.step if not view.history else view.history[-1]["step"],
        label=source.label if not view.history else view.history[-1]["label"],
        title=source.title(len(view.frame.points)),
        note=layout_name(source, view),
        busy=view.frame.progress is not None and view.frame.progress < 1,
        settings=config.model_dump(),
        asked=asked,
        near=near_indices,
        colour=colour_of(source, view, word),
        history=view.history[:-1] if with_history else (),
    )


def items_id(source: Source, view: MapView) -> str:
    """Which names belong to the map's points."""
    return f"{source.id}:{view.shown}"


def packed_marks(source: Source, view: MapView, word: str, near: Sequence[str]) -> str:
    """Marks for the frame that the page shows."""
    asked, near_indices = marks_of(source, view, word, near)
    outside = asked is None and word in source.vectors.index
    said = f"“{word}” is not among the {len(view.frame.points):,} shown; under More are more points." if outside else ""
    return explorer.pack_marks(source.id, asked, near_indices, colour_of(source, view, word), said)


def marks_of(source: Source, view: MapView, word: str, near: Sequence[str]) -> tuple[int | None, list[int]]:
    """Where a word and its neighbours stand, as far as they are on the map."""
    index, n = source.vectors.index, len(view.frame.points)
    asked = index.get(word)
    on_map = [i for i in (index[name] for name in near) if i < n]
    return (asked if asked is not None and asked < n else None), on_map


def colour_of(source: Source, view: MapView, word: str) -> dict[str, Any] | None:
    """The colours that the map's settings ask for, as far as the server knows them."""
    n = len(view.frame.points)
    if view.config.colour == "similarity":
        asked = source.vectors.index.get(word)
        if asked is None:
            return None
        cosines = source.vectors.unit[:n] @ source.vectors.unit[asked]
        return explorer.colour_of_values(cosines, f"cosine with {source.vectors.words[asked]}")
    if view.config.colour == "cluster":
        if view.groups is None or (source.resting and view.groups[0] != source.step):
            view.groups = (source.step, _clusters(source.vectors, n))
        return view.groups[1]
    return None


def _clusters(vectors: WordVectors, n: int) -> dict[str, Any]:
    unit = vectors.unit[:n]
    groups = projection.clusters(unit)
    names = []
    for group in range(int(groups.max(initial=0)) + 1):
        members = np.flatnonzero(groups == group)
        frequent = members[:NAMING_POOL]
        middle = unit[members].mean(axis=0)
        typical = frequent[np.argsort(-(unit[frequent] @ middle))[:CLUSTER_NAMES]]
        names.append(", ".join(vectors.words[i] for i in sorted(typical)))
    return explorer.colour_of_groups(groups, names)


def layout_name(source: Source, view: MapView) -> str:
    """How the map was laid out, how far it is, and how far it can be trusted."""
    frame, config = view.frame, view.config
    parts = ["UMAP" if frame.method == "umap" else "PCA"]
    if config.method == "umap" and frame.method == "pca":
        few = view.shown <= config.n_neighbors + 1
        if few:
            parts = ["PCA: too few points for UMAP"]
        elif not projection.is_warm():
            parts = ["PCA while UMAP gets ready"]
        elif frame.progress is not None:
            parts = [f"PCA; UMAP {frame.progress:.0%}"]
    elif frame.progress is not None and frame.progress < 1:
        parts.append(f"{frame.progress:.0%}")
    if frame.trust is not None:
        parts.append(f"trustworthiness {frame.trust:.2f}")
    if not source.resting and config.points > LIVE_POINTS and view.shown == LIVE_POINTS:
        parts.append(f"{config.points:,} when it rests")
    return " · ".join(parts)
