"""The map of a tab's held-out pictures: who is near whom, which picture was asked, where one of your own belongs.

One for every tab whose model makes features of pictures. What a visitor does with a map stands in their session, under
names that begin with the tab's.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
import numpy as np

from backends.analysis.map_config import MapConfig
from backends.analysis.picture_vectors import PictureVectors
from backends.data.pictures import PictureError, PictureSet
from playground.components import answers
from playground.components.embedding_explorer import Explorer, embedding_explorer
from playground.components.sprites import data_url, sprite_of
from playground.live_map import (
    Source,
    changed_map,
    guests_of,
    map_of,
    packed_frame,
    packed_items,
    packed_marks,
    picked_index,
)
from playground.own_pictures import PictureConfig
from playground.session import Session, SessionStore
from playground.tabs.tab import QUICK

NEIGHBOURS_SHOWN = 7
NEIGHBOUR_SIDE = 64
GUEST_SIDE = 64
THUMBNAIL = 48
"""Pixels of a picture on the map."""
MAP_HEIGHT = 380
FIRST_MAP = MapConfig(points=500)
SETTLING_PAUSE_SECONDS = 0.1
AT_REST: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "concurrency_limit": 64}
"""Maps on their way to rest are drawn a frame at a time and wait for nothing."""
LABEL = "Map of held-out pictures by their features"
WAITING = "After the first steps a map of held-out pictures appears; click one for its neighbours."


class Probed(Protocol):
    """Features at one moment and what they know."""

    @property
    def step(self) -> int:
        """When."""

    @property
    def features(self) -> np.ndarray:
        """(M, D) float32, of the map's pictures."""

    @property
    def scores(self) -> Mapping[str, float]:
        """knn_<factor> and linear_<factor>, in [0, 1]."""


class PictureSplit(Protocol):
    """Pictures to train on and pictures held out."""

    @property
    def train(self) -> PictureSet:
        """To train on."""

    @property
    def held_out(self) -> PictureSet:
        """Never seen in training."""


class PictureModel(Protocol):
    """A frozen copy of a model that makes features of pictures."""

    @property
    def config(self) -> PictureConfig:
        """Of the run."""

    @property
    def split(self) -> PictureSplit:
        """The pictures of the run."""

    @property
    def probed(self) -> Probed:
        """The newest probe."""

    @property
    def untrained(self) -> Probed:
        """The probe before the first step."""

    @property
    def pixels(self) -> Mapping[str, float]:
        """The same scores of the raw pixels."""

    @property
    def map_pictures(self) -> PictureSet:
        """The M held-out pictures whose features `probed` holds, in its order."""

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the features of (n, S, S, 3) uint8 pictures of the net's size: (n, D) float32."""


ModelOf = Callable[[Session], tuple[PictureModel | None, str]]
"""The model that answers now, or None, and a line that says where it comes from."""


@dataclass(frozen=True)
class MapPart:
    """The components of a map."""

    explorer: Explorer
    neighbours: gr.HTML
    own: gr.UploadButton
    forget: gr.Button


