"""The settings of a map of embeddings, each defined here and nowhere else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from backends.engine.config import MethodConfig, setting

LIVE_POINTS = 5_000
"""More points than these wait for the training to rest: laying them out would take the time of the training."""

FACTOR_PREFIX = "factor:"
FACTOR_COLOUR = r"^factor:[a-z0-9_]{1,40}$"
"""The colour of a map by one factor of its pictures: "factor:shape"."""
FactorColour = Annotated[str, StringConstraints(pattern=FACTOR_COLOUR)]


class MapConfig(MethodConfig):
    """Settings of a map; the defaults move smoothly while a small model trains."""

    method: Literal["umap", "pca"] = setting(
        "umap",
        "UMAP keeps neighbours together; PCA shows the directions of greatest spread, distances included.",
        label="Layout",
        choices={"umap": "UMAP", "pca": "PCA"},
    )
    dimensions: int = setting(2, "A plane, or a space that can be turned.", label="Dimensions of the map", ge=2, le=3)
    points: int = setting(
        2_000,
        "How many points are shown, the most frequent first. Above 5,000 the map waits for the training to rest.",
        label="Points",
        ge=10,
        le=50_000,
    )
    n_neighbors: int = setting(
        15,
        "How many neighbours UMAP keeps together. Few show local detail, many the broad shape.",
        label="Neighbours",
        ge=2,
        le=100,
    )
    min_dist: float = setting(
        0.1, "How close UMAP may pack points. Small values make clumps.", label="Minimum distance", ge=0.0, le=0.99
    )
    metric: Literal["cosine", "euclidean", "correlation"] = setting(
        "cosine",
        "What counts as near: the angle (cosine), the distance with lengths (euclidean), the angle after "
        "subtracting each vector's own mean (correlation).",
        label="Distance",
        choices={"cosine": "cosine", "euclidean": "euclidean", "correlation": "correlation"},
    )
    colour: Literal["plain", "frequency", "cluster", "similarity"] | FactorColour = setting(
        "plain",
        "What the colour of a point says; of pictures it can say a factor's class.",
        label="Colour",
        choices={
            "plain": "one colour",
            "frequency": "frequency",
            "cluster": "cluster",
            "similarity": "similarity to the word",
            "factor:name": "class of the factor of that name",
        },
    )

    @property
    def factor(self) -> str | None:
        """The factor that colours the points, if one does; a map may have no such factor."""
        return self.colour.removeprefix(FACTOR_PREFIX) if self.colour.startswith(FACTOR_PREFIX) else None
