"""What the Language tab's links carry besides its settings: the texts that are asked, and what is hidden in them."""

from __future__ import annotations

from playground.link_texts import KeptText, number_of, places_of, text_of
from playground.session import Session
from playground.tabs import language_continue, language_fill, language_layers, language_repair, language_ways

MAX_DRAW = 1_000_000


def _take_broken(session: Session, text: str) -> None:
    asked = language_repair.asked_of(session)
    asked.text, asked.truth = text, ()


def _take_places(session: Session, places: set[int]) -> None:
    language_ways.kept_ways(session).places = places


def _take_broken_way(session: Session, way: str) -> None:
    language_ways.kept_ways(session).shuffled = way == language_ways.SHUFFLED


def _no_way(way: str) -> str:
    ways = (language_ways.CUT_OUT, language_ways.SHUFFLED)
    return "" if way in ways else f"broken is {way[:40]}; it must be {' or '.join(ways)}. The default was kept."


TEXTS: tuple[KeptText, ...] = (
    text_of("text", language_ways.kept_ways, "text", language_ways.Ways().text),
    number_of(
        "hidden",
        language_ways.kept_ways,
        "ratio",
        language_ways.Ways().ratio,
        least=language_ways.MIN_RATIO,
        most=language_ways.MAX_RATIO,
    ),
    number_of(
        "span_length",
        language_ways.kept_ways,
        "span",
        language_ways.Ways().span,
        least=language_ways.MIN_SPAN,
        most=language_ways.MAX_SPAN,
    ),
    number_of("draw", language_ways.kept_ways, "seed", language_ways.Ways().seed, least=0, most=MAX_DRAW),
    KeptText(
        "broken",
        lambda session: language_ways.broken_of(language_ways.kept_ways(session)),
        _take_broken_way,
        language_ways.CUT_OUT,
        _no_way,
    ),
    places_of(
        "tokens", lambda session: language_ways.kept_ways(session).places, _take_places, language_ways.MOST_TOKENS
    ),
    text_of("fill", language_fill.asked_of, "text", language_fill.Asked().text),
    KeptText(
        "repair", lambda session: language_repair.asked_of(session).text, _take_broken, language_repair.Asked().text
    ),
    text_of("prompt", language_continue.written_of, "prompt", language_continue.Written().prompt),
    text_of("first", language_layers.asked_of, "first", language_layers.Asked().first),
    text_of("second", language_layers.asked_of, "second", language_layers.Asked().second),
)