class PictureMap:
    """The map of one tab; it holds nothing of any visitor's."""

    def __init__(self, tab: str, model_of: ModelOf, first: MapConfig = FIRST_MAP) -> None:
        """Describe the map.

        Args:
            tab: under which a session keeps the tab's run; begins element ids, endpoints and what a session keeps.
            model_of: the model whose features are shown.
            first: settings of the map before a visitor changes them; coloured by the first factor.
        """
        self.tab, self.model_of, self.first = tab, model_of, first
        self._config, self._asked, self._guest = f"{tab}_map", f"{tab}_asked", f"{tab}_guest"
        self._other, self._driver = f"{tab}_other_map", f"{tab}_map_driver"

    # ---- Layout and wiring

    def lay_out(self, height: int = MAP_HEIGHT) -> MapPart:
        """Lay map, neighbours and the door for a picture of one's own out where it is called, as one column."""
        with gr.Column(min_width=340, elem_classes=["map-column"]):
            explorer = embedding_explorer(label=LABEL, height=height, elem_id=f"{self.tab}-map")
            neighbours = answers.html_area(elem_id=f"{self.tab}-neighbours")
            with gr.Row(elem_classes=["actions"]):
                own = gr.UploadButton(
                    "Place a picture of your own",
                    size="sm",
                    file_types=["image"],
                    file_count="single",
                    elem_id=f"{self.tab}-guest",
                    min_width=170,
                )
                forget = gr.Button("Remove it", size="sm", visible=False, elem_id=f"{self.tab}-forget", min_width=80)
        return MapPart(explorer, neighbours, own, forget)

    def lay_out_origin(self) -> gr.HTML:
        """Lay the line that says which model answers out where it is called."""
        return answers.html_area(elem_id=f"{self.tab}-origin", elem_classes=["note-line"])

    def wire(self, store: SessionStore, part: MapPart, origin: gr.HTML) -> None:
        """Wire map, picked picture, own picture and the line of the model."""

        def session_of(request: gr.Request) -> Session:
            return store.of(str(request.session_hash))

        def on_pick(event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
            session = session_of(request)
            if not self.ask(session, event._data):
                return gr.skip(), gr.skip()
            return self.marks(session), self.neighbours_html(session)

        async def on_layout(event: gr.EventData, request: gr.Request) -> AsyncIterator[Any]:
            session = session_of(request)
            self.keep(session, changed_map(self.config(session), event._data))
            yield self.frame(session)
            async for frame in self.frames_at_rest(store, session):
                yield frame

        async def on_seen(request: gr.Request) -> AsyncIterator[Any]:
            async for frame in self.frames_at_rest(store, session_of(request), reopened=True):
                yield frame

        def on_items(request: gr.Request) -> tuple[Any, str]:
            session = session_of(request)
            return self.items(session), self.origin_html(session)

        def on_guest(path: str | None, request: gr.Request) -> list[Any]:
            session = session_of(request)
            problem = self.take_guest(session, path)
            if problem:
                return [gr.skip(), problem, gr.skip()]
            return [self.frame(session), self.neighbours_html(session), gr.update(visible=True)]

        def on_forget(request: gr.Request) -> list[Any]:
            session = session_of(request)
            session.uploads.pop(self._guest, None)
            return [self.frame(session), self.neighbours_html(session), gr.update(visible=False)]

        shown = part.explorer
        shown.frame.pick(on_pick, None, [shown.marks, part.neighbours], api_name=False, **QUICK)
        shown.frame.layout(on_layout, None, shown.frame, api_name=False, **AT_REST)
        seen = shown.frame.items(on_items, None, [shown.items, origin], api_name=False, **QUICK)
        seen.then(on_seen, None, shown.frame, api_name=False, **AT_REST)
        guest = [shown.frame, part.neighbours, part.forget]
        part.own.upload(on_guest, part.own, guest, api_name=f"{self.tab}_place_picture", **QUICK)
        part.forget.click(on_forget, None, guest, api_name=False, **QUICK)

    def rest(self, store: SessionStore) -> Callable[[gr.Request], AsyncIterator[Any]]:
        """Make the handler that brings a page's map to rest, for `TabRun.rest` and for what loads another model."""

        async def on_rest(request: gr.Request) -> AsyncIterator[Any]:
            async for frame in self.frames_at_rest(store, store.of(str(request.session_hash))):
                yield frame

        return on_rest

    # ---- Settings

    def kept(self, session: Session) -> MapConfig | None:
        """The settings that the visitor chose, or a link brought; None: neither."""
        config: MapConfig | None = session.uploads.get(self._config)
        return config

    def keep(self, session: Session, config: MapConfig) -> None:
        """Let these settings count from now on."""
        session.uploads[self._config] = config

    def config(self, session: Session) -> MapConfig:
        """The visitor's settings of the map; at first coloured by the first factor."""
        kept = self.kept(session)
        if kept is not None:
            return kept
        model, _ = self.model_of(session)
        first = next(iter(model.map_pictures.factors), None) if model is not None else None
        return self.first.with_changes(colour=f"factor:{first}") if first else self.first

    # ---- The map

    def source(self, session: Session) -> Source[PictureVectors] | None:
        """The features that the map shows, or None where there are none."""
        model, _ = self.model_of(session)
        if model is None or not len(model.probed.features):
            return None
        run = session.runs.get(self.tab)
        own = run is not None and run.frozen is model
        views = run.views if own and run is not None else session.uploads.setdefault(self._other, {})
        if views.get("probed_of") is not model.probed:
            views |= {"probed_of": model.probed, "vectors": vectors_of(model)}
            if not own:
                views.pop("map", None)
        vectors = views["vectors"]
        return Source(
            run.id if own and run is not None else f"model-{id(model.probed):x}",
            vectors,
            model.probed.step if own else 1,
            f"{model.probed.step:,} steps",
            not session.is_driven(self.tab),
            views,
            lambda n: f"{n:,} held-out pictures",
            factors=vectors.factors,
        )

    def poll(self, store: SessionStore, session: Session) -> bool:
        """Let the map follow its model for a moment; returns whether there is a new frame."""
        source = self.source(session)
        if source is None:
            return False
        fresh, _ = map_of(source, self.config(session)).poll(store, source)
        return fresh

    def frame(self, session: Session, *, with_history: bool = False) -> Any:
        """The map as it is now, with the asked picture, its neighbours and the visitor's own picture."""
        source, (model, _) = self.source(session), self.model_of(session)
        if source is None or model is None:
            return None
        view = map_of(source, self.config(session))
        asked, near = self.asked_and_near(session, source)
        guests = []
        brought = session.uploads.get(self._guest)
        if brought is not None:
            vector = embed_one(model, brought)
            guests = guests_of(source, view, vector[None], ["your picture"], [data_url(brought)])
            asked, near = None, []
        return packed_frame(source, view, asked, near, with_history=with_history, guests=guests)

    def marks(self, session: Session) -> Any:
        """The asked picture and its neighbours, for the map that the page shows."""
        source = self.source(session)
        if source is None:
            return gr.skip()
        return packed_marks(source, map_of(source, self.config(session)), *self.asked_and_near(session, source))

    def items(self, session: Session) -> Any:
        """Pictures, names and factors of the map's points."""
        source, (model, _) = self.source(session), self.model_of(session)
        if source is None or model is None:
            return gr.skip()
        pictures = model.map_pictures
        view = map_of(source, self.config(session))
        sprite, swatches = sprite_of_map(pictures), swatches_of(pictures)
        return packed_items(source, view, noun="picture", sprite=sprite, swatches=swatches)

    async def frames_at_rest(
        self, store: SessionStore, session: Session, *, reopened: bool = False
    ) -> AsyncIterator[Any]:
        """The map while it comes to rest; ends when it does, when a training draws it, or when the page is gone.

        On a page that was opened just now the last frame brings the history once more: the first may have come too
        early.
        """
        mine = session.uploads[self._driver] = object()
        more = True
        while more and session.uploads.get(self._driver) is mine and session.left is None:
            source = self.source(session)
            if source is None or session.is_driven(self.tab):
                return
            fresh, more = map_of(source, self.config(session)).poll(store, source)
            if fresh or not more:
                yield self.frame(session, with_history=reopened and not more)
            await asyncio.sleep(SETTLING_PAUSE_SECONDS)

    # ---- The asked picture and its neighbours

    def ask(self, session: Session, data: Any) -> bool:
        """Ask for the picture behind a point that was clicked; False: page and server speak of different maps."""
        source = self.source(session)
        index = None if source is None else picked_index(source, map_of(source, self.config(session)), data)
        if index is None:
            return False
        session.uploads[self._asked] = index
        return True

    def asked_and_near(self, session: Session, source: Source[PictureVectors]) -> tuple[int | None, list[int]]:
        """The picture that was clicked last and its nearest neighbours."""
        asked = session.uploads.get(self._asked, 0)
        if asked >= len(source.vectors):
            return None, []
        return asked, [index for index, _ in source.vectors.nearest(asked, NEIGHBOURS_SHOWN)]

    def take_guest(self, session: Session, path: str | None) -> str:
        """Keep a visitor's picture for the map and delete its file; returns a problem, or nothing."""
        from backends.data.own_pictures import read_picture

        if not path:
            return answers.problem("No picture arrived: choose a JPEG, PNG, WebP or GIF file.")
        try:
            session.uploads[self._guest] = read_picture(Path(path), GUEST_SIDE)
        except PictureError as error:
            return answers.problem(str(error))
        finally:
            Path(path).unlink(missing_ok=True)
        return ""

    def neighbours_html(self, session: Session) -> str:
        """The asked picture (or the visitor's own) and the held-out pictures whose features are most like its."""
        source, (model, _) = self.source(session), self.model_of(session)
        if source is None or model is None:
            return answers.sentence(WAITING)
        pictures = model.map_pictures
        brought = session.uploads.get(self._guest)
        if brought is not None:
            found = source.vectors.nearest_to(embed_one(model, brought), NEIGHBOURS_SHOWN)
            return neighbours_strip("your picture", data_url(brought), pictures, found)
        asked, _ = self.asked_and_near(session, source)
        if asked is None:
            return answers.sentence("Click a picture on the map for its neighbours.")
        found = source.vectors.nearest(asked, NEIGHBOURS_SHOWN)
        asked_src = data_url(pictures.at_size([asked], NEIGHBOUR_SIDE)[0])
        return neighbours_strip(pictures.names[asked], asked_src, pictures, found)

    def origin_html(self, session: Session) -> str:
        """Where the answers come from."""
        return answers.sentence(self.model_of(session)[1])


def neighbours_strip(name: str, src: str, pictures: PictureSet, found: list[tuple[int, float]]) -> str:
    """A picture and its neighbours in a row.

    Args:
        name: of the asked picture; untrusted.
        src: its data URL.
        pictures: those of the map.
        found: index and cosine of each neighbour, nearest first.
    """
    images = pictures.at_size([index for index, _ in found], NEIGHBOUR_SIDE)
    near = "".join(
        f'<figure title="{html.escape(pictures.names[index], quote=True)}">'
        f'<img src="{data_url(image)}" alt="{html.escape(pictures.names[index], quote=True)}">'
        f'<figcaption class="num">{cosine:.2f}</figcaption></figure>'
        for (index, cosine), image in zip(found, images, strict=True)
    )
    told = html.escape(name, quote=True)
    return (
        f'<div class="picture-neighbours"><figure class="asked" title="{told}">'
        f'<img src="{src}" alt="{told}"><figcaption>nearest:</figcaption></figure>{near}</div>'
    )


def vectors_of(model: PictureModel) -> PictureVectors:
    """What a model makes of its held-out pictures."""
    pictures = model.map_pictures
    return PictureVectors(model.probed.features, pictures.names, pictures.factors)


def embed_one(model: PictureModel, picture: np.ndarray) -> np.ndarray:
    """(D,) features of one (S, S, 3) picture of any size."""
    from backends.data.pictures import resize

    return model.embed(resize(picture[None], int(model.config.image_size)))[0]


def swatches_of(pictures: PictureSet) -> dict[str, tuple[str, ...]]:
    """The colours that classes have of their own, for a map's key."""
    if pictures.name != "apples":
        return {}
    from backends.data.apples import COLOUR_SWATCHES

    return {"colour": COLOUR_SWATCHES}


def sprite_of_map(pictures: PictureSet) -> dict[str, Any]:
    """The map's pictures as one sheet."""
    return sprite_of(pictures.at_size(np.arange(len(pictures)), THUMBNAIL))
