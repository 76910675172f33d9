"""The map of one set of vectors: laid out off the event loop a frame at a time, with its history.

Points are spoken of by their index. What a point is (a word, a picture) is the source's matter and the page's.
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from backends.analysis import picture_vectors, projection
from backends.analysis.map_config import LIVE_POINTS, MapConfig
from backends.data.pictures import Factor
from backends.engine.config import ConfigError
from playground.components import embedding_explorer as explorer
from playground.session import SessionStore

MAP_SECONDS = 0.2
"""At least so long from one layout to the next while training: every second update, which leaves cores to train."""
HISTORY_STATES = 120
HISTORY_BYTES = 4_000_000
CLUSTER_NAMES = 2
NAMING_POOL = 60
"""A cluster is named after those of its first points (of words: the most frequent) that are nearest to its middle."""


class Embedded(Protocol):
    """Vectors that a map can show: `WordVectors`, `PictureVectors`."""

    @property
    def vectors(self) -> np.ndarray:
        """(n, D) float32."""

    @property
    def unit(self) -> np.ndarray:
        """(n, D) float32, at length one."""

    @property
    def names(self) -> Sequence[str]:
        """(n,) what each is called; untrusted."""

    def __len__(self) -> int: ...


V_co = TypeVar("V_co", bound=Embedded, covariant=True)


@dataclass(frozen=True)
class Source(Generic[V_co]):
    """The vectors that a map shows, as they are now.

    Attributes:
        id: of the run, or of shipped or loaded vectors.
        vectors: frozen; their order stays the same for one id.
        step: place in the training, 0 before the first; vectors from elsewhere count as trained.
        label: the step in words.
        resting: nothing trains these vectors now.
        views: where the map is kept.
        title: what a map of n of them shows, before the layout's name.
        points: places that are known already, of a layout with the default settings, or None.
        factors: what is known of each of the vectors; colours the map and names its clusters.
    """

    id: str
    vectors: V_co
    step: int
    label: str
    resting: bool
    views: dict[str, Any]
    title: Callable[[int], str]
    points: np.ndarray | None = None
    factors: Mapping[str, Factor] = field(default_factory=dict)


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


def space_of(vectors: Embedded, config: MapConfig, shown: int) -> np.ndarray:
    """(shown, D) float32: the vectors in which the map's metric is plain distance."""
    return projection.space(vectors.vectors[:shown], vectors.unit[:shown], config.metric)


def map_of(source: Source, config: MapConfig) -> MapView:
    """Return the source's map with these settings; other settings (the colour apart) begin a new one, as a PCA.

    A colour by a factor that the source doesn't know is none.
    """
    if config.factor is not None and config.factor not in source.factors:
        config = config.with_changes(colour="plain")
    shown = min(config.points, len(source.vectors), config.points if source.resting else LIVE_POINTS)
    view: MapView | None = source.views.get("map")
    if view is not None and _same_layout(view.config, config) and view.shown == shown:
        view.config = config
        return view
    known = source.points is not None and len(source.points) == shown
    if known and source.points is not None and _same_layout(MapConfig(points=config.points), config):
        frame = projection.MapFrame(source.points, "umap")
        view = MapView(config, projection.LiveMap(config), frame, len(source.points), rests_at=source.step)
    else:
        points, _ = projection.pca(space_of(source.vectors, config, shown), dimensions=config.dimensions)
        view = MapView(config, projection.LiveMap(config), projection.MapFrame(points, "pca"), shown)
    source.views["map"] = view
    return view


def _same_layout(one: MapConfig, other: MapConfig) -> bool:
    return not set(one.differences(other)) - {"colour"}


def changed_map(config: MapConfig, changes: Any) -> MapConfig:
    """The settings with what the page asks for; what is out of range stays as it was."""
    try:
        return config.with_changes(**changes) if isinstance(changes, dict) else config
    except (ConfigError, TypeError):
        return config


def picked_index(source: Source, view: MapView, picked: Any) -> int | None:
    """Which point was clicked, if what the page says is one and both speak of the same vectors."""
    index = picked.get("index") if isinstance(picked, dict) else None
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(view.frame.points):
        return None
    return index if picked.get("items") == items_id(source, view) else None


def items_id(source: Source, view: MapView) -> str:
    """Which names belong to the map's points."""
    return f"{source.id}:{view.shown}"


