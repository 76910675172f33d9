"""What a visitor has typed or chosen outside the settings, and a link carries along: texts, and numbers as texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backends.engine.config import format_number
from playground.session import Session

MAX_LINK_TEXT = 600
"""Characters of a text that a link carries; a longer one is left out, for browsers and hosts cut long addresses."""


@dataclass(frozen=True)
class KeptText:
    """A text that is kept in the session.

    Attributes:
        name: of the link's parameter.
        read: returns it.
        take: puts what a link says into the session; it has been checked.
        first: what it is at first, which a link leaves out.
        check: returns a sentence about what is wrong with a link's text, or nothing.
    """

    name: str
    read: Callable[[Session], str]
    take: Callable[[Session, str], None]
    first: str
    check: Callable[[str], str] = lambda text: ""


def text_of(name: str, kept_of: Callable[[Session], Any], attribute: str, first: str) -> KeptText:
    """A text that is an attribute of something that the session keeps."""

    def take(session: Session, text: str) -> None:
        setattr(kept_of(session), attribute, text)

    return KeptText(name, lambda session: str(getattr(kept_of(session), attribute)), take, first)


def number_of(
    name: str, kept_of: Callable[[Session], Any], attribute: str, first: float, *, least: float, most: float
) -> KeptText:
    """The same for a number within bounds; it is whole where `first` is."""
    kind = type(first)

    def check(text: str) -> str:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is not None and least <= value <= most:
            return ""
        sort = "a whole number" if kind is int else "a number"
        bounds = f"from {format_number(least)} to {format_number(most)}"
        return f"{name} is {text[:40] or 'empty'}; it must be {sort} {bounds}. The default was kept."

    def take(session: Session, text: str) -> None:
        setattr(kept_of(session), attribute, kind(text))

    return KeptText(name, lambda session: str(getattr(kept_of(session), attribute)), take, str(first), check)


def places_of(
    name: str, read: Callable[[Session], set[int]], take: Callable[[Session, set[int]], None], most: int
) -> KeptText:
    """Places that were clicked, from 0 up to one below `most`, written as 0.3.17; at first there are none."""

    def check(text: str) -> str:
        places = text.split(".")
        if all(place.isdecimal() and place.isascii() and len(place) < 6 and int(place) < most for place in places):
            return ""
        return f"{name} is {text[:40]}; it must be numbers below {most} with dots between them. It was left out."

    def put(session: Session, text: str) -> None:
        take(session, {int(place) for place in text.split(".")})

    return KeptText(name, lambda session: ".".join(map(str, sorted(read(session)))), put, "", check)


def kept_texts(session: Session, kept: tuple[KeptText, ...]) -> dict[str, str]:
    """What of a session goes into a link: what isn't as it was at first and isn't too long."""
    texts = {each.name: each.read(session) for each in kept}
    firsts = {each.name: each.first for each in kept}
    return {name: text for name, text in texts.items() if text != firsts[name] and 0 < len(text) <= MAX_LINK_TEXT}


def take_texts(session: Session, kept: tuple[KeptText, ...], texts: dict[str, str]) -> None:
    """Put what a link says into a session."""
    for each in kept:
        if each.name in texts:
            each.take(session, texts[each.name])
