"""What the Language tab's links carry besides its settings: the texts that are asked, and what is hidden in them."""

from __future__ import annotations

from playground.link_texts import KeptText, number_of, text_of
from playground.session import Session
from playground.tabs import language_continue, language_fill, language_layers, language_repair, language_ways


def _take_broken(session: Session, text: str) -> None:
    asked = language_repair.asked_of(session)
    asked.text, asked.truth = text, ()


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
    text_of("fill", language_fill.asked_of, "text", language_fill.Asked().text),
    KeptText(
        "repair", lambda session: language_repair.asked_of(session).text, _take_broken, language_repair.Asked().text
    ),
    text_of("prompt", language_continue.written_of, "prompt", language_continue.Written().prompt),
    text_of("first", language_layers.asked_of, "first", language_layers.Asked().first),
    text_of("second", language_layers.asked_of, "second", language_layers.Asked().second),
)