def packed_items(
    source: Source,
    view: MapView,
    *,
    noun: str,
    counts: np.ndarray | None = None,
    sprite: Mapping[str, Any] | None = None,
    swatches: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """What the map's points are.

    Args:
        source: whose names and factors are packed.
        view: the map.
        noun: what one point is called.
        counts: (at least n,) how often each occurs, if that means something.
        sprite: the points' pictures, of the first n at least.
        swatches: by factor, the colours of its classes as "#rrggbb", where a class has a colour of its own.
    """
    n = view.shown
    return explorer.pack_items(
        items_id(source, view),
        source.vectors.names[:n],
        counts=None if counts is None else counts[:n].tolist(),
        noun=noun,
        groupings=[
            explorer.grouping(
                factor.name, factor.label, factor.classes, factor.values[:n], colours=(swatches or {}).get(factor.name)
            )
            for factor in source.factors.values()
        ],
        sprite=sprite,
    )


def packed_frame(
    source: Source,
    view: MapView,
    asked: int | None,
    near: Sequence[int],
    *,
    with_history: bool = False,
    guests: Sequence[dict[str, Any]] = (),
) -> str:
    """The explorer's frame: places, title, the asked point and its neighbours, colours, guests."""
    on_map, near_on_map = marks_of(view, asked, near)
    config = view.config
    invited = f"{zlib.crc32(json.dumps(list(guests)).encode()):08x}" if guests else ""
    told = [source.id, view.map_id, view.frames, source.step, config.colour, on_map, invited, with_history]
    return explorer.pack_frame(
        view.frame.points,
        frame_id="-".join(str(part) for part in told),
        run=source.id,
        map_id=view.map_id,
        items_id=items_id(source, view),
        step=source.step if not view.history else view.history[-1]["step"],
        label=source.label if not view.history else view.history[-1]["label"],
        title=source.title(len(view.frame.points)),
        note=layout_name(source, view),
        busy=view.frame.progress is not None and view.frame.progress < 1,
        settings=config.model_dump(),
        asked=on_map,
        near=near_on_map,
        colour=colour_of(source, view, asked),
        history=view.history[:-1] if with_history else (),
        guests=guests,
    )


def packed_marks(source: Source, view: MapView, asked: int | None, near: Sequence[int]) -> str:
    """Marks for the frame that the page shows."""
    on_map, near_on_map = marks_of(view, asked, near)
    outside = asked is not None and on_map is None
    said = ""
    if asked is not None and outside:
        name = source.vectors.names[asked]
        said = f"“{name}” is not among the {len(view.frame.points):,} shown; under More are more points."
    return explorer.pack_marks(source.id, on_map, near_on_map, colour_of(source, view, asked), said)


def marks_of(view: MapView, asked: int | None, near: Sequence[int]) -> tuple[int | None, list[int]]:
    """The asked point and its neighbours, as far as they are on the map."""
    n = len(view.frame.points)
    return (asked if asked is not None and 0 <= asked < n else None), [int(i) for i in near if 0 <= i < n]


def guests_of(
    source: Source, view: MapView, vectors: np.ndarray, names: Sequence[str], pictures: Sequence[str], near: int = 5
) -> list[dict[str, Any]]:
    """Place new items on the map among those that are most like them; for `packed_frame`.

    Args:
        source: the same encoder's vectors of the map's points.
        view: the map.
        vectors: (m, D) the new items' vectors.
        names: (m,) untrusted; pictures: (m,) data URLs (`sprites.data_url`).
        near: how many points place each, and are joined to it by lines.
    """
    n = len(view.frame.points)
    known, unit = source.vectors.unit[:n], picture_vectors.unit_of(vectors)
    places = picture_vectors.place_among(unit, known, view.frame.points, near)
    nearest = np.argsort(-(unit @ known.T), axis=1, kind="stable")[:, :near]
    return [
        explorer.guest(place, name=name, src=picture, near=closest.tolist())
        for place, name, picture, closest in zip(places, names, pictures, nearest, strict=True)
    ]


def colour_of(source: Source, view: MapView, asked: int | None) -> dict[str, Any] | None:
    """The colours that the map's settings ask for, as far as the server knows them."""
    n = len(view.frame.points)
    if view.config.colour == "similarity":
        if asked is None:
            return None
        cosines = source.vectors.unit[:n] @ source.vectors.unit[asked]
        return explorer.colour_of_values(cosines, f"cosine with {source.vectors.names[asked]}")
    if view.config.colour == "cluster":
        if view.groups is None or (source.resting and view.groups[0] != source.step):
            view.groups = (source.step, _clusters(source, n))
        return view.groups[1]
    return None


def _clusters(source: Source, n: int) -> dict[str, Any]:
    unit = source.vectors.unit[:n]
    groups = projection.clusters(unit)
    names = []
    for group in range(int(groups.max(initial=0)) + 1):
        members = np.flatnonzero(groups == group)
        names.append(picture_vectors.common_class(source.factors, members) or _typical(source.vectors, members))
    return explorer.colour_of_groups(groups, names)


def _typical(vectors: Embedded, members: np.ndarray) -> str:
    """Name some points after those that stand for them."""
    first = members[:NAMING_POOL]
    middle = vectors.unit[members].mean(axis=0)
    typical = first[np.argsort(-(vectors.unit[first] @ middle))[:CLUSTER_NAMES]]
    return ", ".join(vectors.names[i] for i in sorted(typical))


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
