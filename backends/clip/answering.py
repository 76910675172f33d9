"""What the page asks of a model that answers, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from backends.clip.zero_shot import Space

if TYPE_CHECKING:
    from backends.clip.pairs import Pairs


class HasData(Protocol):
    """The one setting that every model has."""

    @property
    def data(self) -> str:
        """Which pictures its prompts should fit: "emoji", "apples" or "own"."""


class Answering(Space, Protocol):
    """A model that answers on the page: one made here, or one of the library transformers."""

    @property
    def config(self) -> HasData:
        """Its settings."""

    @property
    def pairs(self) -> Pairs | None:
        """The pictures that it is shown with; None where only its file is here."""

    @property
    def scores(self) -> dict[str, float]:
        """Its newest tests, by name."""

    @property
    def occlusion_cells(self) -> int:
        """Of a side of the grid on which a picture is covered part by part."""
